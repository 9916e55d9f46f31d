"""Gather the source files of a function's zip, and compute their digest.

A zip contains the folder of the function at its root, the modules of lambdas/shared/ that its
sources import, and the files that its include.txt names. Only files that git tracks or would track
are included. The digest depends on content, path and executable bit, not on times, owners or the
location of the checkout.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deployer.artifacts.git_files import Listing, listing
from deployer.artifacts.imports import Import, imports
from deployer.artifacts.problems import Problem, combined_error
from deployer.artifacts.zip_files import Tree
from deployer.errors import SynthError
from deployer.lambda_runtime import PACKAGES, normalize_name

FORMAT = "2"  # Increment it if the builder now creates a different zip from the same sources.
LAMBDAS, SHARED = "lambdas", "shared"
LOCK, REQUIREMENTS_IN, UNUSED, INCLUDE = (
    "requirements.txt",
    "requirements.in",
    "unused.txt",
    "include.txt",
)

_NOT_CODE = {LOCK, REQUIREMENTS_IN, UNUSED, INCLUDE, "events"}
_CACHES = ("__pycache__",)
_INIT = "__init__.py"
_COMPILED = ".pyc"
_EDITOR_FILES = re.compile(r".*(~|\.orig|\.rej|\.bak|\.swp|\.swo)|#.*#")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # Of a package, at the start of a requirement.
_LOCKED = re.compile(rf"{_NAME.pattern}(\[[^\]]*\])? ?==")  # A URL or path has no version.
_UNPORTABLE = re.compile(
    r'[^ -~]|[\\:*?"<>|]|[ .]$'
)  # Characters that some systems do not allow or encode differently.


@dataclass(frozen=True)
class Sources:
    """The source files of a zip by path, the lock, and the requirements.in that it was compiled from."""

    files: Mapping[str, bytes]
    lock: bytes = b""
    requirements_in: bytes = b""
    executable: frozenset[str] = frozenset()

    @property
    def tree(self) -> Tree:
        """Return the source files as they are written to the zip."""
        return Tree(self.files, self.executable)

    def digest(self, facts: Sequence[str]) -> str:
        """Return 32 hexadecimal digits that depend on these sources and on *facts*."""
        digest = hashlib.sha256()
        for part in ("\n".join((FORMAT, *facts)).encode(), self.lock, self.requirements_in):
            _update_digest(digest, part)
        for path in sorted(self.files):
            _update_digest(digest, path.encode())
            _update_digest(digest, self.files[path])
            _update_digest(digest, b"x" if path in self.executable else b"")
        return digest.hexdigest()[:32]


def gather(root: Path, name: str) -> Sources:
    """Return the sources of lambdas/*name*; raise SynthError with all their problems."""
    _check_name(root, name)
    folder = root / LAMBDAS / name
    if undecodable := list(_not_utf8(folder)):
        raise combined_error(SynthError, undecodable)
    included = list(_included_paths(folder))
    paths = [f"{LAMBDAS}/{name}", f"{LAMBDAS}/{SHARED}"]
    paths += [str(path) for _, path in included if _is_within(path)]
    collector = _SourceCollector(root, listing(root, paths))
    collector.problems += _symbolic_links(root, (LAMBDAS, *paths[:2]))
    collector.add_function(name)
    for place, path in included:
        collector.add_included(path, place, name)
    collector.add_imported()
    lock, requirements_in = _bytes(folder / LOCK), _bytes(folder / REQUIREMENTS_IN)
    collector.problems += _not_packages(name, lock)
    collector.problems += _unlocked(name, lock, requirements_in, _bytes(folder / UNUSED))
    collector.problems += _case_collisions(collector.files)
    if collector.problems:
        raise combined_error(SynthError, collector.problems)
    return Sources(collector.files, lock, requirements_in, frozenset(collector.executable))


def names(text: bytes) -> Iterator[str]:
    """Yield the normalized names of the packages in a list of requirements."""
    for line in decoded(text).splitlines():
        if match := _NAME.match(line):
            yield normalize_name(match[0])


def decoded(text: bytes) -> str:
    """Return a list of requirements or paths as text, without a byte order mark."""
    return text.decode("utf-8-sig")


@dataclass
class _SourceCollector:
    root: Path
    listing: Listing
    files: dict[str, bytes] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)  # The path in the checkout of each file.
    problems: list[Problem] = field(default_factory=list)

    def add_function(self, name: str) -> None:
        """Add the folder of the function, without sample events and lists of requirements."""
        folder = self.root / LAMBDAS / name
        for entry in self._entries(folder):
            if entry.name not in _NOT_CODE:
                self._add(entry, name)

    def add_included(self, path: PurePosixPath, place: str, name: str) -> None:
        """Add *path*, which include.txt of the function *name* lists at *place*."""
        hint = "name a file or folder of the repository, from its root: backend/db"
        if _UNPORTABLE.search(str(path)):
            fact = f"{place}: {path} has a character that not every system allows"
            self.problems.append(Problem(fact, hint))
        elif not _is_within(path):
            self.problems.append(Problem(f"{place}: {path} leaves the repository", hint))
        elif path.parts[0].casefold() in {name.casefold(), SHARED}:
            fact = f"{place}: {path} would be in the function's own folder {path.parts[0]}/"
            self.problems.append(Problem(fact, "move or rename it"))
        elif not (entry := self._entry_with_exact_name(path)):
            self.problems.append(Problem(f"{place}: {path} {self._why_missing(path)}", hint))
        else:
            self._add(entry, str(path.parent) if path.parent.parts else "")

    def _entry_with_exact_name(self, path: PurePosixPath) -> os.DirEntry[str] | None:
        """Return the entry of *path* if upper and lower case are exact, even if the system ignores case."""
        folder, found = self.root, None
        for part in path.parts:
            found = next((entry for entry in self._entries(folder) if entry.name == part), None)
            if found is None or found.is_symlink():
                return found
            folder = Path(found.path)
        return found

    def _why_missing(self, path: PurePosixPath) -> str:
        """Return why *path* cannot be included, such as "is missing"."""
        if any(part.startswith(".") for part in path.parts):
            return "is hidden, so it is not packed"
        is_ignored = (self.root / path).exists() and str(path) not in self.listing
        return "is ignored by git, so it is not packed" if is_ignored else "is missing"

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """Return the entries of *folder* that belong to the checkout, sorted by name."""
        return [entry for entry in _entries(folder) if self._belongs(entry)]

    def _belongs(self, entry: os.DirEntry[str]) -> bool:
        path = self._path(entry)
        if _EDITOR_FILES.fullmatch(entry.name) and not entry.is_dir():
            return self.listing.is_tracked(path)
        return path in self.listing

    def _path(self, entry: os.DirEntry[str]) -> str:
        return Path(entry.path).relative_to(self.root).as_posix()

    def add_imported(self) -> None:
        """Add the shared modules that the files import, directly or indirectly."""
        unread = list(self.files)
        while unread:
            path = unread.pop()
            before = set(self.files)
            for import_ in self._imports_of(path):
                if import_.module.partition(".")[0] == SHARED:
                    self._add_shared_package()
                for module in _shared_names(import_):
                    self._add_shared(module, path, import_)
            unread += sorted(self.files.keys() - before)

    def _imports_of(self, path: str) -> tuple[Import, ...]:
        source = self.files[path]
        mentions_shared = SHARED.encode() in source or path.startswith(f"{SHARED}/")
        if not (path.endswith(".py") and mentions_shared):
            return ()
        try:
            return imports(source, path.removesuffix(".py").replace("/", "."))
        except SyntaxError as error:
            place = f"{self.origins[path]}:{error.lineno}"
            self.problems.append(Problem(f"{place}: {error.msg}", "fix the syntax error"))
            return ()

    def _add_shared_package(self) -> None:
        """Add lambdas/shared/__init__.py, if there is one: Python executes it first."""
        for entry in self._entries(self.root / LAMBDAS / SHARED):
            if entry.name == _INIT:
                self._add(entry, SHARED)

    def _add_shared(self, module: str, importer: str, import_: Import) -> None:
        """Add lambdas/shared/*module*, a file or folder, with data files of the same name."""
        entries = [
            entry
            for entry in self._entries(self.root / LAMBDAS / SHARED)
            if entry.name.partition(".")[0] == module
        ]
        if any(entry.name in {module, f"{module}.py"} for entry in entries):
            for entry in entries:
                self._add(entry, SHARED)
        elif not (
            # A name that __init__.py does not define, and other missing modules, are reported by
            # the build.
            import_.optional or import_.unless or f"{SHARED}/{_INIT}" in self.files
        ):
            place = f"{self.origins[importer]}:{import_.line}"
            self.problems.append(
                Problem(
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
        return sorted({entry.name.partition(".")[0] for entry in entries if entry.name != _INIT})

    def _add(self, entry: os.DirEntry[str], parent: str) -> None:
        path = f"{parent}/{entry.name}" if parent else entry.name
        shown = self._path(entry)
        if self.listing.is_repository(shown):
            fact = f"{shown}: is another git repository, whose files this one does not track"
            self.problems.append(Problem(fact, "replace it by its files"))
        elif entry.is_symlink():
            self.problems.append(Problem(f"{shown}: is a symbolic link", "replace it by the file"))
        elif _UNPORTABLE.search(entry.name):
            name = f"{shown!r}: a name that some systems do not allow"
            self.problems.append(Problem(name, "use plain ASCII letters, digits, - and _"))
        elif entry.is_dir():
            for child in self._entries(Path(entry.path)):
                self._add(child, path)
        elif not entry.is_file():  # A pipe, which would block, or a socket.
            self.problems.append(Problem(f"{shown}: is not a regular file", "delete it"))
        elif path not in self.files:
            self._add_file(path, shown)

    def _add_file(self, path: str, shown: str) -> None:
        try:
            self.files[path] = (self.root / shown).read_bytes()
        except OSError as error:
            fact = f"{shown}: cannot be read: {error.strerror}"
            self.problems.append(Problem(fact, "make it readable, or delete it"))
            return
        self.origins[path] = shown
        if self.listing.is_executable(shown):
            self.executable.add(path)


def _check_name(root: Path, name: str) -> None:
    """Raise SynthError unless *name* is a function with a valid, unused package name."""
    folders = [entry.name for entry in _entries(root / LAMBDAS) if entry.is_dir()]
    functions = sorted(set(folders) - {SHARED})
    place = f"{LAMBDAS}/{name}"
    if name not in functions:
        raise SynthError(f"{place}: no such function", hint=f"one of: {', '.join(functions)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SynthError(
            f"{place}: is not a valid package name", hint="use a-z, 0-9 and _, such as thumbnail"
        )
    if name in sys.stdlib_module_names or name in PACKAGES.values():
        raise SynthError(f"{place}: Lambda's Python has a {name} already", hint="rename the folder")


def _symbolic_links(root: Path, folders: Iterable[str]) -> Iterator[Problem]:
    """Yield the *folders* that are symbolic links: git does not track the files in their targets."""
    for folder in folders:
        if (root / folder).is_symlink():
            yield Problem(f"{folder}: is a symbolic link", "replace it by the folder")


def _included_paths(folder: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield each path in the function's include.txt, with the place of its line."""
    lines = decoded(_bytes(folder / INCLUDE)).splitlines()
    for number, line in enumerate(lines, 1):
        if path := line.partition("#")[0].strip():
            yield f"{LAMBDAS}/{folder.name}/{INCLUDE}:{number}", PurePosixPath(path)


def _is_within(path: PurePosixPath) -> bool:
    """Return whether *path* is valid on every system and below the root of the checkout."""
    is_outside = path.is_absolute() or ".." in path.parts or not path.parts
    return not (is_outside or _UNPORTABLE.search(str(path)))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of *folder* without hidden files and caches, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted(filter(_is_source, entries), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_source(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return not (name.startswith(".") or name in _CACHES or name.endswith(_COMPILED))


def _shared_names(import_: Import) -> Iterable[str]:
    """Return the modules of lambdas/shared/ that an import names."""
    match import_.module.split("."):
        case [top, module, *_] if top == SHARED:
            return (module,)
        case [top] if top == SHARED:
            return import_.names
        case _:
            return ()


def _not_utf8(folder: Path) -> Iterator[Problem]:
    """Yield the function's lists that are not UTF-8; PowerShell redirects text as UTF-16."""
    for name in (LOCK, REQUIREMENTS_IN, UNUSED, INCLUDE):
        try:
            _bytes(folder / name).decode()
        except UnicodeDecodeError as error:
            place = f"{LAMBDAS}/{folder.name}/{name}"
            yield Problem(f"{place}: is not UTF-8: byte {error.start + 1}", "save it as UTF-8")


def _not_packages(name: str, lock: bytes) -> Iterator[Problem]:
    """Yield the lines of the lock that are neither a package, nor its hashes, nor a comment."""
    for number, line in enumerate(decoded(lock).splitlines(), 1):
        if line and not (line[0].isspace() or line[0] == "#" or _LOCKED.match(line)):
            fact = f"{LAMBDAS}/{name}/{LOCK}:{number}: is not a package of an index"
            yield Problem(fact, "ship local source with include.txt, then run ./inv lock")


def _unlocked(name: str, lock: bytes, requirements_in: bytes, unused: bytes) -> Iterator[Problem]:
    """Yield the requirements that are not locked."""
    for missing in sorted(set(names(requirements_in)) - set(names(lock)) - set(names(unused))):
        place = f"{LAMBDAS}/{name}/{REQUIREMENTS_IN}"
        yield Problem(f"{place}: {missing} is not in {LOCK}", "run ./inv lock")


def _case_collisions(paths: Iterable[str]) -> Iterator[Problem]:
    """Yield paths that differ only by case, which macOS and Windows do not distinguish."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            prefix = "/".join(parts[:end])
            other = seen.setdefault(prefix.casefold(), prefix)
            if other != prefix:
                yield Problem(f"{other} and {prefix}: differ only by case", "rename one of them")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _update_digest(digest: hashlib._Hash, part: bytes) -> None:
    """Add the length of *part*, then *part*: parts that are divided differently give another digest."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)
