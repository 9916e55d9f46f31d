"""The VPC: subnets, routes, IPv6 and flow logs."""

from ipaddress import ip_network

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.config.fields import Cidr
from stacks.network import zone_blocks
from tests.stacks.templates import config_of, emit, statements, text

INTERNET = "0.0.0.0/0"


@pytest.fixture
def network(emitted):
    return emitted["network"]


def with_network(**changes):
    """Return the network of prod with some settings changed."""
    config = config_of("prod")
    settings = msgspec.structs.replace(config.network, **changes)
    return emit(msgspec.structs.replace(config, network=settings))["network"]


def subnets_of(network, kind):
    """Return the subnets whose title starts with *kind*."""
    subnets = network.of("AWS::EC2::Subnet")
    return {title: subnet for title, subnet in subnets.items() if title.startswith(kind)}


def route_table_of(network, subnet):
    """Return the title of the route table of *subnet*."""
    (table,) = (
        association["RouteTableId"]["Ref"]
        for association in network.of("AWS::EC2::SubnetRouteTableAssociation").values()
        if association["SubnetId"] == {"Ref": subnet}
    )
    return table


def routes_of(network, table):
    """Return the routes in the route table *table*."""
    routes = network.of("AWS::EC2::Route").values()
    return [route for route in routes if route["RouteTableId"] == {"Ref": table}]


# --- subnets --------------------------------------------------------------------------------


