"""CloudFront: distributions answer at their names, as their templates say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import emulator
from tests.emulator.templates import att, ref, resource, template
from tests.viewer import view

if TYPE_CHECKING:
    from tests.emulator_server import Aws

CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # Managed-CachingOptimized
SECURITY = "67f7725c-6f97-4210-82d7-5512b31e9d03"  # Managed-SecurityHeadersPolicy
TO_APEX = """
async function handler(event) {
  const request = event.request;
  const host = request.headers.host.value;
  console.log('asked', host);
  if (host.startsWith('www.')) {
    const there = { value: `https://${host.slice(4)}${request.uri}` };
    return { statusCode: 301, statusDescription: 'Moved', headers: { location: there } };
  }
  if (!request.uri.includes('.')) request.uri = '/index.html';
  return request;
}
"""
SEEN = """
function handler(event) {
  event.response.headers['x-seen'] = { value: event.request.method };
  return event.response;
}
"""


@pytest.fixture
def domain(aws: Aws) -> str:
    """A domain no other test has."""
    return f"d{aws.endpoint.account}.example"


@pytest.fixture
def certificate(aws: Aws, domain: str) -> str:
    """A certificate where CloudFront wants it."""
    made = aws.client("acm", "us-east-1").request_certificate(
        DomainName=domain, SubjectAlternativeNames=[f"*.{domain}"]
    )
    return str(made["CertificateArn"])


def behaviour(origin: str = "files", **more: Any) -> dict[str, Any]:
    """Everything over TLS, from one origin."""
    return {
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHED,
        **more,
    }


def origin(name: str = "files", bucket: str = "Files", **more: Any) -> dict[str, Any]:
    """A private bucket, read with origin access control."""
    return {
        "Id": name,
        "DomainName": att(bucket, "RegionalDomainName"),
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": att("Control", "Id"),
        **more,
    }


def readable(bucket: str, *actions: str, distribution: str = "Distribution") -> dict[str, Any]:
    """A policy that lets one distribution read, and list if *actions* say so."""
    arn = {"Fn::Sub": f"arn:aws:cloudfront::${{AWS::AccountId}}:distribution/${{{distribution}}}"}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": list(actions or ("s3:GetObject",)),
        "Resource": [att(bucket, "Arn"), {"Fn::Sub": f"${{{bucket}.Arn}}/*"}],
        "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return resource("AWS::S3::BucketPolicy", Bucket=ref(bucket), PolicyDocument=document)


CONTROL = resource(
    "AWS::CloudFront::OriginAccessControl",
    OriginAccessControlConfig={
        "Name": "control",
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    },
)


def edge_function(name: str, code: str, **more: Any) -> dict[str, Any]:
    """A function, published."""
    config = {"Comment": name, "Runtime": "cloudfront-js-2.0"}
    known = {"Name": name, "FunctionCode": code, "FunctionConfig": config, "AutoPublish": True}
    return resource("AWS::CloudFront::Function", **known | more)


def served(
    names: list[str], certificate: str, *, policy: dict[str, Any] | None = None, **config: Any
) -> dict[str, Any]:
    """A private bucket behind a distribution with these names."""
    known: dict[str, Any] = {
        "Enabled": True,
        "Aliases": names,
        "ViewerCertificate": {"AcmCertificateArn": certificate, "SslSupportMethod": "sni-only"},
        "Origins": [origin()],
        "DefaultCacheBehavior": behaviour(),
    }
    made = template(
        Files=resource("AWS::S3::Bucket"),
        Policy=policy or readable("Files"),
        Control=CONTROL,
        Distribution=resource(
            "AWS::CloudFront::Distribution", DistributionConfig={**known, **config}
        ),
    )
    outputs = {"Files": ref("Files"), "Name": att("Distribution", "DomainName")}
    outputs["Id"] = ref("Distribution")
    return made | {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}


def put(aws: Aws, files: dict[str, str], bucket: str = "") -> None:
    """Put text files into the stack's bucket."""
    for key, text in files.items():
        kind = "text/html" if key.endswith(".html") else "image/jpeg"
        aws.client("s3").put_object(
            Bucket=bucket or aws.outputs("s")["Files"],
            Key=key,
            Body=text.encode(),
            ContentType=kind,
            CacheControl="max-age=60",
        )


