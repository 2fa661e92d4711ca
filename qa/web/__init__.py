"""The page: events of one question folded into what a browser shows."""
