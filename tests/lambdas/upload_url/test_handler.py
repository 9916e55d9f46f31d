"""The table of attacks on uploads (A01 to A16), and signatures that are botocore's own.

A15 and A16 (preflights, floods) are the API's: see the stack's tests.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore import auth
from botocore.config import Config
from botocore.loaders import Loader
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.avatars import avatar_id, upload_key
from tests.lambdas.execution_role import function_environment
from upload_url.handler import CONTENT_TYPES, SECONDS, handler
from upload_url.signing import Upload, put_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.emulator_server import Aws

pytestmark = pytest.mark.thorough

EVENTS = Path(handler.__code__.co_filename).with_name("events")
EVENT = json.loads((EVENTS / "key_upload.json").read_text())
SUB = EVENT["requestContext"]["authorizer"]["lambda"]["sub"]
OTHER = "0f1e2d3c-4b5a-4697-8887-766554433221"

LIMIT = 5_000_000
SETTINGS = {"UPLOADS_BUCKET_NAME": "uploads", "UPLOAD_LIMIT_BYTES": str(LIMIT)}
ON_AWS = {
    "AWS_REGION": "ca-central-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "to+ken/==",
}
EXTENSION, SIZE, TOO_LARGE, BODY = (
    "extension_unsupported",
    "size_invalid",
    "size_exceeds_limit",
    "body_invalid",
)


@contextmanager
def around(*variables: Mapping[str, str]) -> Iterator[None]:
    """What a function finds in its environment; nothing of ours says where AWS is."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name, value in {k: v for some in variables for k, v in some.items()}.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def on_aws() -> Iterator[None]:
    """As on AWS, where no variable says where S3 is."""
    with around(SETTINGS, ON_AWS):
        yield


def event(body: str | None, *, sub: str = SUB, **more: Any) -> dict[str, Any]:
    """The sample event with this body, let pass for this person."""
    known = {name: value for name, value in EVENT.items() if name != "body"}
    context = known["requestContext"] | {"authorizer": {"lambda": {"sub": sub}}}
    return known | {"requestContext": context} | ({} if body is None else {"body": body}) | more


def asked(sub: str = SUB, **body: Any) -> dict[str, Any]:
    """What the handler answers to this body."""
    return handler(event(json.dumps(body), sub=sub), None)


def url(answer: Mapping[str, Any]) -> str:
    """The URL that was answered with."""
    assert 200 == answer["statusCode"], answer
    return json.loads(answer["body"])["url"]


def errors(answer: Mapping[str, Any]) -> list[str]:
    """What was wrong."""
    assert 400 == answer["statusCode"], answer
    return json.loads(answer["body"])["errors"]


@pytest.mark.parametrize(
    "extension",
    [
        "../../x", "jpg/..", "jpg\0", "jpg%2f", "\uff4a\uff50\uff47", "..jpg", " jpg", "jpg\n",
        "svg", "html", "gif", "exe", "heic", "", ".", None, [], ["jpg"], {}, 1, True,
    ],
    ids=repr,
)  # fmt: skip
def test_extensions_not_taken(on_aws, extension):
    """A01, A02: what is not on the list, in any disguise, has no URL (defect 60)."""
    assert [EXTENSION] == errors(asked(extension=extension, size=1))


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
def test_extensions_taken(on_aws, extension, content_type):
    """A01, A03: each has its type; capitals and the dot of a file's name do not matter.

    The key is the same for all, so x.png and x.jpg do not live side by side (defect 77).
    """
    upload = Upload("uploads", upload_key(avatar_id(SUB)), content_type, 1)

    with signing_at(NOW):
        given = url(asked(extension=extension, size=1))
        signed = put_url(upload, seconds=SECONDS, environment=ON_AWS)

    assert signed == given


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
def test_sizes_not_taken(on_aws, size, error):
    """A08, A09: whole bytes, from one up to the limit."""
    assert [error] == errors(asked(extension="jpg", size=size))


@pytest.mark.parametrize("size", [1, LIMIT])
def test_sizes_taken(on_aws, size):
    """A08, A09: both ends are in."""
    assert url(asked(extension="jpg", size=size))


