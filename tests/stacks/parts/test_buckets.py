"""The policies and the access settings of all buckets."""

import msgspec
import pytest

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def all_stacks():
    """Return the stacks of prod with the buckets of all settings."""
    config = config_of("prod")
    cluster = msgspec.structs.replace(config.cluster, access_logs=True)
    cdn = msgspec.structs.replace(config.cdn, access_logs=True)
    return emit(msgspec.structs.replace(config, cluster=cluster, cdn=cdn))


def policies_of(all_stacks):
    """Return the policy of each bucket by the title of the bucket, of any stack."""
    return {
        bucket.get("Ref") or bucket["Fn::ImportValue"].rpartition("-")[2]: policy["PolicyDocument"]
        for stack in all_stacks.values()
        for policy in stack.of("AWS::S3::BucketPolicy").values()
        for bucket in [policy["Bucket"]]
    }


def test_every_bucket_has_one_policy_that_requires_tls(all_stacks):
    """Each bucket has one policy, possibly in another stack, which denies requests without TLS."""
    buckets = [title for stack in all_stacks.values() for title in stack.of("AWS::S3::Bucket")]

    policies = policies_of(all_stacks)

    assert sorted(buckets) == sorted(policies)
    for policy in policies.values():
        denied = statements(policy)["DenyInsecureTransport"]
        assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", ["s3:*"])
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(denied["Resource"]) == 2


def test_every_bucket_is_private(all_stacks):
    """A bucket has no public access, no access control lists, and a name in the account's namespace."""
    buckets = [
        bucket for stack in all_stacks.values() for bucket in stack.of("AWS::S3::Bucket").values()
    ]

    assert {"AvatarBucket", "LoadBalancerLogBucket", "AccessLogBucket"} <= {
        title for stack in all_stacks.values() for title in stack.of("AWS::S3::Bucket")
    }
    for bucket in buckets:
        access, ownership = bucket["PublicAccessBlockConfiguration"], bucket["OwnershipControls"]
        assert set(access.values()) == {True}
        assert ownership["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["BucketNamespace"] == "account-regional"