def test_names(aws: Aws, domain: str, certificate: str) -> None:
    """A distribution answers at its alias and at its own name, over TLS, with what S3 keeps.

    AWS: CloudFront developer guide, "Use custom URLs", "Require HTTPS for communication between
    viewers and CloudFront": 301 to the same path and query; ETag, Range and HEAD pass.
    """
    aws.deploy("s", served([f"a.{domain}"], certificate))
    put(aws, {"a/b c.jpg": "picture"})
    own = aws.outputs("s")["Name"]

    plain = view(aws.endpoint, f"http://a.{domain}/a/b%20c.jpg?x=1")
    got = view(aws.endpoint, f"https://a.{domain}/a/b%20c.jpg")
    head = view(aws.endpoint, f"https://{own}/a/b%20c.jpg", "HEAD")
    part = view(aws.endpoint, f"https://{own}/a/b%20c.jpg", Range="bytes=0-2")
    same = view(aws.endpoint, f"https://{own}/a/b%20c.jpg", If_None_Match=got.headers["ETag"])

    assert (301, f"https://a.{domain}/a/b%20c.jpg?x=1") == (plain.status, plain.headers["Location"])
    assert (200, b"picture") == (got.status, got.body)
    assert ("image/jpeg", "max-age=60") == (
        got.headers["Content-Type"],
        got.headers["Cache-Control"],
    )
    assert "Miss from cloudfront" == got.headers["X-Cache"]
    assert (200, "7", b"") == (head.status, head.headers["Content-Length"], head.body)
    assert (206, b"pic") == (part.status, part.body)
    assert 304 == same.status


def test_other_sites(aws: Aws, domain: str, certificate: str) -> None:
    """A link from another site may be followed; it may not show the site in a frame, or load it."""
    aws.deploy("s", served([f"a.{domain}"], certificate))
    put(aws, {"one.jpg": "picture"})

    def loaded(site: str, mode: str, destination: str, **more: str) -> int:
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": mode, "Sec_Fetch_Dest": destination}
        return view(aws.endpoint, f"https://a.{domain}/one.jpg", **headers, **more).status

    assert 200 == loaded("cross-site", "navigate", "document")
    assert 403 == loaded("cross-site", "navigate", "iframe")
    assert 403 == loaded("cross-site", "no-cors", "image")
    assert 403 == loaded("cross-site", "cors", "empty", Origin="https://evil.example")
    assert 200 == loaded("same-site", "no-cors", "image")
    assert 200 == loaded("same-origin", "cors", "empty", Origin=f"https://a.{domain}")


@pytest.mark.parametrize(
    ("policy", "statuses"),
    [
        (readable("Files"), [200, 403]),
        (readable("Files", "s3:GetObject", "s3:ListBucket"), [200, 404]),
        (readable("Files", "s3:ListBucket"), [403, 403]),
        (readable("Files", distribution="Control"), [403, 403]),
    ],
    ids=["reads", "reads and lists", "lists", "another distribution's"],
)
def test_bucket_policy(
    aws: Aws, domain: str, certificate: str, policy: dict[str, Any], statuses: list[int]
) -> None:
    """The bucket's policy decides what is read, and whether a missing object is 404 or 403.

    AWS: "Restrict access to an Amazon S3 origin" (CloudFront); GetObject, "Permissions" (S3): with
    s3:ListBucket a missing key is 404, without it 403.
    """
    aws.deploy("s", served([f"a.{domain}"], certificate, policy=policy))
    put(aws, {"one.jpg": "picture"})

    paths = ("one.jpg", "two.jpg")
    assert statuses == [view(aws.endpoint, f"https://a.{domain}/{path}").status for path in paths]


def test_behaviours(aws: Aws, domain: str, certificate: str) -> None:
    """The first path pattern that fits decides; an origin's path comes before the key.

    AWS: "Path pattern", "Origin path", "Specify a default root object", "Allowed HTTP methods".
    """
    origins = [origin(), origin("old", OriginPath="/v1")]
    patterns = [behaviour("old", PathPattern="/old/*"), behaviour(PathPattern="*.jpg")]
    aws.deploy(
        "s",
        served(
            [f"a.{domain}"],
            certificate,
            Origins=origins,
            CacheBehaviors=patterns,
            DefaultRootObject="index.html",
            DefaultCacheBehavior=behaviour(AllowedMethods=["GET", "HEAD"]),
        ),
    )
    put(aws, {"index.html": "root", "v1/old/x.jpg": "old", "x.jpg": "new"})

    assert b"root" == view(aws.endpoint, f"https://a.{domain}/").body
    assert b"old" == view(aws.endpoint, f"https://a.{domain}/old/x.jpg").body
    assert b"new" == view(aws.endpoint, f"https://a.{domain}/x.jpg").body
    assert 403 == view(aws.endpoint, f"https://a.{domain}/index.html", "POST").status


