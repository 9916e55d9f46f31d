"""Network access of functions to the database, and to nothing else."""

from __future__ import annotations

from troposphere import ec2

from deployer.model import Env, Template
from stacks.database import Database
from stacks.network import Network
from stacks.parts.functions import VpcPlacement
from stacks.parts.names import name_tag
from stacks.parts.security_groups import allow_ingress


def database_access(
    t: Template, env: Env, stack: str, *, network: Network, database: Database
) -> VpcPlacement:
    """Add the security group of the functions of *stack*; place them in the private subnets."""
    security_group = t.add_resource(
        ec2.SecurityGroup(
            "FunctionSecurityGroup",
            GroupDescription="Functions that reach the database and nothing else",
            VpcId=network.vpc,
            SecurityGroupEgress=[  # Without a rule AWS would add one that allows all traffic.
                ec2.SecurityGroupRule(
                    DestinationSecurityGroupId=database.security_group,
                    Description="To the database",
                    FromPort=database.port,
                    ToPort=database.port,
                    IpProtocol="tcp",
                )
            ],
            Tags=name_tag(env, "functions"),
        )
    )
    allow_ingress(
        t,
        "DatabaseIngressFromFunctions",
        security_group=database.security_group,
        source_security_group=security_group.get_att("GroupId"),
        port=database.port,
        description=f"From the functions of the stack {stack}",
    )
    return VpcPlacement(network.private_subnets, security_group)
