"""Where the services run and how the world reaches them: ECS cluster, load balancer, records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import s3 as storage
from awacs.aws import Allow, Principal, Statement
from troposphere import Sub, ec2, ecs, s3
from troposphere import elasticloadbalancingv2 as elb
from troposphere.servicediscovery import HttpNamespace

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.dns import Dns
from stacks.network import ANYWHERE, ANYWHERE_IPV6, Network
from stacks.parts.buckets import private_bucket
from stacks.parts.dns_records import alias_records
from stacks.parts.names import name_tag, resource_name

# TLS 1.3 and 1.2, forward secrecy only, with post-quantum key exchange for those who offer it.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
LOG_PREFIX = "load-balancer"


class Settings(fields.Settings, frozen=True):
    """The `[cluster]` table."""

    default_capacity: Literal["FARGATE", "FARGATE_SPOT"]
    container_insights: Literal["disabled", "enabled", "enhanced"]
    access_logs: bool
    access_log_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]
    port: fields.Port = 4567
    health_check_path: Annotated[
        str, fields.described("a path that begins with /", pattern=r"^/[!-~]{0,1023}$")
    ] = "/api/health-check"
    idle_timeout_seconds: Annotated[int, fields.described("1 to 4000 seconds", ge=1, le=4000)] = 60
    drain_seconds: Annotated[int, fields.described("0 to 3600 seconds", ge=0, le=3600)] = 30


@dataclass(frozen=True)
class Cluster:
    """Where a service runs, what sends it requests, and what an alarm needs to name them."""

    name: Value
    namespace: Value
    load_balancer_name: Value
    target_group: Value
    target_group_name: Value
    service_firewall: Value


def define(
    t: Template, env: Env, settings: Settings, net: Network, dns: Dns, *, dual_stack: bool
) -> Cluster:
    """The cluster, and a load balancer that knows one host and sends the rest to the site.

    *dual_stack* says that the network has IPv6.
    """
    namespace = t.add_resource(HttpNamespace("Namespace", Name=resource_name(env, "services")))
    cluster = _cluster(t, env, settings, namespace=namespace)

    front = _front_firewall(t, env, settings.port, net=net, dual_stack=dual_stack)
    service = _service_firewall(t, env, settings.port, net=net, front=front)
    balancer = _load_balancer(t, env, settings, net=net, firewall=front, dual_stack=dual_stack)
    targets = _targets(t, env, settings, net=net)
    _redirect_to_https(t, balancer)
    https = _https(t, env, balancer=balancer, certificate=dns.certificate)
    _rule(t, f"api.{env.domain}", listener=https, targets=targets)
    alias_records(
        t,
        "Api",
        env=env,
        host=f"api.{env.domain}",
        target=balancer.get_att("DNSName"),
        zone=balancer.get_att("CanonicalHostedZoneID"),
        types=["A", "AAAA"] if dual_stack else ["A"],
    )
    return Cluster(
        name=cluster.ref(),
        namespace=namespace.get_att("Arn"),
        load_balancer_name=balancer.get_att("LoadBalancerFullName"),
        target_group=targets.ref(),
        target_group_name=targets.get_att("TargetGroupFullName"),
        service_firewall=service.get_att("GroupId"),
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


def _front_firewall(
    t: Template, env: Env, port: int, *, net: Network, dual_stack: bool
) -> ec2.SecurityGroup:
    """Open to the world on 80 and 443; from there it only goes on to the services' port."""
    world = [{"CidrIp": ANYWHERE}]
    if dual_stack:
        world.append({"CidrIpv6": ANYWHERE_IPV6})
    return t.add_resource(
        ec2.SecurityGroup(
            "LoadBalancerFirewall",
            GroupDescription="The world may reach the load balancer, which may reach services",
            VpcId=net.vpc,
            SecurityGroupIngress=[
                _allow(open_port, f"{name} from anywhere", **source)
                for open_port, name in {80: "HTTP", 443: "HTTPS"}.items()
                for source in world
            ],
            SecurityGroupEgress=[_allow(port, "Requests to services", CidrIp=net.vpc_cidr)],
            Tags=name_tag(env, "load-balancer"),
        )
    )


