"""Explain why the tasks of an ECS service do not start: its stopped tasks, and its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError

if TYPE_CHECKING:
    from deployer.aws.account import Account
    from deployer.aws.cloud import StackEvent

_MAX_LINES = 3  # Of the reasons of tasks, and of the events of the service.
_STEADY = "has reached a steady state"


def explain(account: Account, region: str, failure: StackEvent) -> tuple[str, ...]:
    """Return lines that explain the *failure* of an ECS service; none for another resource.

    CloudFormation deletes a new service when it rolls back, so this must be called right after the
    failure. Without permission for the calls there are no lines.
    """
    _, _, path = failure.physical_id.partition(":service/")
    if failure.type != "AWS::ECS::Service" or path.count("/") != 1:
        return ()
    cluster, name = path.split("/")
    ecs = account.client("ecs", region)
    try:
        tasks = newest_first(stopped_tasks(ecs, cluster, name))
        services = ecs.describe_services(cluster=cluster, services=[name])["services"]
    except CloudError:
        return ()
    messages = [event["message"] for service in services for event in service.get("events", ())]
    unsteady = [message for message in messages if _STEADY not in message]
    reasons = [f"stopped task: {reason}" for task in tasks if (reason := stop_reason(task))]
    return (
        *[*dict.fromkeys(reasons)][:_MAX_LINES],
        *(f"service event: {message}" for message in [*dict.fromkeys(unsteady)][:_MAX_LINES]),
    )


def stopped_tasks(ecs: Any, cluster: str, service: str) -> Iterator[dict[str, Any]]:
    """Yield the tasks that stopped within the last hour, after which ECS forgets them."""
    pages = ecs.get_paginator("list_tasks").paginate(
        cluster=cluster, serviceName=service, desiredStatus="STOPPED"
    )
    for page in pages:
        if page["taskArns"]:  # A page has at most 100, as many as DescribeTasks accepts.
            yield from ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]


def newest_first(tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return *tasks*, the one that stopped last first."""
    return sorted(tasks, key=lambda task: str(task.get("stoppedAt", "")), reverse=True)


def stop_reason(task: dict[str, Any]) -> str:
    """Return why a task stopped, and why each of its containers did."""
    containers = [container.get("reason", "") for container in task.get("containers", ())]
    return "; ".join(filter(None, [task.get("stoppedReason", ""), *containers]))
