"""The data losses of a changed template."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import data_loss
from deployer.data_loss import STATEFUL, DataLoss
from deployer.model.template_tree import TemplateTree
from deployer.registry import resource_type
from deployer.template_yaml import load

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parent.parent.parent
DELETED = "its data is deleted"
RETAINED = "it is kept, outside of CloudFormation"
NO_LOSS_YET = "no data is lost yet, but a later deletion would be final"


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """Return a template of these resources."""
    return {"Resources": resources}


def table(policy: str | None = "Retain", **properties: Any) -> dict[str, Any]:
    """Return a table that is retained by default."""
    body: dict[str, Any] = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
    if policy:
        body |= {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
    return body


def tree(body: dict[str, Any], **nested: TemplateTree) -> TemplateTree:
    """Return the tree of a template and the templates nested in it."""
    return TemplateTree(json.dumps(body), nested)


def losses(old: dict[str, Any], new: dict[str, Any]) -> tuple[DataLoss, ...]:
    """Return the losses of a change of a template without nested stacks."""
    return data_loss.find_data_losses(tree(old), tree(new))


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the change and the consequence of each loss."""
    return [(loss.change, loss.consequence) for loss in losses(old, new)]


@pytest.mark.parametrize(
    ("policy", "consequence"),
    [
        ("Retain", RETAINED),
        ("RetainExceptOnCreate", RETAINED),
        ("Snapshot", "a final snapshot is kept"),
        ("Delete", DELETED),
        (None, DELETED),
    ],
)
def test_a_removed_resource_has_a_consequence(policy: str | None, consequence: str) -> None:
    """The consequence of a removal follows from the deployed policy."""
    assert changes(template(Table=table(policy)), template()) == [("is removed", consequence)]


def test_a_renamed_resource_counts_as_removed() -> None:
    """A new logical id means a removed and a new resource."""
    assert changes(template(Table=table()), template(Messages=table())) == [
        ("is removed", RETAINED)
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ({"TableName": "a"}, {"TableName": "b"}, "is replaced, because TableName changes"),
        ({}, {"TableName": "b"}, "is replaced, because TableName changes"),
        (
            {"KeySchema": [{"AttributeName": "a"}]},
            {"KeySchema": [{"AttributeName": "b"}]},
            "may be replaced, because KeySchema changes",
        ),
    ],
)
def test_a_replacement_has_a_cause(old: dict[str, Any], new: dict[str, Any], what: str) -> None:
    """A change of a create-only property of the registry is a replacement."""
    before, after = template(Table=table(**old)), template(Table=table("Delete", **new))

    assert changes(before, after)[0] == (what, DELETED)


def test_a_replacement_affects_referring_resources() -> None:
    """A replaced subnet group also replaces the database that refers to it."""
    database = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {"DBSubnetGroupName": {"Ref": "Subnets"}},
        "UpdateReplacePolicy": "Snapshot",
    }
    group = {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"DBSubnetGroupName": "a"}}
    renamed = {**group, "Properties": {"DBSubnetGroupName": "b"}}

    assert changes(
        template(Subnets=group, Database=database), template(Subnets=renamed, Database=database)
    ) == [
        (
            "is replaced, because DBSubnetGroupName refers to Subnets",
            "a final snapshot is kept",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            {"DeletionProtectionEnabled": True},
            {"DeletionProtectionEnabled": False},
            "loses DeletionProtectionEnabled True, gets False",
        ),
        (
            {"DeletionProtectionEnabled": True},
            {},
            "loses DeletionProtectionEnabled True, gets none",
        ),
        (
            {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
            {},
            "loses PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled True, gets none",
        ),
    ],
)
def test_a_removed_protection_is_a_loss(
    old: dict[str, Any], new: dict[str, Any], what: str
) -> None:
    """Removing a protection is a finding, although no data is lost yet."""
    assert changes(template(Table=table(**old)), template(Table=table(**new))) == [
        (what, NO_LOSS_YET)
    ]


