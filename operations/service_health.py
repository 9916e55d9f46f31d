"""Wait until a service runs healthy tasks, and its webhook is subscribed.

A release ends before autoscaling has started the first tasks: neither CloudFormation nor the
pipeline's deployment notices an image whose tasks never become healthy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from deployer.errors import CloudError, RolledBackError
from operations import service_failures, subscriptions
from operations.service import POLL_SECONDS, TIMEOUT_SECONDS

if TYPE_CHECKING:
    from operations.service import Service

WEBHOOK_STACK = "service"  # The stack whose tasks are notified of new avatars.
CONFIRMATION_SECONDS = 60  # SNS sends the request at once; the application responds in seconds.


def verify(service: Service, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[str]:
    """Wait until the minimum of tasks is running and healthy; yield lines to print.

    Then let SNS send another confirmation request, if the subscription of the application to avatars
    is not confirmed: SNS sent the first request before a task could respond. Raise RolledBackError,
    with the reason of the last stopped task, if the tasks are not healthy after a timeout. Raise
    CloudError if there is no image, or if the subscription is not confirmed.
    """
    minimum = service.min_tasks()
    if minimum is None:
        raise CloudError(
            f"{service.name}: no image is released yet",
            hint=f"see step 8 of docs/first-account.md; --env={service.target.env.name}",
        )
    tasks = "1 healthy task" if minimum == 1 else f"{minimum} healthy tasks"
    if not _wait(lambda: _is_healthy(service, minimum), timeout_seconds):
        raise RolledBackError(
            f"{service.name}: fewer than {tasks} after {timeout_seconds:g} seconds:"
            f" {_reason(service)}",
            hint=f"see the log of the service: ./inv logs --service --env={service.target.env.name}",
        )
    yield f"{service.name} runs at least {tasks}"
    if service.stack == WEBHOOK_STACK:
        yield from _confirm_webhook(service)


def _confirm_webhook(service: Service) -> Iterator[str]:
    webhook = subscriptions.webhook(service.target)
    if webhook.state != subscriptions.CONFIRMED:
        subscriptions.subscribe_webhook(service.target, webhook)
        if not _wait(lambda: _is_confirmed(service), CONFIRMATION_SECONDS):
            raise CloudError(
                f"{webhook.endpoint}: the application does not confirm the subscription",
                hint=f"see ./inv logs --service --env={service.target.env.name}",
            )
    yield f"{webhook.endpoint} is subscribed to new avatars"


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Return True as soon as *condition* holds, and False if it does not within *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _is_healthy(service: Service, minimum: int) -> bool:
    """Return whether at least *minimum* tasks run, all desired ones, with as many healthy targets.

    Only tasks of the last deployment count: those of an earlier one stop while it replaces them.
    """
    description = service.describe()
    primary = next(item for item in description["deployments"] if item["status"] == "PRIMARY")
    wanted = max(minimum, int(description["desiredCount"]))
    if int(primary["runningCount"]) < wanted or primary.get("rolloutState") == "FAILED":
        return False
    client = service.target.client("elbv2")
    for load_balancer in description.get("loadBalancers", ()):
        response = client.describe_target_health(TargetGroupArn=load_balancer["targetGroupArn"])
        states = [
            target["TargetHealth"]["State"] for target in response["TargetHealthDescriptions"]
        ]
        if states.count("healthy") < minimum:
            return False
    return True


def _is_confirmed(service: Service) -> bool:
    return subscriptions.webhook(service.target).state == subscriptions.CONFIRMED


def _reason(service: Service) -> str:
    """Return why the last task stopped; if none has stopped, the last event of the service."""
    stopped = service_failures.stopped_tasks(service.ecs, service.cluster, service.name)
    if tasks := service_failures.newest_first(stopped):
        return service_failures.stop_reason(tasks[0])
    events = service.describe().get("events", ())
    return str(events[0]["message"]) if events else "no task was started"
