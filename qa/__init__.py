"""Question -> Answer: every shown sentence cites the sentences of the articles that prove it."""