@pytest.mark.parametrize(("days", "named"), [("1", True), ("30", False), ("7", False)])
def test_fewer_backup_days_are_a_loss(days: str, named: bool) -> None:
    """Fewer backup days are a finding, as text and as a number."""

    def database(kept: str | int) -> dict[str, Any]:
        return {"Type": "AWS::RDS::DBInstance", "Properties": {"BackupRetentionPeriod": kept}}

    found = [what for what, _ in changes(template(D=database(7)), template(D=database(days)))]

    assert any("loses BackupRetentionPeriod 7" in what for what in found) is named


@pytest.mark.parametrize(
    "type_",
    [
        "Backup::BackupVault",
        "Cognito::IdentityPool",
        "Cognito::UserPool",
        "DocDB::DBCluster",
        "DynamoDB::GlobalTable",
        "DynamoDB::Table",
        "EC2::Volume",
        "ECR::Repository",
        "EFS::FileSystem",
        "FSx::FileSystem",
        "KMS::Key",
        "Kinesis::Stream",
        "Logs::LogGroup",
        "Neptune::DBCluster",
        "OpenSearchService::Domain",
        "RDS::DBCluster",
        "RDS::DBInstance",
        "Redshift::Cluster",
        "Route53::HostedZone",
        "S3::Bucket",
        "SQS::Queue",
        "SSM::Parameter",
        "SecretsManager::Secret",
    ],
)
def test_a_removed_resource_with_data_is_a_loss(type_: str) -> None:
    """A resource of each of these types holds data, also without a retention policy."""
    resource = {"Type": f"AWS::{type_}"}

    assert changes(template(Data=resource), template()) == [("is removed", DELETED)]


@pytest.mark.parametrize(
    ("type_", "protected", "weakened", "what"),
    [
        (
            "Cognito::UserPool",
            {"DeletionProtection": "ACTIVE"},
            {"DeletionProtection": "INACTIVE"},
            "loses DeletionProtection ACTIVE, gets INACTIVE",
        ),
        (
            "RDS::DBInstance",
            {"DeletionProtection": True},
            {"DeletionProtection": False},
            "loses DeletionProtection True, gets False",
        ),
        (
            "RDS::DBCluster",
            {"BackupRetentionPeriod": 7},
            {"BackupRetentionPeriod": 1},
            "loses BackupRetentionPeriod 7, gets 1",
        ),
        (
            "S3::Bucket",
            {"VersioningConfiguration": {"Status": "Enabled"}},
            {"VersioningConfiguration": {"Status": "Suspended"}},
            "loses VersioningConfiguration.Status Enabled, gets Suspended",
        ),
    ],
)
def test_each_type_has_its_protections(
    type_: str, protected: dict[str, Any], weakened: dict[str, Any], what: str
) -> None:
    """Weakening the protection of each type is a finding."""
    old, new = (
        {"Type": f"AWS::{type_}", "Properties": properties} for properties in (protected, weakened)
    )

    assert changes(template(Data=old), template(Data=new)) == [(what, NO_LOSS_YET)]


def test_weaker_policies_are_a_loss() -> None:
    """A change from Retain to Delete is a finding, for both policies."""
    assert changes(template(Table=table("Retain")), template(Table=table(None))) == [
        ("loses DeletionPolicy Retain, gets none", NO_LOSS_YET),
        ("loses UpdateReplacePolicy Retain, gets none", NO_LOSS_YET),
    ]


def test_stronger_protections_are_not_a_loss() -> None:
    """A stronger protection is not a finding."""
    assert changes(template(Table=table(None)), template(Table=table("Retain"))) == []


