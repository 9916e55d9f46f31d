"""The certificate of the API, validated by a record in the hosted zone."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere.certificatemanager import Certificate, DomainValidationOption

from deployer.model import Env, Template, Value
from stacks.parts.names import name_tag


@dataclass(frozen=True)
class Dns:
    """The certificate of api.<domain>, for the load balancer."""

    certificate: Value


def define(t: Template, env: Env) -> Dns:
    """Add the certificate; ACM issues it after it has found the validation record."""
    host = f"api.{env.domain}"
    certificate = t.add_resource(
        Certificate(
            "ApiCertificate",
            DomainName=host,
            ValidationMethod="DNS",
            DomainValidationOptions=[
                DomainValidationOption(DomainName=host, HostedZoneId=env.hosted_zone)
            ],
            Tags=name_tag(env, "api"),
        )
    )
    return Dns(certificate=certificate.ref())
