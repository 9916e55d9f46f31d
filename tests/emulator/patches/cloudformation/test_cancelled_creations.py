"""A stack that is being created can be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import emulator
from tests.emulator.templates import template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_delete_during_creation(aws: Aws) -> None:
    """The creation ends, and what was created is deleted; no rollback is reported.

    AWS: DeleteStack (API reference). The order of the events is not verified.
    """
    change_set = aws.create_change_set("s", template(A=topic(), B=topic()))
    emulator.set_resource_delay(aws.endpoint, 600)
    aws.cfn.execute_change_set(ChangeSetName=change_set)

    stack_id = aws.stack("s")["StackId"]
    aws.cfn.delete_stack(StackName="s")
    emulator.set_resource_delay(aws.endpoint, 0)

    deleted = aws.wait_for_stack(stack_id)
    statuses = [status for title, status, _ in aws.events(stack_id) if title == "s"]
    assert deleted["StackStatus"] == "DELETE_COMPLETE"
    assert statuses[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert "ROLLBACK_IN_PROGRESS" not in statuses
