"""Saved plans and change sets left for review, with all requests counted."""

from __future__ import annotations

import json

import pytest

import emulator
from tests.end_to_end import checkout as checkouts


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """Yield a copy of the checkout with the small stacks deployed."""
    copied = checkouts.tiny(tmp_path_factory.mktemp("deployed"))
    copied.run("deploy")
    yield copied
    emulator.stop(copied.emulator)


def edited(file, **fields):
    """Change fields of a saved plan, without its digest."""
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_a_saved_plan_is_applied_exactly_once(deployed):
    """Only its change sets are executed; a stale plan is refused without a request that writes."""
    deployed.configure(left={"title": "New"}, right={"title": "New"})
    plan = deployed.path / "plan.json"
    deployed.run("plan", "--out=plan.json", code=2)
    saved = json.loads(plan.read_text())
    arns = [stack["change_set"] for stack in saved["stacks"]]

    listed = deployed.run("plan", code=2).out
    deployed.configure(left={"title": "Newer"}, right={"title": "New"})
    with deployed.recorded_requests() as refusing:
        other_template = deployed.run("apply", "--plan=plan.json", code=4)
        deployed.configure(left={"title": "New"}, right={"title": "New"})
        text = plan.read_text()
        edited(plan, account="111111111111")
        edit = deployed.run("apply", "--plan=plan.json", code=4)
        plan.write_text(text)
    with deployed.recorded_requests() as applying:
        applied = deployed.run("apply", "--plan=plan.json")
    with deployed.recorded_requests() as repeating:
        again = deployed.run("apply", "--plan=plan.json", code=4)
    deployed.run("plan")

    assert [stack["stack"] for stack in saved["stacks"]] == ["crd-local-left", "crd-local-right"]
    assert all(f"./inv change-set.execute --arn={arn} --env=local\n" in listed for arn in arns)
    assert "crd-local-left: its template differs from that of the plan" in other_template.err
    assert "plan.json: was edited: its digest differs" in edit.err
    assert [] == refusing.written == repeating.written
    assert [call.action for call in applying.written] == ["ExecuteChangeSet"] * 2
    assert applied.last.startswith("2 updated, in ")
    assert "crd-local-left: it was updated meanwhile, at 20" in again.err
    assert "crd-local-right: it was updated meanwhile, at 20" in again.err


def test_change_sets_left_for_review(deployed):
    """Change sets left for review are listed by `status`, and executed or deleted by a command."""
    deployed.configure(left={"title": "A"}, right={"title": "A"})
    deployed.run("deploy", "--no-execute")
    first, second = (
        item["arn"] for item in json.loads(deployed.run("status", "--json").out)["change_sets"]
    )

    executed = deployed.run("change-set.execute", f"--arn={first}")
    deleted = deployed.run("change-set.delete", f"--arn={second}")
    left = json.loads(deployed.run("status", "--json").out)["change_sets"]

    assert executed.last.startswith("1 updated, in ")
    assert deleted.out.startswith("deleted the change set deploy-")
    assert left == []
