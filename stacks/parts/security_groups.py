"""Rules that a stack adds to the security group of another stack."""

from __future__ import annotations

from typing import Any

from troposphere import ec2

from deployer.model import Template, Value


def allow_ingress(
    t: Template,
    title: str,
    *,
    security_group: Value,
    source_security_group: Value,
    port: Value | int,
    description: str,
) -> None:
    """Allow members of *source_security_group* to connect to *security_group* on one TCP *port*."""
    t.add_resource(
        ec2.SecurityGroupIngress(
            title,
            GroupId=security_group,
            SourceSecurityGroupId=source_security_group,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=description,
        )
    )


def allow_egress(
    t: Template,
    title: str,
    *,
    security_group: Value,
    port: int,
    description: str,
    **target: Any,
) -> None:
    """Allow members of *security_group* to connect to a *target* on one TCP *port*.

    The target is CidrIp or DestinationSecurityGroupId.
    """
    t.add_resource(
        ec2.SecurityGroupEgress(
            title,
            GroupId=security_group,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=description,
            **target,
        )
    )
