"""Write reproducible zips: the same files give the same bytes, at any time and on any machine.

Names are sorted; the time is the earliest that a zip can contain; every file is readable by all, and
executable by all or by none, independent of the umask. Compression is deflate at level 5; level 6
would take 40 % longer and save half a percent. The bytes depend on zlib: a replacement for it
(zlib-ng in some builds of Python) compresses differently, so a zip is named by the digest of
its inputs, never by that of its bytes.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

EPOCH = (1980, 1, 1, 0, 0, 0)
MODE, EXECUTABLE_MODE = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
LEVEL = 5
_UNIX = 3


@dataclass(frozen=True)
class Tree:
    """Files by their path in the zip; *executable* has the paths of executable files."""

    files: Mapping[str, bytes]
    executable: frozenset[str] = frozenset()


def add(tree: Tree, file: IO[bytes]) -> dict[str, int]:
    """Append *tree* to the zip *file*; return the sizes of all its files in bytes.

    Files that are already in the zip are neither read nor compressed again. If *file* is empty, it
    becomes a zip.
    """
    with zipfile.ZipFile(file, "a") as packed:
        for path in sorted(tree.files):
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = (EXECUTABLE_MODE if path in tree.executable else MODE) << 16
            packed.writestr(entry, tree.files[path], zipfile.ZIP_DEFLATED, LEVEL)
        return {entry.filename: entry.file_size for entry in packed.infolist()}


class Contents(Mapping[str, bytes]):
    """The files of a zip by path; each is read on access."""

    def __init__(self, file: Path) -> None:
        """List the zip *file*."""
        self._file = file
        with zipfile.ZipFile(file) as packed:
            self._names = frozenset(packed.namelist())

    def __getitem__(self, path: str) -> bytes:
        """Return the content of *path*."""
        with zipfile.ZipFile(self._file) as packed:
            return packed.read(path)

    def __contains__(self, path: object) -> bool:
        """Return whether the zip has *path*, without reading it."""
        return path in self._names

    def __iter__(self) -> Iterator[str]:
        """Return the paths."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._names)


def extract(file: Path, folder: Path) -> None:
    """Extract *file* to *folder* with file modes, as Lambda does; zipfile ignores modes."""
    with zipfile.ZipFile(file) as packed:
        for entry in packed.infolist():
            Path(packed.extract(entry, folder)).chmod(stat.S_IMODE(entry.external_attr >> 16))
