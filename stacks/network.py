"""The network: a public and a private subnet in every zone, and the ways in and out of them."""

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

MOST_ZONES = 4  # Each has a quarter of the network, whether it is used yet or not.
ANYWHERE = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"


class Settings(fields.Settings, frozen=True):
    """The `[network]` table."""

    cidr: fields.Cidr
    zones: Annotated[int, fields.described("a number of zones, 2 or 3", ge=2, le=3)]
    nat: Literal["none", "single", "per-zone"]
    ipv6: bool
    flow_logs: bool
    flow_log_retention_days: fields.LogRetentionDays

    def __post_init__(self) -> None:
        """A load balancer needs a /27 in every zone: see `zone_blocks`."""
        if self.cidr.prefixlen > 22:
            fact = f"{self.cidr} is too small for this network; take a /16 to /22"
            raise fields.ConflictError(("cidr", fact))

    @property
    def nat_gateways(self) -> int:
        """How many there are: they stand in the first public subnets."""
        return {"none": 0, "single": 1, "per-zone": self.zones}[self.nat]

    @property
    def private_way_out(self) -> bool:
        """Whether private subnets reach the internet: `layers` tells those who have to know."""
        return self.nat_gateways > 0


@dataclass(frozen=True)
class Network:
    """What everything with an address stands in; subnets are in the order of their zones."""

    vpc: Value
    vpc_cidr: Value
    public_subnets: Values
    private_subnets: Values


def define(t: Template, env: Env, settings: Settings, base: Foundation) -> Network:
    """The VPC, its subnets and route tables, and what leads out of it."""
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
    ipv6 = _ipv6_block(t, vpc=vpc) if settings.ipv6 else None
    public = [_public_subnet(t, env, zone, vpc=vpc, ipv6=ipv6) for zone in zones]
    private = [_private_subnet(t, env, zone, vpc=vpc) for zone in zones]

    internet = _internet(t, env, vpc=vpc)
    public_routes = _public_routes(t, env, public, vpc=vpc, internet=internet, ipv6=ipv6)
    gateways = _nat_gateways(t, env, public[: settings.nat_gateways], internet=internet)
    private_routes = [
        _private_routes(t, env, zone, subnet, vpc=vpc, gateways=gateways)
        for zone, subnet in zip(zones, private, strict=True)
    ]

    _endpoints(t, env, vpc=vpc, route_tables=[public_routes, *private_routes])
    if settings.flow_logs:
        _flow_logs(t, env, settings.flow_log_retention_days, vpc=vpc, boundary=base.boundary)
    return Network(
        vpc=vpc.ref(),
        vpc_cidr=vpc.get_att("CidrBlock"),
        public_subnets=tuple(subnet.ref() for subnet in public),
        private_subnets=tuple(subnet.ref() for subnet in private),
    )


@dataclass(frozen=True)
class Zone:
    """The addresses of one availability zone, counted from 1."""

    number: int
    private: IPv4Network
    public: IPv4Network

    @property
    def name(self) -> Select:
        """The zone's name: the region knows which it has."""
        return Select(self.number - 1, GetAZs(Region))


def zone_blocks(cidr: IPv4Network, zones: int) -> list[Zone]:
    """What each zone has of *cidr*: half of its quarter is private, a quarter of it public.

    The last quarter of each, and the quarters of zones not used yet, stay free: a zone more
    moves nothing, and a third kind of subnet has its place.
    """
    quarters = islice(cidr.subnets(prefixlen_diff=2), zones)
    return [_zone(number, quarter) for number, quarter in enumerate(quarters, 1)]


def _zone(number: int, quarter: IPv4Network) -> Zone:
    private, rest = quarter.subnets()
    public, _free = rest.subnets()
    return Zone(number, private=private, public=public)


def _ipv6_block(t: Template, *, vpc: ec2.VPC) -> ec2.VPCCidrBlock:
    return t.add_resource(
        ec2.VPCCidrBlock("Ipv6Block", VpcId=vpc.ref(), AmazonProvidedIpv6CidrBlock=True)
    )


