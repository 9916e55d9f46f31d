"""Read a template from S3 by every form of S3 URL, in the version that the URL specifies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from emulator.ministack import cloudformation, services
from emulator.ministack.context import Params
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A template in S3 can be read by virtual-hosted-style and path-style URLs, with or without the "
        "region.",
        source="S3 user guide, Methods for accessing a bucket",
        ministack="Path-style only.",
        test="test_template_url",
    ),
    Difference(
        "A template in S3 is read in the version that its URL specifies.",
        source="CloudFormation user guide, Selecting a stack template",
        ministack="The newest version.",
        test="test_template_version",
    ),
)
UPSTREAM = True

_VIRTUAL_HOST = re.compile(
    r"https://(?P<bucket>[^/]+?)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(?P<key>[^?]+)"
    r"(?:\?(?P<query>.*))?"
)
_PATH = re.compile(
    r"https://s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(?P<bucket>[^/]+)/(?P<key>[^?]+)"
    r"(?:\?(?P<query>.*))?"
)


def install() -> None:
    """Install the patch."""
    cloudformation.resolve_document.around(_resolve)


def _resolve(
    resolve: Callable[..., Any], params: Params, body_key: str, url_key: str, label: str
) -> Any:
    """Rewrite the URL to the form that MiniStack reads, with BUCKET/KEY as its path.

    MiniStack ignores versions: a template with a version is read here and passed on as its body.
    """
    url = cloudformation.param(params, url_key)
    match = _PATH.fullmatch(url) or _VIRTUAL_HOST.fullmatch(url)
    if match and not cloudformation.param(params, body_key):
        bucket, key = match["bucket"], match["key"]
        params = {**params, url_key: [f"https://s3.amazonaws.com/{bucket}/{key}"]}
        if version := parse_qs(match["query"] or "").get("versionId"):
            text = services.object_body(bucket, key, version[0])
            if text is None:
                error = cloudformation.refuse("ValidationError", f"{label} not found at {url}")
                return None, error
            params[body_key] = [text.decode()]
    return resolve(params, body_key, url_key, label)
