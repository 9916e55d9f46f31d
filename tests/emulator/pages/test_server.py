"""The pages of a running emulator, and who may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import emulator
from tests.emulator.access.attacker import EVIL, Response, send, sign_with_headers
from tests.emulator.distributions import site
from tests.emulator.load_balancers import load_balancer
from tests.emulator.templates import resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def get(endpoint: emulator.Endpoint, path: str = "/", **headers: str) -> Response:
    """Return the response to the request of a browser."""
    return send(endpoint, "GET", path, **BROWSER | headers)


def test_start_page(aws: Aws) -> None:
    """The page lists the addresses that open in a browser, the stacks, and where the data is."""
    name = f"start{aws.endpoint.account}.localhost"
    zone = emulator.Prerequisites(hosted_zones=((f"Z{aws.endpoint.account}", name),))
    emulator.create_prerequisites(aws.endpoint, zone)
    certificate = aws.client("acm", "us-east-1").request_certificate(
        DomainName=name, SubjectAlternativeNames=["start.example"]
    )["CertificateArn"]
    aws.deploy("site", site([name, "start.example"], certificate))
    aws.deploy("api", load_balancer(f"Z{aws.endpoint.account}", name))
    port = urlsplit(aws.endpoint.url).port

    page = get(aws.endpoint)
    text = page.body.decode()

    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for url in (f"http://{name}:{port}/", f"http://api.{name}:{port}/"):
        assert f'<a href="{url}">{url}</a>' in text
    assert "start.example" not in text
    assert (
        f"<td>site</td><td>CREATE_COMPLETE</td><td>ca-central-1</td><td>{aws.endpoint.account}"
        in text
    )
    assert "/state.json</td>" in text


def test_no_other_page_can_frame_or_read_it(endpoint: emulator.Endpoint) -> None:
    """The page has no scripts, and no page of another origin can read it or show it in a frame."""
    headers = get(endpoint).headers

    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/", "/_emulator/outbox"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "s3.amazonaws.com"},
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Accept": "*/*"},
        {"Content_Length": "2"},
        {"Authorization": "Basic dGVzdDp0ZXN0"},
        {"X_Amz_Target": "AmazonSSM.DescribeParameters"},
    ],
    ids=str,
)
def test_refused(endpoint: emulator.Endpoint, path: str, headers: dict[str, str]) -> None:
    """Only a plain request of a browser, without a foreign host or origin, receives a page."""
    host = headers.get("Host")
    sent = BROWSER | {name: value for name, value in headers.items() if name != "Host"}

    response = send(endpoint, "GET", path, b"{}" if "Content_Length" in sent else b"", host, **sent)

    assert 400 <= response.status < 500
    assert b"<html" not in response.body


def test_other_requests_of_the_same_path(aws: Aws) -> None:
    """A signed GET of / lists buckets; other methods and queries need a signature."""
    key = {"key": aws.endpoint.access_key, "secret": aws.endpoint.secret_key}
    signed = sign_with_headers(aws.endpoint, "GET", "/", b"", {}, service="s3", **key)

    assert b"ListAllMyBucketsResult" in get(aws.endpoint, **signed).body
    assert send(aws.endpoint, "POST", "/", **BROWSER).status == 403
    assert get(aws.endpoint, "/?Action=ListUsers").status == 403
    assert get(aws.endpoint, "/_emulator/messages").status == 403


def test_outbox(aws: Aws) -> None:
    """The messages are shown only with the key in the address that the tasks print."""
    topic = {"Subscription": [{"Protocol": "email", "Endpoint": "ada@cruddur.example"}]}
    aws.deploy("s", template(Topic=resource("AWS::SNS::Topic", **topic)))
    [message] = emulator.messages(aws.endpoint)
    url = urlsplit(emulator.outbox_url(aws.endpoint))

    page = get(aws.endpoint, f"{url.path}?{url.query}")
    refused = [
        get(aws.endpoint, url.path),
        get(aws.endpoint, f"{url.path}?key="),
        get(aws.endpoint, f"{url.path}?{url.query[:-1]}x"),
        get(aws.endpoint, f"{url.path}?key=%FF"),
    ]

    assert page.status == 200
    assert message.secret.replace("&", "&amp;").encode() in page.body
    assert [response.status for response in refused] == [403] * 4
    assert not any(b"ada@cruddur.example" in response.body for response in refused)
    assert all(b"./inv emulator.outbox" in response.body for response in refused)


def test_head(endpoint: emulator.Endpoint) -> None:
    """The response to a HEAD request has headers and no body."""
    response: Any = send(endpoint, "HEAD", "/", **BROWSER)

    assert (response.status, response.body) == (200, b"")
    assert int(response.headers["content-length"]) > 0
