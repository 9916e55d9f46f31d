"""Functions that send and sign requests, for tests of access control."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.loaders import Loader

import emulator
from tests.emulator_server import Aws

REGION = "ca-central-1"
EVIL = "https://evil.example"
NO_RETRIES = Config(retries={"total_max_attempts": 1}, proxies={})
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
UNKNOWN_KEY = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "AuthFailure",
}
MISMATCH = {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure"}


@dataclass(frozen=True)
class Response:
    """The response to a request."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(
    endpoint: emulator.Endpoint,
    method: str,
    path: str,
    body: bytes = b"",
    host: str | None = None,
    **headers: str,
) -> Response:
    """Send a request to the emulator's port, with exactly these headers and this Host."""
    address = urlsplit(endpoint.url).netloc
    connection = http.client.HTTPConnection(address, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, {"Host": host or address} | sent)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Response(response.status, found, content)


def sign(
    endpoint: emulator.Endpoint, method: str, path: str, body: bytes = b"", **options: str
) -> dict[str, str]:
    """Return the headers of a request signed with the root user's key or another *key*."""
    host = options.get("host", urlsplit(endpoint.url).netloc)
    request = AWSRequest(method, f"http://{host}{path}", data=body)
    key = options.get("key", endpoint.access_key), options.get("secret", endpoint.secret_key)
    SigV4Auth(Credentials(*key), options.get("service", "sts"), REGION).add_auth(request)
    return {name.replace("-", "_"): value for name, value in request.headers.items()}


def sign_with_headers(
    endpoint: emulator.Endpoint,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    **options: str,
) -> dict[str, str]:
    """Return the headers of a request whose additional *headers* are signed as well."""
    request = AWSRequest(method, f"{endpoint.url}{path}", data=body)
    for name, value in headers.items():
        request.headers[name.replace("_", "-")] = value
    signer = S3SigV4Auth if options["service"] == "s3" else SigV4Auth
    signer(Credentials(options["key"], options["secret"]), options["service"], REGION).add_auth(
        request
    )
    return {name.replace("-", "_"): value for name, value in request.headers.items()}


LOADER = Loader()  # Caches the service models: reading the model of EC2 takes 100 ms.


def client(
    endpoint: emulator.Endpoint,
    service: str,
    *key: str | None,
    config: Config = NO_RETRIES,
) -> Any:
    """Return a client with *key*: access key, secret key and session token."""
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    return session.create_client(
        service,
        REGION,
        endpoint_url=endpoint.url,
        config=config,
        **dict(zip(names, key, strict=False)),
    )


def error_code(call: Any) -> str:
    """Return the code of the error that *call* raises."""
    with pytest.raises(ClientError) as failed:
        call()
    return str(failed.value.response["Error"]["Code"])


def create_user(aws: Aws, *actions: str) -> dict[str, str]:
    """Create a user who may perform *actions*; return the user's keys as arguments of `sign`."""
    iam, statement = aws.client("iam"), {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.create_user(UserName="ada")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="ada", PolicyName="allowed", PolicyDocument=policy)
    created = iam.create_access_key(UserName="ada")["AccessKey"]
    return {"key": created["AccessKeyId"], "secret": created["SecretAccessKey"]}
