"""Benchmarks of the project against other tools: `python -m tests.bench [NAME…]`."""
