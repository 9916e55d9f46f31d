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


def data_of(environment):
    """The policies of everything that holds data, by title."""
    return {
        title: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for layer in emit(config_of(environment)).values()
        for title, resource in layer.template["Resources"].items()
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
def test_data_outlives_its_stack_where_the_environment_protects_it(environment, policies):
    """And goes with it where it does not: nothing is left behind by chance."""
    data = data_of(environment)

    assert {"Artifacts", "Avatars", "BackendImages", "Messages", "People", "SiteFiles"} <= set(data)
    assert {policies} == set(data.values())


def test_nothing_else_is_retained(emitted):
    """What holds no data can be made again, and would only stand in the way."""
    retained = {
        resource["Type"]
        for layer in emitted.values()
        for resource in layer.template["Resources"].values()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }

    assert retained <= HOLDS_DATA | {"AWS::RDS::DBInstance"}
