import pytest
from msgspec.structs import replace

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def layers():
    config = config_of("prod")
    return emit(replace(config, cdn=replace(config.cdn, access_logs=True, access_log_days=30)))


@pytest.fixture
def access_logs(layers):
    return layers["access-logs"]


def test_requests_are_logged_only_where_a_setting_says_so(emitted, layers):
    """They cost, and have people's addresses in them."""
    assert "access-logs" not in emitted
    assert "access-logs" in layers


def test_both_distributions_are_logged_where_cloudfront_hands_logs_out(access_logs):
    """That is us-east-1, whatever the region of the rest."""
    sources = {
        one["Name"]: (one["LogType"], one["ResourceArn"])
        for one in access_logs.of("AWS::Logs::DeliverySource").values()
    }

    assert "us-east-1" == access_logs.stack.region
    assert {
        "crd-prod-site": ("ACCESS_LOGS", {"Ref": "CdnSiteDistributionArn"}),
        "crd-prod-assets": ("ACCESS_LOGS", {"Ref": "CdnAssetsDistributionArn"}),
    } == sources


def test_all_goes_to_one_bucket_and_expires(access_logs):
    """After as many days as the setting says."""
    rules = {
        rule["Id"]: rule
        for rule in access_logs.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    }

    destination = access_logs.one("AWS::Logs::DeliveryDestination")

    assert 30 == rules["old-logs"]["ExpirationInDays"]
    assert {"Fn::GetAtt": ["Visits", "Arn"]} == destination["DestinationResourceArn"]
    assert {("VisitsDestination", "Arn")} == {
        tuple(one["DeliveryDestinationArn"]["Fn::GetAtt"])
        for one in access_logs.of("AWS::Logs::Delivery").values()
    }


def test_only_deliveries_of_this_account_write(access_logs):
    """Under the path that AWS documents."""
    allowed = statements(access_logs.one("AWS::S3::BucketPolicy")["PolicyDocument"])["LogDelivery"]

    assert {"Service": "delivery.logs.amazonaws.com"} == allowed["Principal"]
    assert ["s3:PutObject"] == allowed["Action"]
    assert [{"Fn::Sub": "${Visits.Arn}/AWSLogs/${AWS::AccountId}/*"}] == allowed["Resource"]
    assert {"Ref": "AWS::AccountId"} == allowed["Condition"]["StringEquals"]["aws:SourceAccount"]


def test_deliveries_are_made_one_after_the_other(access_logs):
    """Two at once to one destination would be in conflict."""
    resources = access_logs.template["Resources"]

    assert "SiteDelivery" == resources["AssetsDelivery"]["DependsOn"]
    assert "VisitsPolicy" == resources["VisitsDestination"]["DependsOn"]
