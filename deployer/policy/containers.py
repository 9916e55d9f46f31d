"""Rules for ECS services and their containers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_int, as_list, as_mapping, get, is_true, pattern, text

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_TASK_STARTERS = ("ECS::Service", "ECS::TaskSet", "Events::Rule", "Scheduler::Schedule")

rolls_back = for_each_resource(
    "ECS::Service",
    is_valid=lambda resource: (
        # CodeDeploy and external controllers have rollbacks of their own, and no circuit breaker.
        resource.get("DeploymentController", "Type") in ("CODE_DEPLOY", "EXTERNAL")
        or all(
            is_true(resource.get("DeploymentConfiguration", "DeploymentCircuitBreaker", key))
            for key in ("Enable", "Rollback")
        )
    ),
    message="does not roll back a failed deployment: no circuit breaker with rollback",
)
without_exec = for_each_resource(
    "ECS::Service",
    is_valid=lambda resource: not is_true(resource.get("EnableExecuteCommand")),
    message="enables ECS Exec in a protected environment",
    protected=True,
)


def without_public_ip(templates: Templates) -> Iterator[Violation]:
    """Neither services nor the rules and schedules that start tasks assign public IP addresses."""
    for resource in templates.of_type(*_TASK_STARTERS):
        for parameters in _task_parameters(resource):
            network = as_mapping(get(parameters, "NetworkConfiguration"))
            # EventBridge writes the key in another way.
            for key in ("AwsvpcConfiguration", "AwsVpcConfiguration"):
                if get(network, key, "AssignPublicIp") == "ENABLED":
                    yield resource.violation("assigns public IP addresses to its tasks")


def _task_parameters(resource: Resource) -> Iterator[Any]:
    """Yield the properties of *resource* that have the network of tasks."""
    yield resource.properties
    for target in (*as_list(resource.get("Targets")), resource.get("Target")):
        yield get(target, "EcsParameters")


def two_roles(templates: Templates) -> Iterator[Violation]:
    """The task role is not the execution role, by reference, name or ARN."""
    for task in templates.of_type("ECS::TaskDefinition"):
        task_role, execution_role = task.get("TaskRoleArn"), task.get("ExecutionRoleArn")
        same = {*templates.referenced(task.stack, task_role)} & {
            *templates.referenced(task.stack, execution_role)
        }
        if task_role and (task_role == execution_role or same):
            yield task.violation("uses the execution role, which reads its secrets, as task role")


def read_only_root(templates: Templates) -> Iterator[Violation]:
    """The root file system is read-only, unless the service enables ECS Exec, which writes to it."""
    with_exec = {
        task
        for service in templates.of_type("ECS::Service")
        if is_true(service.get("EnableExecuteCommand"))
        for task in templates.referenced(service.stack, service.get("TaskDefinition"))
    }
    for task, container in _containers(templates):
        if task not in with_exec and not is_true(get(container, "ReadonlyRootFilesystem")):
            yield _violation(task, container, "has a writable root file system")


def unprivileged(templates: Templates) -> Iterator[Violation]:
    """A container is not privileged, and the task definition sets a user other than root."""
    for task, container in _containers(templates):
        if is_true(get(container, "Privileged")):
            yield _violation(task, container, "is privileged")
        if _is_root(get(container, "User")):
            yield _violation(task, container, "runs as root, or as the user of the image")


def _is_root(user: Any) -> bool:
    """Return whether *user* is root or missing; a reference is accepted, because its value is unknown."""
    name = pattern(user).partition(":")[0].strip() if user else ""
    return name in ("", "root") or as_int(name) == 0


def logs_to_group(templates: Templates) -> Iterator[Violation]:
    """Logs are in a log group of the templates: a group that `awslogs` creates never expires."""
    for task, container in _containers(templates):
        logs = get(container, "LogConfiguration")
        group = get(logs, "Options", "awslogs-group")
        types = {target.type for target in templates.referenced(task.stack, group)}
        if get(logs, "LogDriver") != "awslogs" or "AWS::Logs::LogGroup" not in types:
            yield _violation(task, container, "does not log to a log group of the templates")


def pinned_images(templates: Templates) -> Iterator[Violation]:
    """An image has a tag or digest: without one, ECS uses `latest`.

    A service with a desired count of 0, as before the first release, needs no image.
    """
    idle = _idle_task_definitions(templates)
    for task, container in _containers(templates):
        if task in idle:
            continue
        image = get(container, "Image")
        name = pattern(image).rpartition("/")[2]
        if name.endswith(":latest") or _is_untagged(templates, task, image, name):
            yield _violation(task, container, "uses the latest image: it has no tag or digest")


def _idle_task_definitions(templates: Templates) -> set[Resource]:
    """Return the task definitions whose services have a desired count of 0."""
    by_desired: dict[bool, set[Resource]] = {True: set(), False: set()}
    for service in templates.of_type("ECS::Service"):
        tasks = {*templates.referenced(service.stack, service.get("TaskDefinition"))}
        by_desired[as_int(service.get("DesiredCount")) != 0] |= tasks
    return by_desired[False] - by_desired[True]


def _is_untagged(templates: Templates, task: Resource, image: Any, name: str) -> bool:
    """Return whether *image* has no tag; a reference at its end may have one, unless it is a repository."""
    if not image or {":", "@"} & {*_VARIABLE.sub("", name)}:
        return False
    if not name.endswith("}"):
        return True
    targets = [*templates.referenced(task.stack, image)]
    return bool(targets) and all(target.type == "AWS::ECR::Repository" for target in targets)


def _containers(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    for task in templates.of_type("ECS::TaskDefinition"):
        for container in as_list(task.get("ContainerDefinitions")):
            yield task, container


def _violation(task: Resource, container: Any, message: str) -> Violation:
    return task.violation(message, text(get(container, "Name")))
