"""Images of the emulator's ECR."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.containers import image

REPOSITORY = "123456789012.dkr.ecr.ca-central-1.amazonaws.com/shop/web"


def record(digest: str, *tags: str) -> dict[str, object]:
    """Return an image without a layer, whose configuration has the digest `config of DIGEST`."""
    manifest = json.dumps({"config": {"digest": f"config of {digest}"}})
    return {"imageDigest": digest, "imageTags": list(tags), "imageManifest": manifest}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("@sha256:b", "no blob config of sha256:b"),
        (":v2@sha256:b", "no blob config of sha256:b"),
        (":v2", "no blob config of sha256:b"),
        ("", "no blob config of sha256:a"),
        ("@sha256:c", "failed to resolve ref .*: not found"),
    ],
)
def test_requested_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: str, expected: str
) -> None:
    """A digest names one image, whatever its tags; without a tag and a digest, `latest` does."""
    stored = [record("sha256:a", "latest"), record("sha256:b", "v2")]
    monkeypatch.setattr(image.images, "images", {"shop/web": stored})

    with pytest.raises(image.PullError, match=expected):
        image.pull(REPOSITORY + reference, folder=tmp_path, packages=tmp_path)
