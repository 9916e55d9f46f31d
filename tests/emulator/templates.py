"""The smallest templates the tests of the emulator share."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]


def resource(kind: str, **properties: Any) -> Template:
    """One resource as a template has it."""
    return {"Type": kind, "Properties": properties}


def template(**resources: Any) -> Template:
    """A template of these resources."""
    return {"Resources": resources}


def topic(name: str = "one") -> Template:
    """A topic: quick to make, replaced when renamed."""
    return resource("AWS::SNS::Topic", TopicName=name)


def parameter(value: Any, **attributes: Any) -> Template:
    """An SSM parameter: updated in place."""
    return resource("AWS::SSM::Parameter", Type="String", Value=value) | attributes


def broken() -> Template:
    """What fails for real: a security group in a VPC that is not there."""
    return resource("AWS::EC2::SecurityGroup", GroupDescription="x", VpcId="vpc-missing")


def ref(name: str) -> dict[str, str]:
    """The value of a resource."""
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    """An attribute of a resource."""
    return {"Fn::GetAtt": [name, attribute]}
