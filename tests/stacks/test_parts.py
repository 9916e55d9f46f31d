import msgspec
import pytest

from tests.stacks.ask import config_of, emit, statements

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


@pytest.fixture
def everything():
    """Prod, with each bucket that a setting makes."""
    config = config_of("prod")
    cluster = msgspec.structs.replace(config.cluster, access_logs=True)
    cdn = msgspec.structs.replace(config.cdn, access_logs=True)
    return emit(msgspec.structs.replace(config, cluster=cluster, cdn=cdn))


def policies_of(everything):
    """The policy of each bucket, by the title of the bucket, in whichever stack it stands."""
    return {
        bucket.get("Ref") or bucket["Fn::ImportValue"].rpartition("-")[2]: policy["PolicyDocument"]
        for layer in everything.values()
        for policy in layer.of("AWS::S3::BucketPolicy").values()
        for bucket in [policy["Bucket"]]
    }


def test_every_bucket_has_one_policy_that_wants_tls(everything):
    """It may stand in another stack than the bucket, but not be forgotten."""
    buckets = [title for layer in everything.values() for title in layer.of("AWS::S3::Bucket")]

    policies = policies_of(everything)

    assert sorted(buckets) == sorted(policies)
    for policy in policies.values():
        guard = statements(policy)["OnlyOverTls"]
        assert ("Deny", "*", ["s3:*"]) == (guard["Effect"], guard["Principal"], guard["Action"])
        assert {"Bool": {"aws:SecureTransport": "false"}} == guard["Condition"]
        assert 2 == len(guard["Resource"])


def test_every_bucket_is_private(everything):
    """Nothing public, no access lists, and a name of this account's own."""
    for layer in everything.values():
        for bucket in layer.of("AWS::S3::Bucket").values():
            assert {True} == set(bucket["PublicAccessBlockConfiguration"].values())
            assert [{"ObjectOwnership": "BucketOwnerEnforced"}] == bucket["OwnershipControls"][
                "Rules"
            ]
            assert "account-regional" == bucket["BucketNamespace"]


def test_every_queue_wants_tls(everything):
    """And lets in nobody else but who has a right of their own."""
    for layer in everything.values():
        queues = layer.of("AWS::SQS::Queue")
        policies = layer.of("AWS::SQS::QueuePolicy").values()
        assert [{"Ref": title} for title in queues] == [one["Queues"][0] for one in policies]
        for policy in policies:
            denied = statements(policy["PolicyDocument"])["OnlyOverTls"]
            assert ("Deny", "*", ["sqs:*"]) == (
                denied["Effect"],
                denied["Principal"],
                denied["Action"],
            )
            assert {"Bool": {"aws:SecureTransport": "false"}} == denied["Condition"]


def test_every_topic_wants_tls(everything):
    """And lets one service publish, for this account."""
    for layer in everything.values():
        for policy in layer.of("AWS::SNS::TopicPolicy").values():
            allowed, denied = policy["PolicyDocument"]["Statement"]
            assert {"Ref": "AWS::AccountId"} == allowed["Condition"]["StringEquals"][
                "aws:SourceAccount"
            ]
            assert ("OnlyOverTls", "Deny", "*") == (
                denied["Sid"],
                denied["Effect"],
                denied["Principal"],
            )
