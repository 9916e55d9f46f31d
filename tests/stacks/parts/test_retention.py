"""The deletion policies of resources that hold data."""

import pytest

from tests.stacks.templates import config_of, emit

HOLDS_DATA = {
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
}


def retention_of(environment):
    """Return the policies of all resources that hold data, by title."""
    return {
        title: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for stack in emit(config_of(environment)).values()
        for title, resource in stack.template["Resources"].items()
        if resource["Type"] in HOLDS_DATA
    }


@pytest.mark.parametrize(
    ("environment", "policies"),
    [
        ("local", ("Delete", "Delete")),
        ("dev", ("Delete", "Delete")),
        ("prod", ("RetainExceptOnCreate", "Retain")),
    ],
)
def test_protected_environments_retain_data(environment, policies):
    """Protected environments retain all data; other environments delete it with the stack."""
    retention = retention_of(environment)

    assert {
        "Artifacts",
        "AvatarBucket",
        "BackendRepository",
        "MessageTable",
        "UserPool",
        "SiteBucket",
    } <= set(retention)
    assert {policies} == set(retention.values())


def test_nothing_else_is_retained(emitted):
    """Other resources can be created again, and would block a new stack."""
    retained = {
        resource["Type"]
        for stack in emitted.values()
        for resource in stack.template["Resources"].values()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }

    assert retained <= HOLDS_DATA | {"AWS::RDS::DBInstance"}
