"""The addresses of the local site over plain HTTP: what is translated, and what is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import emulator
from emulator import local_addresses
from emulator.local_addresses import LocalAddresses
from tests.emulator.access.attacker import Response, send
from tests.emulator.chromium import document_at, needs_chromium, open_on, page_server
from tests.emulator.distributions import TO_APEX, behavior, cloudfront_function, site, upload
from tests.emulator.load_balancers import load_balancer
from tests.emulator.templates import att, resource

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator_server import Aws

PORT = 4566
NAMES = {"a.localhost", "www.a.localhost", "a.example"}  # Names of distributions.
BALANCERS = {"api.a.localhost"}
Headers = dict[str, str]


@pytest.fixture
def resources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the resources of the emulator by NAMES and BALANCERS."""
    monkeypatch.setattr(local_addresses.distributions, "find", NAMES.__contains__)
    monkeypatch.setattr(local_addresses.elb, "find", BALANCERS.__contains__)


def exchange(request: Headers, response: Headers | None = None) -> tuple[Headers, Headers]:
    """Return the headers that the application receives, and those that the browser receives."""
    received: Headers = {}
    messages: list[Any] = []

    async def application(scope: Any, _receive: Any, send_message: Any) -> None:
        received.update({name.decode(): value.decode() for name, value in scope["headers"]})
        headers = [(name.encode(), value.encode()) for name, value in (response or {}).items()]
        await send_message({"type": "http.response.start", "status": 200, "headers": headers})

    async def send_message(message: Any) -> None:
        messages.append(message)

    headers = [(name.encode(), value.encode()) for name, value in request.items()]
    addresses: Any = LocalAddresses(application, port=PORT)
    asyncio.run(addresses({"type": "http", "headers": headers}, None, send_message))
    sent = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return received, sent


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize(
    ("host", "received"),
    [
        ("a.localhost:4566", "a.localhost:443"),
        ("A.Localhost:4566", "a.localhost:443"),
        ("api.a.localhost:4566", "api.a.localhost:443"),
        ("a.localhost", "a.localhost"),
        ("a.localhost:80", "a.localhost:80"),
        ("a.localhost:4567", "a.localhost:4567"),
        ("a.localhost:4566x", "a.localhost:4566x"),
        ("a.localhost.:4566", "a.localhost.:4566"),
        ("evil.localhost:4566", "evil.localhost:4566"),
        ("a.example:4566", "a.example:4566"),
        ("a.localhost.evil.example:4566", "a.localhost.evil.example:4566"),
        ("localhost:4566", "localhost:4566"),
        ("127.0.0.1:4566", "127.0.0.1:4566"),
    ],
)
def test_host(host: str, received: str) -> None:
    """Only names of resources below localhost, with the emulator's port, become HTTPS hosts."""
    assert {"host": received} == exchange({"host": host})[0]


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize(
    ("origin", "received"),
    [
        ("http://a.localhost:4566", "https://a.localhost"),
        ("http://a.localhost:5173", "https://a.localhost"),
        ("http://a.localhost", "https://a.localhost"),
        ("https://a.localhost", "https://a.localhost"),
        ("https://a.localhost:4566", "https://a.localhost:4566"),
        ("http://api.a.localhost:4566", "http://api.a.localhost:4566"),
        ("http://evil.localhost:4566", "http://evil.localhost:4566"),
        ("http://a.example:4566", "http://a.example:4566"),
        ("http://a.localhost@evil.example", "http://a.localhost@evil.example"),
        ("http://a.localhost:4566, http://evil.example",) * 2,
        ("null", "null"),
    ],
)
def test_origin(origin: str, received: str) -> None:
    """Only an origin of a distribution below localhost becomes an HTTPS origin, from any port."""
    assert {"origin": received} == exchange({"origin": origin})[0]


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize(
    ("origin", "allowed", "received"),
    [
        ("http://a.localhost:5173", "https://a.localhost", "http://a.localhost:5173"),
        ("http://a.localhost:5173", "*", "*"),
        ("http://a.localhost:5173", "https://other.example", "https://other.example"),
        ("http://evil.localhost:1", "https://a.localhost", "https://a.localhost"),
        ("https://a.localhost", "https://a.localhost", "https://a.localhost"),
    ],
)
def test_allowed_origin(origin: str, allowed: str, received: str) -> None:
    """The response allows the origin of the page, if the resource allows its HTTPS origin."""
    response = {"Access-Control-Allow-Origin": allowed}

    sent = exchange({"host": "127.0.0.1:4566", "origin": origin}, response)[1]

    assert {"Access-Control-Allow-Origin": received} == sent


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize(
    ("location", "received"),
    [
        ("https://a.localhost", "http://a.localhost:4566"),
        ("https://a.localhost/b?c=d#e", "http://a.localhost:4566/b?c=d#e"),
        ("https://api.a.localhost:443/b", "http://api.a.localhost:4566/b"),
        ("https://a.localhost:8443/b",) * 2,
        ("https://a.localhost:4430/b",) * 2,
        ("https://a.localhost@evil.example/",) * 2,
        ("https://a.localhost.evil.example/",) * 2,
        ("https://evil.localhost/",) * 2,
        ("https://a.example/",) * 2,
        ("http://a.localhost/",) * 2,
        ("/b",) * 2,
    ],
)
def test_redirect(location: str, received: str) -> None:
    """A redirect to a local address leads to the emulator's port."""
    assert {"Location": received} == exchange(
        {"host": "www.a.localhost:4566"}, {"Location": location}
    )[1]


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize("host", ["127.0.0.1:4566", "a.localhost:443", "a.localhost"])
def test_redirect_of_another_host(host: str) -> None:
    """A redirect stays as it is if the host of the request was not translated."""
    response = {"Location": "https://a.localhost/"}

    assert response == exchange({"host": host, "origin": "http://a.localhost:1"}, response)[1]


