"""Templates with a load balancer, for tests of load balancers and DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ELB = "AWS::ElasticLoadBalancingV2"
VPC = resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
CERTIFICATE = "arn:aws:acm:ca-central-1:000000000000:certificate/x"


def subnets(zones: str = "ab") -> dict[str, Any]:
    """Return subnets of VPC in these zones."""
    return {
        f"Subnet{number}": resource(
            "AWS::EC2::Subnet",
            VpcId=ref("Vpc"),
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=f"ca-central-1{zone}",
        )
        for number, zone in enumerate(zones)
    }


def fixed_response(status: str) -> dict[str, Any]:
    """Return an action that responds with *status*."""
    response = {"StatusCode": status, "ContentType": "text/plain", "MessageBody": status}
    return {"Type": "fixed-response", "FixedResponseConfig": response}


def redirect(**target: str) -> dict[str, Any]:
    """Return an action that redirects the client."""
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **target}}


def load_balancer(zone_id: str, domain: str) -> dict[str, Any]:
    """Return a load balancer that redirects port 80 to 443, and on 443 all but api.DOMAIN to DOMAIN."""
    to_https = redirect(
        Protocol="HTTPS", Port="443", Host="#{host}", Path="/#{path}", Query="#{query}"
    )
    to_site = redirect(Protocol="HTTPS", Port="443", Host=domain, Path="/", Query="")
    listener = {"LoadBalancerArn": ref("LoadBalancer")}
    alias = {
        "DNSName": att("LoadBalancer", "DNSName"),
        "HostedZoneId": att("LoadBalancer", "CanonicalHostedZoneID"),
    }
    records = [
        {"Name": f"api.{domain}", "Type": kind, "AliasTarget": alias} for kind in ("A", "AAAA")
    ]
    condition = {"Field": "host-header", "HostHeaderConfig": {"Values": [f"api.{domain}"]}}
    return template(
        Vpc=VPC,
        **subnets(),
        LoadBalancer=resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")]),
        Http=resource(
            f"{ELB}::Listener", Port=80, Protocol="HTTP", DefaultActions=[to_https], **listener
        ),
        Https=resource(
            f"{ELB}::Listener",
            Port=443,
            Protocol="HTTPS",
            DefaultActions=[to_site],
            Certificates=[{"CertificateArn": CERTIFICATE}],
            **listener,
        ),
        AnotherCertificate=resource(
            f"{ELB}::ListenerCertificate",
            ListenerArn=ref("Https"),
            Certificates=[{"CertificateArn": CERTIFICATE + "2"}],
        ),
        Rule=resource(
            f"{ELB}::ListenerRule",
            ListenerArn=ref("Https"),
            Priority=1,
            Conditions=[condition],
            Actions=[fixed_response("200")],
        ),
        Records=resource("AWS::Route53::RecordSetGroup", HostedZoneId=zone_id, RecordSets=records),
    ) | {"Outputs": {"Dns": {"Value": att("LoadBalancer", "DNSName")}}}


def deploy_load_balancer(aws: Aws, port: int | None, *, idle_seconds: int = 60) -> str:
    """Deploy a load balancer with a target on *port*, or without one; return its host name."""
    attribute = {"Key": "idle_timeout.timeout_seconds", "Value": str(idle_seconds)}
    targets = [{"Id": "127.0.0.1", "Port": port}] if port else []
    body = template(
        Vpc=VPC,
        **subnets(),
        Balancer=resource(
            f"{ELB}::LoadBalancer",
            Subnets=[ref("Subnet0"), ref("Subnet1")],
            LoadBalancerAttributes=[attribute],
        ),
        Group=resource(
            f"{ELB}::TargetGroup",
            TargetType="ip",
            VpcId=ref("Vpc"),
            Port=80,
            Protocol="HTTP",
        ),
        Listener=resource(
            f"{ELB}::Listener",
            LoadBalancerArn=ref("Balancer"),
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": ref("Group")}],
        ),
    ) | {
        "Outputs": {"Dns": {"Value": att("Balancer", "DNSName")}, "Group": {"Value": ref("Group")}}
    }
    aws.deploy("s", body)
    outputs = aws.outputs("s")
    if targets:
        aws.client("elbv2").register_targets(TargetGroupArn=outputs["Group"], Targets=targets)
    return outputs["Dns"]
