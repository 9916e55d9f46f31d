"""Picture files for tests: valid, unusual and malicious ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from thumbnail.picture import SIDE

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 30), (30, 30, 200), (255, 255, 255)
# The corners of an upright picture: any rotation or reflection changes them.
CORNER_COLOURS = {"TL": RED, "TR": GREEN, "BR": BLUE, "BL": WHITE}
# The corners as stored in a file with each EXIF orientation, clockwise from the upper left. Example:
# 6 has "the 0th row at the visual right-hand side, the 0th column at the visual top" (Exif 2.32, 4.6.4).
CORNERS_BY_ORIENTATION = {
    1: "TL TR BR BL",
    2: "TR TL BL BR",
    3: "BR BL TL TR",
    4: "BL BR TR TL",
    5: "TL BL BR TR",
    6: "TR BR BL TL",
    7: "BR TR TL BL",
    8: "BL TL TR BR",
}


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """Return *image* as a file; *options* are those of Pillow."""
    file = io.BytesIO()
    quality = {"quality": 95} if file_format == "JPEG" else {}
    image.save(file, file_format, **quality | options)
    return file.getvalue()


def open_avatar(file: bytes) -> Image.Image:
    """Open an avatar, and check that its format and size are right and that it has no metadata."""
    image = Image.open(io.BytesIO(file))
    image.load()
    assert (image.format, image.size, image.mode) == ("JPEG", (SIDE, SIDE), "RGB")
    assert image.info.keys() == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    return image


def is_close(expected: tuple[int, ...], actual: Any) -> bool:
    """Return whether two colours differ by at most 4 in each channel."""
    return all(abs(a - b) <= 4 for a, b in zip(expected, actual, strict=True))


def has_upright_corners(avatar: Image.Image) -> bool:
    """Return whether each corner has the colour of CORNER_COLOURS."""
    low, high = 64, SIDE - 64
    positions = {"TL": (low, low), "TR": (high, low), "BR": (high, high), "BL": (low, high)}
    return all(
        is_close(CORNER_COLOURS[corner], avatar.getpixel(position))
        for corner, position in positions.items()
    )


def solid_image(
    colour: Any = RED, *, mode: str = "RGB", size: tuple[int, int] = (600, 400)
) -> Image.Image:
    return Image.new(mode, size, colour)


def four_corners(
    corners: str = CORNERS_BY_ORIENTATION[1], size: tuple[int, int] = (800, 600)
) -> Image.Image:
    """Return an image with another colour in each quarter, clockwise from the upper left."""
    width, height = size[0] // 2, size[1] // 2
    image = Image.new("RGB", size)
    for corner, (column, row) in zip(
        corners.split(), ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True
    ):
        left, top = column * width, row * height
        image.paste(CORNER_COLOURS[corner], (left, top, left + width, top + height))
    return image


def exif_data(orientation: int = 1) -> Image.Exif:
    """Return EXIF data with a description and a location, as phones write it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.ImageDescription] = "SECRET"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = b"SECRET"
    return exif


def oriented_photo(orientation: int, file_format: str = "JPEG") -> bytes:
    """Return a picture that is upright only if its EXIF orientation is applied."""
    image = four_corners(CORNERS_BY_ORIENTATION[orientation])
    return encoded(image, file_format, exif=exif_data(orientation))


def jpeg_with_metadata() -> bytes:
    """Return a JPEG with every kind of metadata that can contain personal data."""
    return encoded(
        solid_image(),
        "JPEG",
        exif=exif_data(),
        comment=b"SECRET",
        xmp=b"<x>SECRET</x>",
        dpi=(300, 300),
    )


def png_with_metadata() -> bytes:
    """Return a PNG with every kind of metadata that can contain personal data."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "SECRET")
    text.add_itxt("XML:com.adobe.xmp", "<x>SECRET</x>")
    return encoded(solid_image(), exif=exif_data(), pnginfo=text)


def animation(file_format: str, frames: int = 1000) -> bytes:
    """Return an animation whose first frame is red, and the others blue."""
    small = {"size": (16, 16)}
    later = [solid_image(BLUE, **small).copy() for _ in range(frames - 1)]
    for number, frame in enumerate(later):
        frame.putpixel((number % 16, number // 16 % 16), (number % 256, 0, 0))
    return encoded(solid_image(RED, **small), file_format, save_all=True, append_images=later)


def png_chunk(name: bytes, data: bytes = b"") -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_file(width: int, height: int, depth: int, colour_type: int, *chunks: bytes) -> bytes:
    """Return a PNG of a header, *chunks* and the end chunk; *depth* is in bits per sample."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + b"".join(chunks) + png_chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + body


