"""Uploads each file of a folder, and prints a line of JSON of what the function made of it.

In a process of its own, so that a crash is seen and the memory is the function's:

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

ACCOUNT, AVATAR = "111122223333", avatar_id("somebody")
CONTEXT = SimpleNamespace(
    invoked_function_arn=f"arn:aws:lambda:ca-central-1:{ACCOUNT}:function:thumbnail"
)
ORIGINAL, PICTURE = ("uploads", upload_key(AVATAR)), ("avatars", avatar_key(AVATAR))
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
    os.environ.update(ENVIRONMENT)
    with FakeS3(ACCOUNT).serving(store._s3()) as s3:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                print(json.dumps({"file": path.name, **_become(s3, path.read_bytes())}))


def _become(s3: FakeS3, original: bytes) -> Mapping[str, Any]:
    s3.objects = {ORIGINAL: Object(original)}
    with redirect_stdout(io.StringIO()) as said:
        handler.handler({"Records": [RECORD]}, CONTEXT)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    shown = s3.objects.get(PICTURE)
    if shown is None:
        return {"lines": lines}
    return {"lines": lines, "difference": _difference(original, open_avatar(shown.content))}


def _difference(original: bytes, made: Image.Image) -> float | None:
    """Of each sample, on average, from what the slow and simple way makes of a simple picture.

    None of one that is not simple, or that has something beside its pixels which Pillow refuses.
    """
    try:
        image = Image.open(io.BytesIO(original), formats=["JPEG", "PNG", "WEBP"])
        image.load()
    except (OSError, SyntaxError, ValueError):
        return None
    if image.mode not in {"L", "RGB"} or {"icc_profile", "transparency"} & image.info.keys():
        return None
    for told in ("Raw profile type exif", "XML:com.adobe.xmp", "xmp"):
        image.info.pop(told, None)  # By these Pillow would turn it, and no browser does.
    upright = ImageOps.exif_transpose(image).convert("RGB")
    file = io.BytesIO()
    ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.LANCZOS).save(
        file, "JPEG", quality=QUALITY
    )
    wanted = Image.open(file)  # A JPEG too: of sharp edges, that is most of the difference.
    return max(ImageStat.Stat(ImageChops.difference(wanted, made)).mean)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
