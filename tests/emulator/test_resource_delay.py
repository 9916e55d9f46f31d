"""Delayed resources of stacks."""

from __future__ import annotations

import time

import emulator
from tests.emulator.templates import template, topic
from tests.emulator_server import Aws


def test_delay_of_one_stack(aws: Aws) -> None:
    """While the resources of one stack are delayed, another stack can be created."""
    emulator.set_resource_delay(aws.endpoint, 0.8)
    change_set = aws.create_change_set("slow", template(A=topic("a"), B=topic("b"), C=topic("c")))
    aws.cfn.execute_change_set(ChangeSetName=change_set)
    started = time.monotonic()

    fast = aws.deploy("fast", template(A=topic("d")))
    meanwhile = aws.stack("slow")["StackStatus"]

    assert ("CREATE_COMPLETE", "CREATE_IN_PROGRESS") == (fast["StackStatus"], meanwhile)
    assert "CREATE_COMPLETE" == aws.wait_for_stack("slow")["StackStatus"]
    assert 1.6 < time.monotonic() - started < 10
