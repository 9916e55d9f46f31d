"""Pictures as people, their phones and their attackers upload them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from thumbnail.picture import SIDE

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 180, 30), (30, 30, 200), (255, 255, 255)
# Of an upright picture, clockwise from the upper left: no turn or mirror leaves them as they are.
CORNERS = {"TL": RED, "TR": GREEN, "BR": BLUE, "BL": WHITE}
# What EXIF's orientation says of the corners of the file, clockwise from its upper left: 6 has
# "the 0th row at the visual right-hand side, the 0th column at the visual top" (Exif 2.32, 4.6.4).
STORED = {
    1: "TL TR BR BL",
    2: "TR TL BL BR",
    3: "BR BL TL TR",
    4: "BL BR TR TL",
    5: "TL BL BR TR",
    6: "TR BR BL TL",
    7: "BR TR TL BL",
    8: "BL TL TR BR",
}


def saved(image: Image.Image, form: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **({"quality": 95} if form == "JPEG" else {}) | more)
    return file.getvalue()


def opened(file: bytes) -> Image.Image:
    """A picture as it must be, whatever it was made of: nothing in it but pixels."""
    image = Image.open(io.BytesIO(file))
    image.load()
    assert ("JPEG", (SIDE, SIDE), "RGB") == (image.format, image.size, image.mode)
    assert {"jfif", "jfif_version", "jfif_unit", "jfif_density"} == image.info.keys()
    return image


def plain(
    colour: Any = RED, *, mode: str = "RGB", size: tuple[int, int] = (600, 400)
) -> Image.Image:
    return Image.new(mode, size, colour)


def quarters(corners: str = STORED[1], size: tuple[int, int] = (800, 600)) -> Image.Image:
    """A picture with a colour in each corner."""
    width, height = size[0] // 2, size[1] // 2
    image = Image.new("RGB", size)
    for name, at in zip(corners.split(), ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        place = (at[0] * width, at[1] * height)
        image.paste(CORNERS[name], (*place, place[0] + width, place[1] + height))
    return image


def exif(orientation: int = 1, **tags: Any) -> Image.Exif:
    """With the place it was taken at, as phones write it."""
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = orientation
    made[ExifTags.Base.ImageDescription] = "SECRET"
    made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = b"SECRET"
    return made


def held(orientation: int, form: str = "JPEG") -> bytes:
    """Taken with the camera held so."""
    return saved(quarters(STORED[orientation]), form, exif=exif(orientation))


def telling() -> bytes:
    """A JPEG with everything that could tell of a person but its pixels."""
    return saved(
        plain(), "JPEG", exif=exif(), comment=b"SECRET", xmp=b"<x>SECRET</x>", dpi=(300, 300)
    )


def telling_png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "SECRET")
    text.add_itxt("XML:com.adobe.xmp", "<x>SECRET</x>")
    return saved(plain(), exif=exif(), pnginfo=text)


def frames(form: str, number: int = 1000) -> bytes:
    """Moving: red first, then blue."""
    small = {"size": (16, 16)}
    later = [plain(BLUE, **small).copy() for _ in range(number - 1)]
    for at, frame in enumerate(later):
        frame.putpixel((at % 16, at // 16 % 16), (at % 256, 0, 0))
    return saved(plain(RED, **small), form, save_all=True, append_images=later)


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, *chunks: bytes) -> bytes:
    """A PNG written by hand: its header, what is given, and its end."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND")


def blank(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    """As many pixels as anybody likes, all zero, in a thousandth of their bytes."""
    samples = {0: 1, 2: 3, 6: 4}[colour]
    row = bytes(1 + (width * depth * samples + 7) // 8)
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(width, height, depth, colour, chunk(b"IDAT", packed))


def raw(depth: int, colour: int, samples: tuple[int, ...], *chunks: bytes) -> bytes:
    """Eight by eight pixels of *samples*, each of *depth* bits."""
    if depth < 8:
        (sample,) = samples
        packed = sum(sample << shift for shift in range(0, 8, depth))
        row = bytes([packed]) * depth
    else:
        row = b"".join(sample.to_bytes(depth // 8, "big") for sample in samples) * 8
    return png(8, 8, depth, colour, *chunks, chunk(b"IDAT", zlib.compress((b"\0" + row) * 8)))


def segment(marker: int, data: bytes = b"") -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(*segments: bytes, before: int = 0xE0) -> bytes:
    """A JPEG with *segments* ahead of its first one that has the marker *before*."""
    file = saved(plain(), "JPEG")
    at = file.index(bytes([0xFF, before]))
    return file[:at] + b"".join(segments) + file[at:]


def with_chunks(*chunks: bytes) -> bytes:
    """A red PNG with *chunks* ahead of its pixels."""
    return raw(8, 2, RED, *chunks)


def exif_in_pieces() -> bytes:
    """A JPEG whose EXIF data comes in 40 full segments and 200,000 of a byte: seconds of copying."""
    begun = saved(plain(), "JPEG", exif=exif())
    full = segment(0xE1, b"Exif\0\0".ljust(65_533, b"x"))
    return begun[:2] + full * 40 + segment(0xE1, b"Exif\0\0x") * 200_000 + begun[2:]


def overlapping_exif() -> bytes:
    """EXIF data of 60 kB with 5000 entries, each of which claims nearly all of it."""
    entries = (struct.pack("<HHII", 300 + tag, 7, 60_000, 8) for tag in range(5000))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 5000) + b"".join(entries)


def xmp(orientation: int) -> bytes:
    """XMP as programs write it."""
    return b'<rdf:Description tiff:Orientation="%d"/>' % orientation


def small_first_frame() -> bytes:
    """A moving PNG of 40 by 40, whose frames begin with one of 8 by 8 that is its default image."""
    frame = struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 10, 0, 0)
    moving = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame)
    return png(40, 40, 8, 2, moving, chunk(b"IDAT", zlib.compress((b"\0" + bytes(RED) * 40) * 40)))


def many_scans(number: int = 3000) -> bytes:
    """A progressive JPEG whose last scan comes again and again.

    With 36 Mpx a scan of 75 bytes takes 20 ms, so that 5 MB of them take twenty minutes.
    """
    file = saved(plain(), "JPEG", progressive=True, quality=50)
    return file[:-2] + file[file.rindex(b"\xff\xda") : -2] * number + file[-2:]


def empty_scans(number: int = 3000) -> bytes:
    """A plain JPEG whose scans have no data at all: ten bytes each, and 5 ms with 50 Mpx."""
    file = saved(plain(), "JPEG", subsampling=0)
    scans = [
        b"\xff\xda\0\x08\x01" + bytes([component, tables]) + b"\0\x3f\0"
        for component, tables in ((1, 0), (2, 0x11), (3, 0x11))
    ]
    return file[: file.index(b"\xff\xda")] + b"".join(scans) + scans[0] * number + file[-2:]


def whole_scans(number: int) -> bytes:
    """A plain JPEG of one scan, which comes again and again: libjpeg stops behind the first."""
    file = saved(plain(size=(1000, 1000)), "JPEG")
    return file[:-2] + file[file.rindex(b"\xff\xda") : -2] * number + file[-2:]


def webp_header(width: int, height: int) -> bytes:
    """A WebP that says it has a canvas of that size, and the smallest of pictures."""
    body = saved(plain(size=(1, 1)), "WEBP", lossless=True)[12:]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    frame = bytes(6) + b"\0" * 6 + b"\0" * 4 + body
    moving = b"ANIM" + struct.pack("<I", 6) + bytes(6) + b"ANMF" + struct.pack("<I", len(frame))
    chunks = b"WEBP" + extended + moving + frame
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
