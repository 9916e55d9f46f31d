"""ECS services: what a stack says of one is kept whole, and a new scaling target sets its count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Props, ask_ecs

Made = tuple[str, dict[str, str]]

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_DROPPED_OF_TASK = ("ContainerDefinitions", "Volumes", "RuntimePlatform")
_DROPPED_OF_SERVICE = (
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "HealthCheckGracePeriodSeconds",
    "PropagateTags",
)


def close() -> None:
    """Keep what the emulator drops, or spells as the template does where ECS spells otherwise."""
    for verb in ("create", "update"):
        ministack.wrap_type("AWS::ECS::TaskDefinition", verb, _then(_keep_task))
        ministack.wrap_type("AWS::ECS::Service", verb, _then(_keep_service))
    for kind in ("AWS::ECS::TaskDefinition", "AWS::ECS::Service"):
        ministack.wrap_type(kind, "delete", _with_its_tags)
    ministack.wrap_type(_TARGET, "create", _then(_set_count))


def _then(keep: Callable[[str, Props], None]) -> Callable[[Callable[..., Made]], Any]:
    """Create and update differ in their arguments; the last dict of both is what is wanted."""

    def wrapper(make: Callable[..., Made]) -> Callable[..., Made]:
        def making(*args: Any, **named: Any) -> Made:
            name, attributes = make(*args, **named)
            keep(name, [arg for arg in args if isinstance(arg, dict)][-1])
            return name, attributes

        return making

    return wrapper


def _with_its_tags(delete: Callable[..., None]) -> Callable[..., None]:
    """What is inactive is still described, but nobody finds it by its tags."""

    def deleting(arn: str, props: Props) -> None:
        delete(arn, props)
        ministack.store(ministack.ecs, "_tags").pop(arn, None)

    return deleting


def _keep_task(arn: str, props: Props) -> None:
    tasks = ministack.store(ministack.ecs, "_task_defs")
    tasks[arn.rpartition("/")[2]].update(_spelled(props, _DROPPED_OF_TASK))


def _keep_service(arn: str, props: Props) -> None:
    service = _service(arn.partition("service/")[2])
    service.update(_spelled(props, _DROPPED_OF_SERVICE))
    by_name = _spelled(props, ("ServiceConnectConfiguration",))
    for deployment in service["deployments"]:
        deployment.update(by_name)


def _set_count(target: str, props: Props) -> None:
    """A service that runs fewer tasks than its new target allows, or more, is brought in range."""
    if props["ServiceNamespace"] != "ecs":
        return
    path = target.partition("|")[0].partition("service/")[2]
    service = _service(path)
    if not service:
        return
    count = min(max(service["desiredCount"], props["MinCapacity"]), props["MaxCapacity"])
    if count != service["desiredCount"]:
        cluster, _, name = path.partition("/")
        ask_ecs("UpdateService", cluster=cluster, service=name, desiredCount=count)


def _service(path: str) -> dict[str, Any]:
    """The service CLUSTER/NAME; nothing if there is none."""
    found: dict[str, Any] = ministack.store(ministack.ecs, "_services").get(path, {})
    return found


def _spelled(props: Props, names: tuple[str, ...]) -> dict[str, Any]:
    spelled: dict[str, Any] = ministack.to_camel({n: props[n] for n in names if n in props})
    return spelled
