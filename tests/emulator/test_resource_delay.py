"""Delayed resources of stacks."""

from __future__ import annotations

import time

import emulator
from tests.emulator.own_emulator import wait_until
from tests.emulator.templates import template, topic
from tests.emulator_server import Aws


def test_each_resource_is_delayed(aws: Aws) -> None:
    """A stack of three resources takes at least three times the delay."""
    emulator.set_resource_delay(aws.endpoint, 0.2)
    started = time.monotonic()

    aws.deploy("slow", template(A=topic("a"), B=topic("b"), C=topic("c")))

    assert time.monotonic() - started >= 0.6


def test_delay_of_one_stack(aws: Aws) -> None:
    """While the resources of one stack are delayed, another stack can be created."""
    emulator.set_resource_delay(aws.endpoint, 600)
    change_set = aws.create_change_set("slow", template(A=topic("a")))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    wait_until(lambda: ("A", "CREATE_IN_PROGRESS", "") in aws.events("slow"))
    emulator.set_resource_delay(aws.endpoint, 0)

    fast = aws.deploy("fast", template(A=topic("d")))

    assert ("CREATE_COMPLETE", "CREATE_IN_PROGRESS") == (
        fast["StackStatus"],
        aws.stack("slow")["StackStatus"],
    )
