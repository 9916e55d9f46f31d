"""A change of a service is followed, against a fake ECS with prepared answers."""

import json
from types import SimpleNamespace

import pytest

from deployer.errors import BusyError, CloudError, ConfigError, RolledBackError
from operations import project, service
from operations.service import Service
from operations.target import Target
from tests.operations.fake_account import Account, Client, target, use_account

DONE, GOING, FAILED = "COMPLETED", "IN_PROGRESS", "FAILED"
WHY = "ECS deployment circuit breaker: tasks failed to start."


def deployment(name, state, status="PRIMARY", **more):
    """Return a deployment as ECS describes it."""
    return {"id": name, "status": status, "rolloutState": state} | more


def described(*deployments, desired=1, running=1, pending=0, status="ACTIVE"):
    """Return a service with one desired task, as ECS describes it."""
    counts = {"desiredCount": desired, "runningCount": running, "pendingCount": pending}
    return {"status": status, "deployments": list(deployments)} | counts


class Ecs:
    """A client of ECS that answers each call with the next description, and repeats the last one."""

    def __init__(self, *descriptions):
        self.descriptions = list(descriptions)
        self.calls = []

    def update_service(self, **arguments):
        self.calls.append(arguments)
        return {"service": self._next()}

    def describe_services(self, **_):
        found = self._next()
        return {"services": [found] if found else []}

    def _next(self):
        return self.descriptions.pop(0) if len(self.descriptions) > 1 else self.descriptions[0]


class EcsOnly:
    """A target whose only client is that of ECS."""

    def __init__(self, ecs):
        self.client = {"ecs": ecs}.__getitem__
        self.env = SimpleNamespace(name="x")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that only `sleep` advances."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    return now


def update(*descriptions, **changes):
    """Change a service that ECS describes like this; return the calls of UpdateService."""
    ecs = Ecs(*descriptions)
    Service(EcsOnly(ecs), "service", "crd", "web").update(**changes)
    return ecs.calls


def test_an_update_ends_when_exactly_its_tasks_run(clock):
    """An update is not complete while tasks start or old tasks are still running."""
    started = described(deployment("new", GOING))

    calls = update(
        started,
        described(deployment("new", GOING), running=1, pending=1),
        described(deployment("new", DONE), running=2),
        described(deployment("new", DONE), pending=1),
        described(deployment("new", DONE)),
        desiredCount=1,
    )

    assert calls == [{"cluster": "crd", "service": "web", "desiredCount": 1}]
    assert clock[0] == 3 * service.POLL_SECONDS


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (described(deployment("new", FAILED, rolloutStateReason=WHY)), WHY),
        (
            described(
                deployment("new", FAILED, "ACTIVE"),
                deployment("old", GOING, rolloutStateReason=WHY),
            ),
            WHY,
        ),
        (described(deployment("other", DONE)), "its tasks did not start"),
    ],
    ids=["failed", "rolled back by ECS", "replaced"],
)
def test_a_rollback_is_an_error(after, reason):
    """A rollback is an error, although the old deployment is complete after it."""
    seen = described(deployment("new", GOING), deployment("old", DONE, "ACTIVE"))

    with pytest.raises(RolledBackError, match=reason):
        update(described(deployment("new", GOING)), seen, after)


def test_a_stale_description_is_not_a_rollback(clock):
    """Right after the update ECS may still describe the old deployment as the primary one."""
    stale = described(deployment("old", DONE))

    update(described(deployment("new", GOING)), stale, stale, described(deployment("new", DONE)))

    assert clock[0] == 2 * service.POLL_SECONDS


def test_a_deployment_that_never_appears(clock):
    """The wait ends with an error, and the old deployment does not count as the new one."""
    with pytest.raises(BusyError, match="is not complete"):
        update(described(deployment("new", GOING)), described(deployment("old", DONE)))

    assert clock[0] > service.TIMEOUT_SECONDS


def test_the_timeout(clock):
    """After the timeout an error is raised; ECS continues the deployment."""
    with pytest.raises(BusyError, match="is not complete after 1200 seconds"):
        update(described(deployment("new", GOING)))

    assert clock[0] <= service.TIMEOUT_SECONDS + 2 * service.POLL_SECONDS


