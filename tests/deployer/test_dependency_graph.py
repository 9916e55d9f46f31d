"""The drawing of the dependencies of stacks."""

from deployer import dependency_graph
from tests.fakes import desired_stack

STACKS = (
    desired_stack("network"),
    desired_stack("cluster", needs=["network"]),
    desired_stack("edge", region="us-east-1"),
)


def test_mermaid() -> None:
    """The flowchart has a subgraph for each region, and an arrow to each dependency."""
    assert dependency_graph.mermaid(STACKS).splitlines() == [
        "flowchart BT",
        '  subgraph ca-central-1["ca-central-1"]',
        "    network",
        "    cluster",
        "  end",
        '  subgraph us-east-1["us-east-1"]',
        "    edge",
        "  end",
        "  cluster --> network",
    ]


def test_graphviz() -> None:
    """The digraph has a cluster for each region, and an edge to each dependency."""
    lines = dependency_graph.dot(STACKS).splitlines()

    assert '  subgraph "cluster_us-east-1" {' in lines
    assert '    "edge";' in lines
    assert lines[-2:] == ['  "cluster" -> "network";', "}"]
