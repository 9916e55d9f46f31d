"""The certificate of the site and its assets, in us-east-1, where CloudFront looks for it."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere.certificatemanager import Certificate, DomainValidationOption

from deployer.model import Env, Template, Value
from stacks.parts.names import name_tag


@dataclass(frozen=True)
class EdgeCertificate:
    """What the distributions need to answer for <domain>, www. and assets."""

    arn: Value


def define(t: Template, env: Env) -> EdgeCertificate:
    """Ask for one certificate of three names, each proven in the hosted zone."""
    names = [env.domain, f"www.{env.domain}", f"assets.{env.domain}"]
    certificate = t.add_resource(
        Certificate(
            "SiteCertificate",
            DomainName=env.domain,
            SubjectAlternativeNames=names[1:],
            ValidationMethod="DNS",
            DomainValidationOptions=[
                DomainValidationOption(DomainName=name, HostedZoneId=env.hosted_zone)
                for name in names
            ],
            Tags=name_tag(env, "site"),
        )
    )
    return EdgeCertificate(arn=certificate.ref())
