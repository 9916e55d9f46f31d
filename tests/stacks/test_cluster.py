"""The ECS cluster and its load balancer."""

import re

import msgspec
import pytest

from tests.stacks.templates import config_of, emit, statements, text

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"


@pytest.fixture
def cluster(emitted):
    return emitted["cluster"]


def with_cluster(**changes):
    """Return the cluster of prod with some settings changed."""
    config = config_of("prod")
    settings = msgspec.structs.replace(config.cluster, **changes)
    return emit(msgspec.structs.replace(config, cluster=settings))["cluster"]


def attributes(cluster):
    """Return the attributes of the load balancer."""
    balancer = cluster.one("AWS::ElasticLoadBalancingV2::LoadBalancer")
    return {
        attribute["Key"]: attribute["Value"] for attribute in balancer["LoadBalancerAttributes"]
    }


def listener(cluster, port):
    """Return the listener of *port*."""
    (found,) = (listener for listener in cluster.of(LISTENER).values() if listener["Port"] == port)
    return found


def redirect(cluster, port):
    """Return the default action of the listener of *port*, which is a redirect."""
    (action,) = listener(cluster, port)["DefaultActions"]
    assert action["Type"] == "redirect"
    return action["RedirectConfig"]


# --- the ECS cluster ------------------------------------------------------------------------


def test_both_capacity_providers_are_available(cluster, config):
    """FARGATE and FARGATE_SPOT are available, and the setting selects the default."""
    properties = cluster.one("AWS::ECS::Cluster")

    assert properties["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert [{"CapacityProvider": config.cluster.default_capacity, "Weight": 1}] == properties[
        "DefaultCapacityProviderStrategy"
    ]


def test_container_insights_are_a_setting(cluster, config):
    """Container Insights are always set explicitly, because an account can have another default."""
    (setting,) = cluster.one("AWS::ECS::Cluster")["ClusterSettings"]

    assert {
        "Name": "containerInsights",
        "Value": config.cluster.container_insights,
    } == setting


def test_service_connect_uses_a_namespace_of_this_stack(cluster):
    """The stack has the namespace; one that ECS creates is never deleted (defect 15)."""
    defaults = cluster.one("AWS::ECS::Cluster")["ServiceConnectDefaults"]

    assert defaults["Namespace"] == {"Fn::GetAtt": ["ServiceNamespace", "Arn"]}
    assert cluster.one("AWS::ServiceDiscovery::HttpNamespace")


# --- the load balancer ----------------------------------------------------------------------


def test_attributes_are_strings(cluster):
    """All values are strings: CloudFormation rejects booleans and numbers (defect 14)."""
    assert all(isinstance(value, str) for value in attributes(cluster).values())


