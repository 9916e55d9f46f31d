"""Pages in headless Chromium: foreign pages, which attack, and a page of the local site."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

import emulator
from tests.emulator.apis import hello_api
from tests.emulator.chromium import needs_chromium, open_on, open_page, page_server
from tests.emulator.templates import att, parameter, ref, resource, template

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator_server import Aws

pytestmark = needs_chromium

IMAGE = b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"


@dataclass(frozen=True)
class Site:
    """A site with a distribution, and an HTTP API that allows every origin."""

    aws: Aws
    name: str
    api: str
    bucket: str

    @property
    def url(self) -> str:
        """The address of the emulator."""
        return self.aws.endpoint.url

    @property
    def port(self) -> int:
        """The port of the emulator, which any page can find by trying all ports."""
        return int(urlsplit(self.url).port or 0)


@pytest.fixture
def site(aws: Aws) -> Site:
    """A deployed site, with one public image in a bucket."""
    account = aws.endpoint.account
    name = f"site{account}.localhost"
    certificate = aws.client("acm", "us-east-1").request_certificate(DomainName=name)
    every_origin = {"AllowOrigins": ["*"], "AllowMethods": ["*"], "AllowHeaders": ["*"]}
    body = template(
        Parameter=parameter("x"),
        **hello_api(aws, {"GET /hello": {}}, CorsConfiguration=every_origin),
        Files=resource("AWS::S3::Bucket"),
        Distribution=resource(
            "AWS::CloudFront::Distribution",
            DistributionConfig={
                "Enabled": True,
                "Aliases": [name],
                "ViewerCertificate": {
                    "AcmCertificateArn": certificate["CertificateArn"],
                    "SslSupportMethod": "sni-only",
                },
                "Origins": [
                    {
                        "Id": "files",
                        "DomainName": att("Files", "RegionalDomainName"),
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
                "DefaultCacheBehavior": {
                    "TargetOriginId": "files",
                    "ViewerProtocolPolicy": "allow-all",
                    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
                },
            },
        ),
    ) | {"Outputs": {"Api": {"Value": ref("Api")}, "Files": {"Value": ref("Files")}}}
    aws.deploy("site", body, Capabilities=["CAPABILITY_IAM"])
    outputs = aws.outputs("site")
    _publish(aws, outputs["Files"])
    return Site(aws, name, outputs["Api"], outputs["Files"])


def _publish(aws: Aws, bucket: str) -> None:
    """Put an image and a script into a public bucket."""
    s3 = aws.client("s3")
    s3.delete_public_access_block(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    s3.put_object(Bucket=bucket, Key="a.svg", Body=IMAGE, ContentType="image/svg+xml")
    s3.put_object(Bucket=bucket, Key="a.js", Body=b"1", ContentType="text/javascript")


def js(value: Any) -> str:
    """Return a value as JavaScript."""
    return json.dumps(value)


COGNITO_HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
}
COGNITO_BODY = js({
    "ClientId": "x" * 26, "AuthFlow": "USER_PASSWORD_AUTH",
    "AuthParameters": {"USERNAME": "ada", "PASSWORD": "x"},
})  # fmt: skip


def fetch_attempts(site: Site) -> dict[str, tuple[str, Any]]:
    """Return the requests that a page sends by fetch: name, URL and options."""
    plain = {"method": "POST", "mode": "no-cors"}
    slow = js({"account": site.aws.endpoint.account, "seconds": 600})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    delete = "Action=DeleteStack&StackName=site&Version=2010-05-15"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={site.aws.endpoint.account}/x"}
    return {
        "reset": (f"{site.url}/_ministack/reset", plain),
        "delay": (f"{site.url}/_emulator/resource-delay", {**plain, "body": slow}),
        "delete": (f"{site.url}/", {**plain, "body": delete, "headers": form}),
        "identify": (f"{site.url}/_emulator", {}),
        "buckets": (f"{site.url}/", {}),
        "configure": (f"{site.url}/_ministack/config", {"method": "POST", "body": "{}"}),
        "signed": (f"{site.url}/", {"method": "POST", "headers": signed, "body": delete}),
        "cognito": (
            f"{site.url}/",
            {"method": "POST", "headers": COGNITO_HEADERS, "body": COGNITO_BODY},
        ),
        "api": (f"{site.url}/_aws/execute-api/{site.api}/$default/hello", {}),
        "object": (f"{site.url}/{site.bucket}/a.svg", {}),
        "distribution": (f"http://{site.name}:{site.port}/a.svg", {}),
        "rebound": (f"http://evil.localhost:{site.port}/", {}),
    }


def attempts(site: Site) -> list[str]:
    """Return all attempts of a page as lines of its script."""
    lines = [
        f"await read({js(name)}, {js(url)}, {js(init)});"
        for name, (url, init) in fetch_attempts(site).items()
    ]
    for name, tag, url in (
        ("image", "img", f"{site.url}/{site.bucket}/a.svg"),
        ("script", "script", f"{site.url}/{site.bucket}/a.js"),
        ("site's image", "img", f"http://{site.name}:{site.port}/a.svg"),
    ):
        lines.append(f"await load({js(name)}, {js(tag)}, {js(url)});")
    fields = {"Action": "DeleteStack", "StackName": "site", "Version": "2010-05-15"}
    for name, path, kind, values in (
        ("form", "/", "application/x-www-form-urlencoded", fields),
        ("plain form", "/_ministack/reset", "text/plain", {"x": "y"}),
        (
            "delay form",
            "/_emulator/resource-delay",
            "text/plain",
            {'{"account": "': '", "seconds": 600}'},
        ),
    ):
        arguments = ", ".join(map(js, (name, f"{site.url}{path}", kind, values)))
        lines.append(f"await post({arguments});")
    socket = f"ws://127.0.0.1:{site.port}/_aws/execute-api/{site.api}/$default"
    return [*lines, f"await connect('socket', {js(socket)});"]


def account_content(site: Site) -> dict[str, Any]:
    """Return the content of the account, and assert that deployments are not delayed."""
    aws = site.aws
    aws.deploy("quick", template(One=parameter(uuid4().hex)))  # Fails with a delay.
    return {
        "stacks": {
            stack["StackName"]: stack["StackStatus"].removeprefix("UPDATE").removeprefix("CREATE")
            for stack in aws.cfn.describe_stacks()["Stacks"]
        },
        "buckets": [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]],
        "functions": len(aws.client("lambda").list_functions()["Functions"]),
    }


def test_foreign_page(site: Site, tmp_path: Path) -> None:
    """A page of another origin can neither read responses, load files nor change anything."""
    before = account_content(site)

    results = open_page(tmp_path, "evil.localhost", attempts(site))

    readable = {name: result for name, result in results.items() if result not in _WITHOUT_EFFECT}
    assert {"reset", "delay", "delete", "form", "plain form", "socket"} <= results.keys()
    assert readable == {}
    assert before == account_content(site)


# "sent": the page cannot read whether the request was refused.
_WITHOUT_EFFECT = {"blocked", "failed", "sent"}


def test_local_page(site: Site, tmp_path: Path) -> None:
    """A page of the site on another port can use Cognito, the API and the site's images only.

    Requests that need the secret are refused.
    """
    before = account_content(site)

    results = open_page(tmp_path, site.name, attempts(site))

    assert "hello" in results["api"]
    assert "ResourceNotFoundException" in results["cognito"]
    assert results["site's image"] == "loaded"
    assert results["rebound"] == "blocked"
    assert results["socket"] == "failed"
    assert results["buckets"].startswith(("403", "blocked"))
    assert results["identify"].startswith(("403", "blocked"))
    assert before == account_content(site)


def test_added_origin(site: Site, tmp_path: Path) -> None:
    """An origin that was added by `emulator.allow` can use the API."""
    name = f"added{site.aws.endpoint.account}.localhost"
    url = f"{site.url}/_aws/execute-api/{site.api}/$default/hello"

    before = open_page(tmp_path / "1", name, [f"await read('api', {js(url)}, {{}});"])
    with page_server() as served:
        emulator.allow(site.aws.endpoint, origins=[f"http://{name}:{served.port}"])
        after = open_on(served, tmp_path / "2", name, [f"await read('api', {js(url)}, {{}});"])

    assert (before["api"], after["api"]) == ("blocked", "200 hello")