def _public_subnet(
    t: Template, env: Env, zone: Zone, *, vpc: ec2.VPC, ipv6: ec2.VPCCidrBlock | None
) -> ec2.Subnet:
    """A subnet the internet can reach; only what asks for an address gets one.

    The load balancer and NAT bring theirs, and a task says AssignPublicIp: with an address for
    everything, whatever is started here by mistake would be on the internet.
    """
    addresses: dict[str, Any] = {"CidrBlock": str(zone.public)}
    if ipv6:
        network = Select(0, vpc.get_att("Ipv6CidrBlocks"))
        addresses["Ipv6CidrBlock"] = Select(zone.number - 1, Cidr(network, MOST_ZONES, 64))
        addresses["DependsOn"] = ipv6
    return t.add_resource(
        ec2.Subnet(
            f"PublicSubnet{zone.number}",
            VpcId=vpc.ref(),
            AvailabilityZone=zone.name,
            MapPublicIpOnLaunch=False,
            Tags=name_tag(env, f"public-{zone.number}"),
            **addresses,
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


def _internet(t: Template, env: Env, *, vpc: ec2.VPC) -> ec2.VPCGatewayAttachment:
    """The way to the internet, attached: whatever uses it has to wait for that."""
    gateway = t.add_resource(ec2.InternetGateway("Internet", Tags=name_tag(env, "internet")))
    return t.add_resource(
        ec2.VPCGatewayAttachment(
            "InternetAttachment", VpcId=vpc.ref(), InternetGatewayId=gateway.ref()
        )
    )


def _public_routes(
    t: Template,
    env: Env,
    subnets: Sequence[ec2.Subnet],
    *,
    vpc: ec2.VPC,
    internet: ec2.VPCGatewayAttachment,
    ipv6: ec2.VPCCidrBlock | None,
) -> ec2.RouteTable:
    routes = t.add_resource(
        ec2.RouteTable("PublicRoutes", VpcId=vpc.ref(), Tags=name_tag(env, "public"))
    )
    ways: dict[str, dict[str, Any]] = {"PublicRoute": {"DestinationCidrBlock": ANYWHERE}}
    if ipv6:
        ways["PublicRouteIpv6"] = {"DestinationIpv6CidrBlock": ANYWHERE_IPV6}
    for title, destination in ways.items():
        t.add_resource(
            ec2.Route(
                title,
                RouteTableId=routes.ref(),
                GatewayId=internet.InternetGatewayId,
                DependsOn=internet,
                **destination,
            )
        )
    for subnet in subnets:
        _associate(t, subnet, routes)
    return routes


def _nat_gateways(
    t: Template, env: Env, subnets: Sequence[ec2.Subnet], *, internet: ec2.VPCGatewayAttachment
) -> list[ec2.NatGateway]:
    """One gateway in each of these public *subnets*."""
    gateways = []
    for number, subnet in enumerate(subnets, 1):
        tags = name_tag(env, f"nat-{number}")
        address = t.add_resource(
            ec2.EIP(f"NatAddress{number}", Domain="vpc", Tags=tags, DependsOn=internet)
        )
        gateways.append(
            t.add_resource(
                ec2.NatGateway(
                    f"Nat{number}",
                    AllocationId=address.get_att("AllocationId"),
                    SubnetId=subnet.ref(),
                    Tags=tags,
                )
            )
        )
    return gateways


def _private_routes(
    t: Template,
    env: Env,
    zone: Zone,
    subnet: ec2.Subnet,
    *,
    vpc: ec2.VPC,
    gateways: Sequence[ec2.NatGateway],
) -> ec2.RouteTable:
    """The routes of one zone's private subnet: out through NAT, its own zone's if there is one."""
    routes = t.add_resource(
        ec2.RouteTable(
            f"PrivateRoutes{zone.number}",
            VpcId=vpc.ref(),
            Tags=name_tag(env, f"private-{zone.number}"),
        )
    )
    if gateways:
        t.add_resource(
            ec2.Route(
                f"PrivateRoute{zone.number}",
                RouteTableId=routes.ref(),
                DestinationCidrBlock=ANYWHERE,
                NatGatewayId=gateways[min(zone.number, len(gateways)) - 1].ref(),
            )
        )
    _associate(t, subnet, routes)
    return routes


def _associate(t: Template, subnet: ec2.Subnet, routes: ec2.RouteTable) -> None:
    t.add_resource(
        ec2.SubnetRouteTableAssociation(
            f"{subnet.title}Routes", SubnetId=subnet.ref(), RouteTableId=routes.ref()
        )
    )


def _endpoints(
    t: Template, env: Env, *, vpc: ec2.VPC, route_tables: Sequence[ec2.RouteTable]
) -> None:
    """The free ways to S3 and DynamoDB that need no internet."""
    allowed = {
        "s3": [_only_ours("OurBuckets", s3.Action("*")), _image_layers()],
        "dynamodb": [_only_ours("OurTables", dynamodb.Action("*"))],
    }
    for service, title in {"s3": "S3Endpoint", "dynamodb": "DynamodbEndpoint"}.items():
        t.add_resource(
            ec2.VPCEndpoint(
                title,
                VpcId=vpc.ref(),
                VpcEndpointType="Gateway",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                RouteTableIds=[routes.ref() for routes in route_tables],
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=allowed[service]),
                Tags=name_tag(env, service),
            )
        )


def _only_ours(sid: str, action: Action) -> Statement:
    """Stolen credentials of another account cannot carry data out through the endpoint."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("*"),
        Action=[action],
        Resource=["*"],
        Condition=Condition(StringEquals({"aws:ResourceAccount": AccountId})),
    )


def _image_layers() -> Statement:
    """ECR hands out the layers of images from a bucket of its own."""
    return Statement(
        Sid="ImageLayers",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[s3.GetObject],
        Resource=[Sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")],
    )


def _flow_logs(t: Template, env: Env, days: int, *, vpc: ec2.VPC, boundary: Value) -> None:
    """Who talked to whom, and who was refused, for as many *days*."""
    group = t.add_resource(LogGroup("FlowLogs", RetentionInDays=days, **retention_policies(env)))
    writer = t.add_resource(
        iam.Role(
            "FlowLogWriter",
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
                        Statement=_write_logs(group),
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
            LogDestination=group.get_att("Arn"),
            DeliverLogsPermissionArn=writer.get_att("Arn"),
            Tags=name_tag(env, "traffic"),
        )
    )


def _write_logs(group: LogGroup) -> list[Statement]:
    """Write to *group*; the service also looks which groups there are, and can only ask for all."""
    write = [logs.CreateLogStream, logs.DescribeLogStreams, logs.PutLogEvents]
    return [
        allow("WriteLogs", write, group.get_att("Arn")),
        allow("FindLogGroups", [logs.DescribeLogGroups], "*"),
    ]