def blank_png(width: int, height: int, depth: int = 8, colour_type: int = 0) -> bytes:
    """Return a PNG whose samples are all zero, compressed to a thousandth of their size."""
    samples = {0: 1, 2: 3, 6: 4}[colour_type]
    row = bytes(1 + (width * depth * samples + 7) // 8)
    compressor = zlib.compressobj()
    rows = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    return png_file(width, height, depth, colour_type, png_chunk(b"IDAT", rows))


def tiny_png(depth: int, colour_type: int, samples: tuple[int, ...], *chunks: bytes) -> bytes:
    """Return a PNG of 8 by 8 equal pixels; each of their *samples* has *depth* bits."""
    if depth < 8:
        (sample,) = samples
        packed = sum(sample << shift for shift in range(0, 8, depth))
        row = bytes([packed]) * depth
    else:
        row = b"".join(sample.to_bytes(depth // 8, "big") for sample in samples) * 8
    pixels = png_chunk(b"IDAT", zlib.compress((b"\0" + row) * 8))
    return png_file(8, 8, depth, colour_type, *chunks, pixels)


def jpeg_segment(marker: int, data: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg_with_segments(*segments: bytes, before: int = 0xE0) -> bytes:
    """Return a red JPEG with *segments* before its first segment with the marker *before*."""
    file = encoded(solid_image(), "JPEG")
    at = file.index(bytes([0xFF, before]))
    return file[:at] + b"".join(segments) + file[at:]


def png_with_chunks(*chunks: bytes) -> bytes:
    """Return a red PNG with *chunks* before its pixels."""
    return tiny_png(8, 2, RED, *chunks)


def exif_in_many_segments() -> bytes:
    """Return a JPEG whose EXIF data is in 40 full segments and 200,000 of one byte.

    Pillow needs seconds to copy this data.
    """
    file = encoded(solid_image(), "JPEG", exif=exif_data())
    full = jpeg_segment(0xE1, b"Exif\0\0".ljust(65_533, b"x"))
    return file[:2] + full * 40 + jpeg_segment(0xE1, b"Exif\0\0x") * 200_000 + file[2:]


def overlapping_exif_entries() -> bytes:
    """Return EXIF data of 60 kB with 5000 entries, each of which refers to nearly all of it."""
    entries = (struct.pack("<HHII", 300 + tag, 7, 60_000, 8) for tag in range(5000))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 5000) + b"".join(entries)


def xmp_data(orientation: int) -> bytes:
    """Return XMP data with an orientation."""
    return b'<rdf:Description tiff:Orientation="%d"/>' % orientation


def animation_with_small_first_frame() -> bytes:
    """Return a PNG of 40 by 40 pixels whose default image is declared as a frame of 8 by 8."""
    frame = struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 10, 0, 0)
    control = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", frame)
    pixels = zlib.compress((b"\0" + bytes(RED) * 40) * 40)
    return png_file(40, 40, 8, 2, control, png_chunk(b"IDAT", pixels))


def animation_with_transparent_border() -> bytes:
    """Return a WebP of opaque frames that are smaller than the canvas, and so a file without alpha."""
    first, second = (Image.new("RGBA", (40, 40)) for _ in range(2))
    for frame, colour in ((first, RED), (second, BLUE)):
        frame.paste((*colour, 255), (0, 10, 40, 30))
    return encoded(first, "WEBP", save_all=True, append_images=[second], lossless=True)


def progressive_jpeg_with_scans(number: int = 3000) -> bytes:
    """Return a progressive JPEG with *number* copies of its last scan.

    With 36 Mpx a scan of 75 bytes takes 20 ms, so that 5 MB of them take twenty minutes.
    """
    file = encoded(solid_image(), "JPEG", progressive=True, quality=50)
    return file[:-2] + file[file.rindex(b"\xff\xda") : -2] * number + file[-2:]


def baseline_jpeg_with_empty_scans(number: int = 3000) -> bytes:
    """Return a baseline JPEG with *number* scans without data.

    Each has ten bytes, and takes 5 ms with 50 Mpx.
    """
    file = encoded(solid_image(), "JPEG", subsampling=0)
    scans = [
        b"\xff\xda\0\x08\x01" + bytes([component, tables]) + b"\0\x3f\0"
        for component, tables in ((1, 0), (2, 0x11), (3, 0x11))
    ]
    return file[: file.index(b"\xff\xda")] + b"".join(scans) + scans[0] * number + file[-2:]


def baseline_jpeg_with_complete_scans(number: int) -> bytes:
    """Return a baseline JPEG with *number* copies of its only scan; libjpeg reads the first."""
    file = encoded(solid_image(size=(1000, 1000)), "JPEG")
    return file[:-2] + file[file.rindex(b"\xff\xda") : -2] * number + file[-2:]


def webp_with_canvas(width: int, height: int) -> bytes:
    """Return a WebP that declares a canvas of that size, and has a picture of one pixel."""
    body = encoded(solid_image(size=(1, 1)), "WEBP", lossless=True)[12:]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    header = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    frame = bytes(6) + b"\0" * 6 + b"\0" * 4 + body
    frames = b"ANIM" + struct.pack("<I", 6) + bytes(6) + b"ANMF" + struct.pack("<I", len(frame))
    chunks = b"WEBP" + header + frames + frame
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
