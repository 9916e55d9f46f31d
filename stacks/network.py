"""The VPC: subnets in each availability zone, route tables, gateways and flow logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from typing import Annotated, Any, Literal

from awacs import dynamodb, logs, s3
from awacs.aws import (
    Action,
    Allow,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AccountId, Cidr, GetAZs, Region, Select, Sub, ec2, iam
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import Env, Template, Value, Values
from stacks.foundation import Foundation
from stacks.parts.iam import allow, trust_policy
from stacks.parts.names import name_tag
from stacks.parts.retention import retention_policies

MAX_ZONES = 4  # Each zone has a quarter of the CIDR block, whether or not it is in use.
ANY_IPV4 = "0.0.0.0/0"
ANY_IPV6 = "::/0"


class Settings(fields.Settings, frozen=True):
    """The `[network]` table."""

    cidr: fields.Cidr
    zones: Annotated[int, fields.described("a number of zones, 2 or 3", ge=2, le=3)]
    nat: Literal["none", "single", "per-zone"]
    ipv6: bool
    flow_logs: bool
    flow_log_retention_days: fields.LogRetentionDays

    def __post_init__(self) -> None:
        """Raise ConflictError if a public subnet is smaller than /27, the minimum of load balancers.

        See `zone_blocks`.
        """
        if self.cidr.prefixlen > 22:
            fact = f"{self.cidr} is too small for the subnets; use a block between /16 and /22"
            raise fields.ConflictError(("cidr", fact))

    @property
    def nat_gateways(self) -> int:
        """The number of NAT gateways: one in each of the first public subnets."""
        return {"none": 0, "single": 1, "per-zone": self.zones}[self.nat]

    @property
    def has_nat(self) -> bool:
        """Whether private subnets reach the internet."""
        return self.nat_gateways > 0


@dataclass(frozen=True)
class Network:
    """The VPC and its subnets, which are sorted by zone."""

    vpc: Value
    vpc_cidr: Value
    public_subnets: Values
    private_subnets: Values


def define(t: Template, env: Env, settings: Settings, foundation: Foundation) -> Network:
    """Add the VPC, its subnets and route tables, gateways, endpoints and flow logs."""
    vpc = t.add_resource(
        ec2.VPC(
            "Vpc",
            CidrBlock=str(settings.cidr),
            EnableDnsHostnames=True,
            EnableDnsSupport=True,
            Tags=name_tag(env, "vpc"),
        )
    )
    zones = zone_blocks(settings.cidr, settings.zones)
    ipv6 = _ipv6_cidr_block(t, vpc=vpc) if settings.ipv6 else None
    public = [_public_subnet(t, env, zone, vpc=vpc, ipv6=ipv6) for zone in zones]
    private = [_private_subnet(t, env, zone, vpc=vpc) for zone in zones]

    attachment = _internet_gateway(t, env, vpc=vpc)
    public_routes = _public_route_table(t, env, public, vpc=vpc, attachment=attachment, ipv6=ipv6)
    nat_gateways = _nat_gateways(t, env, public[: settings.nat_gateways], attachment=attachment)
    private_routes = [
        _private_route_table(t, env, zone, subnet, vpc=vpc, nat_gateways=nat_gateways)
        for zone, subnet in zip(zones, private, strict=True)
    ]

    _gateway_endpoints(t, env, vpc=vpc, route_tables=[public_routes, *private_routes])
    if settings.flow_logs:
        days = settings.flow_log_retention_days
        _flow_logs(t, env, days, vpc=vpc, boundary=foundation.boundary)
    return Network(
        vpc=vpc.ref(),
        vpc_cidr=vpc.get_att("CidrBlock"),
        public_subnets=tuple(subnet.ref() for subnet in public),
        private_subnets=tuple(subnet.ref() for subnet in private),
    )


@dataclass(frozen=True)
class Zone:
    """The CIDR blocks of one availability zone; *number* starts at 1."""

    number: int
    private: IPv4Network
    public: IPv4Network

    @property
    def name(self) -> Select:
        """The name of the availability zone in the region of the stack."""
        return Select(self.number - 1, GetAZs(Region))


def zone_blocks(cidr: IPv4Network, zones: int) -> list[Zone]:
    """Divide *cidr* into quarters, one for each of up to four zones; return the first *zones*.

    Half of a quarter is private and a quarter of it is public. The rest of each quarter and the
    quarters of unused zones stay free. So adding a zone replaces no subnet, and there is room for a
    third kind of subnet.
    """
    quarters = islice(cidr.subnets(prefixlen_diff=2), zones)
    return [_zone(number, quarter) for number, quarter in enumerate(quarters, 1)]


def _zone(number: int, quarter: IPv4Network) -> Zone:
    private, rest = quarter.subnets()
    public, _free = rest.subnets()
    return Zone(number, private=private, public=public)


def _ipv6_cidr_block(t: Template, *, vpc: ec2.VPC) -> ec2.VPCCidrBlock:
    return t.add_resource(
        ec2.VPCCidrBlock("Ipv6CidrBlock", VpcId=vpc.ref(), AmazonProvidedIpv6CidrBlock=True)
    )


def _public_subnet(
    t: Template, env: Env, zone: Zone, *, vpc: ec2.VPC, ipv6: ec2.VPCCidrBlock | None
) -> ec2.Subnet:
    """Add a public subnet that assigns no public addresses by default.

    Load balancers and NAT gateways have addresses of their own, and a task requests one with
    AssignPublicIp. Anything else that is started here by mistake is not reachable.
    """
    blocks: dict[str, Any] = {"CidrBlock": str(zone.public)}
    if ipv6:
        vpc_block = Select(0, vpc.get_att("Ipv6CidrBlocks"))
        blocks["Ipv6CidrBlock"] = Select(zone.number - 1, Cidr(vpc_block, MAX_ZONES, 64))
        blocks["DependsOn"] = ipv6
    return t.add_resource(
        ec2.Subnet(
            f"PublicSubnet{zone.number}",
            VpcId=vpc.ref(),
            AvailabilityZone=zone.name,
            MapPublicIpOnLaunch=False,
            Tags=name_tag(env, f"public-{zone.number}"),
            **blocks,
        )
    )


def _private_subnet(t: Template, env: Env, zone: Zone, *, vpc: ec2.VPC) -> ec2.Subnet:
    return t.add_resource(
        ec2.Subnet(
            f"PrivateSubnet{zone.number}",
            VpcId=vpc.ref(),
            AvailabilityZone=zone.name,
            CidrBlock=str(zone.private),
            MapPublicIpOnLaunch=False,
            Tags=name_tag(env, f"private-{zone.number}"),
        )
    )


def _internet_gateway(t: Template, env: Env, *, vpc: ec2.VPC) -> ec2.VPCGatewayAttachment:
    """Add the internet gateway; routes and addresses depend on the attachment."""
    gateway = t.add_resource(ec2.InternetGateway("InternetGateway", Tags=name_tag(env, "internet")))
    return t.add_resource(
        ec2.VPCGatewayAttachment(
            "InternetGatewayAttachment", VpcId=vpc.ref(), InternetGatewayId=gateway.ref()
        )
    )


def _public_route_table(
    t: Template,
    env: Env,
    subnets: Sequence[ec2.Subnet],
    *,
    vpc: ec2.VPC,
    attachment: ec2.VPCGatewayAttachment,
    ipv6: ec2.VPCCidrBlock | None,
) -> ec2.RouteTable:
    table = t.add_resource(
        ec2.RouteTable("PublicRouteTable", VpcId=vpc.ref(), Tags=name_tag(env, "public"))
    )
    default_routes: dict[str, dict[str, Any]] = {
        "PublicDefaultRoute": {"DestinationCidrBlock": ANY_IPV4}
    }
    if ipv6:
        default_routes["PublicDefaultRouteIpv6"] = {"DestinationIpv6CidrBlock": ANY_IPV6}
    for title, destination in default_routes.items():
        t.add_resource(
            ec2.Route(
                title,
                RouteTableId=table.ref(),
                GatewayId=attachment.InternetGatewayId,
                DependsOn=attachment,
                **destination,
            )
        )
    for subnet in subnets:
        _associate(t, subnet, table)
    return table


def _nat_gateways(
    t: Template, env: Env, subnets: Sequence[ec2.Subnet], *, attachment: ec2.VPCGatewayAttachment
) -> list[ec2.NatGateway]:
    """Add a NAT gateway to each of the public *subnets*."""
    gateways = []
    for number, subnet in enumerate(subnets, 1):
        tags = name_tag(env, f"nat-{number}")
        address = t.add_resource(
            ec2.EIP(f"NatGatewayAddress{number}", Domain="vpc", Tags=tags, DependsOn=attachment)
        )
        gateways.append(
            t.add_resource(
                ec2.NatGateway(
                    f"NatGateway{number}",
                    AllocationId=address.get_att("AllocationId"),
                    SubnetId=subnet.ref(),
                    Tags=tags,
                )
            )
        )
    return gateways


def _private_route_table(
    t: Template,
    env: Env,
    zone: Zone,
    subnet: ec2.Subnet,
    *,
    vpc: ec2.VPC,
    nat_gateways: Sequence[ec2.NatGateway],
) -> ec2.RouteTable:
    """Add the route table of a private subnet, with the NAT gateway of its zone if it has one."""
    table = t.add_resource(
        ec2.RouteTable(
            f"PrivateRouteTable{zone.number}",
            VpcId=vpc.ref(),
            Tags=name_tag(env, f"private-{zone.number}"),
        )
    )
    if nat_gateways:
        t.add_resource(
            ec2.Route(
                f"PrivateDefaultRoute{zone.number}",
                RouteTableId=table.ref(),
                DestinationCidrBlock=ANY_IPV4,
                NatGatewayId=nat_gateways[min(zone.number, len(nat_gateways)) - 1].ref(),
            )
        )
    _associate(t, subnet, table)
    return table


def _associate(t: Template, subnet: ec2.Subnet, table: ec2.RouteTable) -> None:
    t.add_resource(
        ec2.SubnetRouteTableAssociation(
            f"{subnet.title}RouteTableAssociation",
            SubnetId=subnet.ref(),
            RouteTableId=table.ref(),
        )
    )


def _gateway_endpoints(
    t: Template, env: Env, *, vpc: ec2.VPC, route_tables: Sequence[ec2.RouteTable]
) -> None:
    """Add gateway endpoints for S3 and DynamoDB, which are free and need no internet access."""
    statements = {
        "s3": [_only_this_account("AccessAccountBuckets", s3.Action("*")), _pull_image_layers()],
        "dynamodb": [_only_this_account("AccessAccountTables", dynamodb.Action("*"))],
    }
    for service, title in {"s3": "S3Endpoint", "dynamodb": "DynamodbEndpoint"}.items():
        t.add_resource(
            ec2.VPCEndpoint(
                title,
                VpcId=vpc.ref(),
                VpcEndpointType="Gateway",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                RouteTableIds=[table.ref() for table in route_tables],
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=statements[service]),
                Tags=name_tag(env, service),
            )
        )


def _only_this_account(sid: str, action: Action) -> Statement:
    """Limit an endpoint to resources of this account, so no data can be copied to another one."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("*"),
        Action=[action],
        Resource=["*"],
        Condition=Condition(StringEquals({"aws:ResourceAccount": AccountId})),
    )


