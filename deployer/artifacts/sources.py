"""What of the checkout goes into a function's zip, and the digest of it.

A zip has the folder of the function at its root, those modules of lambdas/shared/ that its sources
import, and what its include.txt names; of all that, the files that git tracks or would track.
Bytes count, where they are in the zip, and whether they can be run: neither when a file was
written, nor by whom, nor where the checkout is.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deployer.artifacts.faults import Fault, told
from deployer.artifacts.imports import Import, imports
from deployer.artifacts.packing import Tree
from deployer.artifacts.tracked import Listing, listing
from deployer.errors import SynthError
from deployer.lambda_runtime import PACKAGES, normal

FORMAT = "2"  # Of the zips: a change to what the builder makes of the same sources is a new number.
LAMBDAS, SHARED = "lambdas", "shared"
LOCK, ASKED, UNUSED, INCLUDE = "requirements.txt", "requirements.in", "unused.txt", "include.txt"

_NOT_CODE = {LOCK, ASKED, UNUSED, INCLUDE, "events"}
_CACHES = ("__pycache__",)
_COMPILED = ".pyc"
_LEFT_BY_EDITORS = re.compile(r".*(~|\.orig|\.rej|\.bak|\.swp|\.swo)|#.*#")
_ODD = re.compile(r'[^ -~]|[\\:*?"<>|]')  # What some system cannot have in a name, or writes apart.


@dataclass(frozen=True)
class Sources:
    """What is ours in a zip, by path; the lock, and what it was made from."""

    files: Mapping[str, bytes]
    lock: bytes = b""
    asked: bytes = b""
    executable: frozenset[str] = frozenset()

    @property
    def tree(self) -> Tree:
        """The files as they are packed."""
        return Tree(self.files, self.executable)

    def digest(self, facts: Sequence[str]) -> str:
        """Thirty-two hex digits of all this and of *facts*."""
        digest = hashlib.sha256()
        for part in ("\n".join((FORMAT, *facts)).encode(), self.lock, self.asked):
            _feed(digest, part)
        for path in sorted(self.files):
            _feed(digest, path.encode())
            _feed(digest, self.files[path])
            _feed(digest, b"x" if path in self.executable else b"")
        return digest.hexdigest()[:32]


def gather(root: Path, name: str) -> Sources:
    """The sources of lambdas/*name*; raises SynthError with everything that is wrong with them."""
    _check_name(root, name)
    folder = root / LAMBDAS / name
    included = list(_included(folder))
    paths = [f"{LAMBDAS}/{name}", f"{LAMBDAS}/{SHARED}"]
    paths += [str(path) for _, path in included if _is_within(path)]
    gathering = _Gathering(root, listing(root, paths))
    gathering.faults += _linked(root, (LAMBDAS, *paths[:2]))
    gathering.function(name)
    for place, path in included:
        gathering.include(path, place, name)
    gathering.imported()
    lock, asked = _bytes(folder / LOCK), _bytes(folder / ASKED)
    gathering.faults += _stale(name, lock, asked, _bytes(folder / UNUSED))
    gathering.faults += _same_but_for_case(gathering.files)
    if gathering.faults:
        raise told(SynthError, gathering.faults)
    return Sources(gathering.files, lock, asked, frozenset(gathering.executable))


def names(text: bytes) -> Iterator[str]:
    """The packages in a list of requirements, as PyPI compares names."""
    for line in text.decode().splitlines():
        if found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line):
            yield normal(found[0])


@dataclass
class _Gathering:
    root: Path
    listing: Listing
    files: dict[str, bytes] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)  # Where a file of the zip comes from.
    faults: list[Fault] = field(default_factory=list)

    def function(self, name: str) -> None:
        """All of its folder but what is for people and tools."""
        folder = self.root / LAMBDAS / name
        for entry in self._entries(folder):
            if entry.name not in _NOT_CODE:
                self._add(entry, name)

    def include(self, path: PurePosixPath, place: str, name: str) -> None:
        """Take what include.txt of the function *name* says at *place*, where it is."""
        hint = "name a file or folder of the repository, from its root: backend/db"
        if not _is_within(path):
            self.faults.append(Fault(f"{place}: {path} leaves the repository", hint))
        elif path.parts[0].casefold() in {name.casefold(), SHARED}:
            taken = f"{place}: {path} would be where the function's own {path.parts[0]}/ is"
            self.faults.append(Fault(taken, "move it, or have it under another name"))
        elif not (found := self._exactly(path)):
            self.faults.append(Fault(f"{place}: {path} {self._missing(path)}", hint))
        else:
            self._add(found, str(path.parent) if path.parent.parts else "")

    def _exactly(self, path: PurePosixPath) -> os.DirEntry[str] | None:
        """The file or folder *path* in letters that are the same on every system."""
        folder, found = self.root, None
        for part in path.parts:
            found = next((entry for entry in self._entries(folder) if entry.name == part), None)
            if found is None or found.is_symlink():
                return found
            folder = Path(found.path)
        return found

    def _missing(self, path: PurePosixPath) -> str:
        """Say why *path* is not packed, which may be there."""
        if any(part.startswith(".") for part in path.parts):
            return "is hidden, so it is not packed"
        is_ignored = (self.root / path).exists() and str(path) not in self.listing
        return "is ignored by git, so it is not packed" if is_ignored else "is not there"

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """What is in *folder* and belongs to the checkout, in the order of names."""
        return [entry for entry in _entries(folder) if self._belongs(entry)]

    def _belongs(self, entry: os.DirEntry[str]) -> bool:
        path = self._path(entry)
        if _LEFT_BY_EDITORS.fullmatch(entry.name) and not entry.is_dir():
            return self.listing.is_tracked(path)
        return path in self.listing

    def _path(self, entry: os.DirEntry[str]) -> str:
        return Path(entry.path).relative_to(self.root).as_posix()

    def imported(self) -> None:
        """The shared modules that what we have imports, and those that these import."""
        unread = list(self.files)
        while unread:
            path = unread.pop()
            before = set(self.files)
            for wanted in self._imports_of(path):
                for module in _shared(wanted):
                    self._share(module, path, wanted)
            unread += sorted(self.files.keys() - before)

    def _imports_of(self, path: str) -> tuple[Import, ...]:
        source = self.files[path]
        mentions = SHARED.encode() in source or path.startswith(f"{SHARED}/")
        if not (path.endswith(".py") and mentions):
            return ()
        try:
            return imports(source, path.removesuffix(".py").replace("/", "."))
        except SyntaxError as error:
            place = f"{self.origins[path]}:{error.lineno}"
            self.faults.append(Fault(f"{place}: {error.msg}", "mend it"))
            return ()

    def _share(self, module: str, by: str, wanted: Import) -> None:
        """Take lambdas/shared/*module*, file or folder, with the data that goes by its name."""
        entries = [
            entry
            for entry in self._entries(self.root / LAMBDAS / SHARED)
            if entry.name.partition(".")[0] == module
        ]
        if any(entry.name in {module, f"{module}.py"} for entry in entries):
            for entry in entries:
                self._add(entry, SHARED)
        elif not (wanted.optional or wanted.unless):  # The build knows what else is missing.
            place = f"{self.origins[by]}:{wanted.line}"
            self.faults.append(
                Fault(
                    f"{place}: imports {SHARED}.{module}, which {self._why_not_shared(module)}",
                    f"one of: {', '.join(self._shared_modules())}",
                )
            )

    def _why_not_shared(self, module: str) -> str:
        folder = self.root / LAMBDAS / SHARED
        is_ignored = any(entry.name in {module, f"{module}.py"} for entry in _entries(folder))
        return "is ignored by git" if is_ignored else f"is not in {LAMBDAS}/{SHARED}/"

    def _shared_modules(self) -> list[str]:
        entries = self._entries(self.root / LAMBDAS / SHARED)
        return sorted({entry.name.partition(".")[0] for entry in entries})

    def _add(self, entry: os.DirEntry[str], parent: str) -> None:
        path = f"{parent}/{entry.name}" if parent else entry.name
        shown = self._path(entry)
        if self.listing.is_repository(shown):
            fact = f"{shown}: is a git repository of its own, whose files this one does not track"
            self.faults.append(Fault(fact, "put the files themselves there"))
        elif entry.is_symlink():
            self.faults.append(Fault(f"{shown}: is a symlink", "put the file itself there"))
        elif _ODD.search(entry.name):
            name = f"{shown!r}: a name that not every system can have"
            self.faults.append(Fault(name, "use plain ASCII letters, digits, - and _"))
        elif entry.is_dir():
            for within in self._entries(Path(entry.path)):
                self._add(within, path)
        elif path not in self.files:
            self.files[path] = Path(entry.path).read_bytes()
            self.origins[path] = shown
            if self.listing.is_executable(shown):
                self.executable.add(path)


def _check_name(root: Path, name: str) -> None:
    """See that it is a function, and no other package's name; raises SynthError."""
    there = [entry.name for entry in _entries(root / LAMBDAS) if entry.is_dir()]
    functions = sorted(set(there) - {SHARED})
    place = f"{LAMBDAS}/{name}"
    if name not in functions:
        raise SynthError(
            f"{place}: there is no such function", hint=f"one of: {', '.join(functions)}"
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SynthError(
            f"{place}: is no name of a package", hint="a-z, 0-9 and _, such as thumbnail"
        )
    if name in sys.stdlib_module_names or name in PACKAGES.values():
        raise SynthError(f"{place}: Lambda's Python has a {name} already", hint="rename the folder")


def _linked(root: Path, folders: Iterable[str]) -> Iterator[Fault]:
    """Folders that are elsewhere, where git tracks nothing for us."""
    for folder in folders:
        if (root / folder).is_symlink():
            yield Fault(f"{folder}: is a symlink", "put the folder itself there")


def _included(folder: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Each path of the function's include.txt, with the place of its line."""
    lines = _bytes(folder / INCLUDE).decode().splitlines()
    for number, line in enumerate(lines, 1):
        if wanted := line.partition("#")[0].strip():
            yield f"{LAMBDAS}/{folder.name}/{INCLUDE}:{number}", PurePosixPath(wanted)


def _is_within(path: PurePosixPath) -> bool:
    """Return whether *path* is one that every system has below the root of the checkout."""
    odd = path.is_absolute() or ".." in path.parts or not path.parts
    return not (odd or _ODD.search(str(path)))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in *folder* and not left there by some tool, in the order of names."""
    try:
        with os.scandir(folder) as found:
            return sorted(filter(_is_ours, found), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ours(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return not (name.startswith(".") or name in _CACHES or name.endswith(_COMPILED))


def _shared(wanted: Import) -> Iterable[str]:
    """The modules of lambdas/shared/ that an import names."""
    match wanted.module.split("."):
        case [top, module, *_] if top == SHARED:
            return (module,)
        case [top] if top == SHARED:
            return wanted.names
        case _:
            return ()


def _stale(name: str, lock: bytes, asked: bytes, unused: bytes) -> Iterator[Fault]:
    """What is asked for and not locked."""
    for missing in sorted(set(names(asked)) - set(names(lock)) - set(names(unused))):
        place = f"{LAMBDAS}/{name}/{ASKED}"
        yield Fault(f"{place}: {missing} is not in {LOCK}", "run `./inv lock`")


def _same_but_for_case(paths: Iterable[str]) -> Iterator[Fault]:
    """Two names that are one on macOS and Windows; folders count, too."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            one = "/".join(parts[:end])
            other = seen.setdefault(one.casefold(), one)
            if other != one:
                yield Fault(f"{other} and {one}: differ only by case", "rename one of them")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _feed(digest: hashlib._Hash, part: bytes) -> None:
    """With its length, so that no other split gives the same digest."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)
