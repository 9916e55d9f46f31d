"""MiniStack's ECS: records of services and tasks, and the functions that run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function

Record = dict[str, Any]

# Stores of the account and region in scope.
task_definitions: Any = lookup.attribute(services.ecs, "_task_defs")  # By FAMILY:REVISION.
service_records: Any = lookup.attribute(services.ecs, "_services")  # By CLUSTER/NAME.
task_records: Any = lookup.attribute(services.ecs, "_tasks")  # By ARN.
tags: Any = lookup.attribute(services.ecs, "_tags")  # By the ARN of the resource.

# Functions that patches replace.
reconcile: Function[[str, str], None] = Function("_reconcile_service_tasks", services.ecs)
synchronize_targets: Function[[str, Record], None] = Function("_sync_service_targets", services.ecs)
refresh_service: Function[[str, str], None] = Function("_refresh_service_state", services.ecs)


def _action(name: str, function: str) -> Function[[Record], Response]:
    """Return an action of ECS's API, which MiniStack also calls as *function*."""
    found: Function[[Record], Response] = Function(function, services.ecs)
    return found.copied_to(services.ecs_actions, name)


run_task = _action("RunTask", "_run_task")
stop_task = _action("StopTask", "_stop_task")
create_service = _action("CreateService", "_create_service")
update_service = _action("UpdateService", "_update_service")

cluster_name: Callable[[str], str] = lookup.attribute(services.ecs, "_cluster_name_from_arn")
recount_cluster: Callable[[str], None] = lookup.attribute(services.ecs, "_recount_cluster")
failure_threshold: Callable[[Record], int] = lookup.attribute(
    services.ecs, "_circuit_breaker_threshold"
)
resolve_task: Callable[[str, str], Record | None] = lookup.attribute(services.ecs, "_resolve_task")
resolve_cluster: Callable[[str], str | None] = lookup.attribute(
    services.ecs, "_resolve_cluster_name"
)
public_record: Callable[[Record], Record] = lookup.attribute(services.ecs, "_sanitize")
now: Callable[[], str] = lookup.attribute(services.ecs, "_iso")  # The time in ECS's format.


def task_definition(arn: str) -> Record:
    """Return the task definition with this ARN, in the account and region in scope."""
    found: Record = task_definitions[arn.rpartition("/")[2]]
    return found


def service_record(arn: str) -> Record:
    """Return the record of the service with this ARN, in the account and region in scope."""
    found: Record = service_records[arn.partition(":service/")[2]]
    return found
