"""Return an error from DescribeImages if an image does not exist."""

from __future__ import annotations

import http.client
from typing import Any

from emulator.ministack import context, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "DescribeImages of an image that does not exist returns ImageNotFoundException.",
        source="API reference of DescribeImages, ImageNotFoundException",
        ministack="An empty list.",
        test="test_unknown_image",
    ),
)
UPSTREAM = True

_describe_images: Function[[dict[str, Any]], Response] = Function("_describe_images", services.ecr)


def install() -> None:
    """Install the patch."""
    _describe_images.after(_refuse_missing_images)


def _refuse_missing_images(response: Response, data: dict[str, Any]) -> Response:
    if response[0] == http.client.OK:
        images = context.parse_json(response)["imageDetails"]
        for image_id in data.get("imageIds", ()):
            if not any(_matches(image_id, image) for image in images):
                return _not_found(image_id, data["repositoryName"])
    return response


def _matches(image_id: dict[str, str], image: dict[str, Any]) -> bool:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    return digest in {None, image["imageDigest"]} and (tag is None or tag in image["imageTags"])


def _not_found(image_id: dict[str, str], repository: str) -> Response:
    text = ", ".join(f"{key}:'{image_id.get(key, 'null')}'" for key in ("imageDigest", "imageTag"))
    message = (
        f"The image with imageId {{{text}}} does not exist within the repository with name "
        f"'{repository}' in the registry with id '{context.account()}'"
    )
    return context.json_error("ImageNotFoundException", message, http.client.BAD_REQUEST)