@pytest.mark.parametrize("found", [None, described(status="DRAINING")], ids=["none", "deleted"])
def test_a_service_that_is_not_active(found):
    """The hint is the command that creates it."""
    with pytest.raises(CloudError, match="web: the service is not active") as refused:
        update(described(deployment("new", GOING)), found)

    assert refused.value.hint == "run ./inv deploy --stack=service --env=x"


@pytest.mark.parametrize(
    ("minimum", "before", "expected"),
    [(0, 0, 1), (2, 0, 2), (0, 3, 3)],
    ids=["none", "two", "three"],
)
def test_at_least_one_task_is_started(minimum, before, expected):
    """At least one task is started, also if the minimum of autoscaling is zero."""
    ecs = Ecs(described(desired=before, running=0), described(deployment("new", DONE)))
    autoscaling = Client(
        describe_scalable_targets={"ScalableTargets": [{"MinCapacity": minimum}]},
        register_scalable_target={},
    )
    account = Account({}, {"ecs": ecs, "application-autoscaling": autoscaling})

    service.start(Service(target(account), "service", "crd", "web"))

    assert ecs.calls == [{"cluster": "crd", "service": "web", "desiredCount": expected}]


def test_a_digest_is_required():
    """A tag is refused, because it could be moved to another image."""
    with pytest.raises(ConfigError, match="--image=latest: not the digest of an image"):
        service.check_digest("latest")


def test_an_unknown_stack(monkeypatch):
    """The hint lists the stacks that have a service."""
    account = use_account(monkeypatch, Account())

    with pytest.raises(ConfigError, match="--stack=cdn: has no service") as refused:
        service.find(Target(project.environment(), account), "cdn")

    assert refused.value.hint == "one of: service"


def test_a_restart_needs_a_task():
    """A service without desired tasks has nothing to restart: this is an error."""
    ecs = Ecs(described(deployment("old", DONE), desired=0, running=0))

    with pytest.raises(CloudError, match="web: no task is running") as raised:
        service.restart(Service(EcsOnly(ecs), "service", "crd", "web"))

    assert raised.value.hint == "run ./inv service.start --env=x"
    assert ecs.calls == []


def test_an_unknown_digest_is_not_recorded(monkeypatch):
    """A digest that the registry lacks is refused: the next stack update would fail."""
    digest = f"sha256:{'0' * 64}"
    error = CloudError("no image", aws_code="ImageNotFoundException")
    outputs = {"registry": {"Name": "crd-x-backend", "Uri": "uri"}}
    ssm = Client(put_parameter={})
    account = Account(outputs, {"ecr": Client(describe_images=error), "ssm": ssm})
    use_account(monkeypatch, account)

    with pytest.raises(CloudError, match=f"--image={digest}: crd-x-backend has no such image"):
        service.record(Target(project.environment(), account), "service", digest)

    assert ssm.calls == []


SESSION = {"sessionId": "s", "streamUrl": "wss://x", "tokenValue": "t"}


def test_a_shell_gets_the_session_in_a_variable(monkeypatch, tmp_path, capfd):
    """The plugin gets the session in an environment variable, which other users cannot read."""
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text('#!/bin/sh\nprintenv "$1"; echo "$2 $3"; exit 4\n')
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ecs = Client(list_tasks={"taskArns": ["task"]}, execute_command={"session": SESSION})

    code = service.open_shell(
        Service(target(Account(clients={"ecs": ecs})), "service", "crd", "web"), "/bin/bash"
    )

    session, arguments = capfd.readouterr().out.splitlines()
    assert code == 4
    assert json.loads(session) == SESSION
    assert arguments == "ca-central-1 StartSession"
    assert ecs.calls[-1] == (
        "execute_command",
        {
            "cluster": "crd",
            "task": "task",
            "container": "web",
            "command": "/bin/bash",
            "interactive": True,
        },
    )


def test_a_shell_without_plugin_is_refused(monkeypatch):
    """Without the Session Manager plugin, no call is made."""
    monkeypatch.setenv("PATH", "/nowhere")
    ecs = Client()

    with pytest.raises(ConfigError, match="session-manager-plugin is not on PATH"):
        service.open_shell(
            Service(target(Account(clients={"ecs": ecs})), "service", "crd", "web"), "/bin/bash"
        )

    assert ecs.calls == []
