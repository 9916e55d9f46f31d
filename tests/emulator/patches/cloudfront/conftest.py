"""Fixtures of the tests of CloudFront."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator_server import Aws


@pytest.fixture
def domain(aws: Aws) -> str:
    """Return a domain that no other test uses."""
    return f"d{aws.endpoint.account}.example"


@pytest.fixture
def certificate(aws: Aws, domain: str) -> str:
    """Return the ARN of a certificate for the domain in us-east-1."""
    certificate_ = aws.client("acm", "us-east-1").request_certificate(
        DomainName=domain, SubjectAlternativeNames=[f"*.{domain}"]
    )
    return str(certificate_["CertificateArn"])
