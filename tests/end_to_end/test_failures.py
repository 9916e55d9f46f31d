"""Tests of deploys in which a resource cannot be created, and of the next deploy."""

from __future__ import annotations

from tests.end_to_end.checkout import COMPLETE, TINY

BROKEN_LINE = (TINY / "small.py").read_text().partition("ec2.SecurityGroup(")[0].count("\n")


def test_first_creation(tiny):
    """A failed creation is rolled back; independent stacks finish, dependents are skipped.

    The error names stack, resource, reason, line and the next command, which succeeds after a fix.
    """
    tiny.set_resource_delay(0.1)
    tiny.configure(right={"broken": True}, left={"notes": 9})

    failed = tiny.run("deploy", code=5)

    assert tiny.stacks() | {"top": "CREATE_COMPLETE"} == COMPLETE | {"right": "ROLLBACK_COMPLETE"}
    assert "top" not in tiny.stacks()
    first, *rest = failed.err[failed.err.index("failed: ") :].splitlines()
    assert first.startswith("failed: crd-local-right: Broken (AWS::EC2::SecurityGroup): ")
    assert "The vpc ID 'note1.ground.local.example.' does not exist" in first
    assert first.endswith(f"(defined at stacks/small.py:{BROKEN_LINE})")
    assert rest == [
        "        the stack is in ROLLBACK_COMPLETE",
        "hint:   fix it, then rerun ./inv deploy --stack=right",
        "skipped: crd-local-top: it depends on crd-local-right",
    ]
    ended = [line.split()[:2] for line in failed.err.splitlines()]
    assert ended.index(["crd-local-right", "failed"]) < ended.index(["crd-local-left", "created"])

    tiny.configure(left={"notes": 9})
    fixed = tiny.run("deploy")

    assert "crd-local-right  recreate  ROLLBACK_COMPLETE: it was never in service" in fixed.err
    assert tiny.stacks() == COMPLETE


def test_update(tiny):
    """A failed update is rolled back; after a fix, the stack may need no update."""
    tiny.run("deploy")
    tiny.configure(right={"broken": True, "title": "New"}, top={"title": "New"})

    failed = tiny.run("deploy", code=5)
    after = tiny.stacks()
    tiny.configure(top={"title": "New"})
    fixed = tiny.run("deploy")

    assert after == COMPLETE | {"right": "UPDATE_ROLLBACK_COMPLETE"}
    assert "the stack is in UPDATE_ROLLBACK_COMPLETE" in failed.err
    assert fixed.last.startswith("1 updated, 4 kept, in ")
    assert after | {"top": "UPDATE_COMPLETE"} == tiny.stacks()


def test_repair(tiny):
    """A stack that needs manual repair is reported with the repair command and exit code 6.

    Independent stacks are deployed, dependents are not.
    """
    tiny.configure(right={"bucket": "precious"})
    tiny.run("deploy")
    [bucket] = [bucket["Name"] for bucket in tiny.client("s3").list_buckets()["Buckets"]]
    tiny.client("s3").put_object(Bucket=bucket, Key="precious", Body=b"x")
    tiny.run("destroy", "--stack=top", "--yes")
    tiny.client("cloudformation").delete_stack(StackName="crd-local-right")
    tiny.wait_for_operations()
    tiny.configure(right={"bucket": "precious"}, left={"title": "New"})

    blocked = tiny.run("deploy", code=6)

    assert tiny.stacks()["right"] == "DELETE_FAILED"
    assert tiny.stacks()["left"] == "UPDATE_COMPLETE"
    assert "top" not in tiny.stacks()
    assert "crd-local-right  blocked  DELETE_FAILED" in blocked.err
    assert "aws cloudformation delete-stack --stack-name" in blocked.err
    assert "1 deleted" in tiny.run("destroy", "--stack=right", "--yes").last