def test_invalid_headers_are_dropped(cluster):
    """Invalid headers are dropped, and ambiguous requests are rejected."""
    found = attributes(cluster)

    assert found["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert found["routing.http.desync_mitigation_mode"] == "defensive"


def test_only_a_protected_load_balancer_has_deletion_protection(cluster, config):
    """Only protected environments have deletion protection, which blocks a deletion (defect 10)."""
    expected = "true" if config.env.protect else "false"

    assert expected == attributes(cluster)["deletion_protection.enabled"]


def test_the_load_balancer_is_in_every_public_subnet(cluster, config):
    """The load balancer is in every public subnet, and has IPv6 if the network has it."""
    balancer = cluster.one("AWS::ElasticLoadBalancingV2::LoadBalancer")

    assert [
        {"Fn::ImportValue": f"crd-{config.env.name}-network-PublicSubnets{number}"}
        for number in range(1, config.network.zones + 1)
    ] == balancer["Subnets"]
    assert ("dualstack" if config.network.ipv6 else "ipv4") == balancer["IpAddressType"]


# --- listeners ------------------------------------------------------------------------------


def test_http_is_redirected_to_https(cluster):
    """The permanent redirect keeps host, path and query."""
    assert redirect(cluster, 80) == {
        "Protocol": "HTTPS",
        "Host": "#{host}",
        "Port": "443",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }


def test_https_supports_tls_1_3_and_1_2(cluster):
    """The security policy is explicit: the default one is from 2016."""
    assert re.fullmatch(
        r"ELBSecurityPolicy-TLS13-1-2-Res(-PQ)?-20\d\d-\d\d", listener(cluster, 443)["SslPolicy"]
    )


def test_the_certificate_is_an_import_of_the_dns_stack(cluster, config):
    """The certificate is an import from the dns stack, not a literal ARN."""
    assert listener(cluster, 443)["Certificates"] == [
        {"CertificateArn": {"Fn::ImportValue": f"crd-{config.env.name}-dns-Certificate"}}
    ]


def test_other_hosts_are_redirected_to_the_site(cluster, config):
    """The redirect is temporary, and keeps path and query."""
    found = redirect(cluster, 443)

    assert ("HTTPS", config.env.domain, "443") == (
        found["Protocol"],
        found["Host"],
        found["Port"],
    )
    assert (found["Path"], found["Query"]) == ("/#{path}", "#{query}")
    assert found["StatusCode"] == "HTTP_302"


def test_the_host_of_the_api_is_forwarded_to_the_backend(cluster, config):
    """The only rule forwards requests for the host of the API."""
    rule = cluster.one("AWS::ElasticLoadBalancingV2::ListenerRule")

    assert rule["ListenerArn"] == {"Ref": "HttpsListener"}
    assert rule["Conditions"] == [
        {"Field": "host-header", "HostHeaderConfig": {"Values": [f"api.{config.env.domain}"]}}
    ]
    assert rule["Actions"] == [{"Type": "forward", "TargetGroupArn": {"Ref": "BackendTargetGroup"}}]


def test_health_checks_use_the_traffic_port(cluster, config):
    """Health checks use the port of the requests; the original used a closed one (defect 6)."""
    targets = cluster.one("AWS::ElasticLoadBalancingV2::TargetGroup")

    assert targets["HealthCheckPort"] == "traffic-port"
    assert config.cluster.port == targets["Port"] == 4567
    assert targets["HealthCheckPath"] == "/api/health-check"
    assert targets["Matcher"] == {"HttpCode": "200"}
    assert targets["ProtocolVersion"] == "HTTP1"
    assert targets["HealthCheckTimeoutSeconds"] < targets["HealthCheckIntervalSeconds"]


def test_deregistered_tasks_finish_their_requests(cluster, config):
    """A deregistered task has time for its requests; the original dropped them (a delay of 0)."""
    targets = cluster.one("AWS::ElasticLoadBalancingV2::TargetGroup")

    assert [
        {
            "Key": "deregistration_delay.timeout_seconds",
            "Value": str(config.cluster.deregistration_delay_seconds),
        }
    ] == targets["TargetGroupAttributes"]
    assert config.cluster.deregistration_delay_seconds > 0


# --- security groups ------------------------------------------------------------------------


def test_ingress_from_anywhere_is_limited_to_80_and_443(cluster, config):
    """Ports 80 and 443 are open to all addresses, including IPv6 if the network has it."""
    group = cluster.of("AWS::EC2::SecurityGroup")["LoadBalancerSecurityGroup"]

    ingress = sorted(
        (rule["FromPort"], rule["ToPort"], rule.get("CidrIp") or rule["CidrIpv6"])
        for rule in group["SecurityGroupIngress"]
    )
    sources = ["0.0.0.0/0", "::/0"] if config.network.ipv6 else ["0.0.0.0/0"]

    assert [(port, port, source) for port in (80, 443) for source in sources] == ingress


def test_the_load_balancer_reaches_services_only(cluster, config):
    """The egress of the load balancer is limited to the port of services and to the VPC."""
    group = cluster.of("AWS::EC2::SecurityGroup")["LoadBalancerSecurityGroup"]

    (rule,) = group["SecurityGroupEgress"]

    assert (config.cluster.port,) * 2 == (rule["FromPort"], rule["ToPort"])
    assert rule["CidrIp"] == {"Fn::ImportValue": f"crd-{config.env.name}-network-VpcCidr"}


def test_only_the_load_balancer_reaches_services(cluster, config):
    """The ingress rule of services has the load balancer's security group as its source, on one port."""
    group = cluster.of("AWS::EC2::SecurityGroup")["ServiceSecurityGroup"]

    (rule,) = group["SecurityGroupIngress"]

    assert (config.cluster.port,) * 2 == (rule["FromPort"], rule["ToPort"])
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["LoadBalancerSecurityGroup", "GroupId"]}
    assert not {"CidrIp", "CidrIpv6"} & set(rule)


