"""Values of properties in described change sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import parameter, template, topic

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_property_values(aws: Aws) -> None:
    """With IncludePropertyValues, a change set has the old and the new value of each property.

    AWS: IncludePropertyValues, BeforeContext, AfterContext, BeforeValue, AfterValue (API reference
    of DescribeChangeSet); the exact shape of contexts is not verified.
    """
    aws.deploy("s", template(A=topic(), B=parameter("1"), C=parameter("x")))
    proposed = template(A=topic("two"), B=parameter({"Ref": "A"}), D=parameter("y"))

    change_set = aws.create_change_set("s", proposed)
    description = aws.cfn.describe_change_set(ChangeSetName=change_set, IncludePropertyValues=True)

    changes = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
        for change in description["Changes"]
    }
    [target] = [detail["Target"] for detail in changes["A"]["Details"]]
    assert (
        target["Path"],
        target["BeforeValue"],
        target["AfterValue"],
        target["AttributeChangeType"],
    ) == ("/Properties/TopicName", "one", "two", "Modify")
    assert "{{changeSet:KNOWN_AFTER_APPLY}}" in changes["B"]["AfterContext"]
    assert '"Value": "x"' in changes["C"]["BeforeContext"]
    assert '"Value": "y"' in changes["D"]["AfterContext"]
    assert "BeforeContext" not in changes["D"]
