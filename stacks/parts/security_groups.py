"""Rules of security groups that belong to another stack."""

from __future__ import annotations

from troposphere import ec2

from deployer.model import Template, Value


def allow_ingress(
    t: Template, title: str, *, group: Value, source: Value, port: Value | int, description: str
) -> None:
    """Allow the members of the security group *source* to reach *group* on one TCP *port*."""
    t.add_resource(
        ec2.SecurityGroupIngress(
            title,
            GroupId=group,
            SourceSecurityGroupId=source,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=description,
        )
    )
