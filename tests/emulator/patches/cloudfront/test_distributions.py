"""Distributions: names, bucket policies, behaviors, error pages, origin groups and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import emulator
from tests.emulator.templates import ref, resource
from tests.viewer import view

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.distributions import SECURITY, behavior, origin, read_policy, site, upload


def test_domain_names(aws: Aws, domain: str, certificate: str) -> None:
    """A distribution responds to requests for its alias and its domain name, over TLS.

    AWS: CloudFront developer guide, "Use custom URLs", "Require HTTPS for communication between
    viewers and CloudFront": 301 to the same path and query; ETag, Range and HEAD pass.
    """
    aws.deploy("s", site([f"a.{domain}"], certificate))
    upload(aws, {"a/b c.jpg": "picture"})
    own = aws.outputs("s")["Name"]

    plain = view(aws.endpoint, f"http://a.{domain}/a/b%20c.jpg?x=1")
    got = view(aws.endpoint, f"https://a.{domain}/a/b%20c.jpg")
    head = view(aws.endpoint, f"https://{own}/a/b%20c.jpg", "HEAD")
    part = view(aws.endpoint, f"https://{own}/a/b%20c.jpg", Range="bytes=0-2")
    same = view(aws.endpoint, f"https://{own}/a/b%20c.jpg", If_None_Match=got.headers["ETag"])

    assert (plain.status, plain.headers["Location"]) == (301, f"https://a.{domain}/a/b%20c.jpg?x=1")
    assert (got.status, got.body) == (200, b"picture")
    assert (
        got.headers["Content-Type"],
        got.headers["Cache-Control"],
    ) == ("image/jpeg", "max-age=60")
    assert got.headers["X-Cache"] == "Miss from cloudfront"
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "7", b"")
    assert (part.status, part.body) == (206, b"pic")
    assert same.status == 304


def test_cross_site_requests(aws: Aws, domain: str, certificate: str) -> None:
    """Other sites can link to a distribution; they cannot load it, or show it in a frame."""
    aws.deploy("s", site([f"a.{domain}"], certificate))
    upload(aws, {"one.jpg": "picture"})

    def status(site: str, mode: str, destination: str, **extra_headers: str) -> int:
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": mode, "Sec_Fetch_Dest": destination}
        return view(aws.endpoint, f"https://a.{domain}/one.jpg", **headers, **extra_headers).status

    assert status("cross-site", "navigate", "document") == 200
    assert status("cross-site", "navigate", "iframe") == 403
    assert status("cross-site", "no-cors", "image") == 403
    assert status("cross-site", "cors", "empty", Origin="https://evil.example") == 403
    assert status("same-site", "no-cors", "image") == 200
    assert status("same-origin", "cors", "empty", Origin=f"https://a.{domain}") == 200


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [
        (read_policy("Files"), [200, 403]),
        (read_policy("Files", "s3:GetObject", "s3:ListBucket"), [200, 404]),
        (read_policy("Files", "s3:ListBucket"), [403, 403]),
        (read_policy("Files", distribution="Control"), [403, 403]),
    ],
    ids=["reads", "reads and lists", "lists", "another distribution's"],
)
def test_bucket_policy(
    aws: Aws, domain: str, certificate: str, policy: dict[str, Any], statuses: list[int]
) -> None:
    """The bucket policy decides what is read, and whether a missing object is 404 or 403.

    AWS: "Restrict access to an Amazon S3 origin" (CloudFront); GetObject, "Permissions" (S3): with
    s3:ListBucket a missing key is 404, without it 403.
    """
    aws.deploy("s", site([f"a.{domain}"], certificate, policy=policy))
    upload(aws, {"one.jpg": "picture"})

    paths = ("one.jpg", "two.jpg")
    assert statuses == [view(aws.endpoint, f"https://a.{domain}/{path}").status for path in paths]


def test_behaviors(aws: Aws, domain: str, certificate: str) -> None:
    """The first matching path pattern is used; the path of an origin is a prefix of the key.

    AWS: "Path pattern", "Origin path", "Specify a default root object", "Allowed HTTP methods".
    """
    origins = [origin(), origin("old", OriginPath="/v1")]
    patterns = [behavior("old", PathPattern="/old/*"), behavior(PathPattern="*.jpg")]
    aws.deploy(
        "s",
        site(
            [f"a.{domain}"],
            certificate,
            Origins=origins,
            CacheBehaviors=patterns,
            DefaultRootObject="index.html",
            DefaultCacheBehavior=behavior(AllowedMethods=["GET", "HEAD"]),
        ),
    )
    upload(aws, {"index.html": "root", "v1/old/x.jpg": "old", "x.jpg": "new"})

    assert view(aws.endpoint, f"https://a.{domain}/").body == b"root"
    assert view(aws.endpoint, f"https://a.{domain}/old/x.jpg").body == b"old"
    assert view(aws.endpoint, f"https://a.{domain}/x.jpg").body == b"new"
    assert view(aws.endpoint, f"https://a.{domain}/index.html", "POST").status == 403


def test_error_pages(aws: Aws, domain: str, certificate: str) -> None:
    """A custom error response replaces the status of the origin by a page and another status.

    AWS: "Generate custom error responses"; without the page the error stays as it is.
    """
    pages = [
        {"ErrorCode": 404, "ResponsePagePath": "/index.html", "ResponseCode": 200},
        {"ErrorCode": 403, "ErrorCachingMinTTL": 1},
    ]
    lists = read_policy("Files", "s3:GetObject", "s3:ListBucket")
    aws.deploy("s", site([domain], certificate, policy=lists, CustomErrorResponses=pages))

    without = view(aws.endpoint, f"https://{domain}/messages/new")
    upload(aws, {"index.html": "application"})
    page = view(aws.endpoint, f"https://{domain}/messages/new")
    head = view(aws.endpoint, f"https://{domain}/messages/new", "HEAD")

    assert without.status == 404
    assert (
        page.status,
        page.body,
        page.headers["Content-Type"],
    ) == (200, b"application", "text/html")
    assert (head.status, head.body) == (200, b"")


def test_origin_group(aws: Aws, domain: str, certificate: str) -> None:
    """A read request that fails at the first origin of a group is sent to the second one.

    AWS: "Optimize high availability with CloudFront origin failover".
    """
    group = {
        "Id": "either",
        "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [403, 404]}},
        "Members": {"Quantity": 2, "Items": [{"OriginId": "files"}, {"OriginId": "old"}]},
    }
    methods = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
    aws.deploy(
        "s",
        site(
            [domain],
            certificate,
            Origins=[origin(), origin("old", OriginPath="/old")],
            OriginGroups={"Quantity": 1, "Items": [group]},
            DefaultCacheBehavior=behavior("either", AllowedMethods=methods),
        ),
    )
    upload(aws, {"a.jpg": "first", "old/a.jpg": "hidden", "old/b.jpg": "second"})

    assert view(aws.endpoint, f"https://{domain}/a.jpg").body == b"first"
    assert view(aws.endpoint, f"https://{domain}/b.jpg").body == b"second"
    assert view(aws.endpoint, f"https://{domain}/c.jpg").status == 403


def test_response_headers_policies(aws: Aws, domain: str, certificate: str) -> None:
    """A response headers policy, managed or custom, is applied to every response of its behavior.

    AWS: "Understand response headers policies"; Managed-SecurityHeadersPolicy's values.
    """
    cors = {
        "AccessControlAllowCredentials": False,
        "AccessControlAllowHeaders": {"Items": ["*"]},
        "AccessControlAllowMethods": {"Items": ["GET", "HEAD"]},
        "AccessControlAllowOrigins": {"Items": [f"https://{domain}"]},
        "OriginOverride": True,
    }
    config = {
        "Name": "own",
        "CorsConfig": cors,
        "CustomHeadersConfig": {
            "Items": [{"Header": "permissions-policy", "Value": "camera=()", "Override": True}]
        },
        "SecurityHeadersConfig": {
            "StrictTransportSecurity": {
                "AccessControlMaxAgeSec": 63072000,
                "IncludeSubdomains": True,
                "Override": True,
            },
            "ContentSecurityPolicy": {
                "ContentSecurityPolicy": "default-src 'self'",
                "Override": True,
            },
        },
    }
    body = site(
        [domain],
        certificate,
        DefaultCacheBehavior=behavior(ResponseHeadersPolicyId=ref("Headers")),
        CacheBehaviors=[behavior(PathPattern="/m/*", ResponseHeadersPolicyId=SECURITY)],
    )
    body["Resources"]["Headers"] = resource(
        "AWS::CloudFront::ResponseHeadersPolicy", ResponseHeadersPolicyConfig=config
    )
    aws.deploy("s", body)
    upload(aws, {"a.jpg": "a", "m/a.jpg": "a"})

    emulator.allow(
        aws.endpoint, origins=["https://other.example"]
    )  # Otherwise the emulator refuses it.

    own = view(aws.endpoint, f"https://{domain}/a.jpg", Origin=f"https://{domain}").headers
    foreign = view(aws.endpoint, f"https://{domain}/a.jpg", Origin="https://other.example").headers
    managed = view(aws.endpoint, f"https://{domain}/m/a.jpg").headers
    missing = view(aws.endpoint, f"https://{domain}/none.jpg").headers

    assert own["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert own["Content-Security-Policy"] == "default-src 'self'"
    assert "camera=()" == own["Permissions-Policy"] == missing["Permissions-Policy"]
    assert own["Access-Control-Allow-Origin"] == f"https://{domain}"
    assert foreign["Access-Control-Allow-Origin"] is None
    assert (
        managed["X-Frame-Options"],
        managed["X-Content-Type-Options"],
    ) == ("SAMEORIGIN", "nosniff")


def test_invalidation(aws: Aws, domain: str, certificate: str) -> None:
    """An invalidation is recorded and listed; the emulator has no cache.

    AWS: "Invalidate files to remove content".
    """
    aws.deploy("s", site([domain], certificate))
    distribution = aws.outputs("s")["Id"]
    cloudfront = aws.client("cloudfront", "us-east-1")
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "once"}

    created = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)

    listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]
    assert [created["Invalidation"]["Id"]] == [item["Id"] for item in listed["Items"]]
