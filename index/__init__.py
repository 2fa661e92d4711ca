"""Articles -> a searchable library on disk. Knows nothing of language models."""
