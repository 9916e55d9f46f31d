"""A thread with an event loop that runs coroutines for other threads."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
CANCEL_SECONDS = 5.0  # How long the coroutines may take to end.


class EventLoopThread:
    """A thread with one event loop, which is started for the first coroutine.

    asyncio requires that the same loop starts a process and waits for it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._start_lock = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether the thread was started and not stopped."""
        return self._loop is not None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run the coroutine of *work* on the thread, and return its result or raise its error."""
        with self._start_lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_run_forever, args=[self._loop], name=self._name, daemon=True
                ).start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(work(), loop).result()

    def stop(self) -> None:
        """Cancel all coroutines, and stop the loop and the thread.

        A thread that waits in `run` gets a CancelledError. Otherwise it would wait for ever, and so
        would a process that ends only after its threads.
        """
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None


def _run_forever(loop: asyncio.AbstractEventLoop) -> None:
    with contextlib.closing(loop):
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_SECONDS))
