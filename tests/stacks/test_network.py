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
    """The network of prod with some settings changed."""
    config = config_of("prod")
    settings = msgspec.structs.replace(config.network, **changes)
    return emit(msgspec.structs.replace(config, network=settings))["network"]


def kind(network, word):
    """The subnets whose title begins with *word*."""
    subnets = network.of("AWS::EC2::Subnet")
    return {title: subnet for title, subnet in subnets.items() if title.startswith(word)}


def table_of(network, subnet):
    """The title of the route table of *subnet*."""
    (table,) = (
        one["RouteTableId"]["Ref"]
        for one in network.of("AWS::EC2::SubnetRouteTableAssociation").values()
        if one["SubnetId"] == {"Ref": subnet}
    )
    return table


def routes_of(network, table):
    """The routes in the table called *table*."""
    routes = network.of("AWS::EC2::Route").values()
    return [route for route in routes if route["RouteTableId"] == {"Ref": table}]


# --- subnets --------------------------------------------------------------------------------


def test_each_zone_has_a_public_and_a_private_subnet(network, config):
    """As many of each as the configuration has zones, and the region says which those are."""
    zones = [
        {"Fn::Select": [number, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}
        for number in range(config.network.zones)
    ]

    for word in ("Public", "Private"):
        assert zones == [one["AvailabilityZone"] for one in kind(network, word).values()]


networks = st.builds(
    lambda address, prefix: ip_network((address, prefix), strict=False),
    st.integers(min_value=0, max_value=2**32 - 1),
    st.integers(min_value=16, max_value=22),
)


@given(cidr=networks, zones=st.integers(min_value=1, max_value=3))
def test_subnets_never_overlap(cidr, zones):
    """Whatever the network, its subnets lie in it and apart, and fit a load balancer."""
    blocks = zone_blocks(cidr, zones)
    subnets = [subnet for block in blocks for subnet in (block.private, block.public)]

    assert 2 * zones == len(subnets)
    assert all(subnet.subnet_of(cidr) for subnet in subnets)
    assert not any(a.overlaps(b) for place, a in enumerate(subnets) for b in subnets[place + 1 :])
    assert all(subnet.prefixlen <= 27 for subnet in subnets)


@given(cidr=networks, zones=st.integers(min_value=1, max_value=3))
def test_one_zone_more_moves_no_subnet(cidr, zones):
    """A subnet that moved would be replaced, with all that stands in it."""
    before = zone_blocks(cidr, zones)

    after = zone_blocks(cidr, zones + 1)

    assert before == after[:zones]


def test_one_zone_more_changes_no_resource():
    """The same, asked of the templates; only endpoints learn of one more route table."""
    resources = [with_network(zones=zones).template["Resources"] for zones in (2, 3)]

    changed = {title for title, one in resources[0].items() if one != resources[1][title]}

    assert {"S3Endpoint", "DynamodbEndpoint"} == changed


@pytest.mark.parametrize("small", ["10.0.0.0/23", "10.0.0.0/28"])
def test_a_network_without_room_is_refused(small):
    """In a smaller one a load balancer would not fit into a zone."""
    settings = config_of("prod").network

    with pytest.raises(ValueError, match=f"{small} is too small"):
        type(settings)(**{**msgspec.structs.asdict(settings), "cidr": Cidr(small)})


def test_nothing_has_a_public_address_that_did_not_ask(network):
    """Neither in the private subnets nor in the public ones."""
    subnets = network.of("AWS::EC2::Subnet").values()

    assert {False} == {subnet["MapPublicIpOnLaunch"] for subnet in subnets}


# --- routes ---------------------------------------------------------------------------------


def test_private_subnets_are_really_private(network):
    """No route of theirs leads to the internet gateway, and no public one is shared."""
    for subnet in kind(network, "Private"):
        table = table_of(network, subnet)

        assert table.startswith("PrivateRoutes")
        assert not any("GatewayId" in route for route in routes_of(network, table))


def test_public_subnets_reach_the_internet(network):
    """All by the one public table, once the gateway is attached."""
    tables = {table_of(network, subnet) for subnet in kind(network, "Public")}

    route = network.template["Resources"]["PublicRoute"]

    assert {"PublicRoutes"} == tables
    assert INTERNET == route["Properties"]["DestinationCidrBlock"]
    assert {"Ref": "Internet"} == route["Properties"]["GatewayId"]
    assert "InternetAttachment" == route["DependsOn"]


@pytest.mark.parametrize(
    ("nat", "gateways"),
    [
        ("none", [None, None, None]),
        ("single", ["Nat1", "Nat1", "Nat1"]),
        ("per-zone", ["Nat1", "Nat2", "Nat3"]),
    ],
)
def test_private_subnets_leave_as_the_setting_says(nat, gateways):
    """By no gateway, by one for all, or each by that of its own zone."""
    network = with_network(nat=nat)

    leaving = []
    for subnet in kind(network, "Private"):
        routes = routes_of(network, table_of(network, subnet))
        leaving += [route["NatGatewayId"]["Ref"] for route in routes] or [None]

    assert gateways == leaving
    assert {name for name in gateways if name} == set(network.of("AWS::EC2::NatGateway"))


@pytest.mark.parametrize("nat", ["none", "single", "per-zone"])
def test_the_setting_knows_whether_private_subnets_have_a_way_out(nat):
    """Other layers ask the settings, since a template cannot be asked."""
    settings = msgspec.structs.replace(config_of("prod").network, nat=nat)

    assert (nat != "none") == settings.private_way_out


def test_a_nat_gateway_stands_in_a_public_subnet_with_an_address_of_its_own():
    """Number for number, so each is in the zone it serves."""
    network = with_network(nat="per-zone")

    for number, gateway in enumerate(network.of("AWS::EC2::NatGateway").values(), 1):
        assert {"Ref": f"PublicSubnet{number}"} == gateway["SubnetId"]
        assert {"Fn::GetAtt": [f"NatAddress{number}", "AllocationId"]} == gateway["AllocationId"]


def test_s3_and_dynamodb_are_near_from_every_subnet(network):
    """By gateway endpoints, which are free, in every route table."""
    tables = set(network.of("AWS::EC2::RouteTable"))

    endpoints = network.of("AWS::EC2::VPCEndpoint")

    assert {"com.amazonaws.${AWS::Region}.s3", "com.amazonaws.${AWS::Region}.dynamodb"} == {
        endpoint["ServiceName"]["Fn::Sub"] for endpoint in endpoints.values()
    }
    for endpoint in endpoints.values():
        assert "Gateway" == endpoint["VpcEndpointType"]
        assert tables == {table["Ref"] for table in endpoint["RouteTableIds"]}


def test_endpoints_lead_to_this_account_only(network):
    """And to the bucket from which ECR hands out the layers of images, to read."""
    endpoints = network.of("AWS::EC2::VPCEndpoint")
    ours = {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}

    buckets = statements(endpoints["S3Endpoint"]["PolicyDocument"])
    tables = statements(endpoints["DynamodbEndpoint"]["PolicyDocument"])

    assert ours == buckets.pop("OurBuckets")["Condition"]
    assert ours == tables.pop("OurTables")["Condition"]
    assert ["s3:GetObject"] == buckets.pop("ImageLayers")["Action"]
    assert not buckets
    assert not tables


# --- IPv6 -----------------------------------------------------------------------------------


def test_with_ipv6_each_public_subnet_has_its_own_part_of_the_block():
    """They wait for it: a subnet does not refer to the association."""
    network = with_network(ipv6=True, zones=3)

    parts = [
        subnet["Ipv6CidrBlock"]["Fn::Select"][0] for subnet in kind(network, "Public").values()
    ]

    assert [0, 1, 2] == parts
    for title in kind(network, "Public"):
        assert "Ipv6Block" == network.template["Resources"][title]["DependsOn"]
    assert {"Ref": "Internet"} == network.of("AWS::EC2::Route")["PublicRouteIpv6"]["GatewayId"]


def test_private_subnets_have_no_ipv6():
    """There would be no way out of them, or one that nobody asked for."""
    assert not any("Ipv6CidrBlock" in one for one in kind(with_network(), "Private").values())


def test_without_ipv6_nothing_speaks_of_it():
    """It is a setting: an emulator, or an account, may not have it."""
    assert "ipv6" not in text(with_network(ipv6=False).template["Resources"]).lower()


# --- the rest -------------------------------------------------------------------------------


def test_flow_logs_are_kept_as_long_as_the_setting_says():
    """All traffic, into a log group of their own."""
    network = with_network(flow_logs=True, flow_log_retention_days=30)

    flow = network.one("AWS::EC2::FlowLog")

    assert 30 == network.one("AWS::Logs::LogGroup")["RetentionInDays"]
    assert "ALL" == flow["TrafficType"]
    assert {"Fn::GetAtt": ["FlowLogs", "Arn"]} == flow["LogDestination"]


def test_flow_logs_can_write_to_their_group_only():
    """Their role is for flow logs of this account, and for that one group; it finds it by name."""
    role = with_network(flow_logs=True).one("AWS::IAM::Role")

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    (policy,) = role["Policies"]
    write, find = policy["PolicyDocument"]["Statement"]

    assert {"Service": "vpc-flow-logs.amazonaws.com"} == trust["Principal"]
    assert {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}} == trust["Condition"]
    assert [{"Fn::GetAtt": ["FlowLogs", "Arn"]}] == write["Resource"]
    assert (["logs:DescribeLogGroups"], ["*"]) == (find["Action"], find["Resource"])


def test_without_flow_logs_there_is_no_trace_of_them():
    """They cost by the gigabyte."""
    network = with_network(flow_logs=False)

    assert not network.of("AWS::EC2::FlowLog")
    assert not network.of("AWS::IAM::Role")
    assert not network.of("AWS::Logs::LogGroup")


def test_nothing_uses_the_default_security_group(emitted):
    """It lets its members reach each other on every port, so nobody may be in it."""
    for layer in emitted.values():
        assert "DefaultSecurityGroup" not in text(layer.template)


def test_the_console_shows_names(network, config):
    """Whatever has no name of its own carries the tag that is shown as one."""
    types = ("VPC", "Subnet", "RouteTable", "InternetGateway", "VPCEndpoint", "NatGateway")

    for type_ in types:
        for properties in network.of(f"AWS::EC2::{type_}").values():
            (tag,) = properties["Tags"]
            assert "Name" == tag["Key"]
            assert tag["Value"].startswith(f"crd-{config.env.name}-")
