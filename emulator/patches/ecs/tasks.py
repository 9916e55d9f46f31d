"""Run the containers of ECS tasks as processes of this machine, and deploy services with them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterable
from typing import Any

from emulator.containers import deployments, runtime
from emulator.containers.task import USER, Task
from emulator.ministack import cloudformation, context, ecs, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.context import Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A task runs the containers of its task definition, and stops when an essential one exits.",
        source="ECS developer guide, Amazon ECS task lifecycle",
        ministack="A task is RUNNING without a container.",
        test="test_life_of_a_task",
    ),
    Difference(
        "A task has temporary credentials of its task role, until it stops.",
        source="ECS developer guide, Amazon ECS task IAM role",
        ministack="No credentials.",
        test="test_credentials",
    ),
    Difference(
        "The execution role must permit ECS to pull the image, to read the secrets and to write the log.",
        source="ECS developer guide, Amazon ECS task execution IAM role; messages: Resolve Amazon ECS "
        "ResourceInitializationError errors",
        ministack="Not checked.",
        test="test_execution_role",
    ),
    Difference(
        "The output of a container is in its log group, in the stream PREFIX/CONTAINER/TASK.",
        source="ECS developer guide, Send Amazon ECS logs to CloudWatch",
        ministack="No output.",
        test="test_life_of_a_task",
    ),
    Difference(
        "A service replaces a task whose container or target is unhealthy.",
        source="ECS developer guide, Determine Amazon ECS task health using container health checks",
        ministack="No health checks.",
        test="test_unhealthy_container",
    ),
    Difference(
        "A deployment keeps the minimum of healthy tasks; the circuit breaker rolls a failed one back.",
        source="ECS developer guide, How the Amazon ECS deployment circuit breaker detects failures",
        ministack="Complete at once.",
        test="test_failed_deployment",
    ),
    Difference(
        "A task that stops is deregistered, gets SIGTERM after its requests, and SIGKILL after its stopTimeout.",
        source="ECS developer guide, Amazon ECS task lifecycle; ContainerDefinition, stopTimeout",
        ministack="Nothing stops.",
        test="test_stop",
    ),
    Difference(
        "A stack waits until a service that it creates or changes is stable, and fails if the deployment does.",
        source="AWS::ECS::Service; the message is from aws/aws-cdk#25240",
        ministack="The stack is complete at once.",
        test="test_stack_with_failing_service",
    ),
)

_SERVICE = ResourceType("AWS::ECS::Service")
STABILIZATION_SECONDS = 15 * 60.0
DELETION_SECONDS = 60.0
_POLL_SECONDS = 0.1
_DRAINING_EVENT = "has begun draining connections on 1 tasks."
_FAILED = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."


def install() -> None:
    """Install the patch."""
    runtime.install()
    ecs.reconcile.replace(lambda _cluster, _service: runtime.scheduler().wake())
    ecs.synchronize_targets.replace(lambda _cluster, _service: None)
    ecs.refresh_service.replace(lambda _cluster, _group: None)
    ecs.run_task.replace(_run_task)
    ecs.stop_task.replace(_stop_task)
    ecs.create_service.after(_begin_first_deployment)
    ecs.update_service.around(_update_service)
    cloudformation.needs_thread.after(
        lambda is_needed, kind: is_needed or kind == "AWS::ECS::Service"
    )
    _SERVICE.create.after(lambda created, *_args: _wait_until_stable(created))
    _SERVICE.update.after(lambda created, *_args: _wait_until_stable(created))
    _SERVICE.delete.around(_delete)


def _run_task(data: dict[str, Any]) -> Response:
    try:
        tasks = runtime.scheduler().run(data)
    except runtime.RunTaskError as error:
        return error.response
    records = [ecs.public_record(task.record) for task in tasks]
    return context.json_response({"tasks": records, "failures": []})


def _stop_task(data: dict[str, Any]) -> Response:
    cluster = ecs.resolve_cluster(data.get("cluster", "default"))
    record = ecs.resolve_task(data.get("task", ""), cluster) if cluster else None
    if record is None:
        message = "The referenced task was not found."
        return context.json_error("InvalidParameterException", message, http.client.BAD_REQUEST)
    task = runtime.scheduler().tasks.get(record["taskArn"])
    if task:
        task.stop(data.get("reason") or "Task stopped by user", USER)
    return context.json_response({"task": ecs.public_record(record)})


def _begin_first_deployment(response: Response, data: dict[str, Any]) -> Response:
    """Describe the deployment of a new service as in progress until its tasks are healthy."""
    if response[0] != http.client.OK:
        return response
    created = context.parse_json(response)["service"]
    service = ecs.service_record(created["serviceArn"])
    with runtime.scheduler().lock:
        deployments.begin(service)
    runtime.scheduler().wake()
    return context.json_response({"service": ecs.public_record(service)})


def _update_service(
    original: Callable[[dict[str, Any]], Response], data: dict[str, Any]
) -> Response:
    """Update a service under the scheduler's lock, without MiniStack's event about draining."""
    with runtime.scheduler().lock:
        response = original(data)
        if response[0] != http.client.OK:
            return response
        service = ecs.service_record(context.parse_json(response)["service"]["serviceArn"])
        events = service["events"]
        if events and events[0]["message"].endswith(_DRAINING_EVENT):
            del events[0]
        deployment = deployments.primary(service)
        if not deployment["rolloutStateReason"]:
            deployments.begin(service)
    runtime.scheduler().wake()
    return context.json_response({"service": ecs.public_record(service)})


def _wait_until_stable(created: Created) -> Created:
    """Return *created* when the deployment of the service is complete; raise ValueError if it fails."""
    service = ecs.service_record(created[0])
    expected = deployments.primary(service)["id"]
    deadline = time.monotonic() + STABILIZATION_SECONDS
    while time.monotonic() < deadline:
        deployment = deployments.primary(service)
        has_failed = deployment["rolloutState"] == deployments.FAILED
        if deployment["id"] != expected or has_failed:
            raise services.refusal(_FAILED, "Ecs")
        if deployment["rolloutState"] == deployments.COMPLETED:
            return created
        time.sleep(_POLL_SECONDS)
    raise services.refusal("Exceeded attempts to wait", "Ecs")


def _delete(original: Callable[[str, Props], None], arn: str, props: Props) -> None:
    """Delete a service, and wait until its tasks have stopped."""
    original(arn, props)
    scheduler = runtime.scheduler()
    scheduler.wake()
    deadline = time.monotonic() + DELETION_SECONDS
    for task in tasks_of_service(arn, list(scheduler.tasks.values())):
        task.has_ended.wait(max(0.0, deadline - time.monotonic()))


def tasks_of_service(arn: str, tasks: Iterable[Task]) -> list[Task]:
    """Return those of *tasks* that belong to the service with this ARN.

    Another account, region or cluster can have a service of the same name.
    """
    prefix, _, path = arn.partition(":service/")
    cluster, name = path.split("/")
    owner = (f"{prefix}:cluster/{cluster}", f"service:{name}")
    return [
        task for task in tasks if (task.record["clusterArn"], task.record.get("group")) == owner
    ]
