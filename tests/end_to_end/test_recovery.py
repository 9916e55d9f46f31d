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
