"""The status of stacks as text and JSON."""

from __future__ import annotations

import json

from deployer.plan import Orphan
from deployer.report import (
    EnvironmentStatus,
    ManualStep,
    PendingChangeSet,
    ServiceStatus,
    Style,
    status,
    status_json,
)
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
    text = status(EnvironmentStatus(STACKS, ORPHANS))

    assert text == (
        "stack          region        status                  protection\n"
        "crd-x-network  ca-central-1  CREATE_COMPLETE         protected\n"
        "crd-x-old      ca-central-1  UPDATE_ROLLBACK_FAILED  -           "
        "orphan: deployed, but no longer in layers(); no way\n"
        "orphan: crd-x-old: ./inv destroy --stack=crd-x-old\n"
    )


def test_colours() -> None:
    """A complete stack is green, a failed one red."""
    text = status(EnvironmentStatus(STACKS), style=Style(colour=True))

    assert "\x1b[32mCREATE_COMPLETE" in text
    assert "\x1b[1;31mUPDATE_ROLLBACK_FAILED" in text


def test_json() -> None:
    """The JSON has a version, and marks an orphan with the command that removes it."""
    document = json.loads(status_json(EnvironmentStatus(STACKS, ORPHANS)))

    assert document["version"] == 2
    assert [stack["is_orphan"] for stack in document["stacks"]] == [False, True]
    assert ["", ORPHANS[0].hint] == [stack["hint"] for stack in document["stacks"]]
    assert document["stacks"][0]["region"] == REGION


def test_manual_steps() -> None:
    """Manual steps follow the stacks: what and why, then how."""
    steps = [
        ManualStep("alerts", "a@x.example\nhas not confirmed", "no alarms arrive", "open the mail")
    ]

    text = status(EnvironmentStatus(STACKS, manual_steps=steps))
    data = json.loads(status_json(EnvironmentStatus(STACKS, manual_steps=steps)))

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
    assert json.loads(status_json(EnvironmentStatus(STACKS)))["manual_steps"] == []


DIGEST = f"sha256:{'0' * 64}"
SERVICES = [
    ServiceStatus("crd-x-service", 2, 2, ("healthy", "healthy"), DIGEST, "2026-01-01T00:00:00Z"),
    ServiceStatus("crd-x-verifier", 0, 1),
    ServiceStatus("crd-x-other", error="no\npermission"),
]
ARN = "arn:aws:cloudformation:ca-central-1:1:changeSet/run/2"


def test_services() -> None:
    """A service has running and desired tasks, the health of its targets, and its release."""
    text = status(EnvironmentStatus((), services=SERVICES))

    assert text == (
        "no stack is deployed\n"
        "service: crd-x-service: 2 of 2 tasks running; targets: 2 healthy\n"
        f"        released {DIGEST} at 2026-01-01T00:00:00Z\n"
        "service: crd-x-verifier: 0 of 1 tasks running; targets: none\n"
        "        no image is released\n"
        "service: crd-x-other: no permission\n"
    )


def test_the_colour_of_services() -> None:
    """A service with all tasks and healthy targets is green, an incomplete one yellow."""
    unhealthy = ServiceStatus("crd-x-service", 1, 1, ("healthy", "draining"))

    text = status(EnvironmentStatus((), services=[*SERVICES, unhealthy]), style=Style(colour=True))

    labels = [line.partition("service:")[0] for line in text.splitlines() if "crd-x" in line]
    assert labels == ["\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[33m"]
    assert "targets: 1 draining, 1 healthy" in text


def test_change_sets() -> None:
    """A change set that was left has the commands that execute and delete it."""
    found = EnvironmentStatus(
        STACKS[:1], change_sets=[PendingChangeSet("crd-x-network", REGION, ARN, "x")]
    )

    text = status(found)
    document = json.loads(status_json(found))

    command = f"aws cloudformation execute-change-set --change-set-name {ARN} --region {REGION}"
    execute, delete = (
        f"./inv change-set.{task} --arn={ARN} --env=x" for task in ("execute", "delete")
    )
    assert text.endswith(
        f"review: crd-x-network has a change set that was not executed\n"
        f"        {execute}\n        {delete}\n"
    )
    assert document["change_sets"] == [
        {
            "stack": "crd-x-network",
            "region": REGION,
            "arn": ARN,
            "command": command,
            "execute_command": execute,
            "delete_command": delete,
        }
    ]


def test_services_as_json() -> None:
    """The JSON has the same facts."""
    [first, second, third] = json.loads(status_json(EnvironmentStatus((), services=SERVICES)))[
        "services"
    ]

    assert (first["running_tasks"], first["target_states"]) == (2, ["healthy", "healthy"])
    assert (second["released_image"], second["error"]) == ("", "")
    assert third["error"] == "no\npermission"
