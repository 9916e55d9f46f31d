"""The help of the flags that all tasks with stack operations have."""

from __future__ import annotations

JOBS = "how many stacks at a time"
TIMEOUT = "minutes to wait for one stack operation; AWS continues it"
JSON = "print versioned JSON lines, one per event"
