"""A release is verified by its running tasks, their targets and the webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deployer.errors import CloudError, RolledBackError
from operations import service, service_health
from tests.operations.fake_account import Account, Client, target

WEBHOOK = "https://api.x.example/webhooks/avatar"
OUTPUTS = {
    "cluster": {"Name": "crd-x-cluster"},
    "service": {"Name": "backend-flask", "DeadLetterQueue": "queue"},
    "assets": {"AvatarTopic": "arn:avatars"},
}


def described(
    running: int,
    desired: int = 2,
    events: tuple[str, ...] = (),
    *,
    earlier: int = 0,
    state: str = "COMPLETED",
) -> dict[str, Any]:
    """Return the answer of DescribeServices, with *earlier* tasks of a previous deployment."""
    deployments = [
        {"status": "ACTIVE", "runningCount": earlier},
        {"status": "PRIMARY", "runningCount": running, "rolloutState": state},
    ]
    return {
        "services": [
            {
                "status": "ACTIVE",
                "deployments": deployments,
                "desiredCount": desired,
                "loadBalancers": [{"targetGroupArn": "arn:targets"}],
                "events": [{"message": message} for message in events],
            }
        ]
    }


def targets(*states: str) -> dict[str, Any]:
    """Return the answer of DescribeTargetHealth."""
    return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in states]}


def subscribed(arn: str) -> list[dict[str, Any]]:
    """Return a page with the subscription of the application; none for an empty *arn*."""
    subscription = {"Protocol": "https", "Endpoint": WEBHOOK, "SubscriptionArn": arn}
    return [{"Subscriptions": [subscription] if arn else []}]


class Sns(Client):
    """A client of SNS whose subscription is confirmed once it is requested again."""

    def __init__(self, arn: str, confirmed: str = "arn:confirmed") -> None:
        super().__init__(list_subscriptions_by_topic=subscribed(arn), subscribe={})
        self.confirmed = confirmed

    def __getattr__(self, operation: str) -> Any:
        if operation == "subscribe":
            self.answers["list_subscriptions_by_topic"] = subscribed(self.confirmed)
        return super().__getattr__(operation)


def found(**clients: Client) -> service.Service:
    """Return the service in an account with a healthy release, except for *clients*."""
    healthy = {
        "ecs": Client(describe_services=described(running=2)),
        "elbv2": Client(describe_target_health=targets("healthy", "healthy", "draining")),
        "application-autoscaling": Client(
            describe_scalable_targets={"ScalableTargets": [{"MinCapacity": 2}]}
        ),
        "sns": Sns("arn:subscription"),
    }
    account = Account(OUTPUTS, healthy | clients)
    return service.Service(target(account), "service", "crd-x-cluster", "backend-flask")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a condition that does not hold fail at once."""
    monkeypatch.setattr(service_health, "CONFIRMATION_SECONDS", -1)


def verify(ecs_service: service.Service) -> Iterator[str]:
    """Verify the service without waiting."""
    return service_health.verify(ecs_service, timeout_seconds=-1)


def test_a_healthy_release() -> None:
    """The minimum of tasks and targets is healthy, and the webhook is subscribed."""
    lines = list(verify(found()))

    assert lines == [
        "backend-flask runs at least 2 healthy tasks",
        f"{WEBHOOK} is subscribed to new avatars",
    ]


@pytest.mark.parametrize("arn", ["PendingConfirmation", ""])
def test_an_unconfirmed_webhook_is_subscribed_again(arn: str) -> None:
    """A deleted subscription is created with the attributes of the template."""
    sns = Sns(arn)

    lines = list(verify(found(sns=sns)))

    [call] = [arguments for operation, arguments in sns.calls if operation == "subscribe"]
    queue = "arn:aws:sqs:ca-central-1:000000000000:queue"
    assert lines[-1] == f"{WEBHOOK} is subscribed to new avatars"
    assert call == {
        "TopicArn": "arn:avatars",
        "Protocol": "https",
        "Endpoint": WEBHOOK,
        "Attributes": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue})},
    }


def test_an_application_that_does_not_confirm() -> None:
    """An unconfirmed webhook fails the release: new avatars would not appear."""
    with pytest.raises(CloudError, match="the application does not confirm the subscription"):
        list(verify(found(sns=Sns("", confirmed="PendingConfirmation"))))


STOPPED = {
    "tasks": [
        {"stoppedAt": "2026-01-01", "stoppedReason": "older"},
        {
            "stoppedAt": "2026-01-02",
            "stoppedReason": "Essential container in task exited",
            "containers": [{"reason": "OutOfMemoryError"}, {}],
        },
    ]
}


@pytest.mark.parametrize(
    ("clients", "reason"),
    [
        pytest.param(
            {
                "ecs": Client(
                    describe_services=described(running=1),
                    list_tasks=[{"taskArns": ["1"]}, {"taskArns": ["2"]}],
                    describe_tasks=STOPPED,
                )
            },
            "Essential container in task exited; OutOfMemoryError",
            id="a stopped task",
        ),
        pytest.param(
            {
                "ecs": Client(
                    describe_services=described(running=0, desired=0), list_tasks=[{"taskArns": []}]
                )
            },
            "no task was started",
            id="no task",
        ),
        pytest.param(
            {
                "ecs": Client(
                    describe_services=described(running=2, events=("unhealthy", "older")),
                    list_tasks=[{"taskArns": []}],
                ),
                "elbv2": Client(describe_target_health=targets("healthy", "unhealthy")),
            },
            "unhealthy",
            id="an unhealthy target",
        ),
        pytest.param(
            {
                "ecs": Client(
                    describe_services=described(running=2, desired=3, events=("no capacity",)),
                    list_tasks=[{"taskArns": []}],
                )
            },
            "no capacity",
            id="fewer than desired",
        ),
        pytest.param(
            {
                "ecs": Client(
                    describe_services=described(running=1, earlier=2, events=("replacing",)),
                    list_tasks=[{"taskArns": []}],
                )
            },
            "replacing",
            id="tasks of an earlier deployment",
        ),
        pytest.param(
            {
                "ecs": Client(
                    describe_services=described(running=2, state="FAILED", events=("failed",)),
                    list_tasks=[{"taskArns": []}],
                )
            },
            "failed",
            id="a failed deployment",
        ),
    ],
)
def test_a_release_that_is_not_healthy(clients: dict[str, Client], reason: str) -> None:
    """The error has the reason of the last stopped task, or the last event of the service."""
    expected = f"backend-flask: fewer than 2 healthy tasks after -1 seconds: {reason}"

    with pytest.raises(RolledBackError) as error:
        list(verify(found(**clients)))

    assert error.value.message == expected


def test_no_image() -> None:
    """Before the first stack update with an image, there is no autoscaling."""
    autoscaling = Client(describe_scalable_targets={"ScalableTargets": []})

    with pytest.raises(CloudError, match="no image is released yet"):
        list(verify(found(**{"application-autoscaling": autoscaling})))
