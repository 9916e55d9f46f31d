"""Endpoints of AWS services that replace those of AWS, as the emulator sets them."""

from __future__ import annotations

from collections.abc import Mapping


def endpoint(environ: Mapping[str, str], service: str) -> str:
    """Return the endpoint that *environ* sets for AWS SDKs, without a trailing slash, or "".

    *service* is the service in the name of the variable, such as COGNITO_IDP: see the AWS SDKs and
    Tools reference guide, Service-specific endpoints.
    """
    specific = environ.get(f"AWS_ENDPOINT_URL_{service}")
    return (specific or environ.get("AWS_ENDPOINT_URL", "")).rstrip("/")