def _pull_image_layers() -> Statement:
    """Allow reads of the bucket from which ECR serves the layers of images."""
    return Statement(
        Sid="PullImageLayers",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[s3.GetObject],
        Resource=[Sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")],
    )


def _flow_logs(t: Template, env: Env, days: int, *, vpc: ec2.VPC, boundary: Value) -> None:
    """Log accepted and rejected traffic of the VPC, and keep it for *days*."""
    log_group = t.add_resource(
        LogGroup("FlowLogGroup", RetentionInDays=days, **retention_policies(env))
    )
    role = t.add_resource(
        iam.Role(
            "FlowLogRole",
            AssumeRolePolicyDocument=trust_policy(
                "vpc-flow-logs",
                Condition(StringEquals({"aws:SourceAccount": AccountId})),
            ),
            PermissionsBoundary=boundary,
            Policies=[
                iam.Policy(
                    PolicyName="WriteFlowLogs",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=_write_logs(log_group),
                    ),
                )
            ],
        )
    )
    t.add_resource(
        ec2.FlowLog(
            "FlowLog",
            ResourceId=vpc.ref(),
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogDestination=log_group.get_att("Arn"),
            DeliverLogsPermissionArn=role.get_att("Arn"),
            Tags=name_tag(env, "traffic"),
        )
    )


def _write_logs(log_group: LogGroup) -> list[Statement]:
    """Allow writes to *log_group*, and listing log groups, which supports no narrower resource."""
    write = [logs.CreateLogStream, logs.DescribeLogStreams, logs.PutLogEvents]
    return [
        allow("WriteLogs", write, log_group.get_att("Arn")),
        allow("DescribeLogGroups", [logs.DescribeLogGroups], "*"),
    ]
