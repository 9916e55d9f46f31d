"""Requests for an upload URL: valid ones have a URL, all others have a list of errors.

tests/stacks/test_avatars.py tests preflight requests and request rates, which the API handles.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.avatars import avatar_id, upload_key
from tests.lambdas.upload_url.upload_requests import (
    AWS_VARIABLES,
    EVENTS,
    LIMIT,
    OTHER_SUB,
    SETTINGS,
    SUB,
    environment,
    errors_of,
    event,
    request_upload,
    signing_time,
    url_of,
)
from upload_url.handler import CONTENT_TYPES, SECONDS, handler
from upload_url.signing import Upload, put_url

pytestmark = pytest.mark.thorough

EXTENSION, SIZE, TOO_LARGE, BODY = (
    "extension_unsupported",
    "size_invalid",
    "size_exceeds_limit",
    "body_invalid",
)


@pytest.fixture
def aws_environment() -> Iterator[None]:
    """The environment on AWS, where no variable has the address of S3."""
    with environment(SETTINGS, AWS_VARIABLES):
        yield


@pytest.mark.parametrize(
    "extension",
    [
        "../../x", "jpg/..", "jpg\0", "jpg%2f", "\uff4a\uff50\uff47", "..jpg", " jpg", "jpg\n",
        "svg", "html", "gif", "exe", "heic", "", ".", None, [], ["jpg"], {}, 1, True,
    ],
    ids=repr,
)  # fmt: skip
def test_other_extensions_are_rejected(aws_environment, extension):
    """Only the extensions in the list have a URL (defect 60)."""
    assert errors_of(request_upload(extension=extension, size=1)) == [EXTENSION]


@pytest.mark.parametrize(
    ("extension", "content_type"),
    [
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("png", "image/png"),
        ("jpe", "image/jpeg"),
        ("jfif", "image/jpeg"),
        ("pjpeg", "image/jpeg"),
        ("pjp", "image/jpeg"),
        ("apng", "image/apng"),
        ("webp", "image/webp"),
        ("JFIF", "image/jpeg"),
        ("JPG", "image/jpeg"),
        ("WebP", "image/webp"),
        (".png", "image/png"),
        (".JPEG", "image/jpeg"),
    ],
)
def test_extensions_are_accepted(aws_environment, extension, content_type):
    """Each extension has its type; capitals and a leading dot do not matter.

    The key is the same for all types, so there are no two uploads x.png and x.jpg (defect 77).
    """
    upload = Upload("uploads", upload_key(avatar_id(SUB)), content_type, 1)

    with signing_time(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        actual = url_of(request_upload(extension=extension, size=1))
        expected = put_url(upload, seconds=SECONDS, environment=AWS_VARIABLES)

    assert actual == expected


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (0, SIZE),
        (-1, SIZE),
        (1.0, SIZE),
        (True, SIZE),
        ("1", SIZE),
        (None, SIZE),
        ([1], SIZE),
        (float("nan"), SIZE),
        (LIMIT + 1, TOO_LARGE),
        (5 * 1024**3, TOO_LARGE),
        (10**400, TOO_LARGE),
    ],
)
def test_other_sizes_are_rejected(aws_environment, size, error):
    """A size is an integer from one to the limit."""
    assert errors_of(request_upload(extension="jpg", size=size)) == [error]


@pytest.mark.parametrize("size", [1, LIMIT])
def test_sizes_are_accepted(aws_environment, size):
    """One byte and exactly the limit are accepted."""
    assert url_of(request_upload(extension="jpg", size=size))


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (None, [BODY]),
        ("", [BODY]),
        ("{", [BODY]),
        ("null", [BODY]),
        ("[]", [BODY]),
        ('"jpg"', [BODY]),
        ("[" * 100_000, [BODY]),
        ("9" * 5000, [BODY]),
        ("{}", [EXTENSION, SIZE]),
        ('{"extension": "svg", "size": 9999999}', [EXTENSION, TOO_LARGE]),
    ],
    ids=[
        "none",
        "empty",
        "broken",
        "null",
        "list",
        "text",
        "deep",
        "digits",
        "no keys",
        "two errors",
    ],
)
def test_other_bodies_are_rejected(aws_environment, body, errors):
    """One response has all errors, and is never a 5xx response (defect 64)."""
    assert errors_of(handler(event(body), None)) == errors


@pytest.mark.parametrize("body", ["!", "AAA", base64.b64encode(b"\xff\xfe{").decode()])
def test_invalid_base64_is_rejected(aws_environment, body):
    """A body that is not base64, or not text after decoding, is rejected."""
    assert errors_of(handler(event(body, isBase64Encoded=True), None)) == [BODY]


@pytest.mark.parametrize("name", ["key_upload", "base64"])
def test_sample_events(aws_environment, name):
    """The sample events have a URL; one of them has a body in base64."""
    sample = json.loads((EVENTS / f"{name}.json").read_text())

    response = handler(sample, None)

    parts = urlsplit(url_of(response))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        f"https://uploads.s3.ca-central-1.amazonaws.com/{upload_key(avatar_id(SUB))}"
    )
    assert response["headers"] == {"content-type": "application/json", "cache-control": "no-store"}


def test_rejected_sample_event(aws_environment):
    """One sample event has an unsupported extension and a large size."""
    sample = json.loads((EVENTS / "refused.json").read_text())

    assert errors_of(handler(sample, None)) == [EXTENSION, TOO_LARGE]


def test_only_the_authorizer_identifies_the_user(aws_environment):
    """A `sub` in the body and the token of another user are ignored (defect 59)."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": OTHER_SUB}).encode()).decode().rstrip("=")
    body = json.dumps(
        {"extension": "jpg", "size": 1, "sub": OTHER_SUB, "key": "x", "user": OTHER_SUB}
    )
    headers = {"authorization": f"Bearer e30.{claims}.", "x-amzn-sub": OTHER_SUB}

    path = urlsplit(url_of(handler(event(body, headers=headers), None))).path

    assert path == f"/{upload_key(avatar_id(SUB))}"


