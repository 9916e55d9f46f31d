import msgspec
import pytest

from tests.stacks.templates import config_of, emit, statements


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
        guard = statements(policy)["DenyInsecureTransport"]
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
