"""Decides when the state is written: after each stack operation at once, else a second later."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from emulator import interrupted_operations, ministack
from emulator.access import function_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from emulator.state import State

_log = logging.getLogger("emulator.autosave")
SOON_SECONDS = 1.0


class Saver:
    """Saves *state* when told to, and by itself after each operation on a stack."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._timer: asyncio.TimerHandle | None = None

    async def load(self) -> None:
        """Bring the saved state back, undo what was under way when it was written, and watch."""
        started = time.perf_counter()
        self._state.load()
        function_credentials.drop_function_sessions()
        await interrupted_operations.undo()
        ministack.wrap("_create_stack_task_in_region", self._saving_after)
        _log.info("state loaded in %.0f ms", 1000 * (time.perf_counter() - started))

    def save_now(self) -> None:
        """Save before anything else happens.

        Always everything: a stack saved without the resources it names could not be undone.
        """
        if self._timer:
            self._timer.cancel()
            self._timer = None
        started = time.perf_counter()
        self._state.save()
        _log.info("state saved in %.0f ms", 1000 * (time.perf_counter() - started))

    def save_soon(self) -> None:
        """Save a second after the first change since the last save."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SOON_SECONDS, self.save_now)

    def _saving_after(self, schedule: Callable[..., None]) -> Callable[..., None]:
        """Save when a scheduled stack operation has ended, whichever way."""

        async def saving(operation: Coroutine[Any, Any, None]) -> None:
            try:
                await operation
            finally:
                self.save_now()

        def scheduling(operation: Coroutine[Any, Any, None], *where: Any) -> None:
            schedule(saving(operation), *where)

        return scheduling
