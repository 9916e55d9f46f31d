"""Upload each file of a folder to the function, and print a line of JSON with the result.

It runs in a process of its own, so that a crash and the memory of the function can be seen:

    python -m tests.lambdas.thumbnail.convert_folder FOLDER
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image, ImageChops, ImageOps, ImageStat

from shared.avatars import avatar_id, avatar_key, upload_key
from tests.lambdas.thumbnail.fake_s3 import FakeS3, Object
from tests.lambdas.thumbnail.pictures import open_avatar
from thumbnail import handler, store
from thumbnail.picture import QUALITY, SIDE

ACCOUNT, AVATAR = "111122223333", avatar_id("user")
CONTEXT = SimpleNamespace(
    invoked_function_arn=f"arn:aws:lambda:ca-central-1:{ACCOUNT}:function:thumbnail"
)
UPLOAD_LOCATION = ("uploads", upload_key(AVATAR))
AVATAR_LOCATION = ("avatars", avatar_key(AVATAR))
ENVIRONMENT = {
    "UPLOADS_BUCKET_NAME": "uploads",
    "AVATARS_BUCKET_NAME": "avatars",
    "UPLOAD_LIMIT_BYTES": "20000000",
    "AWS_DEFAULT_REGION": "ca-central-1",
    "AWS_ACCESS_KEY_ID": "unused",
    "AWS_SECRET_ACCESS_KEY": "unused",
}
RECORD = {
    "eventSource": "aws:s3",
    "eventName": "ObjectCreated:Put",
    "s3": {"bucket": {"name": "uploads"}, "object": {"key": upload_key(AVATAR)}},
}


def main(folder: Path) -> None:
    """Convert all files of *folder*."""
    os.environ.update(ENVIRONMENT)
    with FakeS3(ACCOUNT).serving(store._s3()) as s3:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                print(json.dumps({"file": path.name, **_convert(s3, path.read_bytes())}))


def _convert(s3: FakeS3, original: bytes) -> Mapping[str, Any]:
    """Return the log lines of the function, and how the avatar differs if one is created."""
    s3.objects = {UPLOAD_LOCATION: Object(original)}
    with redirect_stdout(io.StringIO()) as output:
        handler.handler({"Records": [RECORD]}, CONTEXT)
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    avatar = s3.objects.get(AVATAR_LOCATION)
    if avatar is None:
        return {"lines": lines}
    return {"lines": lines, "difference": _difference(original, open_avatar(avatar.content))}


def _difference(original: bytes, avatar: Image.Image) -> float | None:
    """Return the mean difference of the samples from a simple conversion with Pillow.

    Return None for pictures with alpha, a palette or a profile, and for those with metadata that
    Pillow refuses.
    """
    try:
        image = Image.open(io.BytesIO(original), formats=["JPEG", "PNG", "WEBP"])
        image.load()
    except (OSError, SyntaxError, ValueError):
        return None
    if image.mode not in {"L", "RGB"} or {"icc_profile", "transparency"} & image.info.keys():
        return None
    for metadata in ("Raw profile type exif", "XML:com.adobe.xmp", "xmp"):
        image.info.pop(metadata, None)  # Pillow reads an orientation there, and browsers do not.
    upright = ImageOps.exif_transpose(image).convert("RGB")
    file = io.BytesIO()
    ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.LANCZOS).save(
        file, "JPEG", quality=QUALITY
    )
    expected = Image.open(file)  # Also a JPEG: compression changes sharp edges most.
    return max(ImageStat.Stat(ImageChops.difference(expected, avatar)).mean)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
