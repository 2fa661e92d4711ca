"""Benchmarks of the machinery: what a killed process leaves, how long things take."""
