"""Tells a signed-in person where to upload their new picture.

Event in: POST /avatars/key_upload of the HTTP API, payload 2.0, let pass by the authorizer, whose
context has the person's `sub`. The body is {"extension": "jpg", "size": 123456}, size in bytes.
Result out: 200 {"url": …}, for one PUT of just that size and type within five minutes; or
400 {"errors": […]} with all that is wrong: body_invalid, or extension_unsupported and size_invalid
or size_exceeds_limit.
Permissions: s3:PutObject on originals/* of the uploads bucket; whoever has the URL puts with them.
Limits: UPLOAD_LIMIT_BYTES. It calls nobody.

The key is made of `sub` alone, so nobody overwrites another's picture; whatever else the event
says of who asks is not read. Answers to a preflight are the API's own.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.avatars import avatar_id, original_key
from shared.ids import is_id
from shared.log import log
from upload_url.signing import Upload, put_url

SECONDS = 300

# The types that browsers derive from file names and send with the file: Chromium saves JPEGs as
# jfif on Windows (net/base/mime_util.cc).
CONTENT_TYPES = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp"), "image/jpeg"),
    "png": "image/png",
    "apng": "image/apng",
    "webp": "image/webp",
}


@dataclass(frozen=True)
class Picture:
    """What a person means to upload, as far as we take it."""

    content_type: str
    size: int


class RefusedError(Exception):
    """Not what we take; its arguments say all that is wrong with it."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer with the URL, or with what is wrong."""
    avatar = avatar_id(_sub(event))
    try:
        picture = _picture(_body(event), limit=int(os.environ["UPLOAD_LIMIT_BYTES"]))
    except RefusedError as refused:
        log("upload refused", avatar=avatar, errors=" ".join(refused.args))
        return _answer(400, {"errors": list(refused.args)})
    upload = Upload(
        bucket=os.environ["UPLOADS_BUCKET_NAME"],
        key=original_key(avatar),
        content_type=picture.content_type,
        size=picture.size,
    )
    url = put_url(upload, seconds=SECONDS, environment=os.environ)
    log("upload allowed", avatar=avatar, content_type=upload.content_type, size=upload.size)
    return _answer(200, {"url": url})


def _sub(event: Mapping[str, Any]) -> str:
    """Who asks. Without an authorizer's word the template is wrong, and this is no client's fault."""
    sub = str(event["requestContext"]["authorizer"]["lambda"]["sub"])
    if not is_id(sub):
        raise ValueError("the authorizer's sub is not written as Cognito does")
    return sub


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object that was sent; API Gateway gives what it takes for binary in base64."""
    sent = event.get("body") or ""
    try:
        body = json.loads(base64.b64decode(sent) if event.get("isBase64Encoded") else sent)
    except (ValueError, RecursionError):  # The latter where it is nested without end.
        raise RefusedError("body_invalid") from None
    if not isinstance(body, dict):
        raise RefusedError("body_invalid")
    return body


def _picture(body: Mapping[str, Any], *, limit: int) -> Picture:
    """What *body* asks for. Raises RefusedError with everything that is wrong with it."""
    content_type, size = _content_type(body.get("extension")), body.get("size", 0)
    faults = ("" if content_type else "extension_unsupported", _size_fault(size, limit))
    if content_type is None or any(faults):
        raise RefusedError(*filter(None, faults))
    return Picture(content_type, size)


def _content_type(extension: object) -> str | None:
    """Ours for *extension*: cameras write it in capitals, and some programs with its dot."""
    if not isinstance(extension, str):
        return None
    return CONTENT_TYPES.get(extension.removeprefix(".").lower())


def _size_fault(size: object, limit: int) -> str:
    match size:
        case bool():  # An int to Python.
            return "size_invalid"
        case int() if size >= 1:
            return "size_exceeds_limit" if size > limit else ""
        case _:
            return "size_invalid"


def _answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """What API Gateway makes a response of; nobody may keep it."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body),
    }