def test_each_availability_zone_has_a_public_and_a_private_subnet(network, config):
    """The number of zones is a setting, and the region determines their names."""
    zones = [
        {"Fn::Select": [number, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}
        for number in range(config.network.zones)
    ]

    for kind in ("Public", "Private"):
        assert zones == [
            subnet["AvailabilityZone"] for subnet in subnets_of(network, kind).values()
        ]


networks = st.builds(
    lambda address, prefix: ip_network((address, prefix), strict=False),
    st.integers(min_value=0, max_value=2**32 - 1),
    st.integers(min_value=16, max_value=22),
)


@given(cidr=networks, zones=st.integers(min_value=1, max_value=3))
def test_subnets_never_overlap(cidr, zones):
    """Subnets are disjoint parts of any CIDR block, and large enough for a load balancer."""
    blocks = zone_blocks(cidr, zones)
    subnets = [subnet for block in blocks for subnet in (block.private, block.public)]

    assert 2 * zones == len(subnets)
    assert all(subnet.subnet_of(cidr) for subnet in subnets)
    assert not any(a.overlaps(b) for place, a in enumerate(subnets) for b in subnets[place + 1 :])
    assert all(subnet.prefixlen <= 27 for subnet in subnets)


@given(cidr=networks, zones=st.integers(min_value=1, max_value=3))
def test_another_zone_changes_no_cidr_block(cidr, zones):
    """Existing subnets keep their blocks; a changed one would replace the subnet."""
    before = zone_blocks(cidr, zones)

    after = zone_blocks(cidr, zones + 1)

    assert before == after[:zones]


def test_another_zone_changes_no_resource():
    """Of the existing resources only the endpoints change: they list one more route table."""
    resources = [with_network(zones=zones).template["Resources"] for zones in (2, 3)]

    changed = {title for title, found in resources[0].items() if found != resources[1][title]}

    assert changed == {"S3Endpoint", "DynamodbEndpoint"}


@pytest.mark.parametrize("small", ["10.0.0.0/23", "10.0.0.0/28"])
def test_a_small_network_is_refused(small):
    """A network without room for a load balancer in each zone is refused."""
    settings = config_of("prod").network

    with pytest.raises(ValueError, match=f"{small} is too small"):
        type(settings)(**{**msgspec.structs.asdict(settings), "cidr": Cidr(small)})


def test_subnets_assign_no_public_addresses(network):
    """No subnet assigns public addresses by default."""
    subnets = network.of("AWS::EC2::Subnet").values()

    assert {subnet["MapPublicIpOnLaunch"] for subnet in subnets} == {False}


# --- routes ---------------------------------------------------------------------------------


def test_private_subnets_have_no_internet_gateway(network):
    """Private subnets share no route table with public subnets."""
    subnets = subnets_of(network, "Private")
    assert subnets
    for subnet in subnets:
        table = route_table_of(network, subnet)

        assert table.startswith("PrivateRouteTable")
        assert not any("GatewayId" in route for route in routes_of(network, table))


def test_public_subnets_reach_the_internet(network):
    """All public subnets share a route table, whose route depends on the attached gateway."""
    tables = {route_table_of(network, subnet) for subnet in subnets_of(network, "Public")}

    route = network.template["Resources"]["PublicDefaultRoute"]

    assert tables == {"PublicRouteTable"}
    assert route["Properties"]["DestinationCidrBlock"] == INTERNET
    assert route["Properties"]["GatewayId"] == {"Ref": "InternetGateway"}
    assert route["DependsOn"] == "InternetGatewayAttachment"


@pytest.mark.parametrize(
    ("nat", "expected"),
    [
        ("none", [None, None, None]),
        ("single", ["NatGateway1", "NatGateway1", "NatGateway1"]),
        ("per-zone", ["NatGateway1", "NatGateway2", "NatGateway3"]),
    ],
)
def test_nat_gateways_of_private_subnets_are_a_setting(nat, expected):
    """The setting is no NAT gateway, one for all zones, or one per zone."""
    network = with_network(nat=nat)

    gateways = []
    for subnet in subnets_of(network, "Private"):
        routes = routes_of(network, route_table_of(network, subnet))
        gateways += [route["NatGatewayId"]["Ref"] for route in routes] or [None]

    assert expected == gateways
    assert {name for name in expected if name} == set(network.of("AWS::EC2::NatGateway"))


@pytest.mark.parametrize("nat", ["none", "single", "per-zone"])
def test_the_setting_states_whether_private_subnets_have_nat(nat):
    """`Settings` states whether private subnets have NAT; other stacks depend on that property."""
    settings = msgspec.structs.replace(config_of("prod").network, nat=nat)

    assert (nat != "none") == settings.has_nat


def test_a_nat_gateway_is_in_the_public_subnet_of_its_zone():
    """Each NAT gateway is in the public subnet of its availability zone, with its own elastic IP."""
    network = with_network(nat="per-zone")

    gateways = network.of("AWS::EC2::NatGateway").values()

    assert len(gateways) == 3
    for number, gateway in enumerate(gateways, 1):
        assert gateway["SubnetId"] == {"Ref": f"PublicSubnet{number}"}
        assert gateway["AllocationId"] == {
            "Fn::GetAtt": [f"NatGatewayAddress{number}", "AllocationId"]
        }


def test_all_subnets_have_gateway_endpoints(network):
    """S3 and DynamoDB have free endpoints in every route table."""
    tables = set(network.of("AWS::EC2::RouteTable"))

    endpoints = network.of("AWS::EC2::VPCEndpoint")

    assert {endpoint["ServiceName"]["Fn::Sub"] for endpoint in endpoints.values()} == {
        "com.amazonaws.${AWS::Region}.s3",
        "com.amazonaws.${AWS::Region}.dynamodb",
    }
    for endpoint in endpoints.values():
        assert endpoint["VpcEndpointType"] == "Gateway"
        assert tables == {table["Ref"] for table in endpoint["RouteTableIds"]}


def test_endpoints_are_limited_to_this_account(network):
    """Only resources of this account, and the bucket with ECR image layers, can be accessed."""
    endpoints = network.of("AWS::EC2::VPCEndpoint")
    this_account = {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}

    buckets = statements(endpoints["S3Endpoint"]["PolicyDocument"])
    tables = statements(endpoints["DynamodbEndpoint"]["PolicyDocument"])

    assert this_account == buckets.pop("AccessAccountBuckets")["Condition"]
    assert this_account == tables.pop("AccessAccountTables")["Condition"]
    assert buckets.pop("PullImageLayers")["Action"] == ["s3:GetObject"]
    assert not buckets
    assert not tables


# --- IPv6 -----------------------------------------------------------------------------------


def test_each_public_subnet_has_an_ipv6_block():
    """Each public subnet has an IPv6 block, and depends on the association of the VPC's block."""
    network = with_network(ipv6=True, zones=3)

    parts = [
        subnet["Ipv6CidrBlock"]["Fn::Select"][0]
        for subnet in subnets_of(network, "Public").values()
    ]

    assert parts == [0, 1, 2]
    for title in ("PublicSubnet1", "PublicSubnet2", "PublicSubnet3"):
        assert network.template["Resources"][title]["DependsOn"] == "Ipv6CidrBlock"
    assert network.of("AWS::EC2::Route")["PublicDefaultRouteIpv6"]["GatewayId"] == {
        "Ref": "InternetGateway"
    }


def test_private_subnets_have_no_ipv6():
    """Private subnets have no IPv6, because IPv6 has no NAT gateway."""
    assert not any(
        "Ipv6CidrBlock" in subnet for subnet in subnets_of(with_network(), "Private").values()
    )


def test_ipv6_is_a_setting():
    """Without the setting, as in the emulator, nothing has IPv6."""
    assert "ipv6" not in text(with_network(ipv6=False).template["Resources"]).lower()


# --- flow logs and security -------------------------------------------------------------------------------


def test_the_retention_of_flow_logs_is_a_setting():
    """All traffic is logged to a log group of the stack."""
    network = with_network(flow_logs=True, flow_log_retention_days=30)

    flow = network.one("AWS::EC2::FlowLog")

    assert network.one("AWS::Logs::LogGroup")["RetentionInDays"] == 30
    assert flow["TrafficType"] == "ALL"
    assert flow["LogDestination"] == {"Fn::GetAtt": ["FlowLogGroup", "Arn"]}


def test_the_flow_log_role_writes_to_its_log_group_only():
    """Only flow logs of this account assume it; listing log groups cannot be narrowed."""
    role = with_network(flow_logs=True).one("AWS::IAM::Role")

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    (policy,) = role["Policies"]
    write, describe = policy["PolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert write["Resource"] == [{"Fn::GetAtt": ["FlowLogGroup", "Arn"]}]
    assert (describe["Action"], describe["Resource"]) == (["logs:DescribeLogGroups"], ["*"])


def test_flow_logs_are_a_setting():
    """Without flow logs, there is no role and no log group either."""
    network = with_network(flow_logs=False)

    assert not network.of("AWS::EC2::FlowLog")
    assert not network.of("AWS::IAM::Role")
    assert not network.of("AWS::Logs::LogGroup")


def test_nothing_uses_the_default_security_group(emitted):
    """No resource uses the default security group, whose members can reach each other on every port."""
    for stack in emitted.values():
        assert "DefaultSecurityGroup" not in text(stack.template)


def test_resources_have_a_name_tag(network, config):
    """Resources without a name of their own have the tag that the console shows."""
    types = ("VPC", "Subnet", "RouteTable", "InternetGateway", "VPCEndpoint", "NatGateway")

    for kind in types:
        for properties in network.of(f"AWS::EC2::{kind}").values():
            (tag,) = properties["Tags"]
            assert tag["Key"] == "Name"
            assert tag["Value"].startswith(f"crd-{config.env.name}-")
