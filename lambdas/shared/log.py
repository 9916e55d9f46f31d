"""Write log events as one line of JSON each, for metric filters and queries of CloudWatch."""

from __future__ import annotations

import json
import sys


def log(event: str, **fields: str | float | None) -> None:
    """Write *event* with *fields*. The caller must not pass tokens, signed URLs or user names."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()