@dataclass(frozen=True)
class LocalSite:
    """A deployed site below localhost: a distribution, and a load balancer at `api.`."""

    aws: Aws
    name: str

    @property
    def port(self) -> int:
        """The port of the emulator."""
        return int(urlsplit(self.aws.endpoint.url).port or 0)

    @property
    def presigned_url(self) -> str:
        """A URL that permits to read the page from its bucket."""
        parameters = {"Bucket": self.aws.outputs("s")["Files"], "Key": "index.html"}
        url: str = self.aws.client("s3").generate_presigned_url("get_object", Params=parameters)
        return url

    def get(self, name: str, path: str = "/", **headers: str) -> Response:
        """Send a request as a browser does that opens http://NAME:PORT."""
        host = f"{name}:{self.port}"
        return send(self.aws.endpoint, "GET", path, b"", host, **headers)


@pytest.fixture
def local_site(aws: Aws) -> LocalSite:
    """A site whose distribution and load balancer require HTTPS."""
    account = aws.endpoint.account
    name = f"local{account}.localhost"
    zone = emulator.Prerequisites(hosted_zones=((f"Z{account}", name),))
    emulator.create_prerequisites(aws.endpoint, zone)
    certificate = aws.client("acm", "us-east-1").request_certificate(
        DomainName=name, SubjectAlternativeNames=[f"*.{name}"]
    )["CertificateArn"]
    redirect = {"EventType": "viewer-request", "FunctionARN": att("Redirect", "FunctionARN")}
    body = site(
        [name, f"www.{name}"],
        certificate,
        DefaultCacheBehavior=behavior(FunctionAssociations=[redirect]),
    )
    cors = {
        "AllowedOrigins": [f"https://{name}"],
        "AllowedMethods": ["GET"],
        "AllowedHeaders": ["*"],
    }
    body["Resources"]["Files"] = resource(
        "AWS::S3::Bucket", CorsConfiguration={"CorsRules": [cors]}
    )
    body["Resources"]["Redirect"] = cloudfront_function(f"redirect-{account}", TO_APEX)
    aws.deploy("s", body)
    aws.deploy("api", load_balancer(f"Z{account}", name))
    upload(aws, {"index.html": "<title>Cruddur</title>"})
    return LocalSite(aws, name)


