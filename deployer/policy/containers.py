"""ECS: tasks that can do little harm, and deployments that undo themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, text, true

_ROOT = {"", "0", "root"}

undone = each(
    "ECS::Service",
    ok=lambda one: all(
        true(one.get("DeploymentConfiguration", "DeploymentCircuitBreaker", key))
        for key in ("Enable", "Rollback")
    ),
    message="goes on with a deployment that fails: no circuit breaker with rollback",
)
hidden = each(
    "ECS::Service",
    ok=lambda one: _network(one).get("AssignPublicIp") != "ENABLED",
    message="gives its tasks public addresses",
)
without_exec = each(
    "ECS::Service",
    ok=lambda one: not true(one.get("EnableExecuteCommand")),
    message="lets people into its containers, in a protected environment",
    protected=True,
)
two_roles = each(
    "ECS::TaskDefinition",
    ok=lambda one: (
        not one.get("TaskRoleArn") or one.get("TaskRoleArn") != one.get("ExecutionRoleArn")
    ),
    message="runs the application with the role that reads its secrets",
)


def read_only_root(templates: Templates) -> Iterator[Violation]:
    """ECS Exec needs a root it can write to: where it is on, that is the reason."""
    entered = {
        task
        for service in templates.of("ECS::Service")
        if true(service.get("EnableExecuteCommand"))
        for task in templates.reached(service.stack, service.get("TaskDefinition"))
    }
    for task, container in _containers(templates):
        if task not in entered and not true(get(container, "ReadonlyRootFilesystem")):
            yield _found(task, container, "can write to its root")


def unprivileged(templates: Templates) -> Iterator[Violation]:
    """An image may say another user; only the task says it for all images to come."""
    for task, container in _containers(templates):
        if true(get(container, "Privileged")):
            yield _found(task, container, "is privileged")
        if str(get(container, "User") or "").partition(":")[0] in _ROOT:
            yield _found(task, container, "runs as root, or as whoever the image says")


def logs_kept(templates: Templates) -> Iterator[Violation]:
    """A log group of the template, so one that expires; awslogs would not make it."""
    for task, container in _containers(templates):
        logs = get(container, "LogConfiguration")
        group = get(logs, "Options", "awslogs-group")
        known = {one.type for one in templates.reached(task.stack, group)}
        if get(logs, "LogDriver") != "awslogs" or "AWS::Logs::LogGroup" not in known:
            yield _found(task, container, "does not log to a log group of ours")


def pinned_images(templates: Templates) -> Iterator[Violation]:
    """What has no tag is the latest, which is another one tomorrow."""
    for task, container in _containers(templates):
        image = get(container, "Image")
        name = text(image).rpartition("/")[2]
        untagged = isinstance(image, str) and ":" not in name and "@" not in name
        if name.endswith(":latest") or untagged:
            yield _found(task, container, "takes whatever image is the latest")


def _network(service: Resource) -> Any:
    return service.get("NetworkConfiguration", "AwsvpcConfiguration") or {}


def _containers(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    for task in templates.of("ECS::TaskDefinition"):
        for container in many(task.get("ContainerDefinitions")):
            yield task, container


def _found(task: Resource, container: Any, message: str) -> Violation:
    return task.found(message, text(get(container, "Name")))
