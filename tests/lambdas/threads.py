"""Wait for threads that a function has left behind."""

from __future__ import annotations

import threading


def has_ended(name: str, *, seconds: float) -> bool:
    """Return whether every thread with this *name* ends within *seconds*."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(seconds)
    return not any(thread.name == name for thread in threading.enumerate())
