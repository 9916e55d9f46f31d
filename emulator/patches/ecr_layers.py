"""Store the layers that are uploaded with ECR's API, and check their digests."""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client

from emulator.ministack import context
from emulator.ministack.context import Response
from emulator.ministack.images import (
    Data,
    blobs,
    check_layers,
    complete_upload,
    repositories,
    start_upload,
    upload_part,
    uploads,
)
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "InitiateLayerUpload, UploadLayerPart and CompleteLayerUpload store a layer, whose digest is "
        "checked; BatchCheckLayerAvailability reports it.",
        source="API references of these operations",
        ministack="The content is dropped, and every layer is unavailable.",
        test="test_layer",
    ),
)
UPSTREAM = True


def install() -> None:
    """Install the patch."""
    start_upload.after(_create_upload)
    upload_part.before(_append)
    complete_upload.before(_complete)
    check_layers.before(_availability)


def _create_upload(response: Response, data: Data) -> Response:
    if response[0] == http.client.OK:
        name = data["repositoryName"]
        upload = context.parse_json(response)["uploadId"]
        uploads.setdefault(name, {})[upload] = bytearray()
    return response


def _append(data: Data) -> Response | None:
    upload = _upload(data)
    if upload is None:
        return _missing_upload(data)
    first = int(data.get("partFirstByte", len(upload)))
    try:
        part = base64.b64decode(data.get("layerPartBlob", ""), validate=True)
    except (binascii.Error, ValueError):
        return _refusal("InvalidParameterException", "layerPartBlob is not base64")
    if first != len(upload):
        message = f"The part begins at byte {first}, but {len(upload)} bytes were uploaded"
        return _refusal("InvalidLayerPartException", message)
    upload.extend(part)
    last = {"lastByteReceived": len(upload) - 1}
    return context.json_response(_identification(data) | last)


def _complete(data: Data) -> Response | None:
    upload = _upload(data)
    if upload is None:
        return _missing_upload(data)
    name, content = data["repositoryName"], bytes(upload)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if not content:
        return _refusal("EmptyUploadException", "The layer upload has no parts")
    if digest not in data.get("layerDigests", ()):
        message = f"The layer has the digest {digest}, not one of the expected ones"
        return _refusal("InvalidLayerException", message)
    del uploads[name][data["uploadId"]]
    existing = blobs.setdefault(name, {})
    if digest in existing:
        message = f"The layer with digest '{digest}' already exists in repository '{name}'"
        return _refusal("LayerAlreadyExistsException", message)
    existing[digest] = content
    return context.json_response(_identification(data) | {"layerDigest": digest})


def _availability(data: Data) -> Response | None:
    name = data.get("repositoryName", "")
    if name not in repositories:
        return None  # MiniStack returns the error.
    stored = blobs.get(name, {})
    layers = [
        {
            "layerDigest": digest,
            "layerAvailability": "AVAILABLE" if digest in stored else "UNAVAILABLE",
            "layerSize": len(stored.get(digest, b"")),
        }
        for digest in data.get("layerDigests", ())
    ]
    return context.json_response({"layers": layers, "failures": []})


def _upload(data: Data) -> bytearray | None:
    upload: bytearray | None = uploads.get(data.get("repositoryName", ""), {}).get(
        data.get("uploadId", "")
    )
    return upload


def _identification(data: Data) -> Data:
    return {
        "registryId": context.account(),
        "repositoryName": data["repositoryName"],
        "uploadId": data["uploadId"],
    }


def _missing_upload(data: Data) -> Response:
    message = f"The upload with id '{data.get('uploadId', '')}' does not exist"
    return _refusal("UploadNotFoundException", message)


def _refusal(code: str, message: str) -> Response:
    return context.json_error(code, message, http.client.BAD_REQUEST)
