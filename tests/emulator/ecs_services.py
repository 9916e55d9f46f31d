"""A template with an ECS service whose properties are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws
SECRET = "arn:aws:ssm:ca-central-1:000000000000:parameter/crd/dev/backend/TOKEN"


def service(image: str = "web:1") -> dict[str, Any]:
    """Return a service without tasks."""
    container = {
        "Name": "web",
        "Image": image,
        "Secrets": [{"Name": "TOKEN", "ValueFrom": SECRET}],
        "HealthCheck": {"Command": ["CMD", "true"], "StartPeriod": 60},
        "LinuxParameters": {"InitProcessEnabled": True},
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "x"}},
    }
    service_connect = {
        "PortName": "web",
        "DiscoveryName": "web",
        "ClientAliases": [{"Port": 4567}],
    }
    return template(
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
            ServiceConnectConfiguration={"Enabled": True, "Services": [service_connect]},
            DesiredCount=0,
        ),
    )


def described_service(aws: Aws) -> dict[str, Any]:
    """Return the service from ECS's API."""
    [description] = aws.client("ecs").describe_services(cluster="crd", services=["web"])["services"]
    return description
