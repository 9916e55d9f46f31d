"""Writes a zip that is the same whenever and wherever it is written.

Names are sorted; the time is the oldest that a zip can hold; every file is readable by all, and
executable by all or by none, whatever the checkout's umask was. Deflated at level 5: level 6 takes two fifths
longer for half a percent. Bytes are the same wherever zlib is: another library in its place
(zlib-ng in some builds of Python) gives other bytes of the same contents, so a zip is called by the
digest of what goes into it, never by that of its own bytes.
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
    """Files by path in the zip; *executable* has the paths of those that can be run."""

    files: Mapping[str, bytes]
    executable: frozenset[str] = frozenset()


def add(tree: Tree, to: IO[bytes]) -> dict[str, int]:
    """Write *tree* behind what is in the zip *to*; return the sizes of all that is in it then.

    What was there is not deflated again, nor even read. An empty file becomes a zip.
    """
    with zipfile.ZipFile(to, "a") as packed:
        for path in sorted(tree.files):
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = (EXECUTABLE_MODE if path in tree.executable else MODE) << 16
            packed.writestr(entry, tree.files[path], zipfile.ZIP_DEFLATED, LEVEL)
        return {entry.filename: entry.file_size for entry in packed.infolist()}


class Contents(Mapping[str, bytes]):
    """The files of a zip by path; each is read when it is asked for."""

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
        """Return whether the zip has *path*; it is not read."""
        return path in self._names

    def __iter__(self) -> Iterator[str]:
        """Return the paths."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many files there are."""
        return len(self._names)


def extract(file: Path, folder: Path) -> None:
    """Unzip *file* into *folder* as Lambda does: with the modes, which zipfile leaves out."""
    with zipfile.ZipFile(file) as packed:
        for entry in packed.infolist():
            Path(packed.extract(entry, folder)).chmod(stat.S_IMODE(entry.external_attr >> 16))
