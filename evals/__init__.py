"""Benchmarks for Article QA: `python -m evals.run` asks every question of a file and measures the answers."""
