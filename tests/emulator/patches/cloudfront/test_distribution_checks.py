"""Distributions that CloudFront refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.distributions import CONTROL, behavior, origin, site


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}, "attach a trusted"),
        ({"ViewerCertificate": {"AcmCertificateArn": "arn:aws:acm:us-east-1:1:x"}}, "isn't in us"),
        ({"Aliases": ["a.b.other.example"]}, "doesn't cover the alternate domain name"),
        ({"DefaultCacheBehavior": behavior(CachePolicyId="x")}, "cache policy does not exist"),
        ({"DefaultCacheBehavior": behavior("x")}, "specified origin does not exist"),
        ({"Origins": [origin(OriginAccessControlId="x")]}, "origin access control does not exist"),
        (
            {
                "DefaultCacheBehavior": behavior(
                    FunctionAssociations=[
                        {"EventType": "viewer-request", "FunctionARN": "arn:aws:cloudfront::1:x/y"}
                    ]
                )
            },
            "does not exist or is not published",
        ),
    ],
)
def test_invalid_distribution(
    aws: Aws, domain: str, certificate: str, config: dict[str, Any], message: str
) -> None:
    """A distribution that refers to a missing resource fails its stack.

    AWS: CreateDistribution, "Errors" (InvalidViewerCertificate, NoSuchCachePolicy, …).
    """
    stack = aws.deploy("s", site([domain], certificate, **config))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(message in reason for *_, reason in aws.events("s"))


def test_existing_alias(aws: Aws, domain: str, certificate: str) -> None:
    """An alias belongs to one distribution of all accounts (CNAMEAlreadyExists)."""
    aws.deploy("s", site([domain], certificate))
    again = aws.deploy("s", site([domain, f"www.{domain}"], certificate))
    second = site([f"www.{domain}"], certificate)
    second["Resources"]["Control"] = {
        **CONTROL,
        "Properties": {
            "OriginAccessControlConfig": {
                **CONTROL["Properties"]["OriginAccessControlConfig"],
                "Name": "other",
            }
        },
    }

    other = aws.deploy("t", second)

    assert again["StackStatus"] == "UPDATE_COMPLETE"
    assert other["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("already associated" in reason for *_, reason in aws.events("t"))
