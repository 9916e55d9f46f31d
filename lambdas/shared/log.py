"""One line of JSON for each thing worth knowing: what CloudWatch's queries and filters read."""

from __future__ import annotations

import json
import sys


def log(event: str, **facts: str | float | None) -> None:
    """Write that *event* happened, with its *facts*: never a token, a URL that is signed, or a name."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()
