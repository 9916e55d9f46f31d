"""ECS services: what a stack makes is what ECS shows, and how many tasks there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

SECRET = "arn:aws:ssm:ca-central-1:000000000000:parameter/crd/dev/backend/TOKEN"
SCALING = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/crd/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


def service(image: str = "web:1", *, tasks: tuple[int, int] | None = None) -> dict[str, Any]:
    """A service that runs nothing, unless a target says that it shall run so many *tasks*."""
    container = {
        "Name": "web",
        "Image": image,
        "Secrets": [{"Name": "TOKEN", "ValueFrom": SECRET}],
        "HealthCheck": {"Command": ["CMD", "true"], "StartPeriod": 60},
        "LinuxParameters": {"InitProcessEnabled": True},
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "x"}},
    }
    by_name = {
        "PortName": "web",
        "DiscoveryName": "web",
        "ClientAliases": [{"Port": 4567}],
    }
    made = template(
        Cluster=resource("AWS::ECS::Cluster", ClusterName="crd"),
        Task=resource(
            "AWS::ECS::TaskDefinition",
            Family="web",
            ContainerDefinitions=[container],
            Volumes=[{"Name": "tmp"}],
            RuntimePlatform={"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
        ),
        Service=resource(
            "AWS::ECS::Service",
            ServiceName="web",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Task"),
            PropagateTags="SERVICE",
            EnableExecuteCommand=True,
            HealthCheckGracePeriodSeconds=60,
            ServiceConnectConfiguration={"Enabled": True, "Services": [by_name]},
            **({} if tasks else {"DesiredCount": 0}),
        ),
    )
    if tasks:
        least, most = tasks
        target = resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            MinCapacity=least,
            MaxCapacity=most,
            **SCALING,
        )
        made["Resources"]["Target"] = target | {"DependsOn": "Service"}
    return made


def shown(aws: Aws) -> dict[str, Any]:
    """The service as ECS shows it."""
    [found] = aws.client("ecs").describe_services(cluster="crd", services=["web"])["services"]
    return found


def test_forgotten(aws: Aws) -> None:
    """What a deleted stack had made is inactive, and is not among what has its tags."""

    def tagged() -> list[str]:
        found = aws.client("resourcegroupstaggingapi").get_resources(
            TagFilters=[{"Key": "project", "Values": ["cruddur"]}]
        )
        return [each["ResourceARN"] for each in found["ResourceTagMappingList"]]

    aws.deploy("s", service(), Tags=[{"Key": "project", "Value": "cruddur"}])
    there = tagged()
    aws.delete("s")

    assert "service" in {arn.split(":")[5].split("/")[0] for arn in there}
    assert [] == tagged()


def test_kept(aws: Aws) -> None:
    """Whatever a template says of a task and a service is seen, after an update as well.

    AWS: AWS::ECS::TaskDefinition, AWS::ECS::Service.
    """
    ecs = aws.client("ecs")

    def task() -> dict[str, Any]:
        arn = shown(aws)["taskDefinition"]
        return ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]

    aws.deploy("s", service())
    first = task()
    stack = aws.deploy("s", service("web:2"))

    assert "UPDATE_COMPLETE" == stack["StackStatus"], aws.events("s")
    for found, image in ((first, "web:1"), (task(), "web:2")):
        [container] = found["containerDefinitions"]
        assert image == container["image"]
        assert [{"name": "TOKEN", "valueFrom": SECRET}] == container["secrets"]
        assert {"command": ["CMD", "true"], "startPeriod": 60} == container["healthCheck"]
        assert {"initProcessEnabled": True} == container["linuxParameters"]
        assert {"awslogs-group": "x"} == container["logConfiguration"]["options"]
        assert [{"name": "tmp"}] == found["volumes"]
        assert "ARM64" == found["runtimePlatform"]["cpuArchitecture"]
    web = shown(aws)
    assert ("SERVICE", True, 60) == (
        web["propagateTags"],
        web["enableExecuteCommand"],
        web["healthCheckGracePeriodSeconds"],
    )
    [newest] = [one for one in web["deployments"] if one["status"] == "PRIMARY"]
    [by_name] = newest["serviceConnectConfiguration"]["services"]
    assert ("web", 4567) == (by_name["discoveryName"], by_name["clientAliases"][0]["port"])


def test_count(aws: Aws) -> None:
    """A count that a template leaves out stays, until a new target brings it into its range.

    AWS: RegisterScalableTarget, “it changes the resource's current capacity to a value that is
    inside of this range”.
    """
    scaling = aws.client("application-autoscaling")
    ways = ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")
    suspended = {f"{way}Suspended": True for way in ways}

    aws.deploy("s", service())
    before = shown(aws)["desiredCount"]
    aws.deploy("s", service(tasks=(2, 4)))
    after = shown(aws)["desiredCount"]
    aws.client("ecs").update_service(cluster="crd", service="web", desiredCount=3)
    aws.deploy("s", service("web:2", tasks=(2, 4)))
    later = shown(aws)
    scaling.register_scalable_target(**SCALING, SuspendedState=suspended)
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    with pytest.raises(ClientError, match="ValidationException"):
        scaling.register_scalable_target(**SCALING | {"ResourceId": "service/crd/other"})

    assert (0, 2, 3) == (before, after, later["desiredCount"])
    [newest] = [one for one in later["deployments"] if one["status"] == "PRIMARY"]
    assert ("COMPLETED", 3) == (newest["rolloutState"], later["runningCount"])
    assert (2, suspended) == (target["MinCapacity"], target["SuspendedState"])


def test_unknown_image(aws: Aws) -> None:
    """Who asks for an image, by digest or tag, gets it or hears that it is not there.

    AWS: ImageNotFoundException.
    """
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="web")
    pushed = ecr.put_image(repositoryName="web", imageManifest="{}", imageTag="one")["image"]
    digest = pushed["imageId"]["imageDigest"]

    def found(**image: str) -> list[str]:
        details = ecr.describe_images(repositoryName="web", imageIds=[image])["imageDetails"]
        return [one["imageDigest"] for one in details]

    assert [digest] == found(imageDigest=digest) == found(imageTag="one")
    for image in ({"imageDigest": f"sha256:{'0' * 64}"}, {"imageTag": "two"}):
        with pytest.raises(ClientError, match="ImageNotFoundException"):
            found(**image)
