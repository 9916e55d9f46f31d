import pytest
from msgspec.structs import replace

from tests.stacks.ask import config_of, emit, statements


@pytest.fixture
def layers():
    config = config_of("prod")
    return emit(replace(config, cdn=replace(config.cdn, access_logs=True, access_log_days=30)))


@pytest.fixture
def visits(layers):
    return layers["visits"]


def test_visits_are_logged_only_where_a_setting_says_so(emitted, layers):
    """They cost, and have people's addresses in them."""
    assert "visits" not in emitted
    assert "visits" in layers


def test_both_distributions_are_logged_where_cloudfront_hands_logs_out(visits):
    """That is us-east-1, whatever the region of the rest."""
    sources = {
        one["Name"]: (one["LogType"], one["ResourceArn"])
        for one in visits.of("AWS::Logs::DeliverySource").values()
    }

    assert "us-east-1" == visits.stack.region
    assert {
        "crd-prod-site": ("ACCESS_LOGS", {"Ref": "CdnSiteDistributionArn"}),
        "crd-prod-assets": ("ACCESS_LOGS", {"Ref": "CdnAssetsDistributionArn"}),
    } == sources


def test_all_goes_to_one_bucket_and_expires(visits):
    """After as many days as the setting says."""
    rules = {
        rule["Id"]: rule
        for rule in visits.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    }

    destination = visits.one("AWS::Logs::DeliveryDestination")

    assert 30 == rules["old-logs"]["ExpirationInDays"]
    assert {"Fn::GetAtt": ["Visits", "Arn"]} == destination["DestinationResourceArn"]
    assert {("VisitsDestination", "Arn")} == {
        tuple(one["DeliveryDestinationArn"]["Fn::GetAtt"])
        for one in visits.of("AWS::Logs::Delivery").values()
    }


def test_only_deliveries_of_this_account_write(visits):
    """Under the path that AWS documents."""
    allowed = statements(visits.one("AWS::S3::BucketPolicy")["PolicyDocument"])["LogDelivery"]

    assert {"Service": "delivery.logs.amazonaws.com"} == allowed["Principal"]
    assert ["s3:PutObject"] == allowed["Action"]
    assert [{"Fn::Sub": "${Visits.Arn}/AWSLogs/${AWS::AccountId}/*"}] == allowed["Resource"]
    assert {"Ref": "AWS::AccountId"} == allowed["Condition"]["StringEquals"]["aws:SourceAccount"]


def test_deliveries_are_made_one_after_the_other(visits):
    """Two at once to one destination would be in conflict."""
    resources = visits.template["Resources"]

    assert "SiteDelivery" == resources["AssetsDelivery"]["DependsOn"]
    assert "VisitsPolicy" == resources["VisitsDestination"]["DependsOn"]
