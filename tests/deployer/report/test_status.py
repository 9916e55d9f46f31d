"""How it stands with the stacks."""

from __future__ import annotations

import json

from deployer.plan import Orphan
from deployer.report import ByHand, Style, status, status_json
from tests.deployer.report.samples import found
from tests.fakes import REGION

STACKS = [
    found("network", is_protected=True),
    found("old", "UPDATE_ROLLBACK_FAILED", reason="no\nway"),
]
ORPHANS = [Orphan(STACKS[1], "deployed, but no longer a layer", "./inv destroy --stack=crd-x-old")]


def test_a_table_for_people() -> None:
    """Stable columns with AWS's reason at the end; below, the command that removes an orphan."""
    text = status(STACKS, ORPHANS)

    assert text == (
        "stack          region        status                  protection\n"
        "crd-x-network  ca-central-1  CREATE_COMPLETE         protected\n"
        "crd-x-old      ca-central-1  UPDATE_ROLLBACK_FAILED  -           "
        "orphan: deployed, but no longer a layer; no way\n"
        "orphan: crd-x-old: ./inv destroy --stack=crd-x-old\n"
    )


def test_what_needs_a_person_is_red() -> None:
    """The status of a whole stack is green."""
    text = status(STACKS, style=Style(colour=True))

    assert "\x1b[32mCREATE_COMPLETE" in text
    assert "\x1b[1;31mUPDATE_ROLLBACK_FAILED" in text


def test_json_for_machines() -> None:
    """Versioned; an orphan is marked, with the command that removes it."""
    document = json.loads(status_json(STACKS, ORPHANS))

    assert 1 == document["version"]
    assert [False, True] == [stack["orphan"] for stack in document["stacks"]]
    assert ["", ORPHANS[0].hint] == [stack["hint"] for stack in document["stacks"]]
    assert REGION == document["stacks"][0]["region"]


def test_what_is_to_be_done_by_hand() -> None:
    """Below the stacks: what is open and why, then how; for machines the same."""
    steps = [ByHand("alerts", "a@x.example\nhas not confirmed", "nobody hears", "open the mail")]

    text = status(STACKS, (), steps)
    data = json.loads(status_json(STACKS, (), steps))

    assert text.endswith(
        "by hand: alerts: a@x.example has not confirmed: nobody hears\n         open the mail\n"
    )
    assert data["by_hand"] == [
        {
            "step": "alerts",
            "what": "a@x.example has not confirmed",
            "why": "nobody hears",
            "how": "open the mail",
        }
    ]
    assert [] == json.loads(status_json(STACKS))["by_hand"]