def test_error_pages(aws: Aws, domain: str, certificate: str) -> None:
    """A status of the origin is answered with a page of the origin and another status.

    AWS: "Generate custom error responses"; a page that cannot be had leaves the error as it was.
    """
    pages = [
        {"ErrorCode": 404, "ResponsePagePath": "/index.html", "ResponseCode": 200},
        {"ErrorCode": 403, "ErrorCachingMinTTL": 1},
    ]
    lists = readable("Files", "s3:GetObject", "s3:ListBucket")
    aws.deploy("s", served([domain], certificate, policy=lists, CustomErrorResponses=pages))

    without = view(aws.endpoint, f"https://{domain}/messages/new")
    put(aws, {"index.html": "application"})
    page = view(aws.endpoint, f"https://{domain}/messages/new")
    head = view(aws.endpoint, f"https://{domain}/messages/new", "HEAD")

    assert 404 == without.status
    assert (200, b"application", "text/html") == (
        page.status,
        page.body,
        page.headers["Content-Type"],
    )
    assert (200, b"") == (head.status, head.body)


def test_origin_group(aws: Aws, domain: str, certificate: str) -> None:
    """What the first origin of a group has not, the second is asked for, for reading only.

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
        served(
            [domain],
            certificate,
            Origins=[origin(), origin("old", OriginPath="/old")],
            OriginGroups={"Quantity": 1, "Items": [group]},
            DefaultCacheBehavior=behaviour("either", AllowedMethods=methods),
        ),
    )
    put(aws, {"a.jpg": "first", "old/a.jpg": "hidden", "old/b.jpg": "second"})

    assert b"first" == view(aws.endpoint, f"https://{domain}/a.jpg").body
    assert b"second" == view(aws.endpoint, f"https://{domain}/b.jpg").body
    assert 403 == view(aws.endpoint, f"https://{domain}/c.jpg").status


def test_edge_functions(aws: Aws, domain: str, certificate: str) -> None:
    """A function answers by itself, or changes the request; another changes the answer.

    AWS: "CloudFront Functions event structure". No Node runs here: the engine is QuickJS.
    """
    functions = [
        {"EventType": "viewer-request", "FunctionARN": att("ToApex", "FunctionARN")},
        {"EventType": "viewer-response", "FunctionARN": att("Seen", "FunctionARN")},
    ]
    made = served(
        [domain, f"www.{domain}"],
        certificate,
        DefaultCacheBehavior=behaviour(FunctionAssociations=functions),
    )
    made["Resources"] |= {
        "ToApex": edge_function("to-apex", TO_APEX),
        "Seen": edge_function("seen", SEEN),
    }
    aws.deploy("s", made)
    put(aws, {"index.html": "application", "a.jpg": "picture"})

    www = view(aws.endpoint, f"https://www.{domain}/a/b")
    page = view(aws.endpoint, f"https://{domain}/a/b")
    picture = view(aws.endpoint, f"https://{domain}/a.jpg")

    assert (301, f"https://{domain}/a/b") == (www.status, www.headers["Location"])
    assert (200, b"application", "GET") == (page.status, page.body, page.headers["X-Seen"])
    assert b"picture" == picture.body


def test_query(aws: Aws, domain: str, certificate: str) -> None:
    """A function is given the query as the viewer has sent it: what is encoded stays so.

    Not in AWS's documents; from reports of what it does: KensioSoftware/yulin#1024.
    """
    code = """function handler(event) {
      const said = JSON.stringify(event.request.querystring);
      return { statusCode: 200, headers: { 'x-query': { value: said } } };
    }"""
    told = [{"EventType": "viewer-request", "FunctionARN": att("Told", "FunctionARN")}]
    made = served([domain], certificate, DefaultCacheBehavior=behaviour(FunctionAssociations=told))
    made["Resources"]["Told"] = edge_function("told", code)
    aws.deploy("s", made)

    answer = view(aws.endpoint, f"https://{domain}/?a%20b=c%20d&e=f+g&e=%C4%8D&h")

    assert {
        "a%20b": {"value": "c%20d"},
        "e": {"value": "f+g", "multiValue": [{"value": "f+g"}, {"value": "%C4%8D"}]},
        "h": {"value": ""},
    } == json.loads(answer.headers["X-Query"])


@pytest.mark.parametrize(
    "code",
    [
        "function handler(event) { throw new Error('no'); }",
        "function handler(event) { for (;;) {} }",
        "const fs = require('fs'); function handler(event) { return event.request; }",
        "function other(event) {}",
    ],
    ids=["throws", "never ends", "wants more", "no handler"],
)
def test_failing_edge_function(aws: Aws, domain: str, certificate: str, code: str) -> None:
    """AWS: an error in a function is 503 ("HTTP 503 status code", CloudFront developer guide)."""
    associated = [{"EventType": "viewer-request", "FunctionARN": att("Bad", "FunctionARN")}]
    made = served(
        [domain], certificate, DefaultCacheBehavior=behaviour(FunctionAssociations=associated)
    )
    made["Resources"]["Bad"] = edge_function("bad", code)
    aws.deploy("s", made)

    assert 503 == view(aws.endpoint, f"https://{domain}/").status


def test_headers(aws: Aws, domain: str, certificate: str) -> None:
    """A policy of response headers, managed or own, is on every answer of its behaviour.

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
    made = served(
        [domain],
        certificate,
        DefaultCacheBehavior=behaviour(ResponseHeadersPolicyId=ref("Headers")),
        CacheBehaviors=[behaviour(PathPattern="/m/*", ResponseHeadersPolicyId=SECURITY)],
    )
    made["Resources"]["Headers"] = resource(
        "AWS::CloudFront::ResponseHeadersPolicy", ResponseHeadersPolicyConfig=config
    )
    aws.deploy("s", made)
    put(aws, {"a.jpg": "a", "m/a.jpg": "a"})

    emulator.allow(aws.endpoint, origins=["https://other.example"])  # The policy is to refuse it.

    own = view(aws.endpoint, f"https://{domain}/a.jpg", Origin=f"https://{domain}").headers
    foreign = view(aws.endpoint, f"https://{domain}/a.jpg", Origin="https://other.example").headers
    managed = view(aws.endpoint, f"https://{domain}/m/a.jpg").headers
    missing = view(aws.endpoint, f"https://{domain}/none.jpg").headers

    assert "max-age=63072000; includeSubDomains" == own["Strict-Transport-Security"]
    assert "default-src 'self'" == own["Content-Security-Policy"]
    assert "camera=()" == own["Permissions-Policy"] == missing["Permissions-Policy"]
    assert f"https://{domain}" == own["Access-Control-Allow-Origin"]
    assert foreign["Access-Control-Allow-Origin"] is None
    assert ("SAMEORIGIN", "nosniff") == (
        managed["X-Frame-Options"],
        managed["X-Content-Type-Options"],
    )