def test_site(local_site: LocalSite) -> None:
    """The distribution serves its page, and redirects from www. to an address that opens."""
    page = local_site.get(local_site.name)
    www = local_site.get(f"www.{local_site.name}", "/a.html")
    unknown = local_site.get(f"evil{local_site.name}")

    assert (page.status, page.body) == (200, b"<title>Cruddur</title>")
    address = f"http://{local_site.name}:{local_site.port}/a.html"
    assert (301, address) == (www.status, www.headers["location"])
    assert unknown.status == 403


def test_load_balancer(local_site: LocalSite) -> None:
    """A request to the API reaches the HTTPS listener."""
    assert local_site.get(f"api.{local_site.name}").status == 200


def test_cors_of_a_bucket(local_site: LocalSite) -> None:
    """A bucket that allows the HTTPS origin of the site allows its local pages only."""
    aws, origin = local_site.aws, f"http://{local_site.name}:5173"
    path = local_site.presigned_url.removeprefix(aws.endpoint.url)

    allowed = send(aws.endpoint, "GET", path, Origin=origin)
    refused = [
        send(aws.endpoint, "GET", path, Origin=other)
        for other in (f"http://evil.localhost:{local_site.port}", "https://evil.example", "null")
    ]

    assert (200, origin) == (allowed.status, allowed.headers["access-control-allow-origin"])
    assert {response.status for response in refused} == {403}
    assert not any("access-control-allow-origin" in response.headers for response in refused)


def test_cognito_calls_of_a_page(local_site: LocalSite) -> None:
    """A page of the site calls Cognito and reads its errors; a page of another origin cannot."""
    path, origin = "/", f"http://{local_site.name}:{local_site.port}"
    preflight = {
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "content-type,x-amz-target",
    }
    call = {
        "Content_Type": "application/x-amz-json-1.1",
        "X_Amz_Target": "AWSCognitoIdentityProviderService.SignUp",
        "Sec_Fetch_Site": "cross-site",
    }
    endpoint = local_site.aws.endpoint

    allowed = send(endpoint, "OPTIONS", path, Origin=origin, **preflight)
    answered = send(endpoint, "POST", path, b'{"ClientId": "x"}', Origin=origin, **call)
    refused = [
        send(endpoint, "OPTIONS", path, Origin="https://evil.example", **preflight),
        send(endpoint, "POST", path, b'{"ClientId": "x"}', Origin="https://evil.example", **call),
    ]

    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, "*")
    assert b"ResourceNotFoundException" in answered.body
    assert answered.headers["access-control-allow-origin"] == "*"
    assert [response.status for response in refused] == [403, 403]
    assert not any("access-control-allow-origin" in response.headers for response in refused)


@pytest.mark.parametrize("site_", ["same-site", "cross-site"])
def test_foreign_page(local_site: LocalSite, site_: str) -> None:
    """A page of another origin is refused at a local address too."""
    evil = {"Origin": "http://evil.localhost", "Sec_Fetch_Site": site_}

    assert local_site.get(local_site.name, **evil).status == 403
    assert local_site.get(f"api.{local_site.name}", **evil).status == 403


@needs_chromium
def test_site_in_chromium(local_site: LocalSite, tmp_path: Path) -> None:
    """A browser opens the site, follows the redirect of www., and shows the response of the API."""
    name, port = local_site.name, local_site.port

    site_, www, api = (
        document_at(tmp_path / prefix, f"http://{prefix}{name}:{port}/")
        for prefix in ("", "www.", "api.")
    )

    assert "<title>Cruddur</title>" in site_
    assert site_ == www
    assert "200" in api


@needs_chromium
def test_cors_in_chromium(local_site: LocalSite, tmp_path: Path) -> None:
    """A page of the site on another port can read responses that allow its origin; others cannot."""
    attempts = [f"await read('object', {local_site.presigned_url!r});"]
    results = {}
    for name in (local_site.name, f"evil{local_site.name}", "evil.localhost", "127.0.0.1"):
        with page_server() as served:
            results[name] = open_on(served, tmp_path / name, name, attempts)["object"]

    assert results == {
        local_site.name: "200 <title>Cruddur</title>",
        f"evil{local_site.name}": "blocked",
        "evil.localhost": "blocked",
        "127.0.0.1": "blocked",
    }
