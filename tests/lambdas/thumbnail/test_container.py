"""Metadata is skipped, causes no error and changes no pixel; only pixels are decoded."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from tests.lambdas.thumbnail import icc_profiles, pictures
from tests.lambdas.thumbnail.pictures import (
    RED,
    WHITE,
    encoded,
    exif_data,
    is_close,
    jpeg_segment,
    jpeg_with_segments,
    open_avatar,
    overlapping_exif_entries,
    png_chunk,
    png_with_chunks,
    solid_image,
    tiny_png,
)
from thumbnail import container, jpeg, png, scans, webp
from thumbnail.container import Container, TooManyPartsError
from thumbnail.picture import SIDE, Rejected, picture

P3 = icc_profiles.rgb(icc_profiles.P3)
COLOUR = (200, 100, 50)  # A profile changes it.


def centre_colour(file: bytes) -> Any:
    """Return the colour of the avatar of *file* near its centre."""
    return open_avatar(picture(file)).getpixel((SIDE // 2 - 8, SIDE // 2 - 8))


def webp_file(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP file of *chunks*, given by name and data."""
    packed = [
        struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    ]
    body = b"WEBP" + b"".join(packed)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_with_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a red WebP with *chunks* after its picture."""
    lossless = encoded(solid_image(size=(8, 8)), "WEBP", lossless=True)
    flags = 0x20 | 0x08 | 0x04
    header = bytes([flags, 0, 0, 0]) + (7).to_bytes(3, "little") * 2
    return webp_file((b"VP8X", header), (b"VP8L", lossless[20:]), *chunks)


def test_limits() -> None:
    """The limits are far above the files that cameras and programs write."""
    assert (container.MAX_PARTS, container.MAX_PROFILE) == (50_000, 4 << 20)
    assert (jpeg.MAX_SEGMENTS, jpeg.MAX_TABLES) == (2000, 64 << 10)


TOO_MANY_PARTS = {
    "EXIF data in 200,000 segments": pictures.exif_in_many_segments,
    "empty segments": lambda: jpeg_with_segments(jpeg_segment(0xEF) * 1_000_000),
    "empty segments between scans": lambda: (
        pictures.baseline_jpeg_with_empty_scans(2)[:-2]
        + jpeg_segment(0xEF) * 1_000_000
        + b"\xff\xd9"
    ),
    "quantization tables": lambda: jpeg_with_segments(
        jpeg_segment(0xDB, (b"\0" + b"\1" * 64) * 1000) * 70, before=0xDB
    ),
    "empty chunks": lambda: png_with_chunks(png_chunk(b"teXt") * 400_000),
    "empty IDAT chunks": lambda: png_with_chunks(png_chunk(b"IDAT") * 400_000),
    "empty frames": lambda: webp_with_chunks(*[(b"ANMF", b"")] * 600_000),
    "empty WebP chunks": lambda: webp_with_chunks(*[(b"XXXX", b"")] * 600_000),
}


def count_parts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return the number of segments and chunks that were read until now, by module."""
    counts: Counter[str] = Counter()

    def count(module: ModuleType, name: str) -> None:
        parts = getattr(module, name)

        def counted(file: bytes) -> Iterator[Any]:
            for part in parts(file):
                counts[module.__name__] += 1
                yield part

        monkeypatch.setattr(module, name, counted)

    for module, name in (
        (scans, "segments"),
        (jpeg, "segments"),
        (png, "_chunks"),
        (webp, "_chunks"),
    ):
        count(module, name)
    return counts


LIMITS = {
    "thumbnail.scans": jpeg.MAX_SEGMENTS + 1,
    "thumbnail.jpeg": jpeg.MAX_SEGMENTS + 1,
    "thumbnail.png": container.MAX_PARTS,
    "thumbnail.webp": container.MAX_PARTS,
}


