"""ECS: tasks that can do little harm, and deployments that undo themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, mapping, number, pattern, text, true

_VARIABLE = re.compile(r"\$\{[^}]*\}")

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
        if _is_root(get(container, "User")):
            yield _found(task, container, "runs as root, or as whoever the image says")


def _is_root(user: Any) -> bool:
    """A user that another resource names is known there alone."""
    name = pattern(user).partition(":")[0].strip() if user else ""
    return name in ("", "root") or number(name) == 0


def logs_kept(templates: Templates) -> Iterator[Violation]:
    """A log group of the template, so one that expires; awslogs would not make it."""
    for task, container in _containers(templates):
        logs = get(container, "LogConfiguration")
        group = get(logs, "Options", "awslogs-group")
        known = {one.type for one in templates.reached(task.stack, group)}
        if get(logs, "LogDriver") != "awslogs" or "AWS::Logs::LogGroup" not in known:
            yield _found(task, container, "does not log to a log group of ours")


def pinned_images(templates: Templates) -> Iterator[Violation]:
    """What has no tag is the latest, which is another one tomorrow.

    A service that runs no task, as before the first release, takes no image.
    """
    idle = _idle(templates)
    for task, container in _containers(templates):
        if task in idle:
            continue
        image = get(container, "Image")
        name = pattern(image).rpartition("/")[2]
        if name.endswith(":latest") or _is_untagged(templates, task, image, name):
            yield _found(task, container, "takes whatever image is the latest")


def _idle(templates: Templates) -> set[Resource]:
    """The task definitions of which no service runs a task."""
    by_running: dict[bool, set[Resource]] = {True: set(), False: set()}
    for service in templates.of("ECS::Service"):
        tasks = {*templates.reached(service.stack, service.get("TaskDefinition"))}
        by_running[number(service.get("DesiredCount")) != 0] |= tasks
    return by_running[False] - by_running[True]


def _is_untagged(templates: Templates, task: Resource, image: Any, name: str) -> bool:
    """A variable at the end may hold a tag, unless it is the address of a repository."""
    if not image or {":", "@"} & {*_VARIABLE.sub("", name)}:
        return False
    if not name.endswith("}"):
        return True
    named = [*templates.reached(task.stack, image)]
    return bool(named) and all(one.type == "AWS::ECR::Repository" for one in named)


def _network(service: Resource) -> Mapping[str, Any]:
    return mapping(service.get("NetworkConfiguration", "AwsvpcConfiguration"))


def _containers(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    for task in templates.of("ECS::TaskDefinition"):
        for container in many(task.get("ContainerDefinitions")):
            yield task, container


def _found(task: Resource, container: Any, message: str) -> Violation:
    return task.found(message, text(get(container, "Name")))