def test_a_resource_without_data_is_not_a_loss() -> None:
    """A resource without data is a finding only if a policy retains it."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {}}

    assert changes(template(Topic=topic), template()) == []
    assert changes(template(Topic={**topic, "DeletionPolicy": "Retain"}), template()) == [
        ("is removed", RETAINED)
    ]


def test_stateful_types_are_in_the_registry() -> None:
    """The registry has every stateful type."""
    assert {name for name in STATEFUL if resource_type(name) is None} == set()


def test_every_stateful_resource_of_prod_is_protected() -> None:
    """Removing or renaming any stateful resource of prod, or weakening it, is a finding."""
    checked = 0
    for path in sorted((ROOT / "build/prod").glob("*.yaml")):
        whole = load(path.read_text())
        for name, resource in whole["Resources"].items():
            if (
                resource["Type"] not in STATEFUL
                and resource.get("DeletionPolicy", "Delete") == "Delete"
            ):
                continue
            removed, weakened = copy.deepcopy(whole), copy.deepcopy(whole)
            del removed["Resources"][name]
            weakened["Resources"][name].pop("DeletionPolicy", None)

            assert name in {loss.logical_id for loss in losses(whole, removed)}
            assert name in {loss.logical_id for loss in losses(whole, weakened)}
            assert losses(whole, whole) == ()
            checked += 1

    assert checked


def nested_stack(**more: Any) -> dict[str, Any]:
    """Return a nested stack that is deleted with its resource."""
    return {"Type": "AWS::CloudFormation::Stack", "DeletionPolicy": "Delete"} | more


def nest(inner: TemplateTree, title: str = "Inner", **more: Any) -> TemplateTree:
    """Return a template with *inner* nested in it."""
    return tree(template(**{title: nested_stack(**more)}), **{title: inner})


def with_paths(found: tuple[DataLoss, ...]) -> list[tuple[str, str, str]]:
    """Return path, name, change and consequence of each loss."""
    return [
        ("/".join([*loss.path, loss.logical_id]), loss.change, loss.consequence) for loss in found
    ]


KEYED = {"KeySchema": [{"AttributeName": "a"}]}
REKEYED = {"KeySchema": [{"AttributeName": "b"}]}
TEMPLATES = st.dictionaries(
    st.sampled_from(["Table", "Queue", "Topic"]),
    st.builds(
        lambda type_, policy, name: {
            "Type": type_,
            "Properties": {"TableName": name},
            **({"DeletionPolicy": policy} if policy else {}),
        },
        st.sampled_from(["AWS::DynamoDB::Table", "AWS::SNS::Topic"]),
        st.sampled_from(["Retain", "Snapshot", "Delete", None]),
        st.sampled_from(["a", "b", {"Ref": "Topic"}]),
    ),
).map(lambda resources: {"Resources": resources})


@given(TEMPLATES, TEMPLATES, st.lists(st.sampled_from(["A", "B"]), max_size=3))
def test_a_nested_loss_is_the_same_loss_with_a_path(
    before: dict[str, Any], after: dict[str, Any], path: list[str]
) -> None:
    """A loss in a nested template is the same loss with a path, at any depth."""
    old, new = tree(before), tree(after)
    for title in reversed(path):
        old, new = nest(old, title), nest(new, title)

    assert data_loss.find_data_losses(old, new) == tuple(
        replace(loss, path=tuple(path)) for loss in losses(before, after)
    )


@given(TEMPLATES)
def test_a_removed_nested_stack_loses_its_resources(inner: dict[str, Any]) -> None:
    """Removing or renaming a nested stack removes each of its resources."""
    removed = [("Inner", loss.logical_id, loss.change) for loss in losses(inner, template())]

    for new in (tree(template()), nest(tree(inner), "Other")):
        found = data_loss.find_data_losses(nest(tree(inner)), new)

        assert [(*loss.path, loss.logical_id, loss.change) for loss in found] == removed


def test_a_loss_shows_its_path() -> None:
    """The text of a loss begins with its path."""
    [loss] = data_loss.find_data_losses(nest(tree(template(Table=table()))), tree(template()))

    assert str(loss) == (
        "Inner/Table (AWS::DynamoDB::Table) is removed: it is kept, outside of CloudFormation"
    )


def test_two_nested_stacks_of_one_template_are_two() -> None:
    """Of two nested stacks with the same template only the changed one has a loss."""
    old, new = (tree(template(Table=table("Delete", **keys))) for keys in (KEYED, REKEYED))
    outer = template(A=nested_stack(), B=nested_stack())

    assert with_paths(
        data_loss.find_data_losses(tree(outer, A=old, B=old), tree(outer, A=old, B=new))
    ) == [("B/Table", "may be replaced, because KeySchema changes", DELETED)]


def test_a_retained_nested_stack_keeps_its_data() -> None:
    """A retained nested stack is a finding itself, but its resources are not."""
    kept = nest(tree(template(Table=table("Delete"))), DeletionPolicy="Retain")

    assert with_paths(data_loss.find_data_losses(kept, tree(template()))) == [
        ("Inner", "is removed", RETAINED)
    ]


def test_a_nested_stack_that_is_no_longer_retained() -> None:
    """Lowering the retention of a nested stack is a finding."""
    inner = tree(template(Table=table("Delete")))

    assert with_paths(
        data_loss.find_data_losses(nest(inner, DeletionPolicy="Retain"), nest(inner))
    ) == [("Inner", "loses DeletionPolicy Retain, gets Delete", NO_LOSS_YET)]


def test_a_nested_stack_that_gets_another_type() -> None:
    """A new type deletes the nested stack, unless its UpdateReplacePolicy retains it."""
    old = nest(tree(template(Table=table("Delete"))))
    topic = {"Type": "AWS::SNS::Topic"}
    kept = tree(template(Inner={**topic, "UpdateReplacePolicy": "Retain"}))

    assert with_paths(data_loss.find_data_losses(old, tree(template(Inner=topic)))) == [
        ("Inner/Table", "is removed, because Inner becomes AWS::SNS::Topic", DELETED)
    ]
    assert data_loss.find_data_losses(old, kept) == ()


@pytest.mark.parametrize(
    "name",
    [{"Ref": "Name"}, {"Fn::Sub": "${Name}-x"}, {"Fn::Sub": ["${N}", {"N": {"Ref": "Name"}}]}],
)
def test_a_changed_parameter_affects_a_nested_stack(name: Any) -> None:
    """A changed parameter of an unchanged nested template replaces the resources that use it."""
    inner = tree(template(Table=table("Delete", TableName=name)) | {"Parameters": {"Name": {}}})

    def with_name(value: Any) -> TemplateTree:
        return nest(inner, Properties={"Parameters": {"Name": value}})

    assert with_paths(data_loss.find_data_losses(with_name("a"), with_name("b"))) == [
        ("Inner/Table", "is replaced, because TableName refers to Name", DELETED)
    ]
    assert data_loss.find_data_losses(with_name("a"), with_name("a")) == ()


def test_a_changed_output_affects_another_nested_stack() -> None:
    """A changed output of a nested stack affects another nested stack that gets it."""

    def whole(name: str) -> TemplateTree:
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}
        producer = template(Group=group, Topic={"Type": "AWS::SNS::Topic"}) | {
            "Outputs": {"Group": {"Value": {"Ref": "Group"}}, "Topic": {"Value": {"Ref": "Topic"}}}
        }
        consumer = template(
            Table=table("Delete", TableName={"Ref": "Name"}),
            Same=table("Delete", TableName={"Ref": "Same"}),
        ) | {"Parameters": {"Name": {}, "Same": {}}}
        parameters = {
            "Name": {"Fn::GetAtt": ["Producer", "Outputs.Group"]},
            "Same": {"Fn::Sub": "${Producer.Outputs.Topic}"},
        }
        outer = template(
            Producer=nested_stack(), Consumer=nested_stack(Properties={"Parameters": parameters})
        )
        return tree(outer, Producer=tree(producer), Consumer=tree(consumer))

    assert with_paths(data_loss.find_data_losses(whole("a"), whole("b"))) == [
        ("Producer/Group", "is replaced, because LogGroupName changes", DELETED),
        ("Consumer/Table", "is replaced, because TableName refers to Name", DELETED),
    ]


CONDITION = {"Fn::Equals": [{"Ref": "Size"}, "large"]}
CHANGED = {"Fn::Equals": [{"Ref": "Size"}, "small"]}


def conditional(condition: dict[str, Any], name: str = "IsLarge") -> dict[str, Any]:
    """Return a template with a table that depends on a condition."""
    body = template(Table=table("Delete") | {"Condition": name})
    return body | {"Conditions": {name: condition}, "Parameters": {"Size": {"Type": "String"}}}


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (template(Table=table("Delete")), conditional(CONDITION), "IsLarge"),
        (conditional(CONDITION), conditional(CHANGED), "IsLarge"),
        (conditional(CONDITION), conditional(CONDITION, "IsSmall"), "IsSmall"),
    ],
)
def test_a_changed_condition_may_remove_a_resource(
    old: dict[str, Any], new: dict[str, Any], name: str
) -> None:
    """A changed condition is a finding, since templates do not say whether it is true."""
    assert changes(old, new) == [
        (f"may be removed, because its condition {name} changes", DELETED),
    ]


def test_an_unchanged_condition_removes_nothing() -> None:
    """An unchanged condition is not a finding, and neither is a removed one."""
    assert changes(conditional(CONDITION), conditional(CONDITION)) == []
    assert changes(conditional(CONDITION), template(Table=table("Delete"))) == []


def test_a_changed_condition_may_remove_a_nested_stack() -> None:
    """A changed condition of a nested stack is a finding for the data in it."""
    inner = tree(template(Table=table("Delete")))
    outer = template(Inner=nested_stack() | {"Condition": "IsLarge"})

    assert with_paths(
        data_loss.find_data_losses(
            tree(outer | {"Conditions": {"IsLarge": CONDITION}}, Inner=inner),
            tree(outer | {"Conditions": {"IsLarge": CHANGED}}, Inner=inner),
        )
    ) == [("Inner/Table", "may be removed, because its condition IsLarge changes", DELETED)]


def test_a_condition_depends_on_other_conditions_and_parameters() -> None:
    """A changed parameter or condition changes the conditions that use it."""
    conditions = {"Large": CONDITION, "IsLarge": {"Fn::Not": [{"Condition": "Large"}]}}
    body = conditional(CONDITION) | {"Conditions": conditions}

    assert data_loss.find_data_losses(tree(body), tree(body)) == ()
    assert with_paths(data_loss.find_data_losses(tree(body), tree(body), parameters=["Size"])) == [
        ("Table", "may be removed, because its condition IsLarge changes", DELETED)
    ]


NAME = {"Ref": "Name"}
NAMED = {"Fn::If": ["IsLarge", "a", "b"]}
MAPPED = {"Fn::FindInMap": ["Names", "a", "b"]}


@pytest.mark.parametrize(
    ("name", "section", "was", "becomes", "cause"),
    [
        (NAME, "Parameters", {"Name": {"Default": "a"}}, {"Name": {"Default": "b"}}, "Name"),
        (NAMED, "Conditions", {"IsLarge": CONDITION}, {"IsLarge": CHANGED}, "Conditions.IsLarge"),
        (
            MAPPED,
            "Mappings",
            {"Names": {"a": {"b": "c"}}},
            {"Names": {"a": {"b": "d"}}},
            "Mappings.Names",
        ),
    ],
)
def test_a_value_from_elsewhere_in_the_template(
    name: dict[str, Any], section: str, was: object, becomes: object, cause: str
) -> None:
    """A resource is replaced if a mapping, condition or resource that it uses changes."""
    body = template(Table=table("Delete", TableName=name))

    assert changes(body | {section: was}, body | {section: becomes}) == [
        (f"is replaced, because TableName refers to {cause}", DELETED)
    ]
