"""Makes the square picture that everyone sees out of what a person uploaded, or says why not.

Pure: bytes in, bytes out. What comes in is from a stranger, so nothing it says is believed: the
format is that of its first bytes, its size is judged from the header before any pixel is decoded,
and nothing but its pixels reaches the result.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import NamedTuple, TypeVar

# Each format is named, so that Pillow does not load the plugins of fifty others.
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from thumbnail import colours, exif, jpeg, scans
from thumbnail.container import Container, TooManyPartsError

SIDE = 512  # pixels of the result, both ways
QUALITY = 85  # of its JPEG: about 50 kB

MAX_SIDE = 16_384  # pixels: more than a WebP can have
MAX_RATIO = 20  # of the longer side to the shorter: nobody is seen in the middle of a strip

_TURN = Image.Transpose
_UPRIGHT = {  # by EXIF's orientation; 1 is upright
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}

_T = TypeVar("_T")


class Rejected(Exception):  # noqa: N818  # it is an answer more than an error
    """No picture, however often it is tried. The reasons are few, so that they can be counted."""


def _jpeg(file: io.BytesIO) -> ImageFile.ImageFile:
    """Not by Image.open: that makes a format of its own of one that carries a second picture (MPO).

    And it minds when the list of those is broken, as phones write it. Here it is just a JPEG.
    """
    return JpegImageFile(file)


def _png(file: io.BytesIO) -> ImageFile.ImageFile:
    from thumbnail.png import InflatedPng

    return InflatedPng(file)


def _webp(file: io.BytesIO) -> ImageFile.ImageFile:
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(file)


def _png_parts(file: bytes) -> Container:
    from thumbnail import png  # What JPEGs do without is loaded when it is needed.

    return png.split(file)


def _lower_bytes_differ(file: bytes, key: colours.ColourKey) -> Image.Image | None:
    """Return a mask of the pixels whose lower bytes differ from *key*; None without a WideKey."""
    if not isinstance(key, colours.WideKey):
        return None
    from thumbnail import png

    return colours.differing(png.lower_bytes(file), key.lower)


def _webp_parts(file: bytes) -> Container:
    from thumbnail import webp

    return webp.split(file)


class _Format(NamedTuple):
    """What is opened, and the most *pixels* it may have, so that it needs less than 450 MB."""

    matches: Callable[[bytes], bool]
    splits: Callable[[bytes], Container]
    opens: Callable[[io.BytesIO], ImageFile.ImageFile]
    pixels: int


_FORMATS = (
    # Cameras have up to 50 Mpx. Six bytes a pixel if it is progressive, eight if that is CMYK.
    _Format(lambda file: file.startswith(b"\xff\xd8\xff"), jpeg.split, _jpeg, 50_400_000),
    # Four bytes a pixel, and as many if it has alpha.
    _Format(lambda file: file.startswith(b"\x89PNG\r\n\x1a\n"), _png_parts, _png, 25_000_000),
    # Sixteen to twenty bytes a pixel.
    _Format(
        lambda file: (file[:4], file[8:12]) == (b"RIFF", b"WEBP"), _webp_parts, _webp, 16_800_000
    ),
)


def picture(original: bytes) -> bytes:
    """*original* as a JPEG of `SIDE` by `SIDE` pixels. Raises Rejected."""
    file = io.BytesIO()
    file.name = "avatar.jpg"  # By this name Pillow finds the format and loads no other.
    square(original).save(file, quality=QUALITY, optimize=True)
    return file.getvalue()


def square(original: bytes) -> Image.Image:
    """Return the middle of *original*, upright, in sRGB, and only its pixels. Raises Rejected.

    Pillow's errors for untrusted data are caught until the pixels are decoded. Any other error, in
    the splitting before or the processing after that, is a bug.
    """
    known, parts = _split(original)
    image = _opened(known, parts.image)
    width, height = _untrusted(lambda: _shrunk(image))
    colour_key = _untrusted(lambda: colours.key_of(image))
    lower = _untrusted(lambda: _lower_bytes_differ(parts.image, colour_key))
    _untrusted(image.load)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    small = _untrusted(
        lambda: colours.resizable(image, colour_key, lower, has_profile=bool(parts.profile))
    ).resize(
        (SIDE, SIDE),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=2.0,  # What the decoder could not skip is averaged first, unseen at this size.
    )
    flat = colours.flat(small, parts.profile)
    turn = _UPRIGHT.get(exif.orientation(parts.exif))
    return flat if turn is None else flat.transpose(turn)  # Last: what is turned is small by now.


def _split(original: bytes) -> tuple[_Format, Container]:
    """Return the format and the parts of a file; raise Rejected for a JPEG with too many scans."""
    if not original:
        raise Rejected("empty")
    for known in _FORMATS:
        if known.matches(original):
            break
    else:
        raise Rejected("not a JPEG, PNG or WebP")
    try:
        if known.opens is _jpeg and scans.too_many(original):
            raise Rejected("too many scans")
        return known, known.splits(original)
    except TooManyPartsError:
        raise Rejected("too many parts") from None


def _opened(known: _Format, content: bytes) -> ImageFile.ImageFile:
    """Open the image and check its header."""
    image = _untrusted(lambda: known.opens(io.BytesIO(content)))
    image.decodermaxblock = len(content)  # Read at once: it is in memory.
    width, height = image.size
    if width * height > known.pixels or max(image.size) > MAX_SIDE:
        raise Rejected("too many pixels")
    if max(image.size) > MAX_RATIO * min(image.size):
        raise Rejected("too narrow")
    return image


def _shrunk(image: ImageFile.ImageFile) -> tuple[float, float]:
    """Let JPEG decode just as much as is needed; the size it then has, in its own pixels.

    It has whole pixels, but the picture ends within the last: a part of it is beyond the edge.
    """
    drafted = image.draft(None, (SIDE, SIDE))
    if drafted is None:
        return image.size
    _, (_, _, width, height) = drafted
    return width, height


def _untrusted(decode: Callable[[], _T]) -> _T:
    """What Pillow makes of a stranger's bytes: whatever it raises, or warns of, is their fault.

    It raises nearly anything (SyntaxError, struct.error, ValueError, …). Not so MemoryError: what
    got as far as this fits in, so that is ours.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return decode()
        except MemoryError:
            raise
        except Image.DecompressionBombError as error:  # Pillow's own cap, where it comes first.
            raise Rejected("too many pixels") from error
        except Exception as error:
            raise Rejected("damaged") from error
