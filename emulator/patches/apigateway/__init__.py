"""Patches of API Gateway."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "An HTTP API proxies to HTTP addresses (HTTP_PROXY), and passes cookies as a list.",
        source="API Gateway developer guide, HTTP integrations",
        ministack="Not tested.",
        consequence="No stack uses it: the routes of the API are Lambda functions.",
    ),
)
