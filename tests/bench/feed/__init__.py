"""The peers of the benchmark of the home feed."""
