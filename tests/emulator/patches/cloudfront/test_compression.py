"""Compression: which responses, and with which headers."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tests.emulator.distributions import behavior, site, upload
from tests.viewer import view

if TYPE_CHECKING:
    from tests.emulator_server import Aws

TEXT = "<p>post</p>" * 100
NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # Managed-CachingDisabled


def deploy(aws: Aws, domain: str, certificate: str) -> None:
    """Deploy a distribution that compresses all but /plain/ and /fresh/."""
    patterns = [
        behavior(PathPattern="/plain/*", Compress=False),
        behavior(PathPattern="/fresh/*", Compress=True, CachePolicyId=NOT_CACHED),
    ]
    default = behavior(Compress=True)
    template = site(
        [f"a.{domain}"], certificate, DefaultCacheBehavior=default, CacheBehaviors=patterns
    )
    aws.deploy("s", template)


def test_gzip(aws: Aws, domain: str, certificate: str) -> None:
    """A long text is compressed for a viewer that accepts it; its ETag is weak and is validated.

    AWS: CloudFront developer guide, "Serve compressed files", "ETag header conversion".
    """
    deploy(aws, domain, certificate)
    upload(aws, {"long.html": TEXT})
    url = f"https://a.{domain}/long.html"

    plain = view(aws.endpoint, url)
    got = view(aws.endpoint, url, Accept_Encoding="gzip, br")
    same = view(aws.endpoint, url, Accept_Encoding="gzip, br", If_None_Match=got.headers["ETag"])

    assert (None, TEXT.encode()) == (plain.headers["Content-Encoding"], plain.body)
    assert (got.headers["Content-Encoding"], gzip.decompress(got.body).decode()) == ("gzip", TEXT)
    assert got.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert got.headers["Vary"] == "Accept-Encoding"
    assert same.status == 304


def test_not_compressed(aws: Aws, domain: str, certificate: str) -> None:
    """Short texts, pictures and parts are not compressed, nor paths whose behavior forbids it."""
    deploy(aws, domain, certificate)
    paths = ("short.html", "long.jpg", "plain/long.html", "fresh/long.html")
    upload(aws, {path: TEXT if "long" in path else "short" for path in paths})
    upload(aws, {"long.html": TEXT})

    def encoding(path: str, **headers: str) -> str | None:
        url = f"https://a.{domain}/{path}"
        return view(aws.endpoint, url, Accept_Encoding="gzip", **headers).headers[
            "Content-Encoding"
        ]

    assert [encoding(path) for path in paths] == [None] * 4
    assert [encoding("long.html", Range="bytes=0-1199"), encoding("long.html")] == [None, "gzip"]