def _service_firewall(
    t: Template, env: Env, port: int, *, net: Network, front: ec2.SecurityGroup
) -> ec2.SecurityGroup:
    """What services stand behind: it is made here so that a database can know it before them."""
    return t.add_resource(
        ec2.SecurityGroup(
            "ServiceFirewall",
            GroupDescription="Only the load balancer may reach a service",
            VpcId=net.vpc,
            SecurityGroupIngress=[
                _allow(
                    port,
                    "Requests from the load balancer",
                    SourceSecurityGroupId=front.get_att("GroupId"),
                )
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
    net: Network,
    firewall: ec2.SecurityGroup,
    dual_stack: bool,
) -> elb.LoadBalancer:
    """Attributes are strings, and each is said: one left out would keep what it was before."""
    logs, logging = _access_logs(t, env, settings)
    attributes = {
        "deletion_protection.enabled": _word(env.protect),
        "idle_timeout.timeout_seconds": str(settings.idle_timeout_seconds),
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        **logs,
    }
    return t.add_resource(
        elb.LoadBalancer(
            "LoadBalancer",
            Type="application",
            Scheme="internet-facing",
            IpAddressType="dualstack" if dual_stack else "ipv4",
            Subnets=list(net.public_subnets),
            SecurityGroups=[firewall.get_att("GroupId")],
            LoadBalancerAttributes=[
                elb.LoadBalancerAttributes(Key=key, Value=value)
                for key, value in attributes.items()
            ],
            Tags=name_tag(env, "load-balancer"),
            **logging,
        )
    )


def _access_logs(
    t: Template, env: Env, settings: Settings
) -> tuple[dict[str, Value], dict[str, Any]]:
    """The attributes of access logs, and what the load balancer has to wait for.

    It tries to write to its bucket the moment it is made, so the policy has to be there.
    """
    if not settings.access_logs:
        return {"access_logs.s3.enabled": "false"}, {}
    bucket, policy = private_bucket(
        t,
        "AccessLogs",
        env=env,
        name="access-logs",
        lifecycle=[
            s3.LifecycleRule(
                Id="old-logs", Status="Enabled", ExpirationInDays=settings.access_log_days
            )
        ],
        statements=[_delivery("AccessLogs")],
    )
    attributes: dict[str, Value] = {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": bucket.ref(),
        "access_logs.s3.prefix": LOG_PREFIX,
    }
    return attributes, {"DependsOn": policy}


def _delivery(bucket: str) -> Statement:
    """Elastic Load Balancing may write logs, under this prefix and for this account only.

    The account in the path is the guard that AWS documents: its service writes nobody else's
    logs there. A condition on the source is not documented for load balancers, and one that does
    not match would make the load balancer fail.
    """
    path = f"${{{bucket}.Arn}}/{LOG_PREFIX}/AWSLogs/${{AWS::AccountId}}/*"
    return Statement(
        Sid="AccessLogDelivery",
        Effect=Allow,
        Principal=Principal("Service", "logdelivery.elasticloadbalancing.amazonaws.com"),
        Action=[storage.PutObject],
        Resource=[Sub(path)],
    )


def _targets(t: Template, env: Env, settings: Settings, *, net: Network) -> elb.TargetGroup:
    """The tasks of the backend: two good answers put one in, three bad ones take it out."""
    return t.add_resource(
        elb.TargetGroup(
            "BackendTargets",
            TargetType="ip",
            VpcId=net.vpc,
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
                    Key="deregistration_delay.timeout_seconds", Value=str(settings.drain_seconds)
                )
            ],
            Tags=name_tag(env, "backend"),
        )
    )


def _redirect_to_https(t: Template, balancer: elb.LoadBalancer) -> None:
    t.add_resource(
        elb.Listener(
            "HttpListener",
            LoadBalancerArn=balancer.ref(),
            Port=80,
            Protocol="HTTP",
            DefaultActions=[_redirect("#{host}", status="HTTP_301")],
        )
    )


def _https(
    t: Template, env: Env, *, balancer: elb.LoadBalancer, certificate: Value
) -> elb.Listener:
    """What no rule knows is sent to the site, with its path: there a link may still be good.

    Not for ever (302): a browser would go on leaving after a rule for that host was added.
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


def _rule(t: Template, host: str, *, listener: elb.Listener, targets: elb.TargetGroup) -> None:
    t.add_resource(
        elb.ListenerRule(
            "ApiRule",
            ListenerArn=listener.ref(),
            Priority=1,
            Conditions=[
                elb.Condition(
                    Field="host-header", HostHeaderConfig=elb.HostHeaderConfig(Values=[host])
                )
            ],
            Actions=[elb.ListenerRuleAction(Type="forward", TargetGroupArn=targets.ref())],
        )
    )


def _word(flag: bool) -> str:  # noqa: FBT001  what else would one call it with
    return "true" if flag else "false"
