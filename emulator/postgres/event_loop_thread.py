"""A thread that runs coroutines for all others, started for the first one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """One event loop on a thread of its own: what is made on it is waited for on it, too."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()  # Two may be the first.

    @property
    def runs(self) -> bool:
        """Whether there was anything to do yet."""
        return self._loop is not None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Have *work* done, and wait for it; raises what it raises."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_serve, args=[self._loop], name=self._name, daemon=True
                ).start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(work(), loop).result()

    def end(self) -> None:
        """Have the thread end; nothing is waited for."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    with contextlib.closing(loop):
        loop.run_forever()
