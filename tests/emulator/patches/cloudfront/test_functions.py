"""CloudFront Functions run for requests and responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.emulator.templates import att
from tests.viewer import view

if TYPE_CHECKING:
    from tests.emulator_server import Aws
from tests.emulator.distributions import (
    ADD_METHOD,
    TO_APEX,
    behavior,
    cloudfront_function,
    site,
    upload,
)


def test_request_and_response(aws: Aws, domain: str, certificate: str) -> None:
    """One function responds to a request or changes it; another function changes the response.

    AWS: "CloudFront Functions event structure". The emulator runs them in QuickJS, without Node.
    """
    functions = [
        {"EventType": "viewer-request", "FunctionARN": att("ToApex", "FunctionARN")},
        {"EventType": "viewer-response", "FunctionARN": att("AddMethod", "FunctionARN")},
    ]
    body = site(
        [domain, f"www.{domain}"],
        certificate,
        DefaultCacheBehavior=behavior(FunctionAssociations=functions),
    )
    body["Resources"] |= {
        "ToApex": cloudfront_function("to-apex", TO_APEX),
        "AddMethod": cloudfront_function("add-method", ADD_METHOD),
    }
    aws.deploy("s", body)
    upload(aws, {"index.html": "application", "a.jpg": "image"})

    www = view(aws.endpoint, f"https://www.{domain}/a/b")
    page = view(aws.endpoint, f"https://{domain}/a/b")
    image = view(aws.endpoint, f"https://{domain}/a.jpg")

    assert (www.status, www.headers["Location"]) == (301, f"https://{domain}/a/b")
    assert (page.status, page.body, page.headers["X-Seen"]) == (200, b"application", "GET")
    assert image.body == b"image"


def test_query(aws: Aws, domain: str, certificate: str) -> None:
    """A function receives the query string as the viewer sent it, without decoding.

    AWS does not document this; the source is a report, KensioSoftware/yulin#1024.
    """
    code = """function handler(event) {
      const query = JSON.stringify(event.request.querystring);
      return { statusCode: 200, headers: { 'x-query': { value: query } } };
    }"""
    associations = [{"EventType": "viewer-request", "FunctionARN": att("Query", "FunctionARN")}]
    body = site(
        [domain], certificate, DefaultCacheBehavior=behavior(FunctionAssociations=associations)
    )
    body["Resources"]["Query"] = cloudfront_function("query", code)
    aws.deploy("s", body)

    answer = view(aws.endpoint, f"https://{domain}/?a%20b=c%20d&e=f+g&e=%C4%8D&h")

    assert json.loads(answer.headers["X-Query"]) == {
        "a%20b": {"value": "c%20d"},
        "e": {"value": "f+g", "multiValue": [{"value": "f+g"}, {"value": "%C4%8D"}]},
        "h": {"value": ""},
    }


@pytest.mark.parametrize(
    "code",
    [
        "function handler(event) { throw new Error('no'); }",
        "function handler(event) { for (;;) {} }",
        "const fs = require('fs'); function handler(event) { return event.request; }",
        "function other(event) {}",
    ],
    ids=["throws", "never ends", "uses a module", "no handler"],
)
def test_failing_function(aws: Aws, domain: str, certificate: str, code: str) -> None:
    """The status of the response is 503 if a function fails.

    AWS: "HTTP 503 status code (Service Unavailable)" (CloudFront developer guide).
    """
    associations = [{"EventType": "viewer-request", "FunctionARN": att("Bad", "FunctionARN")}]
    body = site(
        [domain], certificate, DefaultCacheBehavior=behavior(FunctionAssociations=associations)
    )
    body["Resources"]["Bad"] = cloudfront_function("bad", code)
    aws.deploy("s", body)

    assert view(aws.endpoint, f"https://{domain}/").status == 503
