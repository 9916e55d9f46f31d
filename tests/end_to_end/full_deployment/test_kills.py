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

KILLS = 20
LONGEST_SECONDS = 10.0  # Less than the duration of a deploy.


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_deploy(checkout: Checkout, seed: int) -> None:
    """After SIGKILL at a random moment, the next deploy completes all stacks.

    The end state is that of one deploy: each stack is complete, and a third deploy keeps all of them.
    """
    emulator.pause_autosave(checkout.endpoint)
    delay = random.Random(seed).uniform(0, LONGEST_SECONDS)
    with checkout.running_until_killed("deploy") as deploy:
        time.sleep(delay)
        state = Path(f"/proc/{deploy.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    checkout.run("deploy")
    stacks = checkout.stacks()
    kept = checkout.run("deploy")

    assert state in {"R", "S", "D"}, "the deploy ended before it was killed"
    assert {*stacks.values()} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, delay
    assert re.match(r"\d+ kept, in ", kept.last), delay
    assert resources(checkout)["databases"] == ["crd-local-database"]
