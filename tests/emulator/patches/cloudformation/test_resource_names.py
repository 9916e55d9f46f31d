"""Names that a resource of another stack has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.templates import resource, template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


@pytest.mark.parametrize(
    "named",
    [
        resource("AWS::SQS::Queue", QueueName="one"),
        resource("AWS::SNS::Topic", TopicName="one"),
        resource("AWS::Logs::LogGroup", LogGroupName="one"),
        resource("AWS::SSM::Parameter", Name="/one", Type="String", Value="x"),
    ],
    ids=lambda resource_: resource_["Type"],
)
def test_existing_name(aws: Aws, named: dict[str, Any]) -> None:
    """A second stack with the same name fails; the first one can still be updated.

    After the first resource was deleted, its name can be used again.

    AWS: "Name type" (user guide); "… already exists", from many issues.
    """
    aws.deploy("s", template(Resource=named))

    other = aws.deploy("t", template(Resource=named))
    updated = aws.deploy("s", template(Resource=named, More=topic("more")))
    aws.delete("s")
    aws.delete("t")
    after_deletion = aws.deploy("u", template(Resource=named))

    assert other["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("already exists" in reason for *_, reason in aws.events(other["StackId"]))
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert after_deletion["StackStatus"] == "CREATE_COMPLETE"