def test_invalidation(aws: Aws, domain: str, certificate: str) -> None:
    """An invalidation is recorded and listed. There is no cache here that it could empty.

    AWS: "Invalidate files to remove content".
    """
    aws.deploy("s", served([domain], certificate))
    distribution = aws.outputs("s")["Id"]
    cloudfront = aws.client("cloudfront", "us-east-1")
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "once"}

    made = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)

    listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]
    assert [made["Invalidation"]["Id"]] == [one["Id"] for one in listed["Items"]]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}, "attach a trusted"),
        ({"ViewerCertificate": {"AcmCertificateArn": "arn:aws:acm:us-east-1:1:x"}}, "isn't in us"),
        ({"Aliases": ["a.b.other.example"]}, "doesn't cover the alternate domain name"),
        ({"DefaultCacheBehavior": behaviour(CachePolicyId="x")}, "cache policy does not exist"),
        ({"DefaultCacheBehavior": behaviour("x")}, "specified origin does not exist"),
        ({"Origins": [origin(OriginAccessControlId="x")]}, "origin access control does not exist"),
        (
            {
                "DefaultCacheBehavior": behaviour(
                    FunctionAssociations=[
                        {"EventType": "viewer-request", "FunctionARN": "arn:aws:cloudfront::1:x/y"}
                    ]
                )
            },
            "does not exist or is not published",
        ),
    ],
)
def test_refused(
    aws: Aws, domain: str, certificate: str, config: dict[str, Any], words: str
) -> None:
    """AWS: CreateDistribution, "Errors" (InvalidViewerCertificate, NoSuchCachePolicy, …)."""
    stack = aws.deploy("s", served([domain], certificate, **config))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any(words in reason for *_, reason in aws.events("s"))


def test_taken_alias(aws: Aws, domain: str, certificate: str) -> None:
    """AWS: an alias belongs to one distribution of all accounts (CNAMEAlreadyExists)."""
    aws.deploy("s", served([domain], certificate))
    again = aws.deploy("s", served([domain, f"www.{domain}"], certificate))
    second = served([f"www.{domain}"], certificate)
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

    assert "UPDATE_COMPLETE" == again["StackStatus"]
    assert "ROLLBACK_COMPLETE" == other["StackStatus"]
    assert any("already associated" in reason for *_, reason in aws.events("t"))
