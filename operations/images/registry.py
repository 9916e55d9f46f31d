"""Find images in ECR, and push them with its API: layers in parts, then the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError
from operations.images.oci import MANIFEST_TYPE, digest_of

if TYPE_CHECKING:
    from operations.images.oci import Image

PART_BYTES = 5 * 1024 * 1024


def push(client: Any, repository: str, image: Image, *, tag: str) -> str:
    """Store *image* as *tag* in *repository* unless it is there already; return its digest."""
    if not find(client, repository, imageDigest=image.digest):
        upload(client, repository, image, tag=tag)
    return image.digest


def upload(client: Any, repository: str, image: Image, *, tag: str) -> None:
    """Store *image* as *tag* in *repository*."""
    for blob in (image.config, image.layer):
        _upload_blob(client, repository, blob)
    client.put_image(
        repositoryName=repository,
        imageManifest=image.manifest,
        imageManifestMediaType=MANIFEST_TYPE,
        imageTag=tag,
    )


def find(client: Any, repository: str, **image_id: str) -> str:
    """Return the digest of the image with this imageTag or imageDigest; empty if there is none."""
    try:
        response = client.describe_images(repositoryName=repository, imageIds=[image_id])
    except CloudError as error:
        if error.aws_code == "ImageNotFoundException":
            return ""
        raise
    return str(response["imageDetails"][0]["imageDigest"])


def _upload_blob(client: Any, repository: str, blob: bytes) -> None:
    """Upload a configuration or a layer in parts, unless the repository has it."""
    digest = digest_of(blob)
    checked = client.batch_check_layer_availability(
        repositoryName=repository, layerDigests=[digest]
    )
    if [layer["layerAvailability"] for layer in checked["layers"]] == ["AVAILABLE"]:
        return
    upload = client.initiate_layer_upload(repositoryName=repository)["uploadId"]
    for first in range(0, len(blob), PART_BYTES):
        part = blob[first : first + PART_BYTES]
        client.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    client.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
