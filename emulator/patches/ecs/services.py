"""Store all properties of task definitions and services; delete the tags of deleted ones."""

from __future__ import annotations

from typing import Any

from emulator.ministack import cloudformation, ecs
from emulator.ministack.cloudformation import Props, ResourceType
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A task definition and a service have all properties of their template.",
        source="AWS::ECS::TaskDefinition, AWS::ECS::Service",
        ministack="Secrets, health checks and volumes are lost, since their keys are stored in the wrong "
        "case; platform, Service Connect, ECS Exec and grace period are dropped.",
        test="test_properties",
    ),
    Difference(
        "GetResources does not return a deleted service or a deregistered task definition.",
        source="not verified",
        ministack="Both are returned.",
        test="test_tags_of_deleted_resources",
    ),
)
UPSTREAM = True

_TASK_DEFINITION = ResourceType("AWS::ECS::TaskDefinition")
_SERVICE = ResourceType("AWS::ECS::Service")
_TASK_DEFINITION_PROPERTIES = ("ContainerDefinitions", "Volumes", "RuntimePlatform")
_SERVICE_PROPERTIES = (
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "HealthCheckGracePeriodSeconds",
    "PropagateTags",
)


def install() -> None:
    """Install the patch."""
    _TASK_DEFINITION.after(_complete_task_definition)
    _SERVICE.after(_complete_service)
    for resource_type in (_TASK_DEFINITION, _SERVICE):
        resource_type.delete.after(_delete_tags)


def _complete_task_definition(arn: str, props: Props) -> None:
    definition = ecs.task_definition(arn)
    definition.update(_converted(props, _TASK_DEFINITION_PROPERTIES))


def _complete_service(arn: str, props: Props) -> None:
    service = ecs.service_record(arn)
    service.update(_converted(props, _SERVICE_PROPERTIES))
    service_connect = _converted(props, ("ServiceConnectConfiguration",))
    for deployment in service["deployments"]:
        deployment.update(service_connect)


def _delete_tags(_result: None, arn: str, _props: Props) -> None:
    """Delete the tags of an inactive resource: it can be described, but not found by its tags."""
    ecs.tags.pop(arn, None)


def _converted(props: Props, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the properties named in *keys* in the camel case of ECS's API."""
    converted: dict[str, Any] = cloudformation.to_camel(
        {key: props[key] for key in keys if key in props}
    )
    return converted
