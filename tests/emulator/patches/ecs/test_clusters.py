"""ECS clusters of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_cluster(aws: Aws) -> None:
    """A cluster has the default Service Connect namespace and the capacity providers of its stack.

    AWS: AWS::ECS::Cluster ServiceConnectDefaults; AWS::ECS::ClusterCapacityProviderAssociations.
    """
    spot = {"CapacityProvider": "FARGATE_SPOT", "Weight": 1}
    cluster = template(
        Namespace=resource("AWS::ServiceDiscovery::HttpNamespace", Name=f"n{aws.endpoint.account}"),
        Cluster=resource(
            "AWS::ECS::Cluster", ServiceConnectDefaults={"Namespace": att("Namespace", "Arn")}
        ),
        Providers=resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=["FARGATE", "FARGATE_SPOT"],
            DefaultCapacityProviderStrategy=[spot],
        ),
    ) | {
        "Outputs": {"Cluster": {"Value": ref("Cluster")}, "Ns": {"Value": att("Namespace", "Arn")}}
    }

    aws.deploy("s", cluster)

    names = [aws.outputs("s")["Cluster"]]
    [description] = aws.client("ecs").describe_clusters(clusters=names)["clusters"]
    assert description["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert description["defaultCapacityProviderStrategy"][0]["capacityProvider"] == "FARGATE_SPOT"
    assert aws.outputs("s")["Ns"] == description["serviceConnectDefaults"]["namespace"]
