"""The deployments of a service: their states, the circuit breaker, and the events of the service.

The texts of events and of rollout states are those of ECS.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import Any

from emulator.ministack import ecs

MAX_EVENTS = 100  # As on AWS.
IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"

Record = dict[str, Any]
_events_lock = threading.Lock()


def add_event(service: Record, text: str) -> None:
    """Add an event to a service, newest first."""
    event = {
        "id": str(uuid.uuid4()),
        "createdAt": ecs.now(),
        "message": f"(service {service['serviceName']}) {text}",
    }
    with _events_lock:  # Threads of tasks add events as well.
        service["events"] = [event, *service["events"]][:MAX_EVENTS]


def primary(service: Record) -> Record:
    """Return the primary deployment: the one in progress, or else the last one."""
    found: Record = next(entry for entry in service["deployments"] if entry["status"] == "PRIMARY")
    return found


def begin(service: Record) -> None:
    """Describe the primary deployment as in progress."""
    deployment = primary(service)
    deployment["rolloutState"] = IN_PROGRESS
    deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} in progress."


def complete(service: Record) -> None:
    """Complete the primary deployment, and remove the older ones from the service."""
    deployment = primary(service)
    deployment["rolloutState"] = COMPLETED
    deployment["rolloutStateReason"] = f"ECS deployment {deployment['id']} completed."
    deployment["updatedAt"] = ecs.now()
    service["deployments"] = [deployment]
    add_event(service, f"(deployment {deployment['id']}) deployment completed.")


def record_failure(service: Record) -> None:
    """Count a failed task of the primary deployment.

    After too many, the circuit breaker fails the deployment and, if configured, rolls it back.
    """
    deployment = primary(service)
    deployment["failedTasks"] = int(deployment.get("failedTasks") or 0) + 1
    breaker = service["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
    is_over = deployment["failedTasks"] >= ecs.failure_threshold(service)
    if deployment["rolloutState"] == IN_PROGRESS and breaker.get("enable") and is_over:
        _fail(service, deployment)
        if breaker.get("rollback"):
            _roll_back(service, deployment)


def _fail(service: Record, deployment: Record) -> None:
    deployment["rolloutState"] = FAILED
    deployment["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed to start."
    deployment["updatedAt"] = ecs.now()
    add_event(service, f"(deployment {deployment['id']}) deployment failed: tasks failed to start.")


def _roll_back(service: Record, failed: Record) -> None:
    """Make the last completed deployment the primary one, if there is one."""
    previous = next(
        (entry for entry in service["deployments"] if entry["rolloutState"] == COMPLETED), None
    )
    if previous is None:
        return
    failed["status"], failed["desiredCount"] = "ACTIVE", 0
    previous["status"], previous["desiredCount"] = "PRIMARY", service["desiredCount"]
    previous["rolloutState"] = IN_PROGRESS
    previous["failedTasks"] = 0
    previous["rolloutStateReason"] = (
        f"ECS deployment circuit breaker: rolling back to deploymentId {previous['id']}."
    )
    previous["updatedAt"] = ecs.now()
    service["taskDefinition"] = previous["taskDefinition"]
    service["deployments"].sort(key=lambda entry: entry["status"] != "PRIMARY")
    add_event(service, f"rolling back to deployment {previous['id']}.")


def record_started_tasks(service: Record, ids: Sequence[str]) -> None:
    """Add the event about started tasks."""
    add_event(service, f"has started {len(ids)} tasks: {_tasks(ids)}.")


def record_stopped_tasks(service: Record, ids: Sequence[str]) -> None:
    """Add the event about tasks that were requested to stop."""
    add_event(service, f"has stopped {len(ids)} running tasks: {_tasks(ids)}.")


def _tasks(ids: Sequence[str]) -> str:
    return " ".join(f"(task {task_id})" for task_id in ids)