def test_tasks_connect_to_the_database_and_over_https_only(cluster, config):
    """Egress to other ports is added by the stack of a service that needs it."""
    group = cluster.of("AWS::EC2::SecurityGroup")["ServiceSecurityGroup"]
    vpc = {"Fn::ImportValue": f"crd-{config.env.name}-network-VpcCidr"}
    anywhere = [{"CidrIp": "0.0.0.0/0"}, *([{"CidrIpv6": "::/0"}] if config.network.ipv6 else [])]

    rules = [
        (rule["FromPort"], rule["ToPort"], {key: rule[key] for key in rule if "Cidr" in key})
        for rule in group["SecurityGroupEgress"]
    ]

    assert rules == [*((443, 443, target) for target in anywhere), (5432, 5432, {"CidrIp": vpc})]


def test_every_rule_has_a_description(cluster):
    """Every security group rule has a description, which the console shows."""
    groups = cluster.of("AWS::EC2::SecurityGroup")
    assert set(groups) == {"LoadBalancerSecurityGroup", "ServiceSecurityGroup"}
    for group in groups.values():
        rules = group["SecurityGroupIngress"] + group.get("SecurityGroupEgress", [])
        assert group["GroupDescription"]
        assert all(rule["Description"] for rule in rules)


# --- records --------------------------------------------------------------------------------


def test_the_api_has_records_for_the_load_balancer(cluster, config):
    """There is an AAAA record only if the load balancer has IPv6."""
    records = cluster.of("AWS::Route53::RecordSet").values()

    types = ["A", "AAAA"] if config.network.ipv6 else ["A"]

    assert types == [record["Type"] for record in records]
    for record in records:
        assert record["Name"] == f"api.{config.env.domain}"
        assert config.env.hosted_zone == record["HostedZoneId"]
        assert record["AliasTarget"] == {
            "DNSName": {"Fn::GetAtt": ["LoadBalancer", "DNSName"]},
            "HostedZoneId": {"Fn::GetAtt": ["LoadBalancer", "CanonicalHostedZoneID"]},
            "EvaluateTargetHealth": False,
        }


# --- access logs ----------------------------------------------------------------------------


def test_disabled_access_logs_are_explicit():
    """Access logs are disabled explicitly: an omitted attribute would keep its value."""
    cluster = with_cluster(access_logs=False)

    assert attributes(cluster)["access_logs.s3.enabled"] == "false"
    assert not cluster.of("AWS::S3::Bucket")


def test_access_logs_have_a_bucket_and_expire():
    """The bucket has a lifecycle rule, and its policy exists before the load balancer."""
    cluster = with_cluster(access_logs=True, access_log_retention_days=30)

    found = attributes(cluster)
    rules = cluster.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert found["access_logs.s3.enabled"] == "true"
    assert found["access_logs.s3.bucket"] == {"Ref": "LoadBalancerLogBucket"}
    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [30]
    assert (
        cluster.template["Resources"]["LoadBalancer"]["DependsOn"] == "LoadBalancerLogBucketPolicy"
    )


def test_only_load_balancers_of_this_account_may_write_access_logs():
    """Load balancers write logs below one prefix; the original allowed the whole bucket."""
    cluster = with_cluster(access_logs=True)
    prefix = attributes(cluster)["access_logs.s3.prefix"]

    policy = statements(cluster.one("AWS::S3::BucketPolicy")["PolicyDocument"])
    allowed = [statement for statement in policy.values() if statement["Effect"] == "Allow"]

    assert [policy["WriteAccessLogs"]] == allowed
    assert allowed[0]["Action"] == ["s3:PutObject"]
    assert allowed[0]["Resource"] == [
        {"Fn::Sub": f"${{LoadBalancerLogBucket.Arn}}/{prefix}/AWSLogs/${{AWS::AccountId}}/*"}
    ]
    assert allowed[0]["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert "DenyInsecureTransport" in text(policy)
