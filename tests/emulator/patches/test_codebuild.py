"""CodeBuild projects of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import Template, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_projects(aws: Aws) -> None:
    """A project has the queue timeout and the log configuration of its template.

    AWS: CodeBuild API reference, Project.
    """

    def project(minutes: int) -> Template:
        return resource(
            "AWS::CodeBuild::Project",
            Name="p",
            ServiceRole=f"arn:aws:iam::{aws.endpoint.account}:role/builder",
            Source={"Type": "CODEPIPELINE", "BuildSpec": "buildspec.yml"},
            Artifacts={"Type": "CODEPIPELINE"},
            Environment={
                "Type": "ARM_CONTAINER",
                "Image": "x",
                "ComputeType": "BUILD_GENERAL1_SMALL",
            },
            QueuedTimeoutInMinutes=minutes,
            LogsConfig={"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "builds"}},
        )

    def timeout_and_log_group() -> tuple[int, str]:
        [project_] = aws.client("codebuild").batch_get_projects(names=["p"])["projects"]
        return project_["queuedTimeoutInMinutes"], project_["logsConfig"]["cloudWatchLogs"][
            "groupName"
        ]

    aws.deploy("s", template(P=project(30)))
    first = timeout_and_log_group()
    aws.deploy("s", template(P=project(60)))

    assert first == (30, "builds")
    assert timeout_and_log_group() == (60, "builds")
