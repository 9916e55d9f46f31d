"""Operations that a run left are followed, cancelled and rolled back by the next command."""

from __future__ import annotations

import signal

import pytest

SLOW_SECONDS = 600


@pytest.mark.parametrize(
    ("kind", "activity", "after"),
    [
        ("create", "deleting", {}),
        ("update", "rolling back", {"ground": "UPDATE_ROLLBACK_COMPLETE"}),
    ],
)
def test_attach_then_cancel(tiny, kind, activity, after):
    """`attach` shows the operation that an interrupted deploy left; `cancel` undoes it."""
    if kind == "update":
        tiny.run("deploy", "--stack=ground")
    tiny.configure(ground={"notes": 15, "title": "New"})
    tiny.set_resource_delay(1.0)
    with tiny.running("deploy", "--stack=ground") as deploy:
        deploy.wait_for(f"crd-local-ground  {kind[:-1]}ing ")
        tiny.set_resource_delay(SLOW_SECONDS)
        deploy.interrupt(signal.SIGINT)
    with tiny.running("attach") as attach:
        attach.wait_for("crd-local-ground  attach ")

        code = attach.interrupt(signal.SIGINT)

    with tiny.running("cancel", "--yes") as cancel:
        cancel.wait_for(f"crd-local-ground  {activity} ")
        tiny.set_resource_delay(0)
        assert cancel.end() == 0
    assert code == 130
    assert "to cancel them: ./inv cancel" in attach.printed
    assert "crd-local-ground  cancelled " in cancel.printed
    assert tiny.stacks() == after
    assert "nothing to do" in tiny.run("attach").err
    assert ("rolled back" in tiny.run("history").out) == (kind == "update")


def test_roll_back(tiny):
    """A stack in UPDATE_FAILED blocks a deploy, whose hint names `rollback`; after it, deploys continue."""
    tiny.run("deploy", "--stack=left")
    tiny.configure(left={"broken": True})
    tiny.run("deploy", "--stack=left", "--no-execute")
    client = tiny.client("cloudformation")
    summaries = client.list_change_sets(StackName="crd-local-left")["Summaries"]
    (arn,) = [item["ChangeSetId"] for item in summaries if item["ExecutionStatus"] == "AVAILABLE"]
    client.execute_change_set(ChangeSetName=arn, DisableRollback=True)
    failed = tiny.wait_for_operations()

    blocked = tiny.run("deploy", "--stack=left", code=6).err
    rolled_back = tiny.run("rollback", "--yes", "--stack=left").err

    assert failed == {"ground": "CREATE_COMPLETE", "left": "UPDATE_FAILED"}
    assert "roll it back: ./inv rollback --stack=crd-local-left" in blocked
    assert "1 rolled back, in " in rolled_back
    assert tiny.stacks() == {"ground": "CREATE_COMPLETE", "left": "UPDATE_ROLLBACK_COMPLETE"}
