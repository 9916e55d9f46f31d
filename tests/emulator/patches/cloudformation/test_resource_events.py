"""Events of the resources of an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import broken, parameter, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_events_of_an_update(aws: Aws) -> None:
    """An update has events of the resources that it creates, updates and deletes, and no others.

    AWS: "View stack events" (user guide); the order of phases: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
    is "removing the old resources" (stack status codes).
    """
    aws.deploy("s", template(Same=parameter("1"), Old=parameter("1"), Changed=parameter("1")))
    before = len(aws.events("s"))

    aws.deploy("s", template(Same=parameter("1"), New=parameter("1"), Changed=parameter("2")))

    events = [(title, status) for title, status, _ in aws.events("s")[before:]]
    assert events == [
        ("s", "UPDATE_IN_PROGRESS"),
        ("Changed", "UPDATE_IN_PROGRESS"),
        ("Changed", "UPDATE_COMPLETE"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_COMPLETE"),
        ("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Old", "DELETE_IN_PROGRESS"),
        ("Old", "DELETE_COMPLETE"),
        ("s", "UPDATE_COMPLETE"),
    ]


def test_failed_update(aws: Aws) -> None:
    """A failed update is rolled back, and the first failed event has the reason."""
    aws.deploy("s", template(A=parameter("1")))

    stack = aws.deploy("s", template(A=parameter("2"), Broken=broken()))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    failed = [event for event in aws.events("s") if event[1].endswith("_FAILED")]
    assert [event[:2] for event in failed] == [("Broken", "CREATE_FAILED")]
    assert "The vpc ID 'vpc-missing' does not exist" in failed[0][2]
    assert aws.deploy("s", template(A=parameter("3")))["StackStatus"] == "UPDATE_COMPLETE"
