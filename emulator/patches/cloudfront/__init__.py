"""Patches of CloudFront."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "CloudFront caches, blocks by WAF or country, checks signed URLs, runs "
        "Lambda@Edge, and accepts only the TLS and HTTP versions of its configuration.",
        source="CloudFront developer guide",
        ministack="Never: every response comes from the origin; an invalidation is recorded.",
        consequence="Test cache policies, TTLs and the paths of invalidations in an AWS account.",
    ),
)
