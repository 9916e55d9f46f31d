"""Delayed resources of stacks."""

from __future__ import annotations

import time

import emulator
from tests.emulator.own_emulator import wait_until
from tests.emulator.templates import template, topic
from tests.emulator_server import Aws


def start(aws: Aws, stack: str) -> None:
    """Start the creation of a stack, and return when its resource is in progress."""
    change_set = aws.create_change_set(stack, template(A=topic(stack)))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    wait_until(lambda: ("A", "CREATE_IN_PROGRESS", "") in aws.events(stack))


def test_each_resource_is_delayed(aws: Aws) -> None:
    """A stack of three resources takes at least three times the delay."""
    emulator.set_resource_delay(aws.endpoint, 0.2)
    started = time.monotonic()

    aws.deploy("slow", template(A=topic("a"), B=topic("b"), C=topic("c")))

    assert time.monotonic() - started >= 0.6


def test_delays_are_concurrent(aws: Aws) -> None:
    """While the resources of one stack are delayed, those of another stack can start."""
    emulator.set_resource_delay(aws.endpoint, 600)

    start(aws, "first")
    start(aws, "second")

    assert [aws.stack(s)["StackStatus"] for s in ("first", "second")] == ["CREATE_IN_PROGRESS"] * 2


def test_a_new_delay_applies_to_waiting_resources(aws: Aws) -> None:
    """A shorter delay ends the current one."""
    emulator.set_resource_delay(aws.endpoint, 600)
    start(aws, "slow")

    emulator.set_resource_delay(aws.endpoint, 0)

    assert aws.wait_for_stack("slow")["StackStatus"] == "CREATE_COMPLETE"
