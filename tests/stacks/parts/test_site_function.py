"""The CloudFront function of the site, run by a JavaScript engine."""

import json

import pytest

from stacks.parts.site_function import SITE_FUNCTION


def run_site_function(uri, host="cruddur.example", **query):
    """Return the result of the CloudFront function for a request."""
    quickjs = pytest.importorskip("quickjs")
    request = {
        "method": "GET",
        "uri": uri,
        "headers": {"host": {"value": host}},
        "querystring": query,
    }
    context = quickjs.Context()
    context.eval(SITE_FUNCTION)
    event = json.dumps({"request": request})
    return json.loads(context.eval(f"JSON.stringify(handler({event}))"))


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/", "/index.html"),
        ("/messages/new/bayko", "/index.html"),
        ("/@andrew.brown", "/index.html"),
        ("/@andrew.brown/status/4711", "/index.html"),
        ("/signin/", "/index.html"),
        ("/index.html", "/index.html"),
        ("/favicon.ico", "/favicon.ico"),
        ("/assets/index-4711.js", "/assets/index-4711.js"),
        ("/assets/@scope.js/main.css", "/assets/@scope.js/main.css"),
        ("/.well-known/apple-app-site-association", "/.well-known/apple-app-site-association"),
        ("/apple-app-site-association", "/index.html"),
    ],
)
def test_pages_are_rewritten_and_files_are_not(uri, expected):
    """A handle may contain a dot; its page starts with @."""
    assert expected == run_site_function(uri)["uri"]


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({}, "https://cruddur.example/search"),
        ({"term": {"value": "a%20b%26c"}}, "https://cruddur.example/search?term=a%20b%26c"),
        (
            {
                "a": {"value": "1", "multiValue": [{"value": "1"}, {"value": "2"}]},
                "b": {"value": ""},
            },
            "https://cruddur.example/search?a=1&a=2&b",
        ),
    ],
)
def test_www_redirects_to_the_domain(query, location):
    """The permanent redirect keeps path and query (defect 45)."""
    response = run_site_function("/search", "www.cruddur.example", **query)

    assert response["statusCode"] == 301
    assert {"location": {"value": location}} == response["headers"]
