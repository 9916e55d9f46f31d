"""Small templates for tests of the emulator."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]


def resource(kind: str, **properties: Any) -> Template:
    """Return a resource of a template."""
    return {"Type": kind, "Properties": properties}


def template(**resources: Any) -> Template:
    """Return a template with these resources."""
    return {"Resources": resources}


def topic(name: str = "one") -> Template:
    """Return an SNS topic, which is replaced when its name changes."""
    return resource("AWS::SNS::Topic", TopicName=name)


def parameter(value: Any, **attributes: Any) -> Template:
    """Return a Parameter Store parameter, which is updated in place."""
    return resource("AWS::SSM::Parameter", Type="String", Value=value) | attributes


def broken() -> Template:
    """Return a resource whose creation fails: a security group in a VPC that does not exist."""
    return resource("AWS::EC2::SecurityGroup", GroupDescription="x", VpcId="vpc-missing")


def ref(name: str) -> dict[str, str]:
    """Return a Ref of a resource."""
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    """Return a Fn::GetAtt of a resource."""
    return {"Fn::GetAtt": [name, attribute]}