@pytest.mark.parametrize(
    ("body", "wrong"),
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
    ids=["none", "empty", "broken", "null", "list", "text", "deep", "digits", "bare", "both"],
)
def test_bodies_not_taken(on_aws, body, wrong):
    """A04: all that is wrong is said at once, and none of it is an error of ours (defect 64)."""
    assert wrong == errors(handler(event(body), None))


@pytest.mark.parametrize("body", ["!", "AAA", base64.b64encode(b"\xff\xfe{").decode()])
def test_base64_not_taken(on_aws, body):
    """A04: what is no base64, or no text in it."""
    assert [BODY] == errors(handler(event(body, isBase64Encoded=True), None))


@pytest.mark.parametrize("name", ["key_upload", "base64"])
def test_samples(on_aws, name):
    """A04: the sample events are answered alike; a body in base64 is one, too."""
    sample = json.loads((EVENTS / f"{name}.json").read_text())

    answer = handler(sample, None)

    parts = urlsplit(url(answer))
    assert f"https://uploads.s3.ca-central-1.amazonaws.com/{upload_key(avatar_id(SUB))}" == (
        f"{parts.scheme}://{parts.netloc}{parts.path}"
    )
    assert {"content-type": "application/json", "cache-control": "no-store"} == answer["headers"]


def test_refused_sample(on_aws):
    """A02, A09: the sample that is refused."""
    sample = json.loads((EVENTS / "refused.json").read_text())

    assert [EXTENSION, TOO_LARGE] == errors(handler(sample, None))


def test_only_the_authorizer_says_who_asks(on_aws):
    """A05, A12: a `sub` in the body and a token of somebody else change nothing (defect 59)."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": OTHER}).encode()).decode().rstrip("=")
    body = json.dumps({"extension": "jpg", "size": 1, "sub": OTHER, "key": "x", "user": OTHER})
    headers = {"authorization": f"Bearer e30.{claims}.", "x-amzn-sub": OTHER}

    path = urlsplit(url(handler(event(body, headers=headers), None))).path

    assert f"/{upload_key(avatar_id(SUB))}" == path


def test_everyone_has_a_key_of_their_own(on_aws):
    """A12: and it does not show whose it is (defect 79)."""
    ours, theirs = (urlsplit(url(asked(sub, extension="jpg", size=1))).path for sub in (SUB, OTHER))

    assert ours != theirs
    assert SUB not in ours


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
def test_a_route_without_the_authorizer_is_a_bug(on_aws, context):
    """A05: that is our template's fault, so it is loud, and nobody gets a URL."""
    asking = event('{"extension": "jpg", "size": 1}') | {"requestContext": context}

    with pytest.raises((KeyError, TypeError, ValueError)):
        handler(asking, None)


def test_nothing_secret_is_logged(on_aws, capsys, caplog):
    """A13: neither URL nor token nor who it was, at any level of the log (defect 62)."""
    with caplog.at_level(logging.DEBUG):
        signature = parse_qs(urlsplit(url(asked(extension="jpg", size=7))).query)["X-Amz-Signature"]
        asked(extension="<svg>", size=0)

    said = capsys.readouterr()
    logged = said.out + said.err + caplog.text
    for secret in (*signature, "X-Amz", "Bearer", SUB, "secret", "to+ken", "<svg>"):
        assert secret not in logged
    assert [
        {
            "event": "upload allowed",
            "avatar": avatar_id(SUB),
            "content_type": "image/jpeg",
            "size": 7,
        },
        {"event": "upload refused", "avatar": avatar_id(SUB), "errors": f"{EXTENSION} {SIZE}"},
    ] == [json.loads(line) for line in said.out.splitlines()]


def test_what_is_signed(on_aws):
    """A07, A14: type and length, and no header of Amazon's, so that S3 refuses each of those."""
    query = parse_qs(urlsplit(url(asked(extension="jpg", size=1))).query)

    assert ["content-length;content-type;host"] == query["X-Amz-SignedHeaders"]
    assert ["300"] == query["X-Amz-Expires"]


