"""Convert the pixels of any image to sRGB.

An embedded ICC profile is applied; an invalid one, or one for another colour space, is ignored.
CMYK without a profile is converted by the simple formula, because the printing process is unknown.
Transparent pixels become white. The gamma of an old PNG without a profile is ignored.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from PIL import Image, ImageFile

if TYPE_CHECKING:
    from PIL import ImageCms

BACKGROUND = (255, 255, 255)


class ColourKey16(NamedTuple):
    """A colour key with 16 bits per channel: the colour whose pixels are transparent."""

    red: int
    green: int
    blue: int

    @property
    def upper(self) -> Iterable[int]:
        """The upper byte of each sample."""
        return (sample >> 8 for sample in self)

    @property
    def lower(self) -> Iterable[int]:
        """The lower byte of each sample."""
        return (sample & 0xFF for sample in self)


# The transparent colour. Bytes have the alpha of each colour of a palette.
ColourKey: TypeAlias = int | bytes | tuple[int, int, int] | ColourKey16 | None

_SAMPLES = range(65536)  # of 16 bits


def key_of(image: ImageFile.ImageFile) -> ColourKey:
    """Return the transparent colour of an image without alpha, scaled like its decoded pixels.

    Pillow scales pixels of two and four bits up, and RGB pixels of 16 bits per channel down, but not
    the transparent colour. Pillow keeps only the upper bytes of 16 bits, so the result is then a
    ColourKey16, and the caller decodes the lower bytes as well. Call this before decoding, which discards the original format.
    """
    match image.info.get("transparency"), [tile.args for tile in image.tile]:
        case int(grey), ["L;2"]:
            return grey * 85
        case int(grey), ["L;4"]:
            return grey * 17
        case (red, green, blue), ["RGB;16B"]:
            return ColourKey16(red, green, blue)
        case colour, _:
            return colour


def differing(image: Image.Image, colour: Iterable[int]) -> Image.Image:
    """Return a mask that is white where *image* does not have *colour*, and black elsewhere."""
    from PIL import ImageChops

    mask = Image.new("L", image.size)
    for band, sample in enumerate(colour):
        unlike = [255 * (value != sample) for value in range(256)]
        mask = ImageChops.lighter(mask, image.getchannel(band).point(unlike))
    return mask


def resizable(
    image: Image.Image, key: ColourKey, lower: Image.Image | None, *, has_profile: bool
) -> Image.Image:
    """Return *image* in a mode whose pixels can be averaged: L, LA, RGB, RGBA or CMYK.

    For a ColourKey16, *lower* is a mask of the pixels whose lower bytes differ. An RGBA
    image without a profile is composited onto the background before it is resized: the result is the
    same, and three bands are averaged faster than four.
    """
    converted = _converted(image, key, lower)
    if converted.mode == "RGBA" and not has_profile:
        return _on_background(converted, converted)
    return converted


def _converted(image: Image.Image, key: ColourKey, lower: Image.Image | None) -> Image.Image:
    """Return *image* in a mode of `resizable`, with alpha if it has a colour *key*."""
    if image.mode == "I;16":  # Pillow's own conversion makes all samples above 255 white.
        samples = image.convert("I")
        grey = samples.point([sample >> 8 for sample in _SAMPLES], "L")
        if key is None:
            return grey
        return Image.merge("LA", (grey, samples.point([255 * (s != key) for s in _SAMPLES], "L")))
    if isinstance(key, ColourKey16) and lower is not None:
        from PIL import ImageChops

        image.putalpha(ImageChops.lighter(lower, differing(image, key.upper)))
        return image
    if key is not None:
        image.info["transparency"] = key
        return image.convert("RGBA")
    plain = {"1": "L", "P": "RGB"}.get(image.mode)
    return image.convert(plain) if plain else image


def flat(image: Image.Image, profile: bytes) -> Image.Image:
    """Return *image*, a result of `resizable`, as RGB on the background, without metadata."""
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    plain = image.convert(image.mode.removesuffix("A"))
    return _on_background(_in_srgb(plain, profile), alpha)


def _on_background(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    canvas = Image.new("RGB", image.size, BACKGROUND)
    canvas.paste(image, mask=alpha)
    return canvas


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    if not profile:
        return image.convert("RGB")
    try:
        return _to_srgb(profile, image.mode).apply(image)
    except (MemoryError, ImportError):
        raise
    except Exception:  # noqa: BLE001  # Any error of LittleCMS: the pixels are still valid.
        return image.convert("RGB")


@lru_cache(maxsize=4)  # Pictures of one model of phone have the same profile.
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    from PIL import ImageCms

    embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.buildTransform(embedded, srgb, mode, "RGB")
