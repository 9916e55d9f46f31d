"""The status of stacks as text and JSON."""

from __future__ import annotations

import json

from deployer.plan import Orphan
from deployer.report import ManualStep, Style, status, status_json
from tests.deployer.report.samples import found
from tests.fakes import REGION

STACKS = [
    found("network", is_protected=True),
    found("old", "UPDATE_ROLLBACK_FAILED", reason="no\nway"),
]
ORPHANS = [
    Orphan(STACKS[1], "deployed, but no longer in layers()", "./inv destroy --stack=crd-x-old")
]


def test_text() -> None:
    """Columns end with AWS's reason; below them is the command that removes an orphan."""
    text = status(STACKS, ORPHANS)

    assert text == (
        "stack          region        status                  protection\n"
        "crd-x-network  ca-central-1  CREATE_COMPLETE         protected\n"
        "crd-x-old      ca-central-1  UPDATE_ROLLBACK_FAILED  -           "
        "orphan: deployed, but no longer in layers(); no way\n"
        "orphan: crd-x-old: ./inv destroy --stack=crd-x-old\n"
    )


def test_colours() -> None:
    """A complete stack is green, a failed one red."""
    text = status(STACKS, style=Style(colour=True))

    assert "\x1b[32mCREATE_COMPLETE" in text
    assert "\x1b[1;31mUPDATE_ROLLBACK_FAILED" in text


def test_json() -> None:
    """The JSON has a version, and marks an orphan with the command that removes it."""
    document = json.loads(status_json(STACKS, ORPHANS))

    assert 2 == document["version"]
    assert [False, True] == [stack["is_orphan"] for stack in document["stacks"]]
    assert ["", ORPHANS[0].hint] == [stack["hint"] for stack in document["stacks"]]
    assert REGION == document["stacks"][0]["region"]


def test_manual_steps() -> None:
    """Manual steps follow the stacks: what and why, then how."""
    steps = [
        ManualStep("alerts", "a@x.example\nhas not confirmed", "no alarms arrive", "open the mail")
    ]

    text = status(STACKS, (), steps)
    data = json.loads(status_json(STACKS, (), steps))

    assert text.endswith(
        "manual: alerts: a@x.example has not confirmed: no alarms arrive\n        open the mail\n"
    )
    assert data["manual_steps"] == [
        {
            "step": "alerts",
            "fact": "a@x.example has not confirmed",
            "consequence": "no alarms arrive",
            "action": "open the mail",
        }
    ]
    assert [] == json.loads(status_json(STACKS))["manual_steps"]
