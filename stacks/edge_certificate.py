"""The certificate of the site and its assets in us-east-1, as CloudFront requires."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere.certificatemanager import Certificate, DomainValidationOption

from deployer.model import Env, Template, Value
from stacks.parts.names import name_tag


@dataclass(frozen=True)
class EdgeCertificate:
    """The certificate of <domain>, www.<domain> and assets.<domain>, for the distributions."""

    arn: Value


def define(t: Template, env: Env) -> EdgeCertificate:
    """Add one certificate for three hosts, each validated by a record in the hosted zone."""
    hosts = [env.domain, f"www.{env.domain}", f"assets.{env.domain}"]
    certificate = t.add_resource(
        Certificate(
            "SiteCertificate",
            DomainName=env.domain,
            SubjectAlternativeNames=hosts[1:],
            ValidationMethod="DNS",
            DomainValidationOptions=[
                DomainValidationOption(DomainName=host, HostedZoneId=env.hosted_zone)
                for host in hosts
            ],
            Tags=name_tag(env, "site"),
        )
    )
    return EdgeCertificate(arn=certificate.ref())
