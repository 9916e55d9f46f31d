"""What is uploaded becomes the picture everyone sees, or is refused: cases A17 to A51."""

from __future__ import annotations

import importlib.metadata
import io
import json
import logging
import random
import re
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFile, ImageStat
from PIL.PngImagePlugin import PngImageFile

from shared.avatars import avatar_id, avatar_key, upload_key
from tests.emulator_server import Aws
from tests.lambdas.thumbnail import icc_profiles, pictures
from tests.lambdas.thumbnail.fake_s3 import Call, FakeS3, Object, error, once, response
from tests.lambdas.thumbnail.pictures import (
    BLUE,
    CORNER_COLOURS,
    CORNERS_BY_ORIENTATION,
    RED,
    WHITE,
    encoded,
    open_avatar,
    oriented_photo,
    solid_image,
)
from thumbnail import handler, scans, store
from thumbnail.picture import SIDE, Rejected, picture

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
ACCOUNT, UPLOADS, AVATARS = "111122223333", "the-uploads", "the-avatars"
LIMIT = 5_000_000
ADA, BOB = avatar_id("ada"), avatar_id("bob")
CONTEXT = SimpleNamespace(
    invoked_function_arn=f"arn:aws:lambda:ca-central-1:{ACCOUNT}:function:thumbnail"
)
FOREIGN, DAMAGED, MANY, NARROW, PARTS = (
    "not a JPEG, PNG or WebP",
    "damaged",
    "too many pixels",
    "too narrow",
    "too many parts",
)


@dataclass
class World:
    """The function, S3, and what it logged when it was last told something."""

    s3: FakeS3
    capsys: pytest.CaptureFixture[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def upload(self, content: bytes, avatar: str = ADA) -> None:
        self.s3.objects[UPLOADS, upload_key(avatar)] = Object(content)

    def tell(self, *records: dict[str, Any]) -> None:
        """Deliver an event. What it logs is kept, whether or not it raises."""
        self.capsys.readouterr()
        try:
            handler.handler({"Records": list(records)}, CONTEXT)
        finally:
            self.lines = [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]

    def fail(self, *records: dict[str, Any]) -> list[Exception]:
        """Deliver an event that Lambda should deliver again; why it should."""
        with pytest.raises(ExceptionGroup, match="avatars not created") as raised:
            self.tell(*records)
        return list(raised.value.exceptions)

    def shown(self, avatar: str = ADA) -> Object | None:
        return self.s3.objects.get((AVATARS, avatar_key(avatar)))

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    @property
    def reasons(self) -> list[str]:
        return [line["reason"] for line in self.lines]

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.s3.calls if call.method == method]


