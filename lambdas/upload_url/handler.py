"""Return a presigned URL to which a signed-in user can upload a new avatar.

Event: POST /avatars/key_upload of the HTTP API, payload format 2.0, accepted by the authorizer, whose
context has the user's `sub`. The body is {"extension": "jpg", "size": 123456}, size in bytes.
Result: 200 {"url": …}, for a PUT request of exactly that size and type within five minutes. Or 400
{"errors": […]} with all error codes: body_invalid, extension_unsupported, size_invalid,
size_exceeds_limit.
Permissions: s3:PutObject on originals/* of the uploads bucket. The URL has the permissions of the
function's role.
Limits: UPLOAD_LIMIT_BYTES. The function sends no requests.

The key of the object depends on `sub` only, so no user can overwrite the avatar of another user. The
function reads no other field that identifies the caller. The API responds to preflight requests.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.avatars import avatar_id, upload_key
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
    """A picture that may be uploaded; *size* is in bytes."""

    content_type: str
    size: int


class RefusedError(Exception):
    """The upload is not accepted; the arguments are the error codes."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle an event of API Gateway."""
    avatar = avatar_id(_sub(event))
    try:
        picture = _picture(_body(event), limit=int(os.environ["UPLOAD_LIMIT_BYTES"]))
    except RefusedError as refused:
        log("upload refused", avatar=avatar, errors=" ".join(refused.args))
        return _response(400, {"errors": list(refused.args)})
    upload = Upload(
        bucket=os.environ["UPLOADS_BUCKET_NAME"],
        key=upload_key(avatar),
        content_type=picture.content_type,
        size=picture.size,
    )
    url = put_url(upload, seconds=SECONDS, environment=os.environ)
    log("upload allowed", avatar=avatar, content_type=upload.content_type, size=upload.size)
    return _response(200, {"url": url})


def _sub(event: Mapping[str, Any]) -> str:
    """Return the `sub` of the caller. It is missing only if the template has an error."""
    sub = str(event["requestContext"]["authorizer"]["lambda"]["sub"])
    if not is_id(sub):
        raise ValueError("the sub of the authorizer is not an id of Cognito")
    return sub


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object in the body; API Gateway encodes binary bodies in base64."""
    sent = event.get("body") or ""
    try:
        body = json.loads(base64.b64decode(sent) if event.get("isBase64Encoded") else sent)
    except (ValueError, RecursionError):  # RecursionError: nested too deeply.
        raise RefusedError("body_invalid") from None
    if not isinstance(body, dict):
        raise RefusedError("body_invalid")
    return body


def _picture(body: Mapping[str, Any], *, limit: int) -> Picture:
    """Return the picture that *body* describes. Raises RefusedError with all error codes."""
    content_type, size = _content_type(body.get("extension")), body.get("size", 0)
    errors = ("" if content_type else "extension_unsupported", _size_error(size, limit))
    if content_type is None or any(errors):
        raise RefusedError(*filter(None, errors))
    return Picture(content_type, size)


def _content_type(extension: object) -> str | None:
    """Return the media type for *extension*, which may have capitals and a leading dot."""
    if not isinstance(extension, str):
        return None
    return CONTENT_TYPES.get(extension.removeprefix(".").lower())


def _size_error(size: object, limit: int) -> str:
    match size:
        case bool():  # bool is a subclass of int.
            return "size_invalid"
        case int() if size >= 1:
            return "size_exceeds_limit" if size > limit else ""
        case _:
            return "size_invalid"


def _response(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response for API Gateway that must not be cached."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body),
    }
