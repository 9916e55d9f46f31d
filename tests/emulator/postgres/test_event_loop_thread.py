"""A thread with an event loop, used by several threads concurrently."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from emulator.postgres.event_loop_thread import EventLoopThread

THREADS = 8


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.mark.parametrize("attempt", range(20))
def test_all_coroutines_run_on_one_loop(attempt: int) -> None:
    """Concurrent first calls start one thread with one loop."""
    thread, barrier = EventLoopThread(f"attempt {attempt}"), threading.Barrier(THREADS)

    def run(_: int) -> asyncio.AbstractEventLoop:
        barrier.wait()
        return thread.run(running_loop)

    with ThreadPoolExecutor(THREADS) as pool:
        loops = set(pool.map(run, range(THREADS)))
    thread.stop()

    assert len(loops) == 1


def test_an_error_is_raised_in_the_calling_thread() -> None:
    """The loop continues after the error, until it is stopped."""
    thread = EventLoopThread("failing")

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        thread.run(fail)
    assert thread.run(running_loop)
    thread.stop()
    assert not thread.is_running


def test_a_waiting_thread_ends_when_the_loop_stops() -> None:
    """A stop during the creation of a database does not leave a thread that waits for ever."""
    thread, started = EventLoopThread("stopped"), threading.Event()

    async def wait() -> None:
        started.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(thread.run, wait)
        assert started.wait(60)
        thread.stop()

        with pytest.raises(CancelledError):
            waiting.result(timeout=60)
