import pytest

from tests.stacks.templates import statements


@pytest.fixture
def assets(emitted):
    return emitted["assets"]


@pytest.fixture
def buckets(assets):
    return assets.of("AWS::S3::Bucket")


def test_avatars_and_our_own_pictures_have_a_bucket_each(buckets, config):
    """What is missing in them is answered differently: see test_cdn.py."""
    names = {title: bucket["BucketNamePrefix"] for title, bucket in buckets.items()}

    assert {
        "Avatars": f"crd-{config.env.name}-avatars",
        "Pictures": f"crd-{config.env.name}-pictures",
    } == names


def test_a_picture_that_was_replaced_can_be_brought_back(buckets, config):
    """For as long as the setting says; what is current never expires."""
    for bucket in buckets.values():
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        assert {"Status": "Enabled"} == bucket["VersioningConfiguration"]
        assert {"NoncurrentDays": config.assets.replaced_picture_days} == rules[
            "replaced-pictures"
        ]["NoncurrentVersionExpiration"]
        assert not any("ExpirationInDays" in rule for rule in rules.values())


def test_the_topic_hears_of_each_avatar(buckets):
    """However it came to be there, and of nothing else (defect 70)."""
    (told,) = buckets["Avatars"]["NotificationConfiguration"]["TopicConfigurations"]

    assert {"Ref": "NewAvatars"} == told["Topic"]
    assert "s3:ObjectCreated:*" == told["Event"]
    assert [{"Name": "prefix", "Value": "avatars/"}] == told["Filter"]["S3Key"]["Rules"]
    assert "NotificationConfiguration" not in buckets["Pictures"]


def test_the_bucket_waits_until_it_may_publish(assets):
    """S3 tries the topic when it is told of it."""
    assert "NewAvatarsPolicy" == assets.template["Resources"]["Avatars"]["DependsOn"]


def test_only_this_bucket_of_this_account_publishes(assets, buckets):
    """Named by the ARN it will have, since it waits for the policy that says so."""
    policy = statements(assets.one("AWS::SNS::TopicPolicy")["PolicyDocument"])

    allowed = policy["OnlyAvatarsPublish"]

    name = f"{buckets['Avatars']['BucketNamePrefix']}-${{AWS::AccountId}}-${{AWS::Region}}-an"
    assert {"OnlyAvatarsPublish", "DenyInsecureTransport"} == set(policy)
    assert {"Service": "s3.amazonaws.com"} == allowed["Principal"]
    assert ["sns:Publish"] == allowed["Action"]
    assert {
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}"}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    } == allowed["Condition"]


def test_messages_are_signed_as_they_should_be(assets):
    """With SHA-256: whoever listens has only the signature to go by (defect 74)."""
    assert "2" == assets.one("AWS::SNS::Topic")["SignatureVersion"]
