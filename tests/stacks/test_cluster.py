import re

import msgspec
import pytest

from tests.stacks.templates import config_of, emit, statements, text

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"


@pytest.fixture
def cluster(emitted):
    return emitted["cluster"]


def with_cluster(**changes):
    """The cluster of prod with some settings changed."""
    config = config_of("prod")
    settings = msgspec.structs.replace(config.cluster, **changes)
    return emit(msgspec.structs.replace(config, cluster=settings))["cluster"]


def attributes(cluster):
    """The attributes of the load balancer."""
    balancer = cluster.one("AWS::ElasticLoadBalancingV2::LoadBalancer")
    return {one["Key"]: one["Value"] for one in balancer["LoadBalancerAttributes"]}


def listener(cluster, port):
    """The listener of *port*."""
    (found,) = (one for one in cluster.of(LISTENER).values() if one["Port"] == port)
    return found


def redirect(cluster, port):
    """Where the listener of *port* sends what it knows no rule for."""
    (action,) = listener(cluster, port)["DefaultActions"]
    assert "redirect" == action["Type"]
    return action["RedirectConfig"]


# --- the ECS cluster ------------------------------------------------------------------------


def test_services_can_run_on_both_kinds_of_fargate(cluster, config):
    """The setting says which one is used where a service does not."""
    properties = cluster.one("AWS::ECS::Cluster")

    assert ["FARGATE", "FARGATE_SPOT"] == properties["CapacityProviders"]
    assert [{"CapacityProvider": config.cluster.default_capacity, "Weight": 1}] == properties[
        "DefaultCapacityProviderStrategy"
    ]


def test_container_insights_are_as_the_setting_says(cluster, config):
    """Said also when off: left out, an account-wide default would decide."""
    (setting,) = cluster.one("AWS::ECS::Cluster")["ClusterSettings"]

    assert {
        "Name": "containerInsights",
        "Value": config.cluster.container_insights,
    } == setting


def test_service_connect_uses_a_namespace_of_this_stack(cluster):
    """One that ECS made on its own would be left behind (defect 15)."""
    defaults = cluster.one("AWS::ECS::Cluster")["ServiceConnectDefaults"]

    assert {"Fn::GetAtt": ["Namespace", "Arn"]} == defaults["Namespace"]
    assert cluster.one("AWS::ServiceDiscovery::HttpNamespace")


# --- the load balancer ----------------------------------------------------------------------


def test_attributes_are_strings(cluster):
    """CloudFormation would refuse booleans and numbers (defect 14)."""
    assert all(isinstance(value, str) for value in attributes(cluster).values())


def test_invalid_headers_are_dropped(cluster):
    """And requests that two servers could read differently are refused."""
    found = attributes(cluster)

    assert "true" == found["routing.http.drop_invalid_header_fields.enabled"]
    assert "defensive" == found["routing.http.desync_mitigation_mode"]


def test_only_a_protected_load_balancer_resists_deletion(cluster, config):
    """Elsewhere it would block the teardown (defect 10)."""
    expected = "true" if config.env.protect else "false"

    assert expected == attributes(cluster)["deletion_protection.enabled"]


def test_it_stands_in_every_public_subnet(cluster, config):
    """And takes IPv6 where the network has it."""
    balancer = cluster.one("AWS::ElasticLoadBalancingV2::LoadBalancer")

    assert [
        {"Fn::ImportValue": f"crd-{config.env.name}-network-PublicSubnets{number}"}
        for number in range(1, config.network.zones + 1)
    ] == balancer["Subnets"]
    assert ("dualstack" if config.network.ipv6 else "ipv4") == balancer["IpAddressType"]


# --- listeners ------------------------------------------------------------------------------


def test_http_is_redirected_to_https_and_keeps_host_path_and_query(cluster):
    """For ever: nothing is served without TLS."""
    assert {
        "Protocol": "HTTPS",
        "Host": "#{host}",
        "Port": "443",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    } == redirect(cluster, 80)


def test_https_speaks_tls_1_3_and_1_2(cluster):
    """By a policy of AWS that a test can read: without one, that of 2016 would be used."""
    assert re.fullmatch(
        r"ELBSecurityPolicy-TLS13-1-2-Res(-PQ)?-20\d\d-\d\d", listener(cluster, 443)["SslPolicy"]
    )


def test_https_has_the_certificate_of_the_dns_layer(cluster, config):
    """Imported from there, never a literal."""
    assert [
        {"CertificateArn": {"Fn::ImportValue": f"crd-{config.env.name}-dns-Certificate"}}
    ] == listener(cluster, 443)["Certificates"]


def test_what_matches_no_rule_is_redirected_to_the_site(cluster, config):
    """With its path and query, and not for ever: a rule may be added for that host."""
    found = redirect(cluster, 443)

    assert ("HTTPS", config.env.domain, "443") == (
        found["Protocol"],
        found["Host"],
        found["Port"],
    )
    assert ("/#{path}", "#{query}") == (found["Path"], found["Query"])
    assert "HTTP_302" == found["StatusCode"]


def test_the_host_of_the_api_leads_to_the_backend(cluster, config):
    """It is the only rule there is."""
    rule = cluster.one("AWS::ElasticLoadBalancingV2::ListenerRule")

    assert {"Ref": "HttpsListener"} == rule["ListenerArn"]
    assert [
        {"Field": "host-header", "HostHeaderConfig": {"Values": [f"api.{config.env.domain}"]}}
    ] == rule["Conditions"]
    assert [{"Type": "forward", "TargetGroupArn": {"Ref": "BackendTargets"}}] == rule["Actions"]


