"""Drift of deployed stacks, with the emulator as AWS."""

from __future__ import annotations


def test_a_manual_deletion_is_drift(tiny):
    """`plan --drift` shows a resource that was deleted outside of CloudFormation."""
    tiny.configure(left={"bucket": "drifting"})
    tiny.run("deploy", "--stack=left")
    before = tiny.run("plan", "--stack=left", "--drift")
    s3 = tiny.client("s3")
    [bucket] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket=bucket)

    with tiny.recorded_requests() as proxy:
        after = tiny.run("plan", "--stack=left", "--drift", code=2)

    assert "drift: 0 resources changed outside of CloudFormation in 2 stacks\n" in before.out
    assert "  - Bucket  AWS::S3::Bucket  deleted outside of CloudFormation" in after.out
    assert {call.action for call in proxy.written} == {"DetectStackDrift"}
