"""How a change of a service is followed, against a stand-in for ECS that tells a given story."""

from types import SimpleNamespace

import pytest
from invoke.context import Context

from deployer.errors import BusyError, CloudError, RolledBackError
from operations import service
from operations.service import Running
from tests.operations.answers import Account, Client, opened

DONE, GOING, FAILED = "COMPLETED", "IN_PROGRESS", "FAILED"
WHY = "ECS deployment circuit breaker: tasks failed to start."


def deployment(name, state, status="PRIMARY", **more):
    """One deployment, as ECS tells of it."""
    return {"id": name, "status": status, "rolloutState": state} | more


def told(*deployments, desired=1, running=1, pending=0, status="ACTIVE"):
    """A service that shall run one task."""
    counts = {"desiredCount": desired, "runningCount": running, "pendingCount": pending}
    return {"status": status, "deployments": list(deployments)} | counts


class Ecs:
    """Answers each time with the next moment; the last one stays."""

    def __init__(self, *moments):
        self.moments = list(moments)
        self.asked = []

    def update_service(self, **asked):
        self.asked.append(asked)
        return {"service": self._next()}

    def describe_services(self, **_):
        found = self._next()
        return {"services": [found] if found else []}

    def _next(self):
        return self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]


class Here:
    """Where there is no other service than ECS."""

    def __init__(self, ecs):
        self.client = {"ecs": ecs}.__getitem__
        self.env = SimpleNamespace(name="x")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that only sleeping moves."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    return now


def update(*moments, **changes):
    """Change a service that goes through *moments*; what ECS was asked."""
    ecs = Ecs(*moments)
    Running(Here(ecs), "service", "crd", "web").update(**changes)
    return ecs.asked


def test_a_change_is_through_when_its_tasks_run(clock):
    """Not before: neither while tasks come up, nor while old ones are still there."""
    began = told(deployment("new", GOING))

    asked = update(
        began,
        told(deployment("new", GOING), running=1, pending=1),
        told(deployment("new", DONE), running=2),
        told(deployment("new", DONE), pending=1),
        told(deployment("new", DONE)),
        desiredCount=1,
    )

    assert [{"cluster": "crd", "service": "web", "desiredCount": 1}] == asked
    assert 3 * service.PAUSE_SECONDS == clock[0]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (told(deployment("new", FAILED, rolloutStateReason=WHY)), WHY),
        (
            told(
                deployment("new", FAILED, "ACTIVE"),
                deployment("old", GOING, rolloutStateReason=WHY),
            ),
            WHY,
        ),
        (told(deployment("other", DONE)), "its tasks did not come up"),
    ],
    ids=["it failed", "ECS goes back", "somebody else's took its place"],
)
def test_what_is_taken_back_is_told(after, why):
    """That the old one then runs well must not look like success."""
    seen = told(deployment("new", GOING), deployment("old", DONE, "ACTIVE"))

    with pytest.raises(RolledBackError, match=why):
        update(told(deployment("new", GOING)), seen, after)


def test_what_ecs_does_not_know_yet_is_no_way_back(clock):
    """Its answers lag: what ran before may look like the newest for a moment after it is not."""
    stale = told(deployment("old", DONE))

    update(told(deployment("new", GOING)), stale, stale, told(deployment("new", DONE)))

    assert 2 * service.PAUSE_SECONDS == clock[0]


def test_what_never_comes_is_not_waited_for_without_end(clock):
    """Nor is what ran before, and runs well, taken for it."""
    with pytest.raises(BusyError, match="still on its way"):
        update(told(deployment("new", GOING)), told(deployment("old", DONE)))

    assert clock[0] > service.PATIENCE_SECONDS


def test_patience_ends(clock):
    """ECS goes on; the release is not noted."""
    with pytest.raises(BusyError, match="still on its way after 600 seconds"):
        update(told(deployment("new", GOING)))

    assert clock[0] <= service.PATIENCE_SECONDS + 2 * service.PAUSE_SECONDS


@pytest.mark.parametrize("found", [None, told(status="DRAINING")], ids=["none", "deleted"])
def test_a_service_that_is_gone_is_told(found):
    """With the command that brings it back."""
    with pytest.raises(CloudError, match="web does not run") as refused:
        update(told(deployment("new", GOING)), found)

    assert "./inv deploy --stack=service --env=x" == refused.value.hint


@pytest.mark.parametrize(
    ("fewest", "before", "asked"), [(0, 0, 1), (2, 0, 2), (0, 3, 3)], ids=["none", "two", "three"]
)
def test_started_is_one_at_least(monkeypatch, capsys, fewest, before, asked):
    """Autoscaling may let a service go down to nothing; to start it is to want it running."""
    ecs = Ecs(told(desired=before, running=0), told(deployment("new", DONE)))
    scaling = Client(
        describe_scalable_targets={"ScalableTargets": [{"MinCapacity": fewest}]},
        register_scalable_target={},
    )
    layers = {"cluster": {"Name": "crd"}, "service": {"Name": "web"}}
    opened(monkeypatch, Account(layers, {"ecs": ecs, "application-autoscaling": scaling}))

    service.start(Context())

    assert [{"cluster": "crd", "service": "web", "desiredCount": asked}] == ecs.asked
    assert "started web\n" == capsys.readouterr().out
