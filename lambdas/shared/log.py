"""Write log events as one line of JSON each, for metric filters and queries of CloudWatch."""

from __future__ import annotations

import json
import sys


def log(event: str, **fields: str | float | None) -> None:
    """Write *event* with its *fields*. Never pass tokens, signed URLs or names of users."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()