@pytest.mark.parametrize(
    "file", [pytest.param(create, id=name) for name, create in TOO_MANY_PARTS.items()]
)
def test_too_many_parts_are_rejected(
    file: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with more parts than any program writes is rejected, and none is read beyond the limit."""
    counts = count_parts(monkeypatch)

    with pytest.raises(Rejected, match="too many parts"):
        picture(file())

    assert counts.total() > 0
    assert {module: count for module, count in counts.items() if count > LIMITS[module]} == {}


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
def test_many_parts_are_accepted(file: Callable[[], bytes]) -> None:
    """25 MB of full segments or of texts, and a thousand frames, are as much as programs write."""
    assert is_close(RED, centre_colour(file()))


def test_small_pixel_chunks_are_accepted() -> None:
    """A PNG of 27 MB in chunks of 1024 bytes is converted."""
    stream = zlib.compress((b"\0" + bytes(RED) * 3000) * 3000, 0)[:-4]
    chunks = (png_chunk(b"IDAT", stream[at : at + 1024]) for at in range(0, len(stream), 1024))

    assert is_close(RED, centre_colour(pictures.png_file(3000, 3000, 8, 2, *chunks)))


def png_with_text(key: str, value: str = "x") -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text(key, value)
    return encoded(solid_image(), pnginfo=info)


def chunk_with_wrong_checksum(name: bytes, data: bytes) -> bytes:
    return png_chunk(name, data)[:-1] + b"?"


METADATA = {
    **{
        f"a text named {key}": png_with_text(key)
        for key in ("icc_profile", "transparency", "interlace", "gamma", "exif", "bbox")
    },
    "an invalid raw profile": png_with_text("Raw profile type exif", "\n\n\n\nnot hex"),
    "a text of 2 MB": png_with_chunks(png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2 << 20)))),
    "texts of 100 MB": png_with_chunks(
        png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000))) * 100
    ),
    "a text in an unknown compression method": png_with_chunks(png_chunk(b"zTXt", b"k\0\7data")),
    **{
        f"a wrong checksum of {name.decode()}": png_with_chunks(chunk_with_wrong_checksum(name, data))
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
    "a tRNS after the pixels": tiny_png(8, 2, RED)[:-12]
    + png_chunk(b"tRNS", struct.pack(">3H", *RED))
    + png_chunk(b"IEND"),
    "a profile in an unknown compression method": png_with_chunks(png_chunk(b"iCCP", b"n\0\1" + zlib.compress(P3))),
    "an incomplete profile": png_with_chunks(png_chunk(b"iCCP", b"n\0\0" + zlib.compress(P3)[:99])),
    "an animation without frames": png_with_chunks(png_chunk(b"acTL", bytes(8))),
    "frames out of order": png_with_chunks(png_chunk(b"acTL", b"\0\0\0\1" * 2), png_chunk(b"fcTL", b"\1" * 26)),
    "a chunk with an invalid name": png_with_chunks(png_chunk(b"\0\xff!?")),
    "half a chunk at the end": tiny_png(8, 2, RED)[:-12] + png_chunk(b"tEXt", b"k\0value")[:-9],
    "overlapping EXIF entries": jpeg_with_segments(
        jpeg_segment(0xE1, b"Exif\0\0" + overlapping_exif_entries())
    ),
    "overlapping EXIF entries in ten megabytes": png_with_chunks(png_chunk(b"eXIf", overlapping_exif_entries().ljust(10 << 20))),
    "an empty APP0": jpeg_with_segments(jpeg_segment(0xE0)),
    "half a Photoshop block": jpeg_with_segments(jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\4")),
    "a short APP14": jpeg_with_segments(jpeg_segment(0xEE, b"Adob")),
    "part of a profile": jpeg_with_segments(jpeg_segment(0xE2, b"ICC_PROFILE\0\1\3" + P3)),
    "an empty part of a profile": jpeg_with_segments(jpeg_segment(0xE2, b"ICC_PROFILE\0")),
    "padding between segments": jpeg_with_segments(b"\xff" * 100 + jpeg_segment(0xFE) + bytes(100)),
    "an invalid profile of a WebP": webp_with_chunks((b"ICCP", b"none")),
    "invalid EXIF data of a WebP": webp_with_chunks((b"EXIF", b"none"), (b"XMP ", b"<")),
    "unknown chunks of a WebP": webp_with_chunks((b"\0\0\0\0", b"odd"), (b"odd!", b"x")),
}  # fmt: skip


@pytest.mark.parametrize("file", [pytest.param(file, id=name) for name, file in METADATA.items()])
def test_metadata_is_ignored(file: bytes) -> None:
    """The picture is converted even if its metadata is invalid."""
    assert is_close(RED, centre_colour(file))


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE"])
def test_checksums_of_needed_chunks_are_checked(name: bytes) -> None:
    """A wrong checksum of the header or the palette rejects the picture, as in browsers."""
    file = tiny_png(8, 3, (0,), png_chunk(b"PLTE", bytes(RED)))
    at = file.index(name)
    broken = file[: at + 4] + bytes([file[at + 4] ^ 1]) + file[at + 5 :]

    with pytest.raises(Rejected, match="damaged"):
        picture(broken)


def test_a_missing_palette_is_not_invented() -> None:
    """A picture of colour numbers without a palette is rejected, as in browsers."""
    with pytest.raises(Rejected, match="damaged"):
        picture(tiny_png(8, 3, (0,)))


@pytest.mark.parametrize("palette", [b"", b"\x10", bytes(5), bytes(257 * 3)])
def test_an_invalid_palette_is_not_completed(palette: bytes) -> None:
    """A palette without colours, with a part of a colour, or with too many is like a missing one."""
    with pytest.raises(Rejected, match="damaged"):
        picture(tiny_png(8, 3, (0,), png_chunk(b"PLTE", palette)))


def test_the_last_padding_of_a_webp_may_be_missing() -> None:
    """A chunk of odd length at the end of a file is complete without its byte of padding."""
    files = (
        encoded(Image.new("RGB", (size, size), RED), "WEBP", lossless=True)
        for size in range(8, 200)
    )
    odd = next(file for file in files if struct.unpack_from("<I", file, 16)[0] % 2)

    assert picture(odd[:-1]) == picture(odd)


def test_an_animated_png_is_its_default_image() -> None:
    """All pixels are converted, even if the first frame is declared smaller."""
    avatar = open_avatar(picture(pictures.animation_with_small_first_frame()))

    assert all(is_close(RED, avatar.getpixel(at)) for at in [(20, 20), (490, 20), (490, 490)])


def test_an_animated_webp_is_transparent_around_its_first_frame() -> None:
    """Pixels outside of a small first frame become white, as in browsers, not black."""
    avatar = open_avatar(picture(pictures.animation_with_transparent_border()))

    assert is_close(RED, avatar.getpixel((256, 256)))
    assert all(is_close(WHITE, avatar.getpixel(at)) for at in [(256, 20), (256, 490)])


KEY = (0x1234, 0x5678, 0x9ABC)


@pytest.mark.parametrize(
    ("samples", "colour"),
    [
        (KEY, WHITE),
        ((0x1235, 0x5678, 0x9ABC), (0x12, 0x56, 0x9A)),
        ((0x1234, 0x5679, 0x9ABC), (0x12, 0x56, 0x9A)),
        ((0x1234, 0x5678, 0x9ABD), (0x12, 0x56, 0x9A)),
        ((0x1334, 0x5678, 0x9ABC), (0x13, 0x56, 0x9A)),
    ],
)
def test_a_transparent_colour_of_16_bits_is_compared_completely(
    samples: tuple[int, ...], colour: tuple[int, ...]
) -> None:
    """A pixel whose lower bytes differ from the transparent colour is visible."""
    assert is_close(
        colour,
        centre_colour(tiny_png(16, 2, samples, png_chunk(b"tRNS", struct.pack(">3H", *KEY)))),
    )


@pytest.mark.parametrize(
    "file",
    [
        encoded(solid_image(COLOUR), icc_profile=P3),
        encoded(solid_image(COLOUR), "WEBP", icc_profile=P3, lossless=True),
        encoded(solid_image(COLOUR, mode="RGB"), "JPEG", icc_profile=P3),
    ],
    ids=["PNG", "WebP", "JPEG"],
)
def test_the_decoder_gets_only_pixels(file: bytes) -> None:
    """The decoder gets a file of the same format, with the pixels but without the metadata."""
    split = {b"\x89": png.split, b"R": webp.split, b"\xff": jpeg.split}[file[:1]]

    parts = split(file)

    assert parts.profile == P3
    assert P3[:50] not in parts.image
    original, reduced = Image.open(io.BytesIO(file)), Image.open(io.BytesIO(parts.image))
    assert reduced.tobytes() == original.tobytes()
    assert not {"icc_profile", "exif", "xmp"} & reduced.info.keys()


SPLITS = (jpeg.split, png.split, webp.split)
VALID_FILES = [
    pictures.oriented_photo(6),
    pictures.png_with_metadata(),
    encoded(solid_image(), "WEBP", exif=exif_data(6), icc_profile=P3),
    pictures.animation("WEBP", 3),
    tiny_png(8, 3, (0,), png_chunk(b"PLTE", bytes(RED)), png_chunk(b"tRNS", b"\0")),
]


@given(data=st.data(), valid=st.sampled_from(VALID_FILES), split=st.sampled_from(SPLITS))
@settings(max_examples=300)
def test_splitting_never_raises_for_the_contents_of_a_file(
    data: st.DataObject, valid: bytes, split: Callable[[bytes], Container]
) -> None:
    """A damaged file raises no error except TooManyPartsError: any other one is treated as a bug."""
    file = bytearray(valid)
    edits = st.tuples(st.integers(12, 400), st.binary(max_size=4))
    for at, replacement in data.draw(st.lists(edits)):
        file[at : at + len(replacement)] = replacement
    end = data.draw(st.integers(12, len(file)))

    try:
        parts = split(bytes(file[:end]))
    except TooManyPartsError:
        return
    assert len(parts.image) <= len(file) + 100
