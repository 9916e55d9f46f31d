"""Presigned URLs: they are those of botocore, and S3 accepts only the upload that they allow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from shared.avatars import avatar_id, upload_key
from tests.emulator_server import Aws
from tests.lambdas.execution_role import function_environment
from tests.lambdas.upload_url.upload_requests import (
    AWS_VARIABLES,
    OTHER_SUB,
    SETTINGS,
    SUB,
    environment,
    request_upload,
    signing_time,
    url_of,
)
from upload_url.handler import CONTENT_TYPES, SECONDS
from upload_url.signing import Upload, put_url

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def url_of_client(upload: Upload, variables: Mapping[str, str]) -> str:
    """Return the URL that a client of botocore creates."""
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
    parameters = {"Bucket": upload.bucket, "Key": upload.key, **headers}
    return client.generate_presigned_url("put_object", Params=parameters, ExpiresIn=SECONDS)


LOADER = Loader()  # Caches the model of S3, which takes long to read.
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
uploads = st.builds(
    Upload,
    bucket=st.sampled_from(["uploads", "crd-dev-uploads-123456789012-ca-central-1-an"]),
    key=st.builds(upload_key, st.uuids().map(str)) | st.text(min_size=1),
    content_type=st.sampled_from(sorted(CONTENT_TYPES.values())) | printable,
    size=st.integers(0, 5 * 1024**3),
)
variable_sets = st.fixed_dictionaries(
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


@given(upload=uploads, variables=variable_sets)
def test_urls_are_those_of_a_client(upload, variables):
    """The URL equals that of a botocore client, for any key, type, size and session token."""
    with environment(), signing_time(NOW):
        assert put_url(upload, seconds=SECONDS, environment=variables) == url_of_client(
            upload, variables
        )


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://uploads.s3.ca-central-1.amazonaws.com/k"),
        ({"AWS_ENDPOINT_URL": "http://aws.test"}, "http://aws.test/uploads/k"),
        ({"AWS_ENDPOINT_URL": "http://aws.test/"}, "http://aws.test/uploads/k"),
        (
            {"AWS_ENDPOINT_URL": "http://aws.test", "AWS_ENDPOINT_URL_S3": "http://s3.test"},
            "http://s3.test/uploads/k",
        ),
    ],
    ids=["AWS", "endpoint", "slash", "endpoint of S3"],
)
def test_host_and_path(variables, url):
    """On AWS the host is regional; with a custom endpoint the bucket is in the path."""
    upload = Upload("uploads", "k", "image/png", 1)

    assert (
        put_url(upload, seconds=1, environment=AWS_VARIABLES | variables).partition("?")[0] == url
    )


@pytest.fixture
def bucket(aws: Aws) -> Iterator[str]:
    """The uploads bucket in the emulator, and an environment whose role may write to it."""
    location = {"LocationConstraint": "ca-central-1"}
    name = f"uploads-{aws.endpoint.account}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)
    originals = f"arn:aws:s3:::{name}/originals/*"
    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": originals}
    with environment(SETTINGS, {"UPLOADS_BUCKET_NAME": name}, function_environment(aws, write)):
        yield name


PICTURE = b"12345"


def put(url: str, body: bytes = PICTURE, **headers: str) -> tuple[int, str]:
    """Send *body* like a browser; return the status and the error code of S3."""
    sent_headers = {"Content-Type": "image/jpeg"}
    sent_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=60)
    connection.request("PUT", f"{parts.path}?{parts.query}", body, sent_headers)
    response = connection.getresponse()
    code = re.search("<Code>(.*)</Code>", response.read().decode())
    connection.close()
    return response.status, code[1] if code else ""


INVALID_SIGNATURE = (403, "SignatureDoesNotMatch")


def test_uploads_are_accepted(aws: Aws, bucket: str) -> None:
    """The URL can be used again within five minutes, for the same key."""
    url = url_of(request_upload(extension="jpg", size=len(PICTURE)))

    assert [put(url), put(url)] == [(200, ""), (200, "")]
    stored = aws.client("s3").get_object(Bucket=bucket, Key=upload_key(avatar_id(SUB)))
    assert (stored["ContentType"], stored["Body"].read()) == ("image/jpeg", PICTURE)


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
def test_other_uploads_are_refused(aws: Aws, bucket: str, body, headers) -> None:
    """Another type or length is refused, so no upload is larger (defect 61).

    This is tested with the emulator, and not verified with S3.
    """
    url = url_of(request_upload(extension="jpg", size=len(PICTURE)))

    assert put(url, body, **headers) == INVALID_SIGNATURE
    assert aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_changed_url_is_refused(bucket: str) -> None:
    """A URL cannot be changed to another user's key, a longer time or other access."""
    url = url_of(request_upload(extension="jpg", size=len(PICTURE)))

    assert put(url.replace(avatar_id(SUB), avatar_id(OTHER_SUB))) == INVALID_SIGNATURE
    assert put(url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")) == INVALID_SIGNATURE
    assert put(f"{url}&x-amz-acl=public-read") == INVALID_SIGNATURE


def test_urls_expire(bucket: str) -> None:
    """After five minutes the URL is refused."""
    age = timedelta(seconds=SECONDS + 1)
    with signing_time(datetime.now(UTC) - age):
        url = url_of(request_upload(extension="jpg", size=len(PICTURE)))

    assert put(url) == (403, "AccessDenied")


def test_other_amazon_headers_are_refused(bucket: str) -> None:
    """A request cannot add an access control list or metadata."""
    url = url_of(request_upload(extension="jpg", size=len(PICTURE)))

    assert put(url, x_amz_acl="public-read") == (403, "AccessDenied")
    assert put(url, x_amz_meta_a="b") == (403, "AccessDenied")


def test_urls_need_the_permission_of_the_role(aws: Aws, bucket: str) -> None:
    """The URL allows only what the role may do: it fails without s3:PutObject."""
    url = url_of(request_upload(extension="jpg", size=len(PICTURE)))
    aws.client("iam").delete_role_policy(RoleName="function", PolicyName="own")

    assert put(url) == (403, "AccessDenied")
