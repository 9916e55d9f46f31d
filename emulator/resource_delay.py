"""Delay each resource of an account's stacks, so that tests can watch or interrupt an operation.

The delay does not block the event loop: other stacks and all services continue. A new delay also
applies to resources that are waiting.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from emulator.ministack import cloudformation, context

if TYPE_CHECKING:
    from collections.abc import Callable

_delays: dict[str, float] = {}
_STEP_SECONDS = 0.05


def set_delay(request: dict[str, Any]) -> None:
    """Set the delay of each resource in the account of *request*."""
    _delays[request["account"]] = float(request["seconds"])


def delay_seconds(account: str) -> float:
    """Return the delay of each resource of *account* in seconds."""
    return _delays.get(account, 0.0)


async def _wait(account: str) -> None:
    """Wait until the delay of *account* is over, whatever it is by then."""
    waited = 0.0
    while (rest := delay_seconds(account) - waited) > 0:
        step = min(rest, _STEP_SECONDS)
        await asyncio.sleep(step)
        waited += step


def install() -> None:
    """Wait before each resource is created, updated or deleted.

    MiniStack awaits run_on_thread for the resource types for which needs_thread returns true, and
    calls the function for other types directly. With a delay, needs_thread is true for all types.
    """
    needs_thread = cloudformation.needs_thread.current  # Without the change below.

    async def wait_and_run(
        run: Callable[..., Any], work: Callable[..., Any], kind: str, *args: Any
    ) -> Any:
        await _wait(context.account())
        if needs_thread(kind):
            return await run(work, kind, *args)
        return work(kind, *args)

    cloudformation.run_on_thread.around(wait_and_run)
    cloudformation.needs_thread.after(
        lambda is_needed, _kind: is_needed or delay_seconds(context.account()) > 0
    )
