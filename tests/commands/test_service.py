"""`service.*` print what was done."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import service
from tests.operations.fake_account import Account, Client, use_account

SERVICE = {"status": "ACTIVE", "desiredCount": 1, "runningCount": 1, "pendingCount": 0}
DEPLOYMENT = {"id": "1", "status": "PRIMARY", "rolloutState": "COMPLETED"}
OUTPUTS = {"cluster": {"Name": "crd"}, "service": {"Name": "web"}}


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A service whose updates are complete immediately."""
    description = SERVICE | {"deployments": [DEPLOYMENT]}
    ecs = Client(
        describe_services={"services": [description]}, update_service={"service": description}
    )
    autoscaling = Client(
        describe_scalable_targets={"ScalableTargets": [{"MinCapacity": 0}]},
        register_scalable_target={},
    )
    clients = {"ecs": ecs, "application-autoscaling": autoscaling}
    use_account(monkeypatch, Account(OUTPUTS, clients))
    return ecs


@pytest.mark.parametrize(
    ("task", "output", "change"),
    [
        (service.start, "started web\n", {"desiredCount": 1}),
        (service.stop, "stopped web\n", {"desiredCount": 0}),
        (service.restart, "restarted web\n", {"forceNewDeployment": True}),
    ],
)
def test_tasks_change_the_service(capsys, ecs: Client, task, output: str, change: dict) -> None:
    """Each task updates the service once and prints its name."""
    task(Context())

    [update] = [arguments for operation, arguments in ecs.calls if operation == "update_service"]
    assert update == {"cluster": "crd", "service": "web"} | change
    assert capsys.readouterr().out == output


def test_record(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The digest is stored in the parameter of the image."""
    digest, ssm = f"sha256:{'a' * 64}", Client(put_parameter={})
    found = {"imageDetails": [{"imageDigest": digest}]}
    registry = {"registry": {"Name": "crd-x-backend", "Uri": "uri"}}
    clients = {"ssm": ssm, "ecr": Client(describe_images=found)}
    use_account(monkeypatch, Account(OUTPUTS | registry, clients))

    service.record(Context(), image=digest)

    [(_, arguments)] = ssm.calls
    assert (arguments["Value"], arguments["Overwrite"]) == (digest, True)
    assert capsys.readouterr().out == f"recorded {digest}\n"


def test_an_unknown_stack(ecs: Client, capsys) -> None:
    """The hint lists the stacks that have a service."""
    with pytest.raises(Exit):
        service.restart(Context(), stack="verifier")

    assert "--stack=verifier: has no service\nhint: one of: service\n" in capsys.readouterr().err