def test_each_user_has_one_key(aws_environment):
    """Keys differ between users, and do not contain the `sub` (defect 79)."""
    first, second = (
        urlsplit(url_of(request_upload(sub, extension="jpg", size=1))).path
        for sub in (SUB, OTHER_SUB)
    )

    assert first != second
    assert SUB not in first


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"authorizer": {}},
        {"authorizer": {"lambda": None}},
        {"authorizer": {"lambda": {}}},
        {"authorizer": {"jwt": {"claims": {"sub": SUB}}}},
        {"authorizer": {"lambda": {"sub": ""}}},
        {"authorizer": {"lambda": {"sub": "../x"}}},
        {"authorizer": {"lambda": {"sub": SUB.upper()}}},
        {"authorizer": {"lambda": {"sub": f"{{{SUB}}}"}}},
    ],
)
def test_a_route_without_the_authorizer_is_an_error(aws_environment, context):
    """An event without an authorizer is an error of the template, so the function raises."""
    request = event('{"extension": "jpg", "size": 1}') | {"requestContext": context}

    with pytest.raises((KeyError, TypeError, ValueError)):
        handler(request, None)


def test_nothing_secret_is_logged(aws_environment, capsys, caplog):
    """The log has no URL, token or `sub`, at any log level (defect 62)."""
    with caplog.at_level(logging.DEBUG):
        signature = parse_qs(urlsplit(url_of(request_upload(extension="jpg", size=7))).query)[
            "X-Amz-Signature"
        ]
        request_upload(extension="<svg>", size=0)

    output = capsys.readouterr()
    logged = output.out + output.err + caplog.text
    for secret in (*signature, "X-Amz", "Bearer", SUB, "secret", "to+ken", "<svg>"):
        assert secret not in logged
    assert [json.loads(line) for line in output.out.splitlines()] == [
        {
            "event": "upload allowed",
            "avatar": avatar_id(SUB),
            "content_type": "image/jpeg",
            "size": 7,
        },
        {"event": "upload refused", "avatar": avatar_id(SUB), "errors": f"{EXTENSION} {SIZE}"},
    ]


def test_signed_headers(aws_environment):
    """Type and length are signed, so S3 refuses others and all `x-amz-` headers."""
    query = parse_qs(urlsplit(url_of(request_upload(extension="jpg", size=1))).query)

    assert query["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
    assert query["X-Amz-Expires"] == ["300"]


def test_responses_have_no_cors_headers(aws_environment):
    """The API configures the allowed origins, in one place (defect 63)."""
    for response in (request_upload(extension="jpg", size=1), request_upload()):
        assert not any("access-control" in name for name in response["headers"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
plausible_bodies = st.fixed_dictionaries(
    {},
    optional={
        "extension": st.sampled_from(sorted(CONTENT_TYPES)) | st.text() | json_values,
        "size": st.integers(-1, LIMIT + 2) | json_values,
    },
)


@given(
    body=st.none()
    | st.text()
    | st.binary().map(repr)
    | (json_values | plausible_bodies).map(json.dumps),
    encoded=st.booleans() | st.none(),
)
@example(body="[" * 100_000, encoded=False)
@example(body="\ud800", encoded=True)
def test_any_body_has_a_url_or_errors(body, encoded):
    """The response has a URL or a list of errors, never both or neither."""
    with environment(SETTINGS, AWS_VARIABLES):
        response = handler(event(body, isBase64Encoded=encoded), None)

    content = json.loads(response["body"])
    if response["statusCode"] == 200:
        assert content.keys() == {"url"}
    else:
        assert response["statusCode"] == 400
        assert content.keys() == {"errors"}
        assert {*content["errors"]} <= {BODY, EXTENSION, SIZE, TOO_LARGE}
        assert content["errors"]
