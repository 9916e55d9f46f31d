"""A CodeBuild project keeps how long a build may queue, and where it logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Props

Project = dict[str, Any]

_KIND = "AWS::CodeBuild::Project"
_QUEUED_MINUTES = 480  # Where a template says nothing: CodeBuild API reference, Project.


def close() -> None:
    """Keep both when a stack makes or changes a project, and show them."""
    for verb, at in (("create", 1), ("update", 2)):
        ministack.wrap_type(_KIND, verb, _keeping(at))
    ministack.swap(ministack.codebuild, "_project_shape", _showing)


def _keeping(at: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Of what is called with the new properties as argument *at*."""

    def wrapper(make: Callable[..., Any]) -> Callable[..., Any]:
        def making(*args: Any) -> Any:
            name, attributes = make(*args)
            props: Props = args[at]
            ministack.store(ministack.codebuild, "_projects")[name].update(
                queuedTimeoutInMinutes=int(props.get("QueuedTimeoutInMinutes", _QUEUED_MINUTES)),
                logsConfig=ministack.to_camel(props.get("LogsConfig", {})),
            )
            return name, attributes

        return making

    return wrapper


def _showing(shape: Callable[[Project], Project]) -> Callable[[Project], Project]:
    kept = ("queuedTimeoutInMinutes", "logsConfig")
    return lambda project: shape(project) | {one: project[one] for one in kept if one in project}
