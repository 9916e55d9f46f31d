"""Endpoints of AWS services."""

from __future__ import annotations

import pytest

from shared.endpoints import endpoint


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        ({"AWS_ENDPOINT_URL": ""}, ""),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"}, "http://127.0.0.1:4566"),
        (
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_COGNITO_IDP": "https://b"},
            "https://b",
        ),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SNS": "https://b"}, "http://a"),
    ],
)
def test_endpoint(environ: dict[str, str], url: str) -> None:
    """The variable of the service precedes the general one, as in AWS SDKs."""
    assert endpoint(environ, "COGNITO_IDP") == url
