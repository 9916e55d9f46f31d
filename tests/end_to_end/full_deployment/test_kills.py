"""A deploy that is killed at any moment is completed by the next one."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import emulator
from tests.end_to_end.full_deployment.test_destroy import resources

if TYPE_CHECKING:
    from tests.end_to_end.checkout import Checkout

KILLS, STACKS = 20, 17
PAUSE_SECONDS = 0.4  # After the creation of a stack: less than the rest of the deploy.


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_deploy(checkout: Checkout, seed: int) -> None:
    """After SIGKILL at a random moment, the next deploy completes all stacks.

    The moment is a pause after the creation of some of the stacks. The end state is that of one
    deploy: each stack is complete, and a third deploy keeps all of them.
    """
    emulator.pause_autosave(checkout.endpoint)
    chosen = random.Random(seed)
    created, pause = chosen.randrange(STACKS), chosen.uniform(0, PAUSE_SECONDS)
    with checkout.running_until_killed("deploy") as deploy:
        while created:
            created -= (
                re.search(r" created +in \d+ s$", deploy.process.stderr.readline()) is not None
            )
        time.sleep(pause)
        is_running = Path(f"/proc/{deploy.process.pid}").exists()

    checkout.run("deploy")
    stacks = checkout.stacks()
    kept = checkout.run("deploy")

    assert is_running, "the deploy ended before it was killed"
    assert {*stacks.values()} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert re.match(r"\d+ kept, in ", kept.last)
    assert resources(checkout)["databases"] == ["crd-local-database"]
