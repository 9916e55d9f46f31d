"""Lets resources of an account's stacks take time, for those who watch, interrupt or kill.

The time passes on the event loop: other stacks and all services go on meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from emulator import ministack

if TYPE_CHECKING:
    from collections.abc import Callable

_seconds: dict[str, float] = {}


def set_pace(order: dict[str, Any]) -> None:
    """Let each resource of *order*'s account take so many seconds from now on."""
    _seconds[order["account"]] = float(order["seconds"])


def of(account: str) -> float:
    """Return how long each resource of *account* takes."""
    return _seconds.get(account, 0.0)


def close() -> None:
    """Send resources of a paced account the way blocking ones go, and wait there."""
    needs_thread = ministack.needs_thread()

    def wait(run: Callable[..., Any]) -> Callable[..., Any]:
        async def waiting(work: Callable[..., Any], kind: str, *args: Any) -> Any:
            await asyncio.sleep(of(ministack.account()))
            if needs_thread(kind):
                return await run(work, kind, *args)
            return work(kind, *args)

        return waiting

    ministack.wrap("run_reentrant", wait)
    ministack.wrap(
        "_runs_on_worker_thread",
        lambda original: lambda kind: original(kind) or of(ministack.account()) > 0,
    )
