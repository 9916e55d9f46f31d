"""Convert an upload to a square JPEG, or reject it with a reason.

The upload is untrusted: the format is determined from its first bytes, its dimensions are checked
in the header before any pixel is decoded, and only its pixels reach the result.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

# Each format is named, so that Pillow does not load the plugins of fifty others.
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from thumbnail import colours, exif, jpeg, scans
from thumbnail.container import Container, TooManyPartsError

SIDE = 512  # Width and height of the result in pixels.
QUALITY = 85  # JPEG quality of the result, which has about 50 kB.

MAX_SIDE = 16_384  # Pixels; a WebP cannot have more.
MAX_RATIO = 20  # Of the longer side to the shorter one: the avatar shows only the middle square.

_TRANSPOSE = Image.Transpose
_UPRIGHT = {  # By the EXIF orientation; 1 is upright.
    2: _TRANSPOSE.FLIP_LEFT_RIGHT,
    3: _TRANSPOSE.ROTATE_180,
    4: _TRANSPOSE.FLIP_TOP_BOTTOM,
    5: _TRANSPOSE.TRANSPOSE,
    6: _TRANSPOSE.ROTATE_270,
    7: _TRANSPOSE.TRANSVERSE,
    8: _TRANSPOSE.ROTATE_90,
}

_MISSING = {127, 128}  # The samples of missing JPEG pixels; Pillow inverts those of CMYK.
_PADDINGS = (bytes(64), b"\x55" * 64)  # Different bits in place of missing data.

_T = TypeVar("_T")


class Rejected(Exception):  # noqa: N818  # A result rather than an error.
    """The file is not accepted. The reasons are a few fixed texts, so that logs can be counted."""


def _jpeg(file: io.BytesIO) -> ImageFile.ImageFile:
    """Open *file* as a JPEG, even if it contains more pictures.

    Image.open would open such a file as MPO, and fail if its index is invalid, as phones write it.
    """
    return JpegImageFile(file)


def _png(file: io.BytesIO) -> ImageFile.ImageFile:
    from thumbnail.png import InflatedPng

    return InflatedPng(file)


def _webp(file: io.BytesIO) -> ImageFile.ImageFile:
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(file)


def _png_parts(file: bytes) -> Container:
    from thumbnail import png  # Only loaded for PNG: a cold start for a JPEG is faster without it.

    return png.split(file)


def _lower_byte_mask(file: bytes, key: colours.ColourKey) -> Image.Image | None:
    """Return a mask of the pixels whose lower bytes differ from *key*; None without a ColourKey16."""
    if not isinstance(key, colours.ColourKey16):
        return None
    from thumbnail import png

    return colours.differing(png.lower_bytes(file), key.lower)


def _webp_parts(file: bytes) -> Container:
    from thumbnail import webp

    return webp.split(file)


class _Format(NamedTuple):
    """A picture format. Decoding at most *max_pixels* needs less than 450 MB."""

    matches: Callable[[bytes], bool]
    splits: Callable[[bytes], Container]
    opens: Callable[[io.BytesIO], ImageFile.ImageFile]
    max_pixels: int


_FORMATS = (
    # Cameras have up to 50 Mpx. Progressive files need six bytes per pixel, in CMYK eight.
    _Format(lambda file: file.startswith(b"\xff\xd8\xff"), jpeg.split, _jpeg, 50_400_000),
    # Four bytes per pixel, with and without alpha.
    _Format(lambda file: file.startswith(b"\x89PNG\r\n\x1a\n"), _png_parts, _png, 25_000_000),
    # Sixteen to twenty bytes per pixel.
    _Format(
        lambda file: (file[:4], file[8:12]) == (b"RIFF", b"WEBP"), _webp_parts, _webp, 16_800_000
    ),
)


def picture(original: bytes) -> bytes:
    """Return *original* as a JPEG of `SIDE` by `SIDE` pixels. Raises Rejected."""
    file = io.BytesIO()
    file.name = "avatar.jpg"  # Pillow derives the format from the name, and loads no other.
    square(original).save(file, quality=QUALITY, optimize=True)
    return file.getvalue()


def square(original: bytes) -> Image.Image:
    """Return the middle of *original*, upright, in sRGB, and only its pixels. Raises Rejected.

    Pillow's errors for untrusted data are caught until the pixels are decoded. Any other error, in
    the splitting before or the processing after that, is a bug.
    """
    format_, parts = _split(original)
    image = _opened(format_, parts.image)
    if not parts.has_end:
        _refuse_incomplete(parts.image)
    width, height = _reject_on_error(lambda: _scale_down(image))
    colour_key = _reject_on_error(lambda: colours.key_of(image))
    lower = _reject_on_error(lambda: _lower_byte_mask(parts.image, colour_key))
    _reject_on_error(image.load)
    if parts.has_end and _ends_in_grey(image):
        _refuse_incomplete(parts.image)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    small = _reject_on_error(
        lambda: colours.resizable(image, colour_key, lower, has_profile=bool(parts.profile))
    ).resize(
        (SIDE, SIDE),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=2.0,  # Average pixels before resampling: the result looks the same at this size.
    )
    flat = colours.flat(small, parts.profile)
    transposition = _UPRIGHT.get(exif.orientation(parts.exif))
    # Transpose in the last step, because the picture is small then.
    return flat if transposition is None else flat.transpose(transposition)


def _split(original: bytes) -> tuple[_Format, Container]:
    """Return the format and the parts of a file; raise Rejected for a JPEG with too many scans."""
    if not original:
        raise Rejected("empty")
    for format_ in _FORMATS:
        if format_.matches(original):
            break
    else:
        raise Rejected("not a JPEG, PNG or WebP")
    try:
        if format_.opens is _jpeg and scans.too_many(original):
            raise Rejected("too many scans")
        return format_, format_.splits(original)
    except TooManyPartsError:
        raise Rejected("too many parts") from None


def _opened(format_: _Format, content: bytes) -> ImageFile.ImageFile:
    """Open the image and check its header."""
    image = _reject_on_error(lambda: format_.opens(io.BytesIO(content)))
    image.decodermaxblock = len(content)  # Read in one call, because the content is in memory.
    width, height = image.size
    if width * height > format_.max_pixels or max(image.size) > MAX_SIDE:
        raise Rejected("too many pixels")
    if max(image.size) > MAX_RATIO * min(image.size):
        raise Rejected("too narrow")
    return image


def _ends_in_grey(image: Image.Image) -> bool:
    """Return whether *image* is a JPEG whose last pixel is the grey of missing pixels.

    If the data ends early, libjpeg completes the picture with coefficients of zero (decode_mcu in
    jdhuff.c), which are this grey. Only pictures that end in this grey need the comparison of
    `_refuse_incomplete`, which takes time. A progressive JPEG that lacks only finer details has no grey
    pixels, and is accepted, as by browsers.
    """
    last = image.getpixel((image.width - 1, image.height - 1))
    samples = last if isinstance(last, tuple) else (last,)
    return isinstance(image, JpegImageFile) and {*samples} <= _MISSING


def _refuse_incomplete(file: bytes) -> None:
    """Raise Rejected if pixels are missing before the end marker of a JPEG *file*.

    Pillow does not report missing pixels. So the file is decoded twice, with different bits after its
    data: in a complete file these change no pixel. The pixels are compared at the size that is used,
    because a progressive JPEG ends with details that this size does not show.
    """
    end = _reject_on_error(lambda: jpeg.end_of_pixels(file))
    data = file[:end].rstrip(jpeg.END[:1])
    first, second = (
        _reject_on_error(partial(_scaled_pixels, data + padding + jpeg.END))
        for padding in _PADDINGS
    )
    if first != second:
        raise Rejected("damaged")


def _scaled_pixels(file: bytes) -> bytes:
    image = _jpeg(io.BytesIO(file))
    _scale_down(image)
    return image.tobytes()


def _scale_down(image: ImageFile.ImageFile) -> tuple[float, float]:
    """Make the JPEG decoder scale down as far as SIDE allows; return the size in scaled pixels.

    The size can be a fraction, because the last column and row of scaled pixels can extend beyond
    the edge of the picture.
    """
    draft = image.draft(None, (SIDE, SIDE))
    if draft is None:
        return image.size
    _, (_, _, width, height) = draft
    return width, height


def _reject_on_error(decode: Callable[[], _T]) -> _T:
    """Return the result of *decode*, and raise Rejected for any error or warning of Pillow.

    Pillow raises many types of errors for invalid files (SyntaxError, struct.error, ValueError, …).
    A MemoryError is a bug of the function, because the limits above keep pictures small enough.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return decode()
        except MemoryError:
            raise
        except Image.DecompressionBombError as error:  # Pillow's own limit, if it is reached first.
            raise Rejected("too many pixels") from error
        except Exception as error:
            raise Rejected("damaged") from error
