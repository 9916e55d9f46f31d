"""Metadata of a file costs no time, causes no error and changes no pixel."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from tests.lambdas.thumbnail import icc_profiles, pictures
from tests.lambdas.thumbnail.pictures import (
    CORNER_COLOURS,
    RED,
    WHITE,
    encoded,
    exif_data,
    four_corners,
    jpeg_segment,
    jpeg_with_segments,
    open_avatar,
    overlapping_exif_entries,
    png_chunk,
    png_with_chunks,
    solid_image,
    tiny_png,
    xmp_data,
)
from thumbnail import container, jpeg, png, webp
from thumbnail.container import Container, TooManyPartsError
from thumbnail.exif import orientation
from thumbnail.picture import SIDE, Rejected, picture

MANY = container.MAX_PARTS + 1
P3 = icc_profiles.rgb(icc_profiles.P3)
SHOWN = (200, 100, 50)  # of this a profile makes another colour


def middle(file: bytes) -> Any:
    return open_avatar(picture(file)).getpixel((SIDE // 2 - 8, SIDE // 2 - 8))


def near(wanted: tuple[int, ...], found: Any) -> bool:
    return all(abs(a - b) <= 4 for a, b in zip(wanted, found, strict=True))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP made of *chunks*."""
    packed = [struct.pack("<4sI", n, len(d)) + d + b"\0" * (len(d) % 2) for n, d in chunks]
    body = b"WEBP" + b"".join(packed)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A red WebP with *chunks* behind its picture."""
    lossless = encoded(solid_image(size=(8, 8)), "WEBP", lossless=True)
    flags = 0x20 | 0x08 | 0x04
    header = bytes([flags, 0, 0, 0]) + (7).to_bytes(3, "little") * 2
    return riff((b"VP8X", header), (b"VP8L", lossless[20:]), *chunks)


EXPENSIVE = {
    "EXIF data in 200,000 pieces": pictures.exif_in_many_segments,
    "segments of nothing": lambda: jpeg_with_segments(jpeg_segment(0xEF) * 1_000_000),
    "segments of nothing between scans": lambda: (
        pictures.baseline_jpeg_with_empty_scans(2)[:-2]
        + jpeg_segment(0xEF) * 1_000_000
        + b"\xff\xd9"
    ),
    "quantization tables": lambda: jpeg_with_segments(
        jpeg_segment(0xDB, (b"\0" + b"\1" * 64) * 1000) * 70, before=0xDB
    ),
    "empty chunks": lambda: png_with_chunks(png_chunk(b"teXt") * 400_000),
    "empty chunks of pixels": lambda: png_with_chunks(png_chunk(b"IDAT") * 400_000),
    "frames of nothing": lambda: webp_with(*[(b"ANMF", b"")] * 600_000),
    "chunks of nothing": lambda: webp_with(*[(b"XXXX", b"")] * 600_000),
}


@pytest.mark.parametrize("file", [pytest.param(make, id=name) for name, make in EXPENSIVE.items()])
def test_more_parts_than_any_program_writes_are_refused(file: Callable[[], bytes]) -> None:
    """In a moment, where five megabytes of them took seconds or minutes."""
    content = file()
    begun = time.process_time()

    with pytest.raises(Rejected, match="too many parts"):
        picture(content)

    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(
            lambda: jpeg_with_segments(jpeg_segment(0xE1, b"x" * 65_533) * 400), id="JPEG"
        ),
        pytest.param(
            lambda: png_with_chunks(*[png_chunk(b"tEXt", b"k\0v" * 500)] * 20_000), id="PNG"
        ),
        pytest.param(lambda: pictures.animation("WEBP"), id="WebP"),
    ],
)
def test_as_many_as_programs_write_are_taken(file: Callable[[], bytes]) -> None:
    """25 MB of full segments or of texts, and a thousand frames."""
    assert near(RED, middle(file()))


def test_a_picture_may_come_in_small_chunks() -> None:
    """Of 512 bytes each."""
    stream = zlib.compress((b"\0" + bytes(RED) * 3000) * 3000, 0)[:-4]
    chunks = (png_chunk(b"IDAT", stream[at : at + 1024]) for at in range(0, len(stream), 1024))

    assert near(RED, middle(pictures.png_file(3000, 3000, 8, 2, *chunks)))


def told(key: str, value: str = "x") -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text(key, value)
    return encoded(solid_image(), pnginfo=info)


def wrong_checksum(name: bytes, data: bytes) -> bytes:
    return png_chunk(name, data)[:-1] + b"?"


BESIDE = {
    **{
        f"a text named {key}": told(key)
        for key in ("icc_profile", "transparency", "interlace", "gamma", "exif", "bbox")
    },
    "a raw profile that is none": told("Raw profile type exif", "\n\n\n\nnot hex"),
    "a text of 2 MB": png_with_chunks(png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2 << 20)))),
    "texts of 100 MB": png_with_chunks(
        png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000))) * 100
    ),
    "a text in an unknown compression": png_with_chunks(png_chunk(b"zTXt", b"k\0\7data")),
    **{
        f"a wrong checksum of {name.decode()}": png_with_chunks(wrong_checksum(name, data))
        for name, data in {
            b"tEXt": b"k\0v",
            b"gAMA": bytes(4),
            b"pHYs": bytes(9),
            b"iCCP": b"n\0\0" + zlib.compress(b"broken"),
            b"prVt": b"",
        }.items()
    },
    **{
        f"a short {name.decode()}": png_with_chunks(png_chunk(name, b"\0"))
        for name in (b"gAMA", b"cHRM", b"tRNS", b"sRGB", b"pHYs", b"iCCP", b"acTL", b"fcTL", b"eXIf")
    },
    **{
        f"an empty {name.decode()}": png_with_chunks(png_chunk(name))
        for name in (b"gAMA", b"cHRM", b"tRNS", b"sRGB", b"pHYs", b"iCCP", b"acTL", b"fcTL", b"eXIf")
    },
    "a long tRNS": png_with_chunks(png_chunk(b"tRNS", bytes(8))),
    "a tRNS behind the pixels": tiny_png(8, 2, RED)[:-12]
    + png_chunk(b"tRNS", struct.pack(">3H", *RED))
    + png_chunk(b"IEND"),
    "a profile in an unknown compression": png_with_chunks(png_chunk(b"iCCP", b"n\0\1" + zlib.compress(P3))),
    "a profile that is cut off": png_with_chunks(png_chunk(b"iCCP", b"n\0\0" + zlib.compress(P3)[:99])),
    "an animation of no frames": png_with_chunks(png_chunk(b"acTL", bytes(8))),
    "frames out of order": png_with_chunks(png_chunk(b"acTL", b"\0\0\0\1" * 2), png_chunk(b"fcTL", b"\1" * 26)),
    "a chunk whose name is none": png_with_chunks(png_chunk(b"\0\xff!?")),
    "half a chunk behind": tiny_png(8, 2, RED)[:-12] + png_chunk(b"tEXt", b"k\0value")[:-9],
    "EXIF data whose entries overlap": jpeg_with_segments(
        jpeg_segment(0xE1, b"Exif\0\0" + overlapping_exif_entries())
    ),
    "the same of ten megabytes": png_with_chunks(png_chunk(b"eXIf", overlapping_exif_entries().ljust(10 << 20))),
    "an empty APP0": jpeg_with_segments(jpeg_segment(0xE0)),
    "half a Photoshop block": jpeg_with_segments(jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\4")),
    "an APP14 that is too short": jpeg_with_segments(jpeg_segment(0xEE, b"Adob")),
    "part of a profile": jpeg_with_segments(jpeg_segment(0xE2, b"ICC_PROFILE\0\1\3" + P3)),
    "an empty part of a profile": jpeg_with_segments(jpeg_segment(0xE2, b"ICC_PROFILE\0")),
    "filling between segments": jpeg_with_segments(b"\xff" * 100 + jpeg_segment(0xFE) + bytes(100)),
    "a profile of a WebP that is none": webp_with((b"ICCP", b"none")),
    "EXIF data of a WebP that is none": webp_with((b"EXIF", b"none"), (b"XMP ", b"<")),
    "unknown chunks of a WebP": webp_with((b"\0\0\0\0", b"odd"), (b"odd!", b"x")),
}  # fmt: skip


@pytest.mark.parametrize("file", [pytest.param(file, id=name) for name, file in BESIDE.items()])
def test_what_is_beside_the_pixels_is_ignored(file: bytes) -> None:
    """However odd it is."""
    assert near(RED, middle(file))


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE"])
def test_a_wrong_checksum_counts_where_the_pixels_depend_on_it(name: bytes) -> None:
    """As browsers refuse it."""
    file = tiny_png(8, 3, (0,), png_chunk(b"PLTE", bytes(RED)))
    at = file.index(name)
    broken = file[: at + 4] + bytes([file[at + 4] ^ 1]) + file[at + 5 :]

    with pytest.raises(Rejected, match="damaged"):
        picture(broken)


def test_a_moving_png_is_its_default_image() -> None:
    """Also if its first frame is smaller: the area around it was black."""
    image = open_avatar(picture(pictures.animation_with_small_first_frame()))

    assert all(near(RED, image.getpixel(at)) for at in [(20, 20), (490, 20), (490, 490)])


def upright(file: bytes) -> bool:
    image, low, high = open_avatar(picture(file)), 64, SIDE - 64
    places = {"TL": (low, low), "TR": (high, low), "BR": (high, high), "BL": (low, high)}
    return all(near(CORNER_COLOURS[name], image.getpixel(at)) for name, at in places.items())


def described(form: str) -> bytes:
    if form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp_data(6).decode())
        return encoded(four_corners(), pnginfo=info)
    return encoded(four_corners(), form, xmp=xmp_data(6))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_xmp_turns_nothing(form: str) -> None:
    """Nor does it in a browser: it is EXIF data that counts."""
    assert upright(described(form))


def test_a_text_that_says_to_be_exif_data_turns_nothing() -> None:
    """Nor does it in a browser."""
    packed = exif_data(6).tobytes()
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(packed)}\n{packed.hex()}")
    info.add_text("exif", packed)

    assert upright(encoded(four_corners(), pnginfo=info))


def test_the_first_exif_data_count() -> None:
    """As in a browser."""
    held = pictures.oriented_photo(6)
    later = jpeg_segment(0xE1, exif_data(3).tobytes())
    at = held.index(b"\xff\xdb")

    assert upright(held[:at] + later + held[at:])


def tiff(order: str, *entries: tuple[int, int, int, int], start: int = 8) -> bytes:
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    head = mark + struct.pack(f"{order}I", start) + struct.pack(f"{order}H", len(entries))
    packed = [struct.pack(f"{order}HHIHxx", *entry) for entry in entries]
    return head + b"".join(packed) + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation(order: str, value: int) -> None:
    """In both orders of bytes, behind other entries."""
    assert value == orientation(tiff(order, (0x10E, 2, 1, 65), (0x112, 3, 1, value)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II*\0",
        b"JJ*\0" + tiff("<", (0x112, 3, 1, 6))[4:],
        tiff("<"),
        tiff("<", (0x112, 3, 1, 0)),
        tiff("<", (0x112, 3, 1, 9)),
        tiff("<", (0x112, 3, 2, 6)),
        tiff("<", (0x112, 4, 1, 6)),
        tiff("<", (0x10E, 3, 1, 6)),
        tiff("<", (0x112, 3, 1, 6), start=2**32 - 1),
        tiff("<", (0x112, 3, 1, 6))[:15],
    ],
    ids=bytes.hex,
)
def test_no_orientation(data: bytes) -> None:
    """A malformed orientation is ignored."""
    assert 1 == orientation(data)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"MM\0*" + data))
def test_any_exif_data(data: bytes) -> None:
    assert orientation(data) in range(1, 9)


def test_orientation_is_all_that_is_read_of_exif_data() -> None:
    """60 kB of entries that all point at the same data would be 300 MB."""
    begun = time.process_time()

    assert 1 == orientation(overlapping_exif_entries())

    assert time.process_time() - begun < 0.1


KEY = (0x1234, 0x5678, 0x9ABC)


@pytest.mark.parametrize(
    ("samples", "seen"),
    [
        (KEY, WHITE),
        ((0x1235, 0x5678, 0x9ABC), (0x12, 0x56, 0x9A)),
        ((0x1234, 0x5679, 0x9ABC), (0x12, 0x56, 0x9A)),
        ((0x1234, 0x5678, 0x9ABD), (0x12, 0x56, 0x9A)),
        ((0x1334, 0x5678, 0x9ABC), (0x13, 0x56, 0x9A)),
    ],
)
def test_a_transparent_colour_of_16_bits_is_compared_whole(
    samples: tuple[int, ...], seen: tuple[int, ...]
) -> None:
    """Not by its upper bytes alone."""
    assert near(
        seen, middle(tiny_png(16, 2, samples, png_chunk(b"tRNS", struct.pack(">3H", *KEY))))
    )


def part(number: int, count: int, data: bytes) -> bytes:
    return jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + data)


FIRST, SECOND = part(1, 2, P3[:100]), part(2, 2, P3[100:])
AROUND = {
    "in one": ([part(1, 1, P3)], []),
    "in two": ([FIRST, SECOND], []),
    "in the other order": ([SECOND, FIRST], []),
    "around the frame header": ([FIRST], [SECOND]),
    "behind the frame header": ([], [FIRST, SECOND]),
    "twice": ([part(1, 1, P3)] * 2, []),
    "twice, around the frame header": ([part(1, 1, P3)], [part(1, 1, P3)]),
    "twice in two": ([FIRST, SECOND] * 2, []),
    "counted from nought": ([part(0, 2, P3[:100]), part(1, 2, P3[100:])], []),
}


@pytest.mark.parametrize(("before", "behind"), AROUND.values(), ids=AROUND)
def test_a_profile_counts_however_it_is_split(before: list[bytes], behind: list[bytes]) -> None:
    """In any order, on both sides of the frame header, and more than once."""
    file = encoded(solid_image(SHOWN), "JPEG")
    frame, scan = file.index(b"\xff\xc0"), file.index(b"\xff\xda")
    pieces = (file[:frame], *before, file[frame:scan], *behind, file[scan:])

    assert near(icc_profiles.srgb_of(SHOWN, icc_profiles.P3), middle(b"".join(pieces)))


@pytest.mark.parametrize(
    "parts",
    [[FIRST], [SECOND], [FIRST, part(2, 3, P3[100:])], [part(1, 0, P3)], [part(2, 1, P3), FIRST]],
)
def test_a_profile_of_which_a_part_is_missing_is_none(parts: list[bytes]) -> None:
    assert b"" == jpeg.split(jpeg_with_segments(*parts)).profile


@pytest.mark.parametrize(
    "file",
    [
        encoded(solid_image(SHOWN), icc_profile=P3),
        encoded(solid_image(SHOWN), "WEBP", icc_profile=P3, lossless=True),
        encoded(solid_image(SHOWN, mode="RGB"), "JPEG", icc_profile=P3),
    ],
    ids=["PNG", "WebP", "JPEG"],
)
def test_only_pixels_are_left(file: bytes) -> None:
    """The decoder gets a file of the same format and pixels, without metadata."""
    split = {b"\x89": png.split, b"R": webp.split, b"\xff": jpeg.split}[file[:1]]

    parts = split(file)

    assert P3 == parts.profile
    assert P3[:50] not in parts.image
    given, left = Image.open(io.BytesIO(file)), Image.open(io.BytesIO(parts.image))
    assert given.tobytes() == left.tobytes()
    assert not {"icc_profile", "exif", "xmp"} & left.info.keys()


SPLITS = (jpeg.split, png.split, webp.split)
BASES = [
    pictures.oriented_photo(6),
    pictures.png_with_metadata(),
    encoded(solid_image(), "WEBP", exif=exif_data(6), icc_profile=P3),
    pictures.animation("WEBP", 3),
    tiny_png(8, 3, (0,), png_chunk(b"PLTE", bytes(RED)), png_chunk(b"tRNS", b"\0")),
]


@given(data=st.data(), base=st.sampled_from(BASES), split=st.sampled_from(SPLITS))
@settings(deadline=None, max_examples=300)
def test_splitting_never_raises_for_what_a_file_says(
    data: st.DataObject, base: bytes, split: Callable[[bytes], Container]
) -> None:
    """It is outside of what is refused as damaged: an error there is a bug."""
    file = bytearray(base)
    for at, by in data.draw(st.lists(st.tuples(st.integers(12, 400), st.binary(max_size=4)))):
        file[at : at + len(by)] = by
    cut = data.draw(st.integers(12, len(file)))

    try:
        parts = split(bytes(file[:cut]))
    except TooManyPartsError:
        return
    assert len(parts.image) <= len(file) + 100
