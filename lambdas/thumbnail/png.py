"""Split a PNG file, and decompress it with ISA-L, which takes half of the time of Pillow's zlib.

Pillow calls zlib once for each row. Here ISA-L decompresses large pieces, and Pillow gets a zlib
stream of stored (uncompressed) blocks, which it only copies. The rows `thumbnail: 3 Mpx PNG` in
docs/benchmarks.md depend on it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping

from PIL.PngImagePlugin import PngImageFile

from thumbnail.container import MAX_PARTS, Container, TooManyPartsError, inflated

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BEFORE_PIXELS, _ANYWHERE = {b"IHDR", b"PLTE", b"tRNS"}, {b"iCCP", b"eXIf"}
_GREY, _RGB, _INDEXED = b"\0", b"\2", b"\3"  # colour types

_PALETTE_BYTES = range(3, 256 * 3 + 1, 3)

_PIECE = 16_384  # Bytes per call; a decompression bomb expands them a thousandfold in memory.
_BLOCK = 65_535  # Bytes, the maximum of a stored block.
_HEADER = 2  # Bytes of a zlib stream before its blocks.


class InflatedPng(PngImageFile):
    """Pillow's PNG reader, with another decompression.

    If a stream ends properly but rows are missing, the file is damaged, where Pillow would leave the
    rows black. If only the end of the stream is missing, or its checksum is wrong, the file is
    accepted, as by browsers.
    """

    def _open(self) -> None:
        """Read the header. Raises SyntaxError if the palette is missing; Pillow would invent one."""
        super()._open()
        if self.mode == "P" and self.palette is None:
            raise SyntaxError("the palette is missing")
        self._is_grey = [tile.args for tile in self.tile] == ["LA;16B"]

    def load_end(self) -> None:
        """Restore grey pixels with alpha, which Pillow decodes as colours if they have 16 bits.

        The profile of such a picture is for grey.
        """
        super().load_end()
        if self._is_grey:
            self.im = self.im.convert("LA")
            self._mode = "LA"

    def load_prepare(self) -> None:
        from isal import isal_zlib  # Imported here because most uploads are JPEGs.

        super().load_prepare()
        self._inflater = isal_zlib.decompressobj(-zlib.MAX_WBITS)  # Verifies no checksum.
        self._read_header, self._header = b"", b"\x78\x01"

    def load_read(self, read_bytes: int) -> bytes:
        """Return stored blocks for up to *read_bytes* of the file, or nothing at its end."""
        while piece := super().load_read(min(read_bytes, _PIECE)):
            missing = _HEADER - len(self._read_header)
            self._read_header += piece[:missing]
            if self._read_header[0] & 0xF != zlib.DEFLATED:
                raise OSError("the pixels are not compressed with deflate")
            if inflated := self._inflater.decompress(piece[missing:]):
                header, self._header = self._header, b""
                return b"".join((header, *_stored(memoryview(inflated))))
        return b""


def _stored(content: memoryview) -> Iterator[bytes | memoryview]:
    """Yield *content* as stored blocks, none marked as the last one (RFC 1951, 3.2.4)."""
    for start in range(0, len(content), _BLOCK):
        block = content[start : start + _BLOCK]
        yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
        yield block


def lower_bytes(png: bytes) -> InflatedPng:
    """Return the lower bytes of an RGB *png* of 16 bits per channel, as an image.

    Pillow decodes only the upper byte of each sample. If it reads the samples as little-endian, the
    two bytes are swapped.
    """
    image = InflatedPng(io.BytesIO(png))
    image.tile = [tile._replace(args="RGB;16L") for tile in image.tile]
    image.load()
    return image


def split(png: bytes) -> Container:
    """Return the parts of *png*: of an animation, the default image. Raises TooManyPartsError.

    Like libpng, ignore chunks that do not match the header. Only chunks that are needed for decoding
    keep their checksum, so Pillow checks no other checksum.
    """
    first: dict[bytes, memoryview] = {}
    pixels: list[memoryview] = []
    for name, chunk in _chunks(png):
        if name == b"IDAT":
            pixels.append(_data(chunk))
        elif name in _ANYWHERE or (name in _BEFORE_PIXELS and not pixels):
            first.setdefault(name, chunk)
    data = {name: bytes(_data(chunk)) for name, chunk in first.items()}
    chunks = (
        first.get(b"IHDR", b""),
        *((first[b"PLTE"],) if _has_palette(data) else ()),
        *_transparency(data),
        *_encoded_chunk(b"IDAT", b"".join(pixels)),
        *_encoded_chunk(b"IEND", b""),
    )
    image = b"".join((_SIGNATURE, *chunks))
    return Container(image, _profile(data.get(b"iCCP", b"")), data.get(b"eXIf", b""))


def _chunks(png: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name of each chunk, and as much of the chunk as there is."""
    content, at = memoryview(png), len(_SIGNATURE)
    for _ in range(MAX_PARTS):
        if at + 8 > len(png):
            return
        length, name = struct.unpack_from(">I4s", png, at)
        if name == b"IEND":
            return
        yield name, content[at : at + length + 12]
        at += length + 12
    raise TooManyPartsError


def _data(chunk: memoryview) -> memoryview:
    """Return the data between the name of a *chunk* and its checksum, which may be missing."""
    (length,) = struct.unpack_from(">I", chunk)
    return chunk[8 : 8 + length]


def _has_palette(data: Mapping[bytes, bytes]) -> bool:
    """Return whether a picture of palette indexes has a palette of 1 to 256 colours (PNG, 11.2.2)."""
    is_indexed = data.get(b"IHDR", b"")[9:10] == _INDEXED
    return is_indexed and len(data.get(b"PLTE", b"")) in _PALETTE_BYTES


def _transparency(data: Mapping[bytes, bytes]) -> Iterable[bytes]:
    """Return the chunk of the transparent colours, if it matches the header."""
    transparent, colour = data.get(b"tRNS", b""), data.get(b"IHDR", b"")[9:10]
    entries = len(data.get(b"PLTE", b"")) // 3
    lengths = {_GREY: {2}, _RGB: {6}, _INDEXED: range(1, entries + 1)}
    if len(transparent) in lengths.get(colour, ()):
        return _encoded_chunk(b"tRNS", transparent)
    return ()


def _profile(data: bytes) -> bytes:
    """Return the profile of an iCCP chunk: after its name, in compression method 0."""
    _, _, packed = data.partition(b"\0")
    return inflated(packed[1:]) if packed[:1] == b"\0" else b""


def _encoded_chunk(name: bytes, data: bytes) -> Iterable[bytes]:
    """Return a chunk, in parts. IDAT gets the checksum 0, because Pillow does not check it."""
    checksum = 0 if name == b"IDAT" else zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I4s", len(data), name), data, struct.pack(">I", checksum)
