"""Requests for an upload URL, as API Gateway passes them to the function."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import auth

from upload_url.handler import handler

EVENTS = Path(handler.__code__.co_filename).with_name("events")
EVENT = json.loads((EVENTS / "key_upload.json").read_text())
SUB = EVENT["requestContext"]["authorizer"]["lambda"]["sub"]
OTHER_SUB = "0f1e2d3c-4b5a-4697-8887-766554433221"

LIMIT = 5_000_000  # Bytes of an upload.
SETTINGS = {"UPLOADS_BUCKET_NAME": "uploads", "UPLOAD_LIMIT_BYTES": str(LIMIT)}
AWS_VARIABLES = {
    "AWS_REGION": "ca-central-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "to+ken/==",
}


@contextmanager
def environment(*variables: Mapping[str, str]) -> Iterator[None]:
    """Set *variables* within the block, and no other address or profile of AWS."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for mapping in variables:
            for name, value in mapping.items():
                patch.setenv(name, value)
        yield


@contextmanager
def signing_time(now: datetime) -> Iterator[None]:
    """Make botocore sign as of *now* within the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: now)
        yield


def event(body: str | None, *, sub: str = SUB, **fields: Any) -> dict[str, Any]:
    """Return the sample event with *body*, accepted by the authorizer for the user *sub*."""
    sample = {name: value for name, value in EVENT.items() if name != "body"}
    context = sample["requestContext"] | {"authorizer": {"lambda": {"sub": sub}}}
    return sample | {"requestContext": context} | ({} if body is None else {"body": body}) | fields


def request_upload(sub: str = SUB, **body: Any) -> dict[str, Any]:
    """Return the response of the handler to *body*."""
    return handler(event(json.dumps(body), sub=sub), None)


def url_of(response: Mapping[str, Any]) -> str:
    """Return the URL in a successful response."""
    assert response["statusCode"] == 200, response
    return json.loads(response["body"])["url"]


def errors_of(response: Mapping[str, Any]) -> list[str]:
    """Return the error codes in a response with status 400."""
    assert response["statusCode"] == 400, response
    return json.loads(response["body"])["errors"]
