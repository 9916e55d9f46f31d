"""The tasks, targets and releases of services."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployer.errors import UnreachableError
from deployer.report import ServiceStatus
from operations import project, service_status
from operations.target import Target
from tests.operations.fake_account import Account, Client, aws_error, deployed_stack, use_account

OUTPUTS = {"cluster": {"Name": "crd"}, "service": {"Name": "web", "Image": "none"}}
DIGEST = f"sha256:{'0' * 64}"
SERVICE = {
    "status": "ACTIVE",
    "desiredCount": 2,
    "runningCount": 1,
    "loadBalancers": [{"targetGroupArn": "arn:group"}],
}


def parameter(value: str) -> Client:
    """Return a client of Parameter Store with the released image *value*."""
    changed = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Client(get_parameter={"Parameter": {"Value": value, "LastModifiedDate": changed}})


def find(monkeypatch: pytest.MonkeyPatch, **changed: Client) -> list[ServiceStatus]:
    """Return the status of the services of an account with these clients."""
    states = [{"TargetHealth": {"State": state}} for state in ("healthy", "unhealthy")]
    clients = {
        "ecs": Client(describe_services={"services": [SERVICE]}),
        "elbv2": Client(describe_target_health={"TargetHealthDescriptions": states}),
        "ssm": parameter(DIGEST),
    }
    account = use_account(monkeypatch, Account(OUTPUTS, clients | changed))
    stacks = [deployed_stack(f"crd-x-{name}", values) for name, values in OUTPUTS.items()]
    return list(service_status.find(Target(project.environment(), account), stacks))


def test_a_service(monkeypatch) -> None:
    """Tasks are counted by ECS, targets are those of its target group."""
    assert find(monkeypatch) == [
        ServiceStatus(
            "crd-x-service", 1, 2, ("healthy", "unhealthy"), DIGEST, "2026-01-02T03:04:05+00:00"
        )
    ]


def test_no_release(monkeypatch) -> None:
    """Until the first release, the placeholder of the parameter means no release."""
    [status] = find(monkeypatch, ssm=parameter("none"))

    assert (status.released_image, status.released_at) == ("", "")


def test_a_refused_call(monkeypatch) -> None:
    """A refused call is the error of the service, and the rest of the status is printed."""
    [status] = find(monkeypatch, ecs=Client(describe_services=aws_error()))

    assert status == ServiceStatus("crd-x-service", error="place: Ask: AccessDenied: no")


def test_an_unreachable_account(monkeypatch) -> None:
    """An account that does not respond is an error of the task."""
    with pytest.raises(UnreachableError):
        find(monkeypatch, ecs=Client(describe_services=aws_error("ThrottlingException")))


def test_no_service_is_deployed(monkeypatch) -> None:
    """Without the stack, AWS is not called."""
    account = use_account(monkeypatch, Account({}))
    target = Target(project.environment(), account)

    assert list(service_status.find(target, [deployed_stack("crd-x-network", {"A": "1"})])) == []
