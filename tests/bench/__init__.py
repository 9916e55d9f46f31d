"""What we promise of speed, measured against a peer: `python -m tests.bench NAME`."""
