"""The thread of the databases, when several ask at once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.postgres.event_loop_thread import Worker

THREADS = 8


async def where() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.parametrize("turn", range(20))
def test_all_are_on_one_loop(turn: int) -> None:
    """A process that was started on one loop cannot be waited for on another."""
    worker, together = Worker(f"turn {turn}"), threading.Barrier(THREADS)

    def ask(_: int) -> asyncio.AbstractEventLoop:
        together.wait()
        return worker.run(where)

    with ThreadPoolExecutor(THREADS) as pool:
        loops = set(pool.map(ask, range(THREADS)))
    worker.end()

    assert 1 == len(loops)


def test_what_fails_fails_for_who_asked() -> None:
    """And the thread goes on."""
    worker = Worker("failing")

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        worker.run(fail)
    assert worker.run(where)
    worker.end()
    assert not worker.runs
