"""All changes of an environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployer.preview.propagation import scope_key
from deployer.preview.values import CodeChange
from tests.deployer.preview.reviewed_stacks import actions, by_name, compare, resources, stack

TABLE = "AWS::DynamoDB::Table"
KEY = [{"AttributeName": "pk", "KeyType": "HASH"}]


def table(**properties: Any) -> dict[str, Any]:
    """Return a template with a table."""
    return resources(Table=(TABLE, {"KeySchema": KEY, **properties}))


def test_stacks_are_created_and_removed() -> None:
    """All resources of a new or a removed stack are added or removed, and data is lost."""
    found = compare([stack("a", table())], [stack("b", table())])

    assert [(change.short_name, change.action) for change in found.stacks] == [
        ("b", "created"),
        ("a", "removed"),
    ]
    assert actions(found) == {"b/Table": "added", "a/Table": "removed"}
    assert [str(loss) for loss in found.data_losses] == [
        "a: Table (AWS::DynamoDB::Table) is removed: its data is deleted"
    ]


def test_a_replaced_table_loses_its_data() -> None:
    """A change of a create-only property of a table is a loss."""
    found = compare([stack("a", table(TableName="x"))], [stack("a", table(TableName="y"))])

    assert [(loss.resource, loss.loss.kind) for loss in found.data_losses] == [
        ("a/Table", "replaced")
    ]


def test_a_changed_export_can_lose_data_elsewhere() -> None:
    """A resource with data is replaced if its create-only property imports a changed export."""

    def producer(cidr: str) -> Any:
        output = {"Value": {"Ref": "Vpc"}, "Export": {"Name": "name"}}
        body = resources(Vpc=("AWS::EC2::VPC", {"CidrBlock": cidr}))
        return stack("a", {**body, "Outputs": {"Vpc": output}})

    consumer = stack("b", table(TableName={"Fn::ImportValue": "name"}))

    found = compare([producer("1"), consumer], [producer("2"), consumer])

    assert [(loss.stack, loss.loss.change) for loss in found.data_losses] == [
        ("b", "is replaced, because TableName refers to export name")
    ]


def test_sources_settings_and_code_are_attached() -> None:
    """A change has its line, its setting, and the change of its code."""

    def function(digest: str) -> Any:
        key = f"releases/lambdas/greet/{digest * 32}.zip"
        properties = {"Code": {"S3Key": key}, "MemorySize": int(digest)}
        return stack("a", resources(Greet=("AWS::Lambda::Function", properties)))

    before, after = function("1"), function("2")
    scope = scope_key(after)
    code = CodeChange("greet", (), ())

    change = by_name(
        compare(
            [before],
            [after],
            sources={(scope, "Greet"): "stacks/a.py:7"},
            settings={(scope, "Resources", ("Greet", "Properties", "MemorySize")): ("a.memory",)},
            code=lambda name: replace(code, name=name),
        )
    )["a/Greet"]

    assert change.source == "stacks/a.py:7"
    assert change.code == code
    assert [(item.name, item.settings, item.is_detailed) for item in change.properties] == [
        ("Code.S3Key", (), True),
        ("MemorySize", ("a.memory",), False),
    ]


def test_an_output_has_the_settings_of_its_parts() -> None:
    """An output comes from the settings of its value and of its export, each named once."""

    def producer(port: str) -> Any:
        output = {"Value": port, "Export": {"Name": f"a-{port}"}}
        return stack("a", {**table(), "Outputs": {"Port": output}})

    before, after = producer("1"), producer("2")
    scope = scope_key(after)

    (change,) = compare(
        [before],
        [after],
        settings={
            (scope, "Outputs", ("Port", "Value")): ("a.port",),
            (scope, "Outputs", ("Port", "Export", "Name")): ("a.port", "a.name"),
            (scope, "Outputs", ("Other", "Value")): ("a.other",),
        },
    ).stacks

    assert [(item.name, item.settings) for item in change.outputs] == [
        ("Port", ("a.port", "a.name"))
    ]


def test_the_setting_of_a_property_applies_to_its_parts() -> None:
    """A part of a place that comes from a setting comes from the setting, too."""
    before, after = (stack("a", table(Tags=[{"Key": "k", "Value": v}])) for v in "xy")
    place = (scope_key(after), "Resources", ("Table", "Properties", "Tags"))

    (change,) = by_name(compare([before], [after], settings={place: ("a.tag",)}))[
        "a/Table"
    ].properties

    assert (change.name, change.settings) == ("Tags[k].Value", ("a.tag",))


def test_tags_and_parameters_of_a_stack_are_compared() -> None:
    """A change that is only in the arguments of the call is a change of the stack."""
    before = replace(stack("a", table()), attributes={"tags": "a=b"}, parameters={"P": "x"})
    after = replace(stack("a", table()), attributes={"tags": "a=c"}, parameters={})

    (change,) = compare([before], [after]).stacks

    assert [(item.name, item.before, item.after) for item in change.attributes] == [
        ("tags", "a=b", "a=c"),
        ("parameter P", "x", None),
    ]


def test_statements_and_rules_explain_their_properties() -> None:
    """A change within a statement is shown by the statement, not by the property."""

    def role(action: str) -> Any:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = {"Statement": [statement]}
        return stack(
            "a", resources(Role=("AWS::IAM::Role", {"AssumeRolePolicyDocument": document}))
        )

    change = by_name(compare([role("sts:A")], [role("sts:*")]))["a/Role"]

    assert [item.direction for item in change.statements] == ["widened"]
    assert [item.is_detailed for item in change.properties] == [True]
