"""A stack with exports that its settings change or remove, and stacks that import them."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import Join, ec2, elasticloadbalancingv2, sns, ssm

from deployer.config import fields
from deployer.model import Env, Template, Value, Values


class Settings(fields.Settings, frozen=True):
    """The settings of a source: its number of topics, and the port of its target group, or 0.

    *group* is the logical id of the target group.
    """

    topics: int = 0
    port: int = 0
    group: str = "Group"


@dataclass(frozen=True)
class Source:
    """The topics of a source, the port and the target group."""

    topics: Values
    port: Value | None
    group: Value | None


@dataclass(frozen=True)
class Reader:
    """The topic whose name contains the port."""

    chained: Value | None


def source(t: Template, _env: Env, settings: Settings) -> Source:
    """Add the topics, and a target group in a VPC if there is a port."""
    topics = [t.add_resource(sns.Topic(f"Topic{n}")) for n in range(1, settings.topics + 1)]
    t.add_resource(sns.Topic("Unused"))
    refs = tuple(topic.ref() for topic in topics)
    if not settings.port:
        return Source(refs, None, None)
    vpc = t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16"))
    group = t.add_resource(
        elasticloadbalancingv2.TargetGroup(
            settings.group, Port=settings.port, Protocol="HTTP", VpcId=vpc.ref()
        )
    )
    return Source(refs, str(settings.port), group.ref())


def reader(t: Template, _env: Env, *sources: Source) -> Reader:
    """Add a parameter for each imported value, and a topic whose name contains the port."""
    chained = None
    for number, imported in enumerate(sources, 1):
        values = [*imported.topics, imported.port, imported.group]
        for index, value in enumerate(filter(None, values), 1):
            _parameter(t, f"Source{number}Value{index}", value)
        if imported.port:
            name = Join("-", ["chained", imported.port])
            chained = t.add_resource(sns.Topic("Chained", TopicName=name)).ref()
    _parameter(t, "Constant", "constant")
    return Reader(chained)


def end(t: Template, _env: Env, chained: Reader) -> None:
    """Add a parameter with the topic of the reader."""
    _parameter(t, "Chained", chained.chained or "none")


def _parameter(t: Template, title: str, value: Value) -> None:
    t.add_resource(ssm.Parameter(title, Type="String", Value=value))
