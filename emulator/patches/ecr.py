"""ECR: who asks for an image that is not there is told so."""

from __future__ import annotations

import http.client
import json
from typing import Any

from emulator import ministack
from emulator.ministack import Answer, JsonAction


def close() -> None:
    """Compare what is described with what was asked for."""
    ministack.swap(ministack.ecr, "_describe_images", _refusing)


def _refusing(describe: JsonAction) -> JsonAction:
    def describing(data: dict[str, Any]) -> Answer:
        status, headers, body = describe(data)
        if status == http.client.OK:
            details = json.loads(body)["imageDetails"]
            for asked in data.get("imageIds", ()):
                if not any(_is(asked, one) for one in details):
                    return _missing(asked, data["repositoryName"])
        return status, headers, body

    return describing


def _is(asked: dict[str, str], image: dict[str, Any]) -> bool:
    digest, tag = asked.get("imageDigest"), asked.get("imageTag")
    return digest in {None, image["imageDigest"]} and (tag is None or tag in image["imageTags"])


def _missing(asked: dict[str, str], repository: str) -> Answer:
    what = ", ".join(f"{key}:'{asked.get(key, 'null')}'" for key in ("imageDigest", "imageTag"))
    message = (
        f"The image with imageId {{{what}}} does not exist within the repository with name "
        f"'{repository}' in the registry with id '{ministack.account()}'"
    )
    return ministack.refuse_json("ImageNotFoundException", message, http.client.BAD_REQUEST)
