"""Save the state after each stack operation, and one second after any other change, unless paused."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from emulator import interrupted_operations
from emulator.access import function_credentials
from emulator.ministack import cloudformation, persistence

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from emulator.state import State

_log = logging.getLogger("emulator.autosave")
DELAY_SECONDS = 1.0


class Autosave:
    """Loads *state* when the server starts, and saves it after changes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False

    async def start(self) -> None:
        """Load the state, roll back interrupted operations, and save after each stack operation."""
        started = time.perf_counter()
        persistence.remember_code_digests()
        self._state.load()
        function_credentials.delete_sessions()
        await interrupted_operations.roll_back()
        cloudformation.create_stack_task.around(self._schedule_and_save)
        _log.info("state loaded in %.0f ms", 1000 * (time.perf_counter() - started))

    def pause(self, _request: dict[str, Any]) -> None:
        """Save only when the server stops."""
        self._is_paused = True

    def save_now(self) -> None:
        """Save the state, unless saving is paused."""
        if not self._is_paused:
            self.save()

    def save(self) -> None:
        """Save the state of all services together.

        If a stack were saved without its resources, it could not be rolled back.
        """
        if self._timer:
            self._timer.cancel()
            self._timer = None
        started = time.perf_counter()
        self._state.save()
        _log.info("state saved in %.0f ms", 1000 * (time.perf_counter() - started))

    def save_soon(self) -> None:
        """Save one second after the first change since the last save."""
        if self._timer is None and not self._is_paused:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(DELAY_SECONDS, self.save_now)

    def _schedule_and_save(
        self, schedule: Callable[..., None], operation: Coroutine[Any, Any, None], *arguments: Any
    ) -> None:
        """Save when a scheduled stack operation has ended, also after an error."""

        async def run_and_save() -> None:
            try:
                await operation
            finally:
                self.save_now()

        schedule(run_and_save(), *arguments)