def test_no_origin_is_let_in_here(on_aws):
    """A15: which pages may ask is the API's to say, in one place (defect 63)."""
    for answer in (asked(extension="jpg", size=1), asked()):
        assert not any("access-control" in name for name in answer["headers"])


bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
likely = st.fixed_dictionaries(
    {},
    optional={
        "extension": st.sampled_from(sorted(CONTENT_TYPES)) | st.text() | bodies,
        "size": st.integers(-1, LIMIT + 2) | bodies,
    },
)


@settings(deadline=None)
@given(
    body=st.none() | st.text() | st.binary().map(repr) | (bodies | likely).map(json.dumps),
    encoded=st.booleans() | st.none(),
)
@example(body="[" * 100_000, encoded=False)
@example(body="\ud800", encoded=True)
def test_no_body_crashes(body, encoded):
    """A04: whatever is sent, there is a URL or a list of what is wrong, never neither or both."""
    with around(SETTINGS, ON_AWS):
        answer = handler(event(body, isBase64Encoded=encoded), None)

    said = json.loads(answer["body"])
    if 200 == answer["statusCode"]:
        assert {"url"} == said.keys()
    else:
        assert 400 == answer["statusCode"]
        assert {"errors"} == said.keys()
        assert {*said["errors"]} <= {BODY, EXTENSION, SIZE, TOO_LARGE}
        assert said["errors"]


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@contextmanager
def signing_at(now: datetime) -> Iterator[None]:
    """Let botocore sign as of *now*."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: now)
        yield


def clients_own(upload: Upload, variables: Mapping[str, str]) -> str:
    """What a client gives for the same."""
    endpoint = variables.get("AWS_ENDPOINT_URL")
    style = {
        "addressing_style": "path" if endpoint else "virtual",
        "us_east_1_regional_endpoint": "regional",
    }
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    client = session.create_client(
        "s3",
        region_name=variables["AWS_REGION"],
        endpoint_url=endpoint,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
        config=Config(signature_version="s3v4", s3=style),
    )
    headers = {"ContentType": upload.content_type, "ContentLength": upload.size}
    asked = {"Bucket": upload.bucket, "Key": upload.key, **headers}
    return client.generate_presigned_url("put_object", Params=asked, ExpiresIn=SECONDS)


LOADER = Loader()  # Keeps the model of S3: reading it takes longer than all else here.
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
uploads = st.builds(
    Upload,
    bucket=st.sampled_from(["uploads", "crd-dev-uploads-123456789012-ca-central-1-an"]),
    key=st.builds(upload_key, st.uuids().map(str)) | st.text(min_size=1),
    content_type=st.sampled_from(sorted(CONTENT_TYPES.values())) | printable,
    size=st.integers(0, 5 * 1024**3),
)
surroundings = st.fixed_dictionaries(
    {
        "AWS_REGION": st.sampled_from(["ca-central-1", "us-east-1", "eu-central-1"]),
        "AWS_ACCESS_KEY_ID": st.text("ABC123", min_size=1),
        "AWS_SECRET_ACCESS_KEY": printable,
    },
    optional={
        "AWS_SESSION_TOKEN": printable,
        "AWS_ENDPOINT_URL": st.sampled_from(["http://127.0.0.1:4566", "https://s3.test:8443"]),
    },
)


@settings(deadline=None)
@given(upload=uploads, variables=surroundings)
def test_signed_as_a_client_signs(upload, variables):
    """The same second gives the same URL, with whatever key, type, size and token."""
    with around(), signing_at(NOW):
        assert clients_own(upload, variables) == put_url(
            upload, seconds=SECONDS, environment=variables
        )


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "https://uploads.s3.ca-central-1.amazonaws.com/k"),
        ({"AWS_ENDPOINT_URL": "http://aws.test"}, "http://aws.test/uploads/k"),
        ({"AWS_ENDPOINT_URL": "http://aws.test/"}, "http://aws.test/uploads/k"),
        (
            {"AWS_ENDPOINT_URL": "http://aws.test", "AWS_ENDPOINT_URL_S3": "http://s3.test"},
            "http://s3.test/uploads/k",
        ),
    ],
    ids=["AWS", "endpoint", "slash", "S3's own"],
)
def test_address(variables, address):
    """The region's own address on AWS; where an endpoint is set, the bucket is in the path."""
    upload = Upload("uploads", "k", "image/png", 1)

    assert address == put_url(upload, seconds=1, environment=ON_AWS | variables).partition("?")[0]