@pytest.fixture
def world(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    given = {
        "UPLOADS_BUCKET_NAME": UPLOADS,
        "AVATARS_BUCKET_NAME": AVATARS,
        "UPLOAD_LIMIT_BYTES": str(LIMIT),
        "AWS_DEFAULT_REGION": "ca-central-1",
        "AWS_ACCESS_KEY_ID": "unused",
        "AWS_SECRET_ACCESS_KEY": "unused",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with FakeS3(ACCOUNT).behind(store._s3()) as s3:
        yield World(s3, capsys)


def created(avatar: str = ADA, **more: Any) -> dict[str, Any]:
    """S3's record of an upload; *key* stands in it as it is given."""
    told = {"name": "ObjectCreated:Put", "bucket": UPLOADS, "key": quote_plus(upload_key(avatar))}
    told |= more
    return {
        "eventSource": told.get("source", "aws:s3"),
        "eventName": told["name"],
        "s3": {
            "bucket": {"name": told["bucket"]},
            "object": {"key": told["key"], "sequencer": "0"},
        },
    }


def near(wanted: tuple[int, ...], found: Any, tolerance: int = 4) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(wanted, found, strict=True))


Act = Callable[[World], None]
File = bytes | Callable[[], bytes]


def bytes_of(file: File) -> bytes:
    return file if isinstance(file, bytes) else file()


def makes(file: File, middle: tuple[int, int, int] | None = None) -> Act:
    """Uploaded, it becomes a picture; *middle* is its colour there."""

    def act(world: World) -> None:
        world.upload(bytes_of(file))

        world.tell(created())

        shown = world.shown()
        assert ["created"] == world.events
        assert shown is not None
        colour = open_avatar(shown.content).getpixel((SIDE // 2 - 8, SIDE // 2 - 8))
        assert middle is None or near(middle, colour), colour

    return act


def stands(file: File) -> Act:
    """Its four corners come out where a person sees them."""

    def act(world: World) -> None:
        world.upload(bytes_of(file))

        world.tell(created())

        shown = world.shown()
        assert shown is not None
        image, low, high = open_avatar(shown.content), 64, SIDE - 64
        places = {"TL": (low, low), "TR": (high, low), "BR": (high, high), "BL": (low, high)}
        for corner, place in places.items():
            assert near(CORNER_COLOURS[corner], image.getpixel(place)), corner

    return act


def refuses(file: File, reason: str) -> Act:
    """Uploaded, it is one line and no picture; Lambda is not asked to try again."""

    def act(world: World) -> None:
        world.upload(bytes_of(file))

        world.tell(created())

        assert (["rejected"], [reason]) == (world.events, world.reasons)
        assert world.shown() is None
        assert upload_key(ADA) in {key for _, key in world.s3.objects}

    return act


def ignores(record: dict[str, Any], reason: str) -> Act:
    """Told so, it asks S3 nothing."""

    def act(world: World) -> None:
        world.upload(encoded(solid_image()))

        world.tell(record)

        assert (["ignored"], [reason]) == (world.events, world.reasons)
        assert [] == world.s3.calls

    return act


def tells_nothing(file: File) -> Act:
    """Not one byte of what it says of a person comes out."""

    def act(world: World) -> None:
        content = bytes_of(file)
        assert b"SECRET" in content

        makes(content, RED)(world)

        shown = world.shown()
        assert shown is not None
        assert b"SECRET" not in shown.content
        assert b"Exif" not in shown.content

    return act


def a39(world: World) -> None:
    """A key is unquoted once: `%2561` is not an `a`."""
    world.upload(encoded(solid_image()))

    world.tell(created(key=f"originals%2F{ADA}"), created(key=f"originals%252F{ADA}"))

    assert ["created", "ignored"] == sorted(world.events)
    assert {upload_key(ADA), avatar_key(ADA)} == {key for _, key in world.s3.objects}


def a41(world: World) -> None:
    """A second delivery writes the very same once more, so whoever listens hears of it again."""
    world.upload(encoded(solid_image()))

    world.tell(created())
    first = world.shown()
    world.tell(created(), created())

    assert first == world.shown()
    assert 2 == len(world.calls("PUT"))  # Not three: one event has each upload once.


def a42_late(world: World) -> None:
    """The first upload's event, after the second's: the second is what is there to be read."""
    world.upload(encoded(solid_image(RED)))
    world.upload(encoded(solid_image(BLUE)))

    world.tell(created())
    world.tell(created())

    assert near(BLUE, middle(world))


def a42_race(world: World) -> None:
    """Two workers: the slow one has read the first upload, and writes after the quick one."""
    world.upload(encoded(solid_image(RED)))

    def other() -> None:
        world.upload(encoded(solid_image(BLUE)))
        handler.handler({"Records": [created()]}, CONTEXT)
        assert near(BLUE, middle(world))

    world.s3.faults = [_nothing, once(other)]  # Read, then the other's turn, then write.
    world.tell(created())

    assert near(BLUE, middle(world))


def a42_restless(world: World) -> None:
    """Who uploads without end is left to the next delivery, and not followed for ever."""
    world.upload(encoded(solid_image()))

    def again(_: Any) -> None:
        world.upload(encoded(solid_image((len(world.s3.calls), 0, 0))))

    world.s3.faults = [again] * 1000

    (failure,) = world.fail(created())

    assert isinstance(failure, handler.ReplacedError)


def a43(world: World) -> None:
    """Gone before it was read: nothing to do."""
    world.tell(created())

    assert ["missing"] == world.events


def a43_forbidden(world: World) -> None:
    """403 is not that: the role may list the bucket, so it is a fault, and somebody is told."""
    world.s3.faults = [error(403, "AccessDenied")]

    (failure,) = world.fail(created())

    assert "AccessDenied" in str(failure)


def a43_after(world: World) -> None:
    """Gone once the picture was made: it stays."""
    world.upload(encoded(solid_image()))
    world.s3.faults = [_nothing, _nothing, once(world.s3.objects.clear)]

    world.tell(created())

    assert ["created"] == world.events


def a45_slow(world: World) -> None:
    """S3 is busy for a moment: nobody notices."""
    world.upload(encoded(solid_image()))
    world.s3.faults = [error(503, "SlowDown")] * 3

    world.tell(created())

    assert ["created"] == world.events
    assert 4 == len(world.calls("GET"))


def a45_down(world: World) -> None:
    """S3 is busy for long: four tries, then Lambda tries, then the failure queue has it."""
    world.upload(encoded(solid_image()))
    world.s3.faults = [error(503, "SlowDown")] * 100

    (failure,) = world.fail(created())

    assert "SlowDown" in str(failure)
    assert ["failed"] == world.events
    assert 4 == len(world.s3.calls)


def a45_hangs(world: World) -> None:
    """So with a time-out; the picture is written at the next delivery."""
    world.upload(encoded(solid_image()))
    world.s3.faults = [_nothing, *[_timeout] * 4]

    (failure,) = world.fail(created())
    world.tell(created())

    assert isinstance(failure, ReadTimeoutError)
    assert ["created"] == world.events


def a45_cut(world: World) -> None:
    """What is lost on the way is S3's fault and not the picture's, which looks as if cut off."""
    content = encoded(solid_image(), "JPEG")
    world.upload(content)
    length = {"Content-Length": str(len(content)), "ETag": '"x"'}
    world.s3.faults = [lambda request: response(request, 200, length, content[:-500])]

    (failure,) = world.fail(created())

    assert "IncompleteReadError" == type(failure).__name__
    assert ["failed"] == world.events


def a46(world: World) -> None:
    """A bad picture among others, and a fault ahead of them: the others are made."""
    carol, dan = avatar_id("carol"), avatar_id("dan")
    world.upload(encoded(solid_image()), ADA)
    world.upload(b"<svg/>", BOB)
    world.upload(encoded(solid_image()), carol)
    world.s3.faults = [error(403, "AccessDenied")]  # Of the first.

    failures = world.fail(*map(created, (ADA, BOB, carol, dan)))

    assert ["failed", "rejected", "created", "missing"] == world.events
    assert 1 == len(failures)
    assert world.shown(carol) is not None


def a47(world: World) -> None:
    """No memory left is no fault of the picture: the next delivery may have more."""
    world.upload(encoded(solid_image()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PngImageFile, "load", _no_memory)
        (failure,) = world.fail(created())

    assert isinstance(failure, MemoryError)
    assert "MemoryError" in world.lines[0]["error"]


def a48(world: World) -> None:
    """S3 tries out the notification when it is made; nothing has happened yet."""
    for name in ("test.json", "created.json"):
        event = json.loads((ROOT / "lambdas/thumbnail/events" / name).read_text())
        handler.handler(event, CONTEXT)
    handler.handler({"Records": []}, CONTEXT)
    handler.handler({}, CONTEXT)

    assert [] == world.s3.calls


def a49(world: World) -> None:
    """The bucket tells of each picture it gets. If that failed, a delivery more tells again."""
    world.upload(encoded(solid_image()))

    world.tell(created())
    world.tell(created())

    assert [Call("PUT", AVATARS, avatar_key(ADA))] * 2 == world.calls("PUT")


def a50_said(world: World) -> None:
    """S3 says it is too large: not a byte of it is read."""
    read = []
    length = {"Content-Length": str(LIMIT + 1), "ETag": '"x"'}

    def large(request: Any) -> Any:
        answer = response(request, 200, length, b"")
        answer.raw.read = read.append
        return answer

    world.upload(encoded(solid_image()))
    world.s3.faults = [large]
    world.tell(created())

    assert (["rejected"], ["too many bytes"]) == (world.events, world.reasons)
    assert [] == read


def a50_unsaid(world: World) -> None:
    """As many bytes as are allowed are read, and one more: that tells."""
    asked = []
    length = {"Content-Length": "10", "ETag": '"x"'}

    def endless(request: Any) -> Any:
        answer = response(request, 200, length, b"")
        answer.raw.read = lambda amount: asked.append(amount) or bytes(amount)
        return answer

    world.upload(encoded(solid_image()))
    world.s3.faults = [endless]
    world.tell(created())

    assert (["rejected"], ["too many bytes"]) == (world.events, world.reasons)
    assert [LIMIT + 1] == asked


def _nothing(_: Any) -> None:
    """Let a call go on."""


def _timeout(request: Any) -> None:
    raise ReadTimeoutError(endpoint_url=request.url)


def _no_memory(_: Any) -> None:
    raise MemoryError


def middle(world: World) -> Any:
    shown = world.shown()
    assert shown is not None
    return open_avatar(shown.content).getpixel((SIDE // 2, SIDE // 2))


def grey16(*chunks: bytes, level: int = 0x80FF) -> bytes:
    return pictures.tiny_png(16, 0, (level,), *chunks)


def tagged(
    profile: bytes, mode: str = "RGB", colour: Any = (200, 100, 50), form: str = "PNG"
) -> bytes:
    return encoded(solid_image(colour, mode=mode), form, icc_profile=profile)


def two_pictures() -> bytes:
    """An MPO: the second is another."""
    return encoded(solid_image(RED), "MPO", save_all=True, append_images=[solid_image(BLUE)])


def cut(form: str) -> bytes:
    noise = Image.effect_noise((600, 400), 90).convert("RGB")
    file = encoded(noise, form)
    return file[: len(file) // 2]


def beyond_palette() -> bytes:
    """Indices that its palette of one colour does not have."""
    return pictures.tiny_png(8, 3, (200,), pictures.png_chunk(b"PLTE", bytes(RED)))


def scripted() -> bytes:
    return b"GIF89a/*" + encoded(solid_image(), "GIF")[8:] + b"*/=0;alert(1)"


def looping_exif() -> bytes:
    """A directory that points at itself."""
    own = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" + b"\x08\0\0\0"
    return encoded(solid_image(), "JPEG", exif=b"Exif\0\0" + own)


BOMB = zlib.compress(bytes(200_000_000))
WHITE_TRNS = {
    "1 bit": pictures.tiny_png(1, 0, (1,), pictures.png_chunk(b"tRNS", b"\0\1")),
    "2 bits": pictures.tiny_png(2, 0, (2,), pictures.png_chunk(b"tRNS", b"\0\2")),
    "4 bits": pictures.tiny_png(4, 0, (5,), pictures.png_chunk(b"tRNS", b"\0\5")),
    "8 bits": pictures.tiny_png(8, 0, (7,), pictures.png_chunk(b"tRNS", b"\0\7")),
    "16 bits": grey16(pictures.png_chunk(b"tRNS", b"\x80\xff")),
    "RGB": pictures.tiny_png(8, 2, RED, pictures.png_chunk(b"tRNS", bytes((0, 200, 0, 30, 0, 30)))),
    "RGB, 16 bits": pictures.tiny_png(
        16, 2, (0x1234, 0x5678, 0x9ABC), pictures.png_chunk(b"tRNS", bytes.fromhex("123456789abc"))
    ),
    "palette": pictures.tiny_png(
        8, 3, (0,), pictures.png_chunk(b"PLTE", bytes(RED)), pictures.png_chunk(b"tRNS", b"\0")
    ),
}
TOO_TRANSPARENT = pictures.tiny_png(
    8, 3, (0,), pictures.png_chunk(b"PLTE", bytes(768)), pictures.png_chunk(b"tRNS", bytes(257))
)
HALF = tuple((channel + 255) // 2 for channel in RED)

CASES: list[tuple[str, Act]] = [
    ("A17: SVG", refuses(b'<svg xmlns="http://www.w3.org/2000/svg"/>', FOREIGN)),
    ("A17: HTML", refuses(b"<html><script>alert(1)</script></html>", FOREIGN)),
    ("A17: PDF", refuses(b"%PDF-1.7\n", FOREIGN)),
    ("A17: ZIP", refuses(b"PK\x03\x04", FOREIGN)),
    ("A17: nothing", refuses(b"", "empty")),
    (
        "A18: JPEG with HTML behind",
        tells_nothing(lambda: encoded(solid_image(), "JPEG") + b"<b>SECRET"),
    ),
    (
        "A18: PNG with a ZIP behind",
        tells_nothing(lambda: encoded(solid_image()) + b"PK\x03\x04SECRET"),
    ),
    ("A19: GIF and script in one", refuses(scripted, FOREIGN)),
    ("A20: PNG of 88 Mpx in 86 kB", refuses(lambda: pictures.blank_png(9400, 9400), MANY)),
    ("A20: the most that PNG may have", makes(lambda: pictures.blank_png(5000, 5000), (0, 0, 0))),
    ("A21: PNG of 150 Mpx", refuses(lambda: pictures.blank_png(12300, 12300, depth=1), MANY)),
    ("A22: PNG that says 2³¹", refuses(pictures.png_file(2**31 - 1, 2**31 - 1, 8, 6), MANY)),
    (
        "A23: zTXt that unpacks to 200 MB",
        makes(lambda: pictures.png_with_chunks(pictures.png_chunk(b"zTXt", b"k\0\0" + BOMB)), RED),
    ),
    (
        "A23: iCCP that unpacks to 200 MB",
        makes(lambda: pictures.png_with_chunks(pictures.png_chunk(b"iCCP", b"k\0\0" + BOMB)), RED),
    ),
    ("A24: half a JPEG", refuses(lambda: cut("JPEG"), DAMAGED)),
    ("A24: half a PNG", refuses(lambda: cut("PNG"), DAMAGED)),
    ("A24: half a WebP", refuses(lambda: cut("WEBP"), DAMAGED)),
    ("A24: a header and no more", refuses(pictures.png_file(600, 400, 8, 2), DAMAGED)),
    ("A25: GIF of 1000 frames", refuses(lambda: pictures.animation("GIF"), FOREIGN)),
    ("A25: PNG of 1000 frames", makes(lambda: pictures.animation("PNG"), RED)),
    ("A25: WebP of 1000 frames", makes(lambda: pictures.animation("WEBP"), RED)),
    ("A26: WebP of 25 Mpx", refuses(lambda: pictures.webp_with_canvas(5000, 5000), MANY)),
    ("A27: 1 by 16000", refuses(lambda: pictures.blank_png(1, 16000), NARROW)),
    ("A27: 12000 by 1", refuses(lambda: pictures.blank_png(12000, 1), NARROW)),
    ("A27: a side of 16385", refuses(lambda: pictures.blank_png(16385, 900, depth=1), MANY)),
    ("A27: 20 to 1", makes(lambda: pictures.blank_png(2000, 100), (0, 0, 0))),
    ("A28: grey of 16 bits", makes(grey16(), (128, 128, 128))),
    (
        "A28: grey and alpha of 16 bits",
        makes(pictures.tiny_png(16, 4, (0, 0x8000)), (127, 127, 127)),
    ),
    ("A28: RGB of 16 bits", makes(pictures.tiny_png(16, 2, (0xC8FF, 0x1E00, 0x1EFF)), RED)),
    (
        "A29: CMYK",
        makes(lambda: encoded(solid_image((0, 255, 255, 0), mode="CMYK"), "JPEG"), (255, 0, 0)),
    ),
    (
        "A29: CMYK with the profile of a press",
        makes(
            lambda: tagged(icc_profiles.grey_press(128), "CMYK", (255, 0, 0, 0), "JPEG"),
            (119, 119, 119),
        ),
    ),
    ("A30: half seen through", makes(lambda: encoded(solid_image((*RED, 128), mode="RGBA")), HALF)),
    ("A30: grey, not seen", makes(lambda: encoded(solid_image((9, 0), mode="LA")), WHITE)),
    (
        "A30: WebP, not seen",
        makes(lambda: encoded(solid_image((9, 9, 9, 0), mode="RGBA"), "WEBP"), WHITE),
    ),
    *(
        (f"A30: transparent by tRNS, {name}", makes(file, WHITE))
        for name, file in WHITE_TRNS.items()
    ),
    ("A30: grey of 4 bits", makes(pictures.tiny_png(4, 0, (5,)), (85, 85, 85))),
    ("A30: palette", makes(lambda: encoded(solid_image().quantize(8)), RED)),
    ("A30: beyond its palette", makes(beyond_palette)),
    ("A30: more transparent than its palette", makes(lambda: TOO_TRANSPARENT, (0, 0, 0))),
    ("A31: 1 bit", makes(lambda: encoded(solid_image(1, mode="1")), WHITE)),
    (
        "A31: one pixel",
        makes(lambda: encoded(solid_image(size=(1, 1)), "WEBP", lossless=True), RED),
    ),
    ("A31: one pixel, JPEG", makes(lambda: encoded(solid_image(size=(1, 1)), "JPEG"), RED)),
    *(
        (f"A32: held {way}", stands(lambda way=way: oriented_photo(way)))
        for way in CORNERS_BY_ORIENTATION
    ),
    ("A32: PNG held 6", stands(lambda: oriented_photo(6, "PNG"))),
    ("A32: WebP held 8", stands(lambda: oriented_photo(8, "WEBP"))),
    ("A32: held 9", makes(lambda: encoded(solid_image(), "JPEG", exif=pictures.exif_data(9)), RED)),
    ("A33: everything a JPEG can tell", tells_nothing(pictures.jpeg_with_metadata)),
    ("A33: everything a PNG can tell", tells_nothing(pictures.png_with_metadata)),
    (
        "A34: Display P3",
        makes(
            lambda: tagged(icc_profiles.rgb(icc_profiles.P3)),
            icc_profiles.srgb_of((200, 100, 50), icc_profiles.P3),
        ),
    ),
    (
        "A34: Adobe RGB",
        makes(
            lambda: tagged(icc_profiles.rgb(icc_profiles.ADOBE), form="JPEG"),
            icc_profiles.srgb_of((200, 100, 50), icc_profiles.ADOBE),
        ),
    ),
    (
        "A34: Display P3 and alpha",
        makes(
            lambda: tagged(icc_profiles.rgb(icc_profiles.P3), "RGBA", (200, 100, 50, 255), "WEBP"),
            icc_profiles.srgb_of((200, 100, 50), icc_profiles.P3),
        ),
    ),
    (
        "A34: linear grey",
        makes(lambda: tagged(icc_profiles.linear_grey(), "L", 128), (188, 188, 188)),
    ),
    ("A34: no profile at all", makes(lambda: tagged(b"broken" * 50), (200, 100, 50))),
    ("A34: of another kind", makes(lambda: tagged(icc_profiles.grey_press(9)), (200, 100, 50))),
    (
        "A34: cut off",
        makes(lambda: tagged(icc_profiles.rgb(icc_profiles.P3)[:150]), (200, 100, 50)),
    ),
    ("A35: two pictures in one JPEG", makes(two_pictures, RED)),
    (
        "A35: the list of the two is broken",
        makes(lambda: two_pictures().replace(b"MPF\0II*\0\x08", b"MPF\0II*\0\xff"), RED),
    ),
    ("A36: AVIF", refuses(lambda: encoded(solid_image(), "AVIF"), FOREIGN)),
    ("A36: HEIC", refuses(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", FOREIGN)),
    ("A37: TIFF", refuses(lambda: encoded(solid_image(), "TIFF"), FOREIGN)),
    ("A37: PSD", refuses(b"8BPS\0\1" + bytes(30), FOREIGN)),
    ("A37: EPS", refuses(b"%!PS-Adobe-3.0 EPSF-3.0\n", FOREIGN)),
    ("A37: FITS", refuses(b"SIMPLE  =                    T", FOREIGN)),
    ("A37: BMP", refuses(lambda: encoded(solid_image(), "BMP"), FOREIGN)),
    (
        "A38: EXIF that is none",
        makes(lambda: encoded(solid_image(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), RED),
    ),
    (
        "A38: EXIF that ends at once",
        makes(lambda: encoded(solid_image(), "JPEG", exif=b"Exif\0\0"), RED),
    ),
    ("A38: EXIF in a circle", makes(looping_exif, RED)),
    ("A39: a key is unquoted once", a39),
    (
        "A39: plus and blank",
        ignores(created(key="originals/a+b%20c"), "not the key of an upload"),
    ),
    ("A39: not ASCII", ignores(created(key="originals/%C3%A9%FF"), "not the key of an upload")),
    *(
        (f"A40: {key}", ignores(created(key=key), "not the key of an upload"))
        for key in (
            ADA,
            f"avatars/{ADA}",
            f"avatars/{ADA}.jpg",
            f"originals/{ADA}.jpg",
            f"originals/{ADA.upper()}",
            f"originals/{{{ADA}}}",
            f"originals/{ADA.replace('-', '')}",
            f"originals/../{ADA}",
            f"originals/x/{ADA}",
            f"originals/originals/{ADA}",
            "originals/undefined",
            "originals/",
            "",
        )
    ),
    ("A41: delivered twice", a41),
    ("A42: events in the wrong order", a42_late),
    ("A42: two workers", a42_race),
    ("A42: replaced again and again", a42_restless),
    ("A43: deleted before it is read", a43),
    ("A43: 403", a43_forbidden),
    ("A43: deleted after it is made", a43_after),
    (
        "A44: told of its own picture",
        ignores(created(bucket=AVATARS, key=avatar_key(ADA)), "another bucket"),
    ),
    ("A45: S3 is busy for a moment", a45_slow),
    ("A45: S3 is busy for long", a45_down),
    ("A45: S3 does not answer", a45_hangs),
    ("A45: the connection breaks", a45_cut),
    ("A46: one bad of four", a46),
    ("A47: no memory", a47),
    ("A47: a JPEG of 3000 scans", refuses(pictures.progressive_jpeg_with_scans, "too many scans")),
    (
        "A47: a plain JPEG of 3000 scans",
        refuses(pictures.baseline_jpeg_with_empty_scans, "too many scans"),
    ),
    (
        "A47: a JPEG whose one scan comes 200 times",
        refuses(lambda: pictures.baseline_jpeg_with_complete_scans(200), DAMAGED),
    ),
    ("A48: nothing happened", a48),
    ("A48: deleted", ignores(created(name="ObjectRemoved:Delete"), "not an object created")),
    ("A48: another service", ignores(created(source="aws:sqs"), "not an object created")),
    ("A48: no key", ignores({"eventSource": "aws:s3", "s3": {}}, "not an object created")),
    ("A49: told of once more", a49),
    ("A50: larger than allowed, S3 says", a50_said),
    ("A50: larger than S3 says", a50_unsaid),
    (
        "A50: one byte more than allowed",
        refuses(lambda: encoded(solid_image()).ljust(LIMIT + 1, b"\0"), "too many bytes"),
    ),
    (
        "A50: just as much as allowed",
        makes(lambda: encoded(solid_image()).ljust(LIMIT, b"\0"), RED),
    ),
    ("A51: of a bucket that is not ours", ignores(created(bucket="evil"), "another bucket")),
]


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in CASES])
def test_case(act: Act, world: World) -> None:
    """Each does what its row says."""
    act(world)


def test_the_table_has_every_case() -> None:
    """All of A17 to A51."""
    assert {f"A{number}" for number in range(17, 52)} == {name.split(":")[0] for name, _ in CASES}


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:CompleteMultipartUpload"]
)
def test_however_it_was_uploaded(world: World, name: str) -> None:
    """Put is not the only way (defect 70)."""
    world.upload(encoded(solid_image()))

    world.tell(created(name=name))

    assert ["created"] == world.events


def test_how_it_is_shown(world: World) -> None:
    """As a JPEG, for five minutes; S3 was told each time whose buckets they are."""
    world.upload(encoded(solid_image()))

    world.tell(created())

    shown = world.shown()
    assert shown is not None
    assert {
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=300",
    } == shown.headers
    assert [
        Call("GET", UPLOADS, upload_key(ADA)),
        Call("PUT", AVATARS, avatar_key(ADA)),
        Call("HEAD", UPLOADS, upload_key(ADA)),
    ] == world.s3.calls


def test_a_bucket_of_another_account_gets_no_picture(world: World) -> None:
    """Whatever it is called."""
    world.upload(encoded(solid_image()))
    world.s3.owner = "999999999999"

    (failure,) = world.fail(created())

    assert "AccessDenied" in str(failure)


@pytest.mark.parametrize("file", [pictures.jpeg_with_metadata, pictures.png_with_metadata])
def test_the_log_says_little_of_a_person(
    world: World, file: Callable[[], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """An avatar id and numbers, and nothing from the file, at any log level."""
    caplog.set_level(logging.DEBUG)
    world.upload(file())

    world.tell(created())

    assert [{"event", "avatar", "bytes"}] == [line.keys() for line in world.lines]
    assert [] == [record for record in caplog.records if record.levelno < logging.INFO]


def test_on_the_emulator(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the S3 above is taken for is also what the emulator one does, and its owner counts."""
    s3, account = aws.client("s3"), aws.endpoint.account
    uploads, avatars = f"up-{account}", f"av-{account}"
    for bucket in (uploads, avatars):
        here = {"LocationConstraint": "ca-central-1"}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=here)
    s3.put_object(Bucket=uploads, Key=upload_key(ADA), Body=encoded(solid_image()))
    monkeypatch.setattr(store, "_s3", lambda: s3)

    buckets = store.Store(account, uploads, avatars, LIMIT)
    handler._create(ADA, buckets)
    handler._create(BOB, buckets)  # Who has nothing there.

    made = s3.get_object(Bucket=avatars, Key=avatar_key(ADA))
    open_avatar(made["Body"].read())
    assert ("image/jpeg", "public, max-age=300") == (made["ContentType"], made["CacheControl"])
    with pytest.raises(ClientError, match=r"AccessDenied|Forbidden|403"):
        replace(buckets, account="999999999999").upload(ADA)


def test_pillow_is_new_enough() -> None:
    """Below 13, a JPEG can overflow the heap; no lock may go back there."""
    lock = (ROOT / "lambdas/thumbnail/requirements.txt").read_text()
    (locked,) = re.findall(r"^pillow==(\d+)\.", lock, re.MULTILINE)
    installed = importlib.metadata.version("pillow").split(".")[0]
    wanted = (ROOT / "lambdas/thumbnail/requirements.in").read_text()

    assert int(locked) >= 13
    assert int(installed) >= 13
    assert re.search(r"^pillow >= 13\.0\.0 ", wanted, re.MULTILINE)


def test_a_truncated_picture_is_never_completed_with_grey() -> None:
    """Pillow can be told to; nobody may have."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


LOADED = """
import sys
from thumbnail.picture import picture
picture(sys.stdin.buffer.read())
print(*(module for module in sys.modules if "ImagePlugin" in module))
"""


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_other_formats_are_not_even_loaded(form: str) -> None:
    """Formats that are not loaded, such as Ghostscript's, cannot be exploited."""
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(
        command,
        input=oriented_photo(6, form),
        cwd=ROOT / "lambdas",
        capture_output=True,
        check=True,
    )

    loaded = done.stdout.decode().upper().split()
    plugins = {module.removeprefix("PIL.").removesuffix("IMAGEPLUGIN") for module in loaded}
    assert {"JPEG", form} == plugins


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "size", [(4000, 3000), (3001, 2003), (513, 700), (512, 512), (40, 30), (1500, 75)], ids=str
)
def test_it_is_the_middle(form: str, size: tuple[int, int]) -> None:
    """As cut out and resized in the plain way, from all of the pixels, to the half pixel."""
    width, height = size
    wave = Image.radial_gradient("L").resize(size)
    image = Image.merge(
        "RGB", (wave, ImageChops.invert(wave), Image.linear_gradient("L").resize(size))
    )
    quick = {"JPEG": {}, "PNG": {"compress_level": 1}, "WEBP": {"method": 0, "quality": 95}}
    file = encoded(image, form, **quick[form])
    side = min(size)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    seen = Image.open(io.BytesIO(file)).convert("RGB")
    wanted = seen.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)

    found = open_avatar(picture(file))

    difference = ImageChops.difference(wanted, found)
    assert max(ImageStat.Stat(difference).mean) < 1.5


def test_what_is_half_seen_is_averaged_as_it_is_seen() -> None:
    """In front of the background before it is made small, or afterwards: one picture."""
    seen = Image.radial_gradient("L").resize((1500, 1500))
    image = Image.merge("RGBA", (seen.rotate(90), ImageChops.invert(seen), seen.rotate(180), seen))
    white = Image.new("RGBA", (SIDE, SIDE), WHITE)
    small = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    wanted = Image.alpha_composite(white, small).convert("RGB")

    found = open_avatar(picture(encoded(image, compress_level=1)))

    difference = ImageChops.difference(wanted, found)
    assert max(ImageStat.Stat(difference).mean) < 1


@pytest.mark.parametrize(
    "error", [UserWarning("odd"), KeyError("x"), SystemError(), RecursionError()], ids=repr
)
def test_whatever_a_decoder_raises_is_a_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Or warns of: what it is not sure of today it may one day not survive. Nothing is retried."""

    def load(_: Any) -> None:
        warnings.warn(error, stacklevel=2) if isinstance(error, Warning) else raising(error)

    monkeypatch.setattr(PngImageFile, "load", load)
    refuses(encoded(solid_image()), DAMAGED)(world)


@pytest.mark.parametrize(
    "ours", ["thumbnail.png.split", "thumbnail.colours.flat", "thumbnail.exif.orientation"]
)
def test_a_bug_of_the_function_is_delivered_again(
    world: World, monkeypatch: pytest.MonkeyPatch, ours: str
) -> None:
    """The picture is not at fault: the failure queue keeps it until the function is fixed."""
    world.upload(encoded(solid_image()))
    monkeypatch.setattr(ours, lambda *_: raising(TypeError("a bug")))

    (failure,) = world.fail(created())

    assert ("TypeError", ["failed"]) == (type(failure).__name__, world.events)


def raising(error: Exception) -> None:
    raise error


BASES = {
    "JPEG": lambda: oriented_photo(6),
    "progressive": lambda: encoded(pictures.four_corners(), "JPEG", progressive=True),
    "MPO": two_pictures,
    "CMYK": lambda: tagged(icc_profiles.grey_press(128), "CMYK", (255, 0, 0, 0), "JPEG"),
    "PNG": pictures.png_with_metadata,
    "palette": lambda: encoded(solid_image().quantize(8), transparency=0),
    "moving PNG": lambda: pictures.animation("PNG", 3),
    "P3": lambda: tagged(icc_profiles.rgb(icc_profiles.P3)),
    "16 bits": grey16,
    "WebP": lambda: oriented_photo(3, "WEBP"),
    "lossless": lambda: encoded(solid_image((9, 9, 9, 50), mode="RGBA"), "WEBP", lossless=True),
    "moving WebP": lambda: pictures.animation("WEBP", 3),
}


def settled(file: bytes) -> None:
    """It is a picture, or refused: nothing else may come of it, not even a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            made = picture(file)
        except Rejected:
            return
    open_avatar(made)


@pytest.mark.parametrize("base", [pytest.param(make(), id=name) for name, make in BASES.items()])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_file_is_a_picture_or_refused(base: bytes, data: st.DataObject) -> None:
    """Some of its bytes changed, left out or put in, most of them where its header is."""
    file = bytearray(base)
    place = st.integers(0, len(file) - 1) | st.integers(0, min(600, len(file) - 1))
    for at, what, by in data.draw(
        st.lists(st.tuples(place, st.sampled_from("=-+"), st.binary(min_size=1, max_size=4)))
    ):
        end = {"=": at + len(by), "-": at + len(by) * 16, "+": at}[what]
        file[at:end] = b"" if what == "-" else by

    settled(bytes(file))


@given(head=st.sampled_from([b"", *(make()[:64] for make in BASES.values())]), tail=st.binary())
@settings(deadline=None)
def test_any_bytes_are_a_picture_or_refused(head: bytes, tail: bytes) -> None:
    """Also behind the beginning of a good one."""
    settled(head + tail)


@pytest.mark.parametrize("seed", range(8))
def test_a_broken_profile_is_ignored(seed: int) -> None:
    """Whatever of it is changed, there is a picture."""
    change = random.Random(seed)
    for base in (
        icc_profiles.rgb(icc_profiles.P3),
        icc_profiles.linear_grey(),
        icc_profiles.grey_press(128),
    ):
        profile = bytearray(base)
        for _ in range(change.randint(1, 12)):
            profile[change.randrange(len(profile))] = change.randrange(256)
        for mode, colour in (("RGB", RED), ("L", 9), ("CMYK", (1, 2, 3, 4))):
            open_avatar(picture(tagged(bytes(profile), mode, colour, "JPEG")))


MEMORY = """
import sys
from thumbnail.picture import Rejected, picture
with open(sys.argv[1], "rb") as file:
    original = file.read()
try:
    picture(original)
except Rejected as reason:
    print(reason)
else:
    print("created")
"""


def outcome(file: bytes, folder: Path) -> tuple[str, float]:
    """What becomes of *file* in a process of its own, and how many MB that had at most."""
    (folder / "original").write_bytes(file)
    done = subprocess.run(
        [
            *(sys.executable, "-S", ROOT / "tests/lambdas/thumbnail/peak_memory.py"),
            *(sys.executable, "-c", MEMORY, folder / "original"),
        ],
        cwd=ROOT / "lambdas",
        capture_output=True,
        text=True,
        check=True,
    )
    said, peak = done.stdout.splitlines()
    return said, float(peak)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(lambda: pictures.blank_png(30000, 30000, depth=1), id="PNG"),
        pytest.param(
            lambda: pictures.png_file(2**31 - 1, 2**31 - 1, 16, 6), id="PNG that says 2³¹"
        ),
        pytest.param(
            lambda: encoded(solid_image(size=(16, 16)), "JPEG").replace(
                b"\0\x10\0\x10", b"\xff\xdc\xff\xdc"
            ),
            id="JPEG",
        ),
        pytest.param(lambda: pictures.webp_with_canvas(13000, 13000), id="WebP"),
        pytest.param(lambda: pictures.webp_with_canvas(16384, 16384), id="WebP that says 2²⁸"),
    ],
)
def test_a_bomb_is_refused_by_its_header(file: Callable[[], bytes], tmp_path: Path) -> None:
    """None of its pixels is ever decoded."""
    said, peak = outcome(file(), tmp_path)

    assert MANY == said
    assert peak < 25


LARGEST = 25 << 20  # bytes: the most that config lets an upload have


def large_png() -> bytes:
    """With so many bytes of pixels: they go on behind the last row."""
    file = pictures.blank_png(5000, 5000, 16, 6)
    more = pictures.png_chunk(b"IDAT", bytes(LARGEST - len(file) - 12))
    return file[:-12] + more + file[-12:]


def large_keyed_png() -> bytes:
    """Return a PNG whose lower bytes must be decoded as well."""
    file = pictures.blank_png(5000, 5000, 16, 2)
    key = pictures.png_chunk(b"tRNS", bytes(6))
    more = pictures.png_chunk(b"IDAT", bytes(LARGEST - len(file) - len(key) - 12))
    return file[:33] + key + file[33:-12] + more + file[-12:]


def large_webp() -> bytes:
    """With so many bytes of pixels."""
    file = encoded(solid_image((*RED, 9), mode="RGBA", size=(4096, 4096)), "WEBP", method=0)
    at = file.index(b"VP8 ")
    picture = file[at + 8 :].ljust(LARGEST - at - 8, b"\0")
    chunk = struct.pack("<4sI", b"VP8 ", len(picture)) + picture
    return struct.pack("<4sI", b"RIFF", LARGEST - 8) + file[8:at] + chunk


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [
        pytest.param(
            lambda: encoded(
                solid_image(size=(8192, 6144)), "JPEG", progressive=True, subsampling=0
            ),
            id="progressive JPEG",
        ),
        pytest.param(
            lambda: encoded(
                solid_image((9, 9, 9, 9), mode="CMYK", size=(8192, 6144)), "JPEG", progressive=True
            ),
            id="progressive CMYK",
        ),
        pytest.param(large_png, id="PNG"),
        pytest.param(large_keyed_png, id="PNG with a transparent colour"),
        pytest.param(large_webp, id="WebP"),
    ],
)
def test_the_largest_fits_into_the_function(file: Callable[[], bytes], tmp_path: Path) -> None:
    """Of as many pixels and as many bytes as are allowed: of 1024 MB, half is enough."""
    said, peak = outcome(file().ljust(LARGEST, b"\0"), tmp_path)

    assert "created" == said
    assert peak < 512


def test_progressive_pictures_have_few_scans() -> None:
    """What Pillow and libjpeg write is far below the cap."""
    file = encoded(pictures.four_corners(), "JPEG", progressive=True)

    assert file.count(b"\xff\xda") < scans.MAX / 5


@pytest.mark.parametrize(
    "file", [pictures.progressive_jpeg_with_scans, pictures.baseline_jpeg_with_empty_scans]
)
def test_as_many_scans_as_a_program_writes_are_taken(file: Callable[[int], bytes]) -> None:
    """What is refused is their number, not how they are made."""
    assert picture(file(20))


SCAN = b"\xff\xda\0\x02"


@pytest.mark.parametrize(
    "before", [b"", b"\0", b"\xff", b"\xff\xff\0", b"\xff\xd0", b"\xff\xe1\0\0"]
)
def test_scans_count_behind_anything(before: bytes) -> None:
    """Such as data, filling, a restart, or a segment whose length is none."""
    assert not scans.too_many(b"\xff\xd8" + (before + SCAN) * scans.MAX)
    assert scans.too_many(b"\xff\xd8" + (before + SCAN) * (scans.MAX + 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\xff\xe1\xff\xff", b"\xff\xd9"), (b"\xff\xd9", b"")],
    ids=["within", "behind"],
)
def test_what_only_looks_like_scans(before: bytes, after: bytes) -> None:
    """In what an application says, or behind the picture, where phones put a film."""
    assert not scans.too_many(b"\xff\xd8" + before + SCAN * 10_000 + after)


@pytest.mark.parametrize("filling", [b"\xff" * 4, b"\xff\0" * 2, b"\xff\xd0" * 2], ids=bytes.hex)
def test_counting_scans_takes_no_time(filling: bytes) -> None:
    """Ten megabytes of anything are walked once: it would never end otherwise."""
    looked_at = b"\xff\xe1\xff\xff" + SCAN * (1 << 14)
    assert not scans.too_many(b"\xff\xd8" + looked_at + filling * ((10 << 20) // 4))
