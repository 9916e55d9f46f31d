"""ECS, load balancers and DNS: what a cluster stack makes, and how a request reaches it."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import emulator
from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ELB = "AWS::ElasticLoadBalancingV2"
VPC = resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
CERTIFICATE = "arn:aws:acm:ca-central-1:000000000000:certificate/x"


def subnets(zones: str = "ab") -> dict[str, Any]:
    """Subnets of VPC in these zones."""
    return {
        f"Subnet{number}": resource(
            "AWS::EC2::Subnet",
            VpcId=ref("Vpc"),
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=f"ca-central-1{zone}",
        )
        for number, zone in enumerate(zones)
    }


def fixed(status: str) -> dict[str, Any]:
    """An action that answers by itself."""
    answer = {"StatusCode": status, "ContentType": "text/plain", "MessageBody": status}
    return {"Type": "fixed-response", "FixedResponseConfig": answer}


def redirect(**to: str) -> dict[str, Any]:
    """An action that sends the client elsewhere."""
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **to}}


def balanced(zone_id: str, domain: str) -> dict[str, Any]:
    """Port 80 goes to 443; there, api.DOMAIN is answered and the rest sent to the site."""
    to_https = redirect(
        Protocol="HTTPS", Port="443", Host="#{host}", Path="/#{path}", Query="#{query}"
    )
    to_site = redirect(Protocol="HTTPS", Port="443", Host=domain, Path="/", Query="")
    listener = {"LoadBalancerArn": ref("Balancer")}
    alias = {
        "DNSName": att("Balancer", "DNSName"),
        "HostedZoneId": att("Balancer", "CanonicalHostedZoneID"),
    }
    records = [
        {"Name": f"api.{domain}", "Type": kind, "AliasTarget": alias} for kind in ("A", "AAAA")
    ]
    names = {"Field": "host-header", "HostHeaderConfig": {"Values": [f"api.{domain}"]}}
    return template(
        Vpc=VPC,
        **subnets(),
        Balancer=resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")]),
        Plain=resource(
            f"{ELB}::Listener", Port=80, Protocol="HTTP", DefaultActions=[to_https], **listener
        ),
        Secure=resource(
            f"{ELB}::Listener",
            Port=443,
            Protocol="HTTPS",
            DefaultActions=[to_site],
            Certificates=[{"CertificateArn": CERTIFICATE}],
            **listener,
        ),
        More=resource(
            f"{ELB}::ListenerCertificate",
            ListenerArn=ref("Secure"),
            Certificates=[{"CertificateArn": CERTIFICATE + "2"}],
        ),
        Api=resource(
            f"{ELB}::ListenerRule",
            ListenerArn=ref("Secure"),
            Priority=1,
            Conditions=[names],
            Actions=[fixed("200")],
        ),
        Records=resource("AWS::Route53::RecordSetGroup", HostedZoneId=zone_id, RecordSets=records),
    ) | {"Outputs": {"Dns": {"Value": att("Balancer", "DNSName")}}}


def get(endpoint: emulator.Endpoint, host: str, path: str) -> tuple[int, str | None]:
    """Send a request to *host*, as if DNS had led it here; return status and Location."""
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    connection.close()
    return answer.status, answer.headers["Location"]


@pytest.fixture
def domain(aws: Aws) -> str:
    """A domain of this test, with its hosted zone made by hand."""
    account = aws.endpoint.account
    zone = emulator.Prerequisites(hosted_zones=((f"Z{account}", f"c{account}.example"),))
    emulator.create_prerequisites(aws.endpoint, zone)
    return f"c{account}.example"


def test_balanced(aws: Aws, domain: str) -> None:
    """A request takes listener, rule and action as on AWS, by alias or by DNS name.

    AWS: "Redirect actions" and "Host conditions" (load balancer user guide): path and query are
    kept, and the port always stands in the Location.
    """
    stack = aws.deploy("s", balanced(f"Z{aws.endpoint.account}", domain))
    dns, api = aws.outputs("s")["Dns"], f"api.{domain}"

    assert "CREATE_COMPLETE" == stack["StackStatus"]
    assert (301, f"https://{api}:443/a/b?c=d&e=f") == get(aws.endpoint, api, "/a/b?c=d&e=f")
    assert (200, None) == get(aws.endpoint, f"{api}:443", "/a?c=d")
    assert (301, f"https://{domain}:443/") == get(aws.endpoint, f"{dns}:443", "/a?c=d")
    port = urlsplit(aws.endpoint.url).port
    assert (301, f"https://{dns}:443/x") == get(aws.endpoint, f"{dns}:{port}", "/x")


def test_paths_are_the_balancers(aws: Aws, domain: str) -> None:
    """A path that is MiniStack's elsewhere is the load balancer's here, health checks included."""
    aws.deploy("s", balanced(f"Z{aws.endpoint.account}", domain))

    for path in ("/health", "/_ministack/health", "/v20180820/tags/x", "/_emulator", "/login"):
        moved = f"https://api.{domain}:443{path}"
        assert (301, moved) == get(aws.endpoint, f"api.{domain}", path)


def test_records(aws: Aws, domain: str) -> None:
    """A group of alias records is in the zone and goes with the stack.

    AWS: AWS::Route53::RecordSetGroup; alias to a load balancer.
    """
    aws.deploy("s", balanced(f"Z{aws.endpoint.account}", domain))

    def listed() -> list[tuple[str, str]]:
        found = aws.client("route53").list_resource_record_sets(
            HostedZoneId=f"Z{aws.endpoint.account}"
        )
        return [(r["Name"], r["Type"]) for r in found["ResourceRecordSets"] if "AliasTarget" in r]

    before = listed()
    aws.delete("s")

    assert [(f"api.{domain}.", "A"), (f"api.{domain}.", "AAAA")] == before
    assert [] == listed()


def test_record_outside(aws: Aws, domain: str) -> None:
    """AWS: "RRSet with DNS name … is not permitted in zone …" (InvalidChangeBatch)."""
    record = resource(
        "AWS::Route53::RecordSet",
        HostedZoneId=f"Z{aws.endpoint.account}",
        Name="api.other.example",
        Type="A",
        TTL="60",
        ResourceRecords=["192.0.2.1"],
    )

    stack = aws.deploy("s", template(Record=record))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any(f"is not permitted in zone {domain}." in reason for *_, reason in aws.events("s"))


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (
            subnets("aa")
            | {"B": resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")])},
            "At least two subnets in two different Availability Zones",
        ),
        (
            subnets()
            | {
                "B": resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")]),
                "L": resource(
                    f"{ELB}::Listener",
                    LoadBalancerArn=ref("B"),
                    Port=443,
                    Protocol="HTTPS",
                    DefaultActions=[fixed("200")],
                ),
            },
            "A certificate must be specified for HTTPS listeners",
        ),
    ],
)
def test_refused_balancer(aws: Aws, resources: dict[str, Any], words: str) -> None:
    """AWS: CreateLoadBalancer and CreateListener refuse these (API reference)."""
    stack = aws.deploy("s", template(Vpc=VPC, **resources))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any(words in reason for *_, reason in aws.events("s"))


def test_cluster(aws: Aws) -> None:
    """A cluster keeps its Service Connect default and its capacity providers.

    AWS: AWS::ECS::Cluster ServiceConnectDefaults; AWS::ECS::ClusterCapacityProviderAssociations.
    """
    spot = {"CapacityProvider": "FARGATE_SPOT", "Weight": 1}
    made = template(
        Namespace=resource("AWS::ServiceDiscovery::HttpNamespace", Name=f"n{aws.endpoint.account}"),
        Cluster=resource(
            "AWS::ECS::Cluster", ServiceConnectDefaults={"Namespace": att("Namespace", "Arn")}
        ),
        Providers=resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=["FARGATE", "FARGATE_SPOT"],
            DefaultCapacityProviderStrategy=[spot],
        ),
    ) | {
        "Outputs": {"Cluster": {"Value": ref("Cluster")}, "Ns": {"Value": att("Namespace", "Arn")}}
    }

    aws.deploy("s", made)

    names = [aws.outputs("s")["Cluster"]]
    [cluster] = aws.client("ecs").describe_clusters(clusters=names)["clusters"]
    assert ["FARGATE", "FARGATE_SPOT"] == cluster["capacityProviders"]
    assert "FARGATE_SPOT" == cluster["defaultCapacityProviderStrategy"][0]["capacityProvider"]
    assert aws.outputs("s")["Ns"] == cluster["serviceConnectDefaults"]["namespace"]


def certificate(domain: str, zone_id: str) -> dict[str, Any]:
    """A template of a certificate validated in a hosted zone."""
    option = {"DomainName": domain, "HostedZoneId": zone_id}
    made = resource(
        "AWS::CertificateManager::Certificate",
        DomainName=domain,
        ValidationMethod="DNS",
        DomainValidationOptions=[option],
    )
    return template(Certificate=made) | {"Outputs": {"Arn": {"Value": ref("Certificate")}}}


def test_certificate(aws: Aws, domain: str) -> None:
    """A certificate's validation record is in its zone; in a wrong zone it fails.

    AWS: AWS::CertificateManager::Certificate, DomainValidationOption. AWS waits before it fails.
    """
    zone = f"Z{aws.endpoint.account}"

    aws.deploy("s", certificate(f"api.{domain}", zone))
    wrong = [
        aws.deploy("wrong-domain", certificate("api.other.example", zone)),
        aws.deploy("wrong-zone", certificate(f"api.{domain}", "ZGONE")),
    ]

    arn = aws.outputs("s")["Arn"]
    found = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    record = found["DomainValidationOptions"][0]["ResourceRecord"]
    kept = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert record["Value"] in [
        one["ResourceRecords"][0]["Value"] for one in kept if one["Name"] == record["Name"]
    ]
    assert ["ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"] == [one["StackStatus"] for one in wrong]
