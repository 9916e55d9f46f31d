"""Store the queue timeout and the log configuration of CodeBuild projects."""

from __future__ import annotations

from typing import Any

from emulator.ministack import cloudformation, lookup, services
from emulator.ministack.cloudformation import Props, ResourceType
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

Project = dict[str, Any]

DIFFERENCES = (
    Difference(
        "A CodeBuild project has a queue timeout and a log configuration.",
        source="CodeBuild API reference, Project",
        ministack="Dropped.",
        test="test_projects",
    ),
)
UPSTREAM = True

_PROJECT = ResourceType("AWS::CodeBuild::Project")
_DEFAULT_QUEUED_MINUTES = 480  # The default: CodeBuild API reference, Project.
_STORED_FIELDS = ("queuedTimeoutInMinutes", "logsConfig")

_projects: Any = lookup.attribute(services.codebuild, "_projects")
_describe: Function[[Project], Project] = Function("_project_shape", services.codebuild)


def install() -> None:
    """Install the patch."""
    _PROJECT.after(_store)
    _describe.after(_add_stored_fields)


def _store(name: str, props: Props) -> None:
    _projects[name].update(
        queuedTimeoutInMinutes=int(props.get("QueuedTimeoutInMinutes", _DEFAULT_QUEUED_MINUTES)),
        logsConfig=cloudformation.to_camel(props.get("LogsConfig", {})),
    )


def _add_stored_fields(description: Project, project: Project) -> Project:
    return description | {key: project[key] for key in _STORED_FIELDS if key in project}
