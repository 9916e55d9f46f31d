"""The artifact bucket, and the topic of alerts."""

import msgspec
import pytest

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def foundation(emitted):
    return emitted["foundation"]


def test_the_artifact_bucket_is_in_the_namespace_of_the_account(foundation, config):
    """The name is in the namespace of the account, so no other account can create it."""
    bucket = foundation.one("AWS::S3::Bucket")

    assert bucket["BucketNamespace"] == "account-regional"
    assert bucket["BucketNamePrefix"] == f"crd-{config.env.name}-artifacts"


def test_artifacts_are_private(foundation):
    """The bucket denies public access, ACLs and requests without TLS."""
    bucket = foundation.one("AWS::S3::Bucket")
    policy = foundation.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    arn = {"Fn::GetAtt": ["Artifacts", "Arn"]}

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": [arn, {"Fn::Sub": ["${Bucket}/*", {"Bucket": arn}]}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } == statements(policy)["DenyInsecureTransport"]


def test_only_replaced_artifacts_expire(foundation, config):
    """Only noncurrent versions expire: a rollback may need the artifacts of any release."""
    bucket = foundation.one("AWS::S3::Bucket")

    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(rules) == {"incomplete-uploads", "expire-replaced-artifacts"}
    assert not any("ExpirationInDays" in rule for rule in rules.values())
    assert {"NoncurrentDays": config.foundation.replaced_artifact_days} == rules[
        "expire-replaced-artifacts"
    ]["NoncurrentVersionExpiration"]


def test_only_alarms_of_this_account_can_publish(foundation):
    """The topic policy allows CloudWatch only, and only for this account."""
    policy = statements(foundation.one("AWS::SNS::TopicPolicy")["PolicyDocument"])

    allowed = [statement for statement in policy.values() if statement["Effect"] == "Allow"]

    assert [policy["AllowAlarmsToPublish"]] == allowed
    assert allowed[0]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed[0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_every_address_is_subscribed(foundation, config):
    """There is one subscription for each address in the configuration."""
    subscriptions = foundation.of("AWS::SNS::Subscription").values()

    assert list(config.foundation.alert_emails) == [
        subscription["Endpoint"] for subscription in subscriptions
    ]


def test_removing_an_address_replaces_no_other_subscription():
    """Other subscriptions stay; their owners would have to confirm replaced ones again."""
    config = config_of("dev")
    two = ("first@cruddur.example", "second@cruddur.example")

    before, after = (
        emit(
            msgspec.structs.replace(
                config,
                foundation=msgspec.structs.replace(config.foundation, alert_emails=emails),
            )
        )["foundation"].of("AWS::SNS::Subscription")
        for emails in (two, two[1:])
    )

    assert after.items() <= before.items()


def test_outputs(foundation):
    """The outputs are those that other stacks use."""
    assert set(foundation.template["Outputs"]) == {
        "Artifacts",
        "ArtifactsArn",
        "Alerts",
        "ReleaseRole",
        "Boundary",
    }
