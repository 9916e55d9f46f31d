"""Pillow is recent, loads only three formats, and its errors reject the picture."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFile
from PIL.PngImagePlugin import PngImageFile

from tests.lambdas.thumbnail.pictures import encoded, oriented_photo, solid_image
from tests.lambdas.thumbnail.thumbnail_function import ThumbnailFunction, assert_rejected

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]


def test_pillow_is_new_enough() -> None:
    """Pillow is version 13 or later: before, a JPEG could overflow the heap."""
    lock = (ROOT / "lambdas/thumbnail/requirements.txt").read_text()
    (locked,) = re.findall(r"^pillow==(\d+)\.", lock, re.MULTILINE)
    installed = importlib.metadata.version("pillow").split(".")[0]
    required = (ROOT / "lambdas/thumbnail/requirements.in").read_text()

    assert int(locked) >= 13
    assert int(installed) >= 13
    assert re.search(r"^pillow >= 13\.0\.0 ", required, re.MULTILINE)


def test_truncated_pictures_are_not_completed_with_grey() -> None:
    """Pillow's global setting LOAD_TRUNCATED_IMAGES is off."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


CONVERT_AND_PRINT_PLUGINS = """
import sys
from thumbnail.picture import picture
picture(sys.stdin.buffer.read())
print(*(module for module in sys.modules if "ImagePlugin" in module))
"""


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_other_formats_are_not_loaded(file_format: str) -> None:
    """Plugins that are not loaded, such as the one that runs Ghostscript, cannot be exploited."""
    process = subprocess.run(
        [sys.executable, "-c", CONVERT_AND_PRINT_PLUGINS],
        input=oriented_photo(6, file_format),
        cwd=ROOT / "lambdas",
        capture_output=True,
        check=True,
    )

    modules = process.stdout.decode().upper().split()
    formats = {module.removeprefix("PIL.").removesuffix("IMAGEPLUGIN") for module in modules}
    assert formats == {"JPEG", file_format}


@pytest.mark.parametrize(
    "error", [UserWarning("odd"), KeyError("x"), SystemError(), RecursionError()], ids=repr
)
def test_every_error_of_a_decoder_rejects_the_picture(
    function: ThumbnailFunction, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Any exception or warning of a decoder rejects the picture, so that Lambda does not retry.

    A warning counts because a later version of Pillow may raise an error instead.
    """

    def load(_: Any) -> None:
        if isinstance(error, Warning):
            warnings.warn(error, stacklevel=2)
        else:
            raise error

    monkeypatch.setattr(PngImageFile, "load", load)

    assert_rejected(function, encoded(solid_image()), "damaged")
