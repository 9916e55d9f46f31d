"""Contents of state files that cannot be loaded."""

DAMAGED_STATES = (
    b'{"services": ',
    b"",
    b"[]",
    b"[" * 100_000,
    b"\xff\xfe",
    b'{"format": 1}',
    b'{"format": 1, "services": [1]}',
    b'{"format": 1, "services": {"no-such-service": {}}}',
    b'{"format": 1, "services": {"cloudformation": [1, 2]}}',
    b'{"format": 2, "services": {}}',
)
