"""Images in ECR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_unknown_image(aws: Aws) -> None:
    """DescribeImages returns an image by digest or tag, and an error for a missing one.

    AWS: ImageNotFoundException.
    """
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="web")
    pushed = ecr.put_image(repositoryName="web", imageManifest="{}", imageTag="one")["image"]
    digest = pushed["imageId"]["imageDigest"]

    def digests(**image: str) -> list[str]:
        details = ecr.describe_images(repositoryName="web", imageIds=[image])["imageDetails"]
        return [detail["imageDigest"] for detail in details]

    assert [digest] == digests(imageDigest=digest) == digests(imageTag="one")
    for image in ({"imageDigest": f"sha256:{'0' * 64}"}, {"imageTag": "two"}):
        with pytest.raises(ClientError, match="ImageNotFoundException"):
            digests(**image)
