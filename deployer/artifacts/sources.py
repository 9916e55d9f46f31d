"""What of the checkout goes into a function's zip, and the digest of it.

A zip has the folder of the function at its root, those modules of lambdas/shared/ that its sources
import, and what its include.txt names. Bytes count, and where they are in the zip: neither when a
file was written, nor by whom, nor where the checkout is.
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
from deployer.errors import SynthError
from deployer.runtime import PACKAGES, normal

FORMAT = "1"  # Of the zips: a change to what the builder makes of the same sources is a new number.
LAMBDAS, SHARED = "lambdas", "shared"
LOCK, ASKED, UNUSED, INCLUDE = "requirements.txt", "requirements.in", "unused.txt", "include.txt"

_NOT_CODE = {LOCK, ASKED, UNUSED, INCLUDE, "events"}
_CACHES = ("__pycache__",)
_LEFT_BY_TOOLS = (".pyc", "~")
_ODD = re.compile(r'[^ -~]|[\\:*?"<>|]')  # What some system cannot have in a name, or writes apart.


@dataclass(frozen=True)
class Sources:
    """What is ours in a zip, by path; the lock, and what it was made from."""

    files: Mapping[str, bytes]
    lock: bytes = b""
    asked: bytes = b""

    def digest(self, facts: Sequence[str]) -> str:
        """Thirty-two hex digits of all this and of *facts*."""
        digest = hashlib.sha256()
        for part in ("\n".join((FORMAT, *facts)).encode(), self.lock, self.asked):
            _feed(digest, part)
        for path in sorted(self.files):
            _feed(digest, path.encode())
            _feed(digest, self.files[path])
        return digest.hexdigest()[:32]


def gather(root: Path, name: str) -> Sources:
    """The sources of lambdas/*name*; raises SynthError with everything that is wrong with them."""
    gathering = _Gathering(root)
    _check_name(root, name)
    gathering.function(name)
    gathering.included(name)
    gathering.imported()
    folder = root / LAMBDAS / name
    lock, asked = _bytes(folder / LOCK), _bytes(folder / ASKED)
    gathering.faults += _stale(name, lock, asked, _bytes(folder / UNUSED))
    gathering.faults += _same_but_for_case(gathering.files)
    if gathering.faults:
        raise told(SynthError, gathering.faults)
    return Sources(gathering.files, lock, asked)


def names(text: bytes) -> Iterator[str]:
    """The packages in a list of requirements, as PyPI compares names."""
    for line in text.decode().splitlines():
        if found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line):
            yield normal(found[0])


@dataclass
class _Gathering:
    root: Path
    files: dict[str, bytes] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)  # Where a file of the zip comes from.
    faults: list[Fault] = field(default_factory=list)

    def function(self, name: str) -> None:
        """All of its folder but what is for people and tools."""
        folder = self.root / LAMBDAS / name
        for entry in _entries(folder):
            if entry.name not in _NOT_CODE:
                self._add(entry, name)

    def included(self, name: str) -> None:
        """What include.txt names, where it is in the repository."""
        place = f"{LAMBDAS}/{name}/{INCLUDE}"
        lines = _bytes(self.root / place).decode().splitlines()
        for number, line in enumerate(lines, 1):
            wanted = line.partition("#")[0].strip()
            if wanted:
                self._include(wanted, f"{place}:{number}", name)

    def _include(self, wanted: str, place: str, name: str) -> None:
        path = PurePosixPath(wanted)
        hint = "name a file or folder of the repository, from its root: backend/db"
        if path.is_absolute() or ".." in path.parts or _ODD.search(wanted) or not path.parts:
            self.faults.append(Fault(f"{place}: {wanted} leaves the repository", hint))
        elif path.parts[0].casefold() in {name.casefold(), SHARED}:
            taken = f"{place}: {wanted} would be where the function's own {path.parts[0]}/ is"
            self.faults.append(Fault(taken, "move it, or have it under another name"))
        elif not (found := self._exactly(path)):
            self.faults.append(Fault(f"{place}: {wanted} is not there", hint))
        else:
            self._add(found, str(path.parent) if path.parent.parts else "")

    def _exactly(self, path: PurePosixPath) -> os.DirEntry[str] | None:
        """The file or folder *path* in letters that are the same on every system."""
        folder, found = self.root, None
        for part in path.parts:
            found = next((entry for entry in _entries(folder) if entry.name == part), None)
            if found is None or found.is_symlink():
                return found
            folder = Path(found.path)
        return found

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
            for entry in _entries(self.root / LAMBDAS / SHARED)
            if entry.name.partition(".")[0] == module
        ]
        if any(entry.name in {module, f"{module}.py"} for entry in entries):
            for entry in entries:
                self._add(entry, SHARED)
        elif not wanted.optional:
            place = f"{self.origins[by]}:{wanted.line}"
            self.faults.append(
                Fault(
                    f"{place}: imports {SHARED}.{module}, which is not in {LAMBDAS}/{SHARED}/",
                    f"one of: {', '.join(_modules(self.root / LAMBDAS / SHARED))}",
                )
            )

    def _add(self, entry: os.DirEntry[str], parent: str) -> None:
        path = f"{parent}/{entry.name}" if parent else entry.name
        shown = Path(entry.path).relative_to(self.root).as_posix()
        if entry.is_symlink():
            self.faults.append(Fault(f"{shown}: is a symlink", "put the file itself there"))
        elif _ODD.search(entry.name):
            name = f"{shown!r}: a name that not every system can have"
            self.faults.append(Fault(name, "use plain ASCII letters, digits, - and _"))
        elif entry.is_dir():
            for within in _entries(Path(entry.path)):
                self._add(within, path)
        elif path not in self.files:
            self.files[path] = Path(entry.path).read_bytes()
            self.origins[path] = shown


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


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in *folder* and not left there by some tool, in the order of names."""
    try:
        with os.scandir(folder) as found:
            return sorted(filter(_is_ours, found), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ours(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return not (name.startswith(".") or name in _CACHES or name.endswith(_LEFT_BY_TOOLS))


def _shared(wanted: Import) -> Iterable[str]:
    """The modules of lambdas/shared/ that an import names."""
    match wanted.module.split("."):
        case [top, module, *_] if top == SHARED:
            return (module,)
        case [top] if top == SHARED:
            return wanted.names
        case _:
            return ()


def _modules(folder: Path) -> list[str]:
    return sorted({entry.name.partition(".")[0] for entry in _entries(folder)})


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
