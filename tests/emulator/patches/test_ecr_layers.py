"""Layers in ECR."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def digest(content: bytes) -> str:
    """Return the digest of a layer."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_layer(aws: Aws) -> None:
    """A layer that is uploaded in parts is available; its digest and its parts are checked.

    AWS: API references of InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload and
    BatchCheckLayerAvailability.
    """
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="web")
    names = {"repositoryName": "web"}
    upload = ecr.initiate_layer_upload(**names)["uploadId"]
    parts = {"uploadId": upload, **names}
    layer = digest(b"firstsecond")

    def available() -> list[str]:
        checked = ecr.batch_check_layer_availability(layerDigests=[layer], **names)
        return [found["layerAvailability"] for found in checked["layers"]]

    before = available()
    first = ecr.upload_layer_part(partFirstByte=0, partLastByte=4, layerPartBlob=b"first", **parts)
    with pytest.raises(ClientError, match="InvalidLayerPartException"):
        ecr.upload_layer_part(partFirstByte=9, partLastByte=10, layerPartBlob=b"xx", **parts)
    ecr.upload_layer_part(partFirstByte=5, partLastByte=10, layerPartBlob=b"second", **parts)
    with pytest.raises(ClientError, match="InvalidLayerException"):
        ecr.complete_layer_upload(layerDigests=[digest(b"other")], **parts)
    completed = ecr.complete_layer_upload(layerDigests=[layer], **parts)
    with pytest.raises(ClientError, match="UploadNotFoundException"):
        ecr.complete_layer_upload(layerDigests=[layer], **parts)

    assert (before, available()) == (["UNAVAILABLE"], ["AVAILABLE"])
    assert (4, layer) == (first["lastByteReceived"], completed["layerDigest"])
