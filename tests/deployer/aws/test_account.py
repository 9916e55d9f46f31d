"""The calls of an account, with the emulator as AWS."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

import emulator
from deployer.aws.account import Account
from deployer.aws.cloud import (
    Identity,
    PropertyChange,
)
from deployer.errors import CloudError
from tests.deployer.aws.responses import (
    REGION,
    create_change_set,
    deploy,
    wait_for_operations,
)
from tests.emulator.templates import att, parameter, ref, resource, template, topic


def test_identity(account: Account, endpoint: emulator.Endpoint) -> None:
    """The account is that of the keys."""
    identity = account.identity()

    assert Identity(endpoint.account, f"arn:aws:iam::{endpoint.account}:root") == identity


def test_a_stack_has_all_values(account: Account) -> None:
    """One DescribeStacks call returns all values that a plan compares."""
    body = template(A=parameter(ref("P"))) | {
        "Parameters": {"P": {"Type": "String"}},
        "Outputs": {"Name": {"Value": ref("A")}},
    }

    found = deploy(account, body, parameters={"P": "1"}, tags={"env": "x"})

    assert (found.name, found.region, found.status) == ("s", REGION, "CREATE_COMPLETE")
    assert found.parameters == {"P": "1"}
    assert found.tags == {"env": "x"}
    assert found.outputs.keys() == {"Name"}
    assert (found.is_protected, found.is_nested) == (False, False)
    assert (found,) == account.stacks(REGION)


def test_a_region_has_its_own_stacks(account: Account) -> None:
    """A stack is in one region and in no other."""
    change_set = create_change_set(account, template(A=topic()), kind="CREATE", region="us-east-1")

    assert change_set.region == "us-east-1"
    assert [found.region for found in account.stacks("us-east-1")] == ["us-east-1"]
    assert account.stacks(REGION) == ()
    assert account.stack(REGION, "s") is None


def test_a_missing_stack_is_none(account: Account) -> None:
    """The result is None by name and by id; a deleted stack is found by its id."""
    deleted = deploy(account, template(A=topic()))
    account.delete_stack(REGION, deleted.id, "token")
    deleted_stack = wait_for_operations(account, deleted.id)

    assert deleted_stack.status == "DELETE_COMPLETE"
    assert account.stack(REGION, "s") is None
    assert account.stack(REGION, deleted.id.replace("stack/s/", "stack/t/")) is None
    assert account.stacks(REGION) == ()


@pytest.mark.parametrize(
    "text",
    [
        "# Generated: a comment – é.\nResources:\n  A:\n    Type: AWS::SNS::Topic\n",
        '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}\n',
        "Resources: {A: {Type: AWS::SNS::Topic}}   # no line end",
    ],
)
def test_a_template_is_returned_unchanged(account: Account, text: str) -> None:
    """A template is returned with its comments, spaces and line ends, which --verify compares."""
    deploy(account, text)

    assert text == account.template(REGION, "s")


def test_a_template_can_be_read_from_a_url(account: Account) -> None:
    """A template too long for a call is read from its bucket."""
    deploy(account, template(B=resource("AWS::S3::Bucket", BucketName="store")), stack="store")
    text = json.dumps(template(A=topic())) + " " * 60_000
    put = account.upload(REGION, "store", "templates/s.json", text.encode())

    deploy(account, text, url=put.url)

    assert put.url == f"https://store.s3.{REGION}.amazonaws.com/templates/s.json"
    assert text == account.template(REGION, "s")


def test_an_object_has_its_checksum_and_version(account: Account) -> None:
    """An uploaded object is found under its key, and under no other."""
    bucket = resource(
        "AWS::S3::Bucket", BucketName="store-1", VersioningConfiguration={"Status": "Enabled"}
    )
    deploy(account, template(B=bucket), stack="store")

    put = account.upload(REGION, "store-1", "a/key", b"content")
    replaced = account.upload(REGION, "store-1", "a/key", b"other")

    assert hashlib.sha256(b"content").hexdigest() == put.sha256
    assert put.version_url == f"{put.url}?versionId={put.version}"
    assert replaced == account.stored_object(REGION, "store-1", "a/key")
    assert replaced.version not in {put.version, ""}
    assert account.stored_object(REGION, "store-1", "a/ke") is None


def test_an_object_from_other_tools_has_no_checksum(account: Account) -> None:
    """An object of another tool has no SHA-256 of its content: S3 stores what the client chose."""
    deploy(account, template(B=resource("AWS::S3::Bucket", BucketName="store-2")), stack="store")
    client = account.client("s3", REGION)
    client.put_object(Bucket="store-2", Key="plain", Body=b"content")
    parts = {"Bucket": "store-2", "Key": "parts"}
    upload = client.create_multipart_upload(**parts, ChecksumAlgorithm="SHA256")["UploadId"]
    part = client.upload_part(
        **parts, UploadId=upload, PartNumber=1, Body=b"content", ChecksumAlgorithm="SHA256"
    )
    done = [{"PartNumber": 1} | {key: part[key] for key in ("ETag", "ChecksumSHA256")}]
    client.complete_multipart_upload(**parts, UploadId=upload, MultipartUpload={"Parts": done})

    found = [account.stored_object(REGION, "store-2", key) for key in ("plain", "parts")]

    assert [stored.sha256 for stored in found if stored] == ["", ""]


def test_an_existing_object_is_not_replaced(account: Account) -> None:
    """Without *replace*, an existing object is an error."""
    deploy(account, template(B=resource("AWS::S3::Bucket", BucketName="store-3")), stack="store")
    account.upload(REGION, "store-3", "key", b"content", replace=False)

    with pytest.raises(CloudError) as refused:
        account.upload(REGION, "store-3", "key", b"content", replace=False)

    assert (
        str(refused.value.message)
        == "s3://store-3/key: the object exists, and a release cannot replace it"
    )


def test_a_change_set_has_the_change_of_each_property(account: Account) -> None:
    """A change has the values before and after, the replacement and the cause."""
    body = template(Old=topic("old"), A=topic("one"), B=parameter(ref("A")), C=parameter(ref("P")))
    body |= {"Parameters": {"P": {"Type": "String"}}}
    deploy(account, body, parameters={"P": "1"})
    del body["Resources"]["Old"]
    body["Resources"] |= {"New": parameter("x"), "A": topic("two")}

    change_set = create_change_set(account, body, parameters={"P": "2"})

    changes = {change.logical_id: change for change in change_set.changes}
    actions = {name: (change.action, change.replacement) for name, change in changes.items()}
    assert actions == {
        "Old": ("Remove", ""),
        "New": ("Add", ""),
        "A": ("Modify", "True"),
        "B": ("Modify", "False"),
        "C": ("Modify", "False"),
    }
    assert changes["Old"].policy == "Delete"
    assert changes["A"].policy == "ReplaceAndDelete"
    assert changes["A"].physical_id.endswith(":one")
    assert (PropertyChange("/Properties/TopicName", "one", "two", "Always"),) == changes[
        "A"
    ].properties
    [because_of_a] = changes["B"].properties
    assert because_of_a.cause == "A"
    assert (PropertyChange("/Properties/Value", "1", "2", cause="P"),) == changes["C"].properties


def test_a_stack_in_review_has_the_common_tags_of_its_change_sets(account: Account) -> None:
    """A stack in REVIEW_IN_PROGRESS has the tags that all of its change sets have.

    CloudFormation adds tags to a stack only when a change set is executed.
    """
    body, tags = template(A=topic()), {"project": "cruddur", "env": "dev"}
    first = create_change_set(account, body, kind="CREATE", name="first", tags=tags)
    alone = account.stack(REGION, first.stack_id)
    others = tags | {"env": "dev-two"}
    second = create_change_set(account, body, kind="CREATE", name="second", tags=others)
    both = account.stack(REGION, first.stack_id)
    for change_set in (first, second):
        account.delete_change_set(REGION, change_set.arn)
    none = account.stack(REGION, first.stack_id)

    assert alone
    assert both
    assert none
    assert (tags, {"project": "cruddur"}, {}) == (alone.tags, both.tags, none.tags)
    assert [stack.tags for stack in account.stacks(REGION)] == [{}]


def test_an_update_of_a_deleted_stack_is_refused(account: Account) -> None:
    """A change set is created for the id of a stack, not for its name."""
    deleted = deploy(account, template(A=topic()))
    account.delete_stack(REGION, deleted.id, "deletion")
    wait_for_operations(account, deleted.id)
    recreated = deploy(account, template(A=topic()))

    with pytest.raises(CloudError):
        create_change_set(account, template(A=topic("two")), stack_id=deleted.id)

    assert recreated.id != deleted.id
    assert recreated == account.stack(REGION, recreated.id)


def test_the_first_change_set_creates_a_stack_in_review(account: Account) -> None:
    """The stack exists before the execution, under the id that it keeps."""
    change_set = create_change_set(account, template(A=topic()), kind="CREATE")

    found = account.stack(REGION, change_set.stack_id)
    assert found
    assert (found.name, found.status) == ("s", "REVIEW_IN_PROGRESS")
    assert (
        change_set.name,
        change_set.stack,
        change_set.status,
        change_set.execution,
    ) == ("change", "s", "CREATE_COMPLETE", "AVAILABLE")


@pytest.mark.parametrize(
    ("more", "tags"),
    [({"Outputs": {"Said": {"Value": "x"}}}, {"env": "x"}), ({}, {"env": "y"})],
    ids=["outputs", "tags"],
)
def test_changes_without_resources_are_not_empty(
    account: Account, more: Any, tags: dict[str, str]
) -> None:
    """Changes of outputs alone or tags alone are executed."""
    body = template(A=topic())
    deploy(account, body, tags={"env": "x"})

    change_set = create_change_set(account, body | more, tags=tags)
    account.execute_change_set(REGION, change_set.arn, "token")
    found = wait_for_operations(account, change_set.stack_id)

    assert (change_set.is_empty, change_set.execution) == (False, "AVAILABLE")
    assert (tags, len(more)) == (found.tags, len(found.outputs))


def test_an_empty_change_set(account: Account) -> None:
    """An empty change set has failed, and can be deleted."""
    deploy(account, template(A=topic()))

    change_set = create_change_set(account, template(A=topic()))
    account.delete_change_set(REGION, change_set.arn)

    assert (
        change_set.status,
        change_set.execution,
        change_set.is_empty,
    ) == ("FAILED", "UNAVAILABLE", True)
    with pytest.raises(CloudError, match="change: DescribeChangeSet: ChangeSetNotFound"):
        account.change_set(REGION, change_set.arn)


def test_events_after_an_earlier_one(account: Account) -> None:
    """Without an id all events are returned, otherwise the newer ones, oldest first."""
    found = deploy(account, template(A=parameter("1")))
    history = account.events(REGION, found.id)
    deploy(account, template(A=parameter("2")), kind="UPDATE")

    new = account.events(REGION, found.id, history[-1].id)

    assert (history[0].logical_id, history[0].status) == ("s", "REVIEW_IN_PROGRESS")
    assert [(event.logical_id, event.status) for event in new[:3]] == [
        ("s", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_COMPLETE"),
    ]
    assert new[0].of_stack
    assert not new[1].of_stack
    assert (*history, *new) == account.events(REGION, found.id)
    assert account.events(REGION, found.id, new[-1].id) == ()


def test_a_protected_stack_is_not_deleted(account: Account) -> None:
    """Termination protection can be enabled and disabled."""
    found = deploy(account, template(A=topic()))

    account.set_termination_protection(REGION, "s", enabled=True)
    protected = account.stack(REGION, found.id)
    with pytest.raises(CloudError, match=r"DeleteStack: ValidationError: .*Termination"):
        account.delete_stack(REGION, found.id, "token")
    account.set_termination_protection(REGION, "s", enabled=False)

    assert replace(found, is_protected=True) == protected
    assert found == account.stack(REGION, found.id)


def test_an_error_has_stack_and_call(account: Account) -> None:
    """The error has the stack, the call and the message of AWS."""
    with pytest.raises(CloudError) as refused:
        create_change_set(account, template(A=parameter(att("Gone", "Arn"))), kind="CREATE")

    assert refused.value.message.startswith("s: CreateChangeSet: ValidationError: ")


def test_an_upload_without_replacement(account: Account) -> None:
    """Without *replace* the existing object is kept, and the hint names the role that may replace it."""
    deploy(account, template(B=resource("AWS::S3::Bucket", BucketName="adding")), stack="adding")

    account.upload(REGION, "adding", "releases/a", b"1", replace=False)
    with pytest.raises(CloudError) as refused:
        account.upload(REGION, "adding", "releases/a", b"2", replace=False)
    account.upload(REGION, "adding", "releases/a", b"3")

    assert (
        refused.value.message
    ) == "s3://adding/releases/a: the object exists, and a release cannot replace it"
    assert "without --release" in refused.value.hint


def test_an_upload_to_a_missing_bucket(account: Account) -> None:
    """The error has the URL of the object."""
    with pytest.raises(CloudError) as refused:
        account.upload(REGION, "nobodys", "key", b"")

    assert refused.value.message.startswith("s3://nobodys/key: PutObject: NoSuchBucket: ")
