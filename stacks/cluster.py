"""The ECS cluster of the services, and the load balancer in front of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import s3 as s3_actions
from awacs.aws import Allow, Principal, Statement
from troposphere import Sub, ec2, ecs
from troposphere import elasticloadbalancingv2 as elb
from troposphere.servicediscovery import HttpNamespace

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.dns import Dns
from stacks.network import ANY_IPV4, ANY_IPV6, Network
from stacks.parts import postgresql
from stacks.parts.buckets import expire, private_bucket
from stacks.parts.dns_records import alias_records
from stacks.parts.names import name_tag, resource_name

# TLS 1.3 and 1.2 with forward secrecy, and post-quantum key exchange if the client supports it.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
LOG_PREFIX = "load-balancer"
LOG_BUCKET = "LoadBalancerLogBucket"


class Settings(fields.Settings, frozen=True):
    """The `[cluster]` table."""

    default_capacity: Literal["FARGATE", "FARGATE_SPOT"]
    container_insights: Literal["disabled", "enabled", "enhanced"]
    access_logs: bool
    access_log_retention_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]
    port: fields.Port = 4567
    health_check_path: Annotated[
        str, fields.described("a path that starts with /", pattern=r"^/[!-~]{0,1023}$")
    ] = "/api/health-check"
    idle_timeout_seconds: Annotated[int, fields.described("1 to 4000 seconds", ge=1, le=4000)] = 60
    deregistration_delay_seconds: Annotated[
        int, fields.described("0 to 3600 seconds", ge=0, le=3600)
    ] = 30


@dataclass(frozen=True)
class Cluster:
    """The cluster, its namespace, its load balancer, and the security group of services."""

    name: Value
    namespace: Value
    load_balancer_name: Value
    target_group: Value
    target_group_name: Value
    service_security_group: Value


def define(
    t: Template, env: Env, settings: Settings, network: Network, dns: Dns, *, dual_stack: bool
) -> Cluster:
    """Add the cluster, and a load balancer that forwards one host and redirects all others.

    *dual_stack* adds IPv6, which the network must have.
    """
    namespace = t.add_resource(
        HttpNamespace("ServiceNamespace", Name=resource_name(env, "services"))
    )
    cluster = _cluster(t, env, settings, namespace=namespace)

    balancer_group = _load_balancer_security_group(
        t, env, settings.port, network=network, dual_stack=dual_stack
    )
    service_group = _service_security_group(
        t,
        env,
        settings.port,
        network=network,
        source_security_group=balancer_group,
        dual_stack=dual_stack,
    )
    balancer = _load_balancer(
        t, env, settings, network=network, security_group=balancer_group, dual_stack=dual_stack
    )
    target_group = _target_group(t, env, settings, network=network)
    _http_listener(t, balancer)
    listener = _https_listener(t, env, balancer=balancer, certificate=dns.certificate)
    _forward(t, f"api.{env.domain}", listener=listener, target_group=target_group)
    alias_records(
        t,
        "Api",
        env=env,
        host=f"api.{env.domain}",
        target=balancer.get_att("DNSName"),
        hosted_zone=balancer.get_att("CanonicalHostedZoneID"),
        types=["A", "AAAA"] if dual_stack else ["A"],
    )
    return Cluster(
        name=cluster.ref(),
        namespace=namespace.get_att("Arn"),
        load_balancer_name=balancer.get_att("LoadBalancerFullName"),
        target_group=target_group.ref(),
        target_group_name=target_group.get_att("TargetGroupFullName"),
        service_security_group=service_group.get_att("GroupId"),
    )


def _cluster(t: Template, env: Env, settings: Settings, *, namespace: HttpNamespace) -> ecs.Cluster:
    return t.add_resource(
        ecs.Cluster(
            "Cluster",
            ClusterName=env.stack_name("cluster"),
            CapacityProviders=["FARGATE", "FARGATE_SPOT"],
            DefaultCapacityProviderStrategy=[
                ecs.CapacityProviderStrategyItem(
                    CapacityProvider=settings.default_capacity, Weight=1
                )
            ],
            ClusterSettings=[
                ecs.ClusterSetting(Name="containerInsights", Value=settings.container_insights)
            ],
            ServiceConnectDefaults=ecs.ServiceConnectDefaults(Namespace=namespace.get_att("Arn")),
        )
    )


def _load_balancer_security_group(
    t: Template, env: Env, port: int, *, network: Network, dual_stack: bool
) -> ec2.SecurityGroup:
    """Allow ingress from anywhere on ports 80 and 443, and egress to the port of services."""
    sources = [{"CidrIp": ANY_IPV4}]
    if dual_stack:
        sources.append({"CidrIpv6": ANY_IPV6})
    return t.add_resource(
        ec2.SecurityGroup(
            "LoadBalancerSecurityGroup",
            GroupDescription="Ingress from anywhere to the load balancer, egress to services",
            VpcId=network.vpc,
            SecurityGroupIngress=[
                _allow(open_port, f"{protocol} from anywhere", **source)
                for open_port, protocol in {80: "HTTP", 443: "HTTPS"}.items()
                for source in sources
            ],
            SecurityGroupEgress=[_allow(port, "Requests to services", CidrIp=network.vpc_cidr)],
            Tags=name_tag(env, "load-balancer"),
        )
    )


def _service_security_group(
    t: Template,
    env: Env,
    port: int,
    *,
    network: Network,
    source_security_group: ec2.SecurityGroup,
    dual_stack: bool,
) -> ec2.SecurityGroup:
    """Add the security group of all services; the database refers to it before services exist.

    Tasks connect to the database, and to AWS and other servers over HTTPS. The stack of a service adds
    its other egress. Requests to the resolver and to the metadata of the task are not filtered (VPC
    user guide, Security groups).
    """
    anywhere = [{"CidrIp": ANY_IPV4}, *([{"CidrIpv6": ANY_IPV6}] if dual_stack else [])]
    return t.add_resource(
        ec2.SecurityGroup(
            "ServiceSecurityGroup",
            GroupDescription="Ingress to services from the load balancer only",
            VpcId=network.vpc,
            SecurityGroupIngress=[
                _allow(
                    port,
                    "Requests from the load balancer",
                    SourceSecurityGroupId=source_security_group.get_att("GroupId"),
                )
            ],
            SecurityGroupEgress=[
                *(_allow(443, "HTTPS to AWS and other servers", **target) for target in anywhere),
                _allow(postgresql.PORT, "Connections to the database", CidrIp=network.vpc_cidr),
            ],
            Tags=name_tag(env, "service"),
        )
    )


def _allow(port: int, description: str, **other_side: Any) -> ec2.SecurityGroupRule:
    return ec2.SecurityGroupRule(
        IpProtocol="tcp", FromPort=port, ToPort=port, Description=description, **other_side
    )


def _load_balancer(
    t: Template,
    env: Env,
    settings: Settings,
    *,
    network: Network,
    security_group: ec2.SecurityGroup,
    dual_stack: bool,
) -> elb.LoadBalancer:
    """Add the load balancer with all attributes: an omitted attribute keeps its previous value."""
    log_attributes, properties = _access_logs(t, env, settings)
    attributes = {
        "deletion_protection.enabled": _boolean(env.protect),
        "idle_timeout.timeout_seconds": str(settings.idle_timeout_seconds),
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        **log_attributes,
    }
    return t.add_resource(
        elb.LoadBalancer(
            "LoadBalancer",
            Type="application",
            Scheme="internet-facing",
            IpAddressType="dualstack" if dual_stack else "ipv4",
            Subnets=list(network.public_subnets),
            SecurityGroups=[security_group.get_att("GroupId")],
            LoadBalancerAttributes=[
                elb.LoadBalancerAttributes(Key=key, Value=value)
                for key, value in attributes.items()
            ],
            Tags=name_tag(env, "load-balancer"),
            **properties,
        )
    )


def _access_logs(
    t: Template, env: Env, settings: Settings
) -> tuple[dict[str, Value], dict[str, Any]]:
    """Return the attributes of access logs, and a dependency of the load balancer.

    The load balancer writes a test object when it is created, so the bucket policy must exist.
    """
    if not settings.access_logs:
        return {"access_logs.s3.enabled": "false"}, {}
    bucket, policy = private_bucket(
        t,
        LOG_BUCKET,
        env=env,
        name="access-logs",
        lifecycle=[expire(settings.access_log_retention_days, rule="expire-logs")],
        statements=[_write_access_logs()],
    )
    attributes: dict[str, Value] = {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": bucket.ref(),
        "access_logs.s3.prefix": LOG_PREFIX,
    }
    return attributes, {"DependsOn": policy}


def _write_access_logs() -> Statement:
    """Allow Elastic Load Balancing to write logs of this account below LOG_PREFIX.

    The account in the path is the protection that AWS documents: Elastic Load Balancing writes no
    logs of other accounts to that path. A condition on the source is not documented for load
    balancers, and if it does not match, the creation of the load balancer fails.
    """
    path = f"${{{LOG_BUCKET}.Arn}}/{LOG_PREFIX}/AWSLogs/${{AWS::AccountId}}/*"
    return Statement(
        Sid="WriteAccessLogs",
        Effect=Allow,
        Principal=Principal("Service", "logdelivery.elasticloadbalancing.amazonaws.com"),
        Action=[s3_actions.PutObject],
        Resource=[Sub(path)],
    )


def _target_group(
    t: Template, env: Env, settings: Settings, *, network: Network
) -> elb.TargetGroup:
    """Add the target group: two passed checks make a target healthy, three failed ones unhealthy."""
    return t.add_resource(
        elb.TargetGroup(
            "BackendTargetGroup",
            TargetType="ip",
            VpcId=network.vpc,
            Protocol="HTTP",
            ProtocolVersion="HTTP1",
            Port=settings.port,
            HealthCheckProtocol="HTTP",
            HealthCheckPort="traffic-port",
            HealthCheckPath=settings.health_check_path,
            HealthCheckIntervalSeconds=15,
            HealthCheckTimeoutSeconds=5,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=3,
            Matcher=elb.Matcher(HttpCode="200"),
            TargetGroupAttributes=[
                elb.TargetGroupAttribute(
                    Key="deregistration_delay.timeout_seconds",
                    Value=str(settings.deregistration_delay_seconds),
                )
            ],
            Tags=name_tag(env, "backend"),
        )
    )


def _http_listener(t: Template, balancer: elb.LoadBalancer) -> None:
    t.add_resource(
        elb.Listener(
            "HttpListener",
            LoadBalancerArn=balancer.ref(),
            Port=80,
            Protocol="HTTP",
            DefaultActions=[_redirect("#{host}", status="HTTP_301")],
        )
    )


def _https_listener(
    t: Template, env: Env, *, balancer: elb.LoadBalancer, certificate: Value
) -> elb.Listener:
    """Redirect requests that match no rule to the site, with their path.

    The redirect is temporary (302), so that a rule for the host can be added later: browsers cache
    a permanent redirect.
    """
    return t.add_resource(
        elb.Listener(
            "HttpsListener",
            LoadBalancerArn=balancer.ref(),
            Port=443,
            Protocol="HTTPS",
            SslPolicy=TLS_POLICY,
            Certificates=[elb.Certificate(CertificateArn=certificate)],
            DefaultActions=[_redirect(env.domain, status="HTTP_302")],
        )
    )


def _redirect(host: str, *, status: Literal["HTTP_301", "HTTP_302"]) -> elb.Action:
    return elb.Action(
        Type="redirect",
        RedirectConfig=elb.RedirectConfig(
            Protocol="HTTPS",
            Host=host,
            Port="443",
            Path="/#{path}",
            Query="#{query}",
            StatusCode=status,
        ),
    )


def _forward(
    t: Template, host: str, *, listener: elb.Listener, target_group: elb.TargetGroup
) -> None:
    t.add_resource(
        elb.ListenerRule(
            "ApiListenerRule",
            ListenerArn=listener.ref(),
            Priority=1,
            Conditions=[
                elb.Condition(
                    Field="host-header", HostHeaderConfig=elb.HostHeaderConfig(Values=[host])
                )
            ],
            Actions=[elb.ListenerRuleAction(Type="forward", TargetGroupArn=target_group.ref())],
        )
    )


def _boolean(flag: bool) -> str:  # noqa: FBT001  its only argument
    return "true" if flag else "false"