@pytest.fixture
def bucket(aws: Aws) -> str:
    """A bucket of the emulator, around a function that may put originals into it."""
    here = {"LocationConstraint": "ca-central-1"}
    name = f"uploads-{aws.endpoint.account}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=here)
    originals = f"arn:aws:s3:::{name}/originals/*"
    put = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": originals}
    with around(SETTINGS, {"UPLOADS_BUCKET_NAME": name}, function_environment(aws, put)):
        yield name


PICTURE = b"12345"


def put(url: str, body: bytes = PICTURE, **headers: str) -> tuple[int, str]:
    """Send *body* as a browser does; return the status and S3's word for what is wrong."""
    known = {"Content-Type": "image/jpeg"} | {k.replace("_", "-"): v for k, v in headers.items()}
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    connection.request("PUT", f"{parts.path}?{parts.query}", body, known)
    answer = connection.getresponse()
    code = re.search("<Code>(.*)</Code>", answer.read().decode())
    connection.close()
    return answer.status, code[1] if code else ""


FORGED = (403, "SignatureDoesNotMatch")


def test_uploaded(aws: Aws, bucket: str) -> None:
    """A10: what was announced is taken, and again within five minutes: under the same key."""
    given = url(asked(extension="jpg", size=len(PICTURE)))

    assert [(200, ""), (200, "")] == [put(given), put(given)]
    found = aws.client("s3").get_object(Bucket=bucket, Key=upload_key(avatar_id(SUB)))
    assert ("image/jpeg", PICTURE) == (found["ContentType"], found["Body"].read())


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PICTURE, {"Content_Type": "text/html"}),
        (PICTURE, {"Content_Type": "image/png"}),
        (PICTURE, {"Content_Type": ""}),
        (PICTURE + b"6", {}),
        (PICTURE[:-1], {}),
        (b"", {}),
    ],
    ids=["html", "other type", "no type", "longer", "shorter", "empty"],
)
def test_nothing_else_is_uploaded(aws: Aws, bucket: str, body, headers) -> None:
    """A06, A07, A09: another type or length is refused, so nothing larger gets in (defect 61).

    That the emulator does so was seen here; that S3 does is not verified.
    """
    given = url(asked(extension="jpg", size=len(PICTURE)))

    assert FORGED == put(given, body, **headers)
    assert 0 == aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"]


def test_url_of_one_key(bucket: str) -> None:
    """A12: a URL does not fit another person's key, nor a longer life."""
    given = url(asked(extension="jpg", size=len(PICTURE)))

    assert FORGED == put(given.replace(avatar_id(SUB), avatar_id(OTHER)))
    assert FORGED == put(given.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"))
    assert FORGED == put(f"{given}&x-amz-acl=public-read")


def test_expired(bucket: str) -> None:
    """A11: after five minutes it is of no use."""
    age = timedelta(seconds=SECONDS + 1)
    with signing_at(datetime.now(UTC) - age):
        given = url(asked(extension="jpg", size=len(PICTURE)))

    assert (403, "AccessDenied") == put(given)


def test_no_access_is_granted(bucket: str) -> None:
    """A14: nothing rides along: no access control list, and nothing else of Amazon's."""
    given = url(asked(extension="jpg", size=len(PICTURE)))

    assert (403, "AccessDenied") == put(given, x_amz_acl="public-read")
    assert (403, "AccessDenied") == put(given, x_amz_meta_a="b")


def test_needs_the_right_to_put(aws: Aws, bucket: str) -> None:
    """The URL is worth what the function may: without its one permission, nothing."""
    given = url(asked(extension="jpg", size=len(PICTURE)))
    aws.client("iam").delete_role_policy(RoleName="function", PolicyName="own")

    assert (403, "AccessDenied") == put(given)
