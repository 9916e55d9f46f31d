import msgspec
import pytest

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def foundation(emitted):
    return emitted["foundation"]


def test_nobody_else_can_take_the_name_of_the_artifact_bucket(foundation, config):
    """It stands in the account's own namespace, and is named after the environment."""
    bucket = foundation.one("AWS::S3::Bucket")

    assert "account-regional" == bucket["BucketNamespace"]
    assert f"crd-{config.env.name}-artifacts" == bucket["BucketNamePrefix"]


def test_artifacts_are_private(foundation):
    """Nothing public, no access lists, and nothing without TLS."""
    bucket = foundation.one("AWS::S3::Bucket")
    policy = foundation.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    arn = {"Fn::GetAtt": ["Artifacts", "Arn"]}

    assert {True} == set(bucket["PublicAccessBlockConfiguration"].values())
    assert [{"ObjectOwnership": "BucketOwnerEnforced"}] == bucket["OwnershipControls"]["Rules"]
    assert {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": [arn, {"Fn::Sub": ["${Bucket}/*", {"Bucket": arn}]}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } == statements(policy)["DenyInsecureTransport"]


def test_only_what_was_replaced_expires(foundation, config):
    """A rollback may want the artifact of any release, so what is current stays for ever."""
    bucket = foundation.one("AWS::S3::Bucket")

    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert {"Status": "Enabled"} == bucket["VersioningConfiguration"]
    assert {"incomplete-uploads", "replaced-artifacts"} == set(rules)
    assert not any("ExpirationInDays" in rule for rule in rules.values())
    assert {"NoncurrentDays": config.foundation.replaced_artifact_days} == rules[
        "replaced-artifacts"
    ]["NoncurrentVersionExpiration"]


def test_only_alarms_of_this_account_may_publish(foundation):
    """An alert is an alarm, not anybody's mail."""
    policy = statements(foundation.one("AWS::SNS::TopicPolicy")["PolicyDocument"])

    allowed = [one for one in policy.values() if one["Effect"] == "Allow"]

    assert [policy["AllowAlarmsToPublish"]] == allowed
    assert {"Service": "cloudwatch.amazonaws.com"} == allowed[0]["Principal"]
    assert {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}} == allowed[0][
        "Condition"
    ]


def test_each_address_hears_of_alarms(foundation, config):
    """One subscription for each address in the configuration."""
    subscriptions = foundation.of("AWS::SNS::Subscription").values()

    assert list(config.foundation.alert_emails) == [one["Endpoint"] for one in subscriptions]


def test_removing_an_address_moves_no_other():
    """A replaced subscription would have to be confirmed again."""
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


def test_other_layers_can_use_it(foundation):
    """What it publishes is what a release, an alarm and a role need."""
    assert {
        "Artifacts",
        "ArtifactsArn",
        "Alerts",
        "ReleaseRole",
        "Boundary",
    } == set(foundation.template["Outputs"])