def test_health_is_asked_where_requests_go(cluster, config):
    """On the traffic port; the original asked on port 80, which was closed (defect 6)."""
    targets = cluster.one("AWS::ElasticLoadBalancingV2::TargetGroup")

    assert "traffic-port" == targets["HealthCheckPort"]
    assert config.cluster.port == targets["Port"] == 4567
    assert "/api/health-check" == targets["HealthCheckPath"]
    assert {"HttpCode": "200"} == targets["Matcher"]
    assert "HTTP1" == targets["ProtocolVersion"]
    assert targets["HealthCheckTimeoutSeconds"] < targets["HealthCheckIntervalSeconds"]


def test_a_task_that_leaves_may_finish_what_it_began(cluster, config):
    """The original dropped every request under way (a delay of 0)."""
    targets = cluster.one("AWS::ElasticLoadBalancingV2::TargetGroup")

    assert [
        {
            "Key": "deregistration_delay.timeout_seconds",
            "Value": str(config.cluster.drain_seconds),
        }
    ] == targets["TargetGroupAttributes"]
    assert config.cluster.drain_seconds > 0


# --- security groups ------------------------------------------------------------------------


def test_the_world_reaches_only_the_load_balancer_and_only_on_80_and_443(cluster, config):
    """On IPv6 too where the network has it."""
    group = cluster.of("AWS::EC2::SecurityGroup")["LoadBalancerFirewall"]

    opened = sorted(
        (rule["FromPort"], rule["ToPort"], rule.get("CidrIp") or rule["CidrIpv6"])
        for rule in group["SecurityGroupIngress"]
    )
    sources = ["0.0.0.0/0", "::/0"] if config.network.ipv6 else ["0.0.0.0/0"]

    assert [(port, port, source) for port in (80, 443) for source in sources] == opened


def test_the_load_balancer_reaches_only_services(cluster, config):
    """On their port, in this network."""
    group = cluster.of("AWS::EC2::SecurityGroup")["LoadBalancerFirewall"]

    (rule,) = group["SecurityGroupEgress"]

    assert (config.cluster.port,) * 2 == (rule["FromPort"], rule["ToPort"])
    assert {"Fn::ImportValue": f"crd-{config.env.name}-network-VpcCidr"} == rule["CidrIp"]


def test_only_the_load_balancer_reaches_services(cluster, config):
    """By its security group, on the one port."""
    group = cluster.of("AWS::EC2::SecurityGroup")["ServiceFirewall"]

    (rule,) = group["SecurityGroupIngress"]

    assert (config.cluster.port,) * 2 == (rule["FromPort"], rule["ToPort"])
    assert {"Fn::GetAtt": ["LoadBalancerFirewall", "GroupId"]} == rule["SourceSecurityGroupId"]
    assert not {"CidrIp", "CidrIpv6"} & set(rule)


def test_every_rule_says_what_it_is_for(cluster):
    """As somebody will ask in the console."""
    for group in cluster.of("AWS::EC2::SecurityGroup").values():
        rules = group["SecurityGroupIngress"] + group.get("SecurityGroupEgress", [])
        assert group["GroupDescription"]
        assert all(rule["Description"] for rule in rules)


# --- records --------------------------------------------------------------------------------


def test_the_name_of_the_api_leads_to_the_load_balancer(cluster, config):
    """By A, and by AAAA where the load balancer has IPv6: an alias to nothing helps nobody."""
    records = cluster.of("AWS::Route53::RecordSet").values()

    types = ["A", "AAAA"] if config.network.ipv6 else ["A"]

    assert types == [record["Type"] for record in records]
    for record in records:
        assert f"api.{config.env.domain}" == record["Name"]
        assert config.env.hosted_zone == record["HostedZoneId"]
        assert {
            "DNSName": {"Fn::GetAtt": ["LoadBalancer", "DNSName"]},
            "HostedZoneId": {"Fn::GetAtt": ["LoadBalancer", "CanonicalHostedZoneID"]},
            "EvaluateTargetHealth": False,
        } == record["AliasTarget"]


# --- access logs ----------------------------------------------------------------------------


def test_access_logs_are_off_and_said_to_be():
    """They cost; and left out, an attribute keeps what it was before."""
    cluster = with_cluster(access_logs=False)

    assert "false" == attributes(cluster)["access_logs.s3.enabled"]
    assert not cluster.of("AWS::S3::Bucket")


def test_access_logs_go_to_a_bucket_of_their_own_and_expire():
    """Which has to be open to them before the load balancer is made."""
    cluster = with_cluster(access_logs=True, access_log_days=30)

    found = attributes(cluster)
    rules = cluster.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert "true" == found["access_logs.s3.enabled"]
    assert {"Ref": "AccessLogs"} == found["access_logs.s3.bucket"]
    assert [30] == [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule]
    assert "AccessLogsPolicy" == cluster.template["Resources"]["LoadBalancer"]["DependsOn"]


def test_only_load_balancers_of_this_account_may_write_access_logs():
    """Under the one prefix; the original let their account write anywhere in the bucket."""
    cluster = with_cluster(access_logs=True)
    prefix = attributes(cluster)["access_logs.s3.prefix"]

    policy = statements(cluster.one("AWS::S3::BucketPolicy")["PolicyDocument"])
    allowed = [one for one in policy.values() if one["Effect"] == "Allow"]

    assert [policy["AccessLogDelivery"]] == allowed
    assert ["s3:PutObject"] == allowed[0]["Action"]
    assert [{"Fn::Sub": f"${{AccessLogs.Arn}}/{prefix}/AWSLogs/${{AWS::AccountId}}/*"}] == allowed[
        0
    ]["Resource"]
    assert {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"} == allowed[0]["Principal"]
    assert "DenyInsecureTransport" in text(policy)
