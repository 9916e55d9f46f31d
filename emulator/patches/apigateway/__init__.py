"""Patches of API Gateway."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "An HTTP API can forward requests to a URL (HTTP_PROXY), with cookies as a list.",
        source="API Gateway developer guide, HTTP integrations",
        ministack="Not tested here.",
        consequence="No stack uses it: the routes of the API are Lambda functions.",
    ),
)
