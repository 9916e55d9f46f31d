"""Tests of the hint to import a resource that exists already."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.retained_resources import import_hint
from tests.fakes import desired_stack

BUCKET = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "Properties": {"BucketName": "precious"},
}
REASON = "Resource of type 'AWS::S3::Bucket' with identifier 'precious' already exists."
STACK = replace(
    desired_stack("store"), body={"Resources": {"Bucket": BUCKET}}, tags={"owner": "a b"}
)


@pytest.mark.parametrize(
    ("is_new", "kind", "first"),
    [(True, "CREATE", "delete the stack if it exists, then "), (False, "UPDATE", "")],
)
def test_a_taken_name(is_new: bool, kind: str, first: str) -> None:
    """The hint names the resource, and the command that imports it with the stack."""
    assert import_hint(STACK, "dev", REASON, is_new=is_new) == (
        f"if an earlier deletion retained Bucket: {first}import it, execute the change set, and "
        "deploy: "
        "aws cloudformation create-change-set --import-existing-resources "
        f"--change-set-name=import --change-set-type={kind} --stack-name=crd-x-store "
        "--region=ca-central-1 --template-body=file://build/dev/store.yaml --tags "
        "'Key=owner,Value=a b'"
    )


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (BUCKET, "precious: no room"),
        (BUCKET, "another bucket already exists"),
        (BUCKET, "precious already exists in stack arn:x"),
        ({**BUCKET, "DeletionPolicy": "Delete"}, REASON),
        ({"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}, REASON),
    ],
)
def test_other_failures(resource: dict[str, object], reason: str) -> None:
    """There is no hint for other reasons, and for resources that CloudFormation does not import."""
    stack = replace(STACK, body={"Resources": {"Bucket": resource}})

    assert import_hint(stack, "dev", reason, is_new=True) == ""
