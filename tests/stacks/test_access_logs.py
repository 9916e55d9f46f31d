"""The access logs of the distributions."""

import pytest
from msgspec.structs import replace

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def stacks():
    config = config_of("prod")
    return emit(
        replace(config, cdn=replace(config.cdn, access_logs=True, access_log_retention_days=30))
    )


@pytest.fixture
def access_logs(stacks):
    return stacks["access-logs"]


def test_access_logs_are_a_setting(emitted, stacks):
    """Access logs are off by default, because they cost money and contain IP addresses."""
    assert "access-logs" not in emitted
    assert "access-logs" in stacks


def test_both_distributions_are_logged_in_us_east_1(access_logs):
    """The logs of each distribution are delivered from us-east-1, the region of CloudFront."""
    sources = {
        source["Name"]: (source["LogType"], source["ResourceArn"])
        for source in access_logs.of("AWS::Logs::DeliverySource").values()
    }

    assert access_logs.stack.region == "us-east-1"
    assert sources == {
        "crd-prod-site": ("ACCESS_LOGS", {"Ref": "CdnSiteDistributionArn"}),
        "crd-prod-assets": ("ACCESS_LOGS", {"Ref": "CdnAssetsDistributionArn"}),
    }


def test_logs_are_delivered_to_one_bucket_and_expire(access_logs):
    """All logs are delivered to one bucket, and expire after the configured days."""
    rules = {
        rule["Id"]: rule
        for rule in access_logs.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    }

    destination = access_logs.one("AWS::Logs::DeliveryDestination")

    assert rules["expire-logs"]["ExpirationInDays"] == 30
    assert destination["DestinationResourceArn"] == {"Fn::GetAtt": ["AccessLogBucket", "Arn"]}
    assert {
        tuple(delivery["DeliveryDestinationArn"]["Fn::GetAtt"])
        for delivery in access_logs.of("AWS::Logs::Delivery").values()
    } == {("AccessLogDestination", "Arn")}


def test_only_deliveries_of_this_account_write_logs(access_logs):
    """Only the log delivery of this account writes logs, below the path that AWS documents."""
    allowed = statements(access_logs.one("AWS::S3::BucketPolicy")["PolicyDocument"])[
        "WriteAccessLogs"
    ]

    assert allowed["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert allowed["Action"] == ["s3:PutObject"]
    assert allowed["Resource"] == [
        {"Fn::Sub": "${AccessLogBucket.Arn}/AWSLogs/${AWS::AccountId}/*"}
    ]
    assert allowed["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_deliveries_are_created_one_after_the_other(access_logs):
    """Concurrent creations conflict at their shared destination."""
    resources = access_logs.template["Resources"]

    assert resources["AssetsLogDelivery"]["DependsOn"] == "SiteLogDelivery"
    assert resources["AccessLogDestination"]["DependsOn"] == "AccessLogBucketPolicy"
