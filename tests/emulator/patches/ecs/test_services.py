"""Task definitions and services of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.ecs_services import SECRET, described_service, service


def test_tags_of_deleted_resources(aws: Aws) -> None:
    """GetResources returns no service or task definition of a deleted stack."""

    def tagged_arns() -> list[str]:
        response = aws.client("resourcegroupstaggingapi").get_resources(
            TagFilters=[{"Key": "project", "Values": ["cruddur"]}]
        )
        return [mapping["ResourceARN"] for mapping in response["ResourceTagMappingList"]]

    aws.deploy("s", service(), Tags=[{"Key": "project", "Value": "cruddur"}])
    before = tagged_arns()
    aws.delete("s")

    assert "service" in {arn.split(":")[5].split("/")[0] for arn in before}
    assert tagged_arns() == []


def test_properties(aws: Aws) -> None:
    """A task definition and a service have all properties of their template, also after an update.

    AWS: AWS::ECS::TaskDefinition, AWS::ECS::Service.
    """
    ecs = aws.client("ecs")

    def task_definition() -> dict[str, Any]:
        arn = described_service(aws)["taskDefinition"]
        return ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]

    aws.deploy("s", service())
    first = task_definition()
    stack = aws.deploy("s", service("web:2"))

    assert stack["StackStatus"] == "UPDATE_COMPLETE", aws.events("s")
    for definition, image in ((first, "web:1"), (task_definition(), "web:2")):
        [container] = definition["containerDefinitions"]
        assert image == container["image"]
        assert container["secrets"] == [{"name": "TOKEN", "valueFrom": SECRET}]
        assert container["healthCheck"] == {"command": ["CMD", "true"], "startPeriod": 60}
        assert container["linuxParameters"] == {"initProcessEnabled": True}
        assert container["logConfiguration"]["options"] == {"awslogs-group": "x"}
        assert definition["volumes"] == [{"name": "tmp"}]
        assert definition["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    web = described_service(aws)
    assert (
        web["propagateTags"],
        web["enableExecuteCommand"],
        web["healthCheckGracePeriodSeconds"],
    ) == ("SERVICE", True, 60)
    [newest] = [
        deployment for deployment in web["deployments"] if deployment["status"] == "PRIMARY"
    ]
    [service_connect] = newest["serviceConnectConfiguration"]["services"]
    assert (
        service_connect["discoveryName"],
        service_connect["clientAliases"][0]["port"],
    ) == ("web", 4567)
