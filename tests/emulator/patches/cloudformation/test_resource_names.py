"""Names that belong to a resource of another stack."""

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
def test_taken_name(aws: Aws, named: dict[str, Any]) -> None:
    """A name belongs to one resource until that is deleted; its own stack can be updated.

    AWS: "Name type" (user guide); "… already exists", common knowledge.
    """
    aws.deploy("s", template(Resource=named))

    other = aws.deploy("t", template(Resource=named))
    again = aws.deploy("s", template(Resource=named, More=topic("more")))
    aws.delete("s")
    aws.delete("t")
    freed = aws.deploy("u", template(Resource=named))

    assert "ROLLBACK_COMPLETE" == other["StackStatus"]
    assert any("already exists" in reason for *_, reason in aws.events(other["StackId"]))
    assert "UPDATE_COMPLETE" == again["StackStatus"]
    assert "CREATE_COMPLETE" == freed["StackStatus"]
