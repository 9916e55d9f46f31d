"""The pixels of an avatar are those of a simple conversion with Pillow."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.lambdas.thumbnail.pictures import WHITE, encoded, open_avatar
from thumbnail.picture import SIDE, picture

pytestmark = pytest.mark.thorough


def mean_difference(expected: Image.Image, actual: Image.Image) -> float:
    """Return the mean difference of the samples, in the channel where it is largest."""
    return max(ImageStat.Stat(ImageChops.difference(expected, actual)).mean)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "size", [(4000, 3000), (3001, 2003), (513, 700), (512, 512), (40, 30), (1500, 75)], ids=str
)
def test_an_avatar_is_the_middle_of_the_picture(file_format: str, size: tuple[int, int]) -> None:
    """The avatar is cropped with a precision of half a pixel, and resized from all pixels."""
    width, height = size
    wave = Image.radial_gradient("L").resize(size)
    image = Image.merge(
        "RGB", (wave, ImageChops.invert(wave), Image.linear_gradient("L").resize(size))
    )
    fast_options = {
        "JPEG": {},
        "PNG": {"compress_level": 1},
        "WEBP": {"method": 0, "quality": 95},
    }
    file = encoded(image, file_format, **fast_options[file_format])
    side = min(size)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    decoded = Image.open(io.BytesIO(file)).convert("RGB")
    expected = decoded.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)

    actual = open_avatar(picture(file))

    assert mean_difference(expected, actual) < 1.5


def test_transparent_pixels_are_averaged_with_the_background() -> None:
    """The avatar is the same whether the background is applied before or after resizing."""
    alpha = Image.radial_gradient("L").resize((1500, 1500))
    bands = (alpha.rotate(90), ImageChops.invert(alpha), alpha.rotate(180), alpha)
    image = Image.merge("RGBA", bands)
    white = Image.new("RGBA", (SIDE, SIDE), WHITE)
    small = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    expected = Image.alpha_composite(white, small).convert("RGB")

    actual = open_avatar(picture(encoded(image, compress_level=1)))

    assert mean_difference(expected, actual) < 1
