"""The modules of packages that a function imports, followed from file to file: nothing is run.

It finds what importing the handler would find missing, but for names within modules, and for
imports that only a run can tell of: those made up of strings, caught, or below a condition.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from deployer import runtime
from deployer.artifacts import stdlib
from deployer.artifacts.conditions import Machine
from deployer.artifacts.faults import Fault
from deployer.artifacts.imports import Import, imports

_MODULES = (".py", ".so", ".pyc")
_INIT = "__init__"
_FOLDER, _FILE, _PACKAGE = range(3)
_HINT = "pin another version of the package, or add what it imports to requirements.in"


@dataclass(frozen=True, order=True)
class _Module:
    """What Python takes for a name: a package before a file, and that before a bare folder."""

    kind: int
    source: str = ""


def modules(files: Collection[str]) -> dict[str, str]:
    """Every module that can be imported from a zip with these paths: its source, if it has one.

    Folders are modules, too; what is in a folder beside a file of its name cannot be imported.
    """
    found: dict[str, _Module] = {}
    for path in files:
        *folders, file = path.split("/")
        candidates = [
            (".".join(folders[:end]), _Module(_FOLDER)) for end in range(1, len(folders) + 1)
        ]
        name = file.partition(".")[0]
        if file.endswith(_MODULES):
            source = path if file == f"{name}.py" else ""
            is_package = bool(folders) and name == _INIT
            module = ".".join(folders if is_package else [*folders, name])
            candidates.append((module, _Module(_PACKAGE if is_package else _FILE, source)))
        for module, candidate in candidates:
            found[module] = max(found.get(module, candidate), candidate)
    hidden = {name for name, module in found.items() if module.kind == _FILE and module.source}
    return {
        name: module.source
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
    is_there = answers(there, machine)
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
            reached = {there[name] for name in _parents(wanted) if there.get(name)} - seen
            seen |= reached
            waiting += sorted(reached)


def answers(there: Collection[str], machine: Machine) -> Callable[[str], bool]:
    """Return what says whether a module is in the zip, which has *there*, or comes with Lambda."""
    given = stdlib.names(machine.python) | set(runtime.PACKAGES.values())
    return lambda module: module in there or module.partition(".")[0] in given


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
