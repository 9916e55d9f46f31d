"""The modules of packages that a function imports, followed from file to file: nothing is run.

It finds what importing the handler would find missing, but for names within modules, and for
imports that only a run can tell of: those made up of strings, caught, or below a condition.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from deployer import lambda_runtime
from deployer.artifacts import stdlib
from deployer.artifacts.conditions import Machine
from deployer.artifacts.faults import Fault
from deployer.artifacts.imports import Import, imports

_MODULES = (".py", ".so", ".pyc")
_INIT = "__init__"
_FOLDER, _FILE, _PACKAGE = range(3)
_MAKING = (b"sys.modules", b"meta_path", b"path_hooks", b"__path__")  # How modules are made.
_HINT = "pin another version of the package, or add what it imports to requirements.in"


@dataclass(frozen=True, order=True)
class _Module:
    """What Python takes for a name: a package before a file, and that before a bare folder."""

    kind: int
    is_source: bool = False
    file: str = ""


def modules(files: Collection[str]) -> dict[str, str]:
    """Every module that can be imported from a zip with these paths: its file.

    Folders are modules, too, without a file; what is in a folder beside a source of its name
    cannot be imported.
    """
    found: dict[str, _Module] = {}
    for path in files:
        *folders, file = path.split("/")
        candidates = [
            (".".join(folders[:end]), _Module(_FOLDER)) for end in range(1, len(folders) + 1)
        ]
        name = file.partition(".")[0]
        if file.endswith(_MODULES):
            is_package = bool(folders) and name == _INIT
            module = ".".join(folders if is_package else [*folders, name])
            kind = _PACKAGE if is_package else _FILE
            candidates.append((module, _Module(kind, _is_source(path), path)))
        for module, candidate in candidates:
            found[module] = max(found.get(module, candidate), candidate)
    hidden = {name for name, module in found.items() if module.kind == _FILE and module.is_source}
    return {
        name: module.file
        for name, module in found.items()
        if not hidden.intersection(itertools.accumulate(name.split(".")[:-1], "{}.{}".format))
    }


def unresolved(
    packed: zipfile.ZipFile, ours: Mapping[str, bytes], machine: Machine
) -> Iterator[Fault]:
    """Imports that packages do when they are imported, and that the zip cannot answer.

    Those of our own sources are told elsewhere, by their place in the repository.
    """
    there = modules(packed.namelist())
    is_there = answers(there, machine, packed.read)
    waiting = [path for path in ours if path.endswith(".py")]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        for wanted in _imports(packed, path, machine):
            is_certain = path in ours or not (wanted.late or wanted.conditional)
            if not (is_certain and wanted.is_needed(is_there)):
                continue
            if not is_there(wanted.module) and path not in ours:
                place = f"{path}:{wanted.line}"
                yield Fault(f"{place}: imports {wanted.module}, which is not in the zip", _HINT)
            files = {there.get(name, "") for name in _parents(wanted)}
            reached = {file for file in files if _is_source(file)} - seen
            seen |= reached
            waiting += sorted(reached)


def answers(
    there: Mapping[str, str], machine: Machine, read: Callable[[str], bytes]
) -> Callable[[str], bool]:
    """Return what says whether a module is in the zip, which has *there*, or comes with Lambda.

    It says so, too, where only a run can tell: a compiled module, or one that changes how modules
    are found, may make others that have no file. *read* gives a file of the zip.
    """
    given = stdlib.names(machine.python) | set(lambda_runtime.PACKAGES.values())

    def is_there(module: str) -> bool:
        top = module.partition(".")[0]
        return module in there or top in given or _may_make(there, module, read)

    return is_there


def _may_make(there: Mapping[str, str], module: str, read: Callable[[str], bytes]) -> bool:
    """Return whether the nearest package above *module* may make it when that is imported."""
    while module := module.rpartition(".")[0]:
        if module in there:
            file = there[module]
            if not _is_source(file):
                return bool(file)
            content = read(file)
            return any(word in content for word in _MAKING)
    return False


def _is_source(file: str) -> bool:
    return file.endswith(".py")


def _parents(wanted: Import) -> Iterator[str]:
    """The modules that an import runs: packages first, and names that may be modules."""
    parts = wanted.module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    yield from (f"{wanted.module}.{name}" for name in wanted.names)


def _imports(packed: zipfile.ZipFile, path: str, machine: Machine) -> tuple[Import, ...]:
    """What a file imports; nothing if this Python is too old to read it."""
    try:
        return imports(packed.read(path), path.removesuffix(".py").replace("/", "."), machine)
    except SyntaxError:
        return ()
