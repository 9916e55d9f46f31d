"""Read and record which image was released last, in a Parameter Store parameter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.target import Target


@dataclass(frozen=True)
class ReleasedImage:
    """The digest of an image, and the time of its release in UTC."""

    digest: str
    released_at: datetime


def find(target: Target, image: str) -> ReleasedImage | None:
    """Return the last release of *image*, the setting `image` of a service; None before the first."""
    from deployer.model import ABSENT

    parameter = target.client("ssm").get_parameter(Name=_parameter(target, image))["Parameter"]
    if parameter["Value"] == ABSENT:
        return None
    return ReleasedImage(parameter["Value"], parameter["LastModifiedDate"].astimezone(UTC))


def history(target: Target, image: str) -> list[ReleasedImage]:
    """Return the releases of *image*, the newest first; Parameter Store keeps the last 100."""
    from deployer.model import ABSENT

    pages = target.client("ssm").get_paginator("get_parameter_history")
    versions = [
        version
        for page in pages.paginate(Name=_parameter(target, image))
        for version in page["Parameters"]
    ]
    return [
        ReleasedImage(version["Value"], version["LastModifiedDate"].astimezone(UTC))
        for version in sorted(versions, key=lambda version: version["Version"], reverse=True)
        if version["Value"] != ABSENT
    ]


def record(target: Target, image: str, digest: str) -> None:
    """Record *digest* as the last release of *image*; the next stack update reads it."""
    target.client("ssm").put_parameter(Name=_parameter(target, image), Value=digest, Overwrite=True)


def _parameter(target: Target, image: str) -> str:
    from stacks.parts.names import image_parameter

    return image_parameter(target.env, image)
