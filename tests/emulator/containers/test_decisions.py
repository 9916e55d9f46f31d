"""Which tasks of a service start and stop."""

from __future__ import annotations

import pytest

from emulator.containers.decisions import Decision, Limits, ServiceTask, State, decide


def tasks(*described: str) -> list[ServiceTask]:
    """Return tasks from texts such as `a old ok`: ARN, deployment and state."""
    found = []
    for text in described:
        arn, deployment, state = text.split()
        states: dict[str, State] = {"ok": "healthy", "new": "starting", "end": "stopping"}
        found.append(ServiceTask(arn, deployment, states[state]))
    return found


@pytest.mark.parametrize(
    ("limits", "described", "expected"),
    [
        (Limits(2), (), Decision(start=2)),
        (Limits(2), ("a now ok", "b now new"), Decision()),
        (Limits(2), ("a now ok", "b now end"), Decision(start=1)),
        (Limits(0), ("a now ok", "b now new"), Decision(stop=("a", "b"))),
        (Limits(1), ("a now ok", "b now ok"), Decision(stop=("b",))),
        (Limits(1), ("a now new", "b now ok"), Decision(stop=("a",))),
        (Limits(1), ("a old ok",), Decision(start=1)),
        (Limits(1), ("a old ok", "b now new"), Decision()),
        (Limits(1), ("a old ok", "b now ok"), Decision(stop=("a",))),
        (Limits(1), ("a old new",), Decision(start=1, stop=("a",))),
        (Limits(2), ("a old ok", "b old ok", "c now ok", "d now new"), Decision(stop=("a",))),
        (Limits(2, 50, 100), ("a old ok", "b old ok"), Decision(stop=("a",))),
        (Limits(2, 50, 100), ("a old end", "b old ok"), Decision(start=1)),
        (Limits(4, 100, 150), ("a old ok", "b old ok", "c old ok", "d old ok"), Decision(start=2)),
    ],
)
def test_decide(limits: Limits, described: tuple[str, ...], expected: Decision) -> None:
    """Tasks of the primary deployment replace others within the limits of the deployment."""
    assert expected == decide(tasks(*described), "now", limits, may_start=True)


def test_delayed_start() -> None:
    """During a delay no task starts, but tasks that are not needed stop."""
    decision = decide(tasks("a old new"), "now", Limits(1), may_start=False)

    assert Decision(stop=("a",)) == decision
