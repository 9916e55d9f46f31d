"""The buckets of images, and the topic of new avatars."""

import pytest

from tests.stacks.templates import statements


@pytest.fixture
def assets(emitted):
    return emitted["assets"]


@pytest.fixture
def buckets(assets):
    return assets.of("AWS::S3::Bucket")


def test_avatars_and_pictures_have_separate_buckets(buckets, config):
    """Avatars and pictures have separate buckets, because the responses for missing ones differ.

    test_cdn.py tests these responses.
    """
    names = {title: bucket["BucketNamePrefix"] for title, bucket in buckets.items()}

    assert names == {
        "AvatarBucket": f"crd-{config.env.name}-avatars",
        "PictureBucket": f"crd-{config.env.name}-pictures",
    }


def test_noncurrent_versions_expire(buckets, config):
    """Replaced images can be restored for a while; current versions never expire."""
    assert set(buckets) == {"AvatarBucket", "PictureBucket"}
    for bucket in buckets.values():
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert {"NoncurrentDays": config.assets.noncurrent_version_days} == rules[
            "expire-noncurrent"
        ]["NoncurrentVersionExpiration"]
        assert not any("ExpirationInDays" in rule for rule in rules.values())


def test_each_new_avatar_is_published_to_the_topic(buckets):
    """S3 sends a message for each new avatar, and for no other object (defect 70)."""
    (notification,) = buckets["AvatarBucket"]["NotificationConfiguration"]["TopicConfigurations"]

    assert notification["Topic"] == {"Ref": "AvatarTopic"}
    assert notification["Event"] == "s3:ObjectCreated:*"
    assert notification["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "avatars/"}]
    assert "NotificationConfiguration" not in buckets["PictureBucket"]


def test_the_avatar_bucket_depends_on_the_topic_policy(assets):
    """The bucket is created after the topic policy, because S3 sends a test message."""
    assert assets.template["Resources"]["AvatarBucket"]["DependsOn"] == "AvatarTopicPolicy"


def test_only_the_avatar_bucket_publishes(assets, buckets):
    """Only the avatar bucket publishes to the topic.

    The bucket depends on the topic policy, so the policy contains the ARN that the bucket will have.
    """
    policy = statements(assets.one("AWS::SNS::TopicPolicy")["PolicyDocument"])

    allowed = policy["AllowAvatarBucketToPublish"]

    name = f"{buckets['AvatarBucket']['BucketNamePrefix']}-${{AWS::AccountId}}-${{AWS::Region}}-an"
    assert set(policy) == {"AllowAvatarBucketToPublish", "DenyInsecureTransport"}
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Action"] == ["sns:Publish"]
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}"}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }


def test_messages_have_sha256_signatures(assets):
    """Messages have SHA-256 signatures, by which subscribers verify the sender (defect 74)."""
    assert assets.one("AWS::SNS::Topic")["SignatureVersion"] == "2"
