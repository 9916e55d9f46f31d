"""Follow the imports of a function into its packages, without executing them.

This finds the missing modules that importing the handler would find. It does not find missing names
in modules, nor imports that are known only at run time: computed, caught or conditional ones.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from deployer import lambda_runtime
from deployer.artifacts import stdlib
from deployer.artifacts.conditions import Machine
from deployer.artifacts.imports import Import, imports
from deployer.artifacts.problems import Problem

_MODULES = (".py", ".so", ".pyc")
_INIT = "__init__"
_FOLDER, _FILE, _PACKAGE = range(3)
_MODULE_HOOKS = (b"sys.modules", b"meta_path", b"path_hooks", b"__path__")
_HINT = "pin another version of the package, or add what it imports to requirements.in"


@dataclass(frozen=True, order=True)
class _Module:
    """A candidate for a module name: Python prefers a package to a file, and a file to a folder."""

    kind: int
    is_source: bool = False
    file: str = ""


def modules(files: Collection[str]) -> dict[str, str]:
    """Return every module that can be imported from a zip with these paths, with its file.

    Folders are modules without a file. Modules in a folder next to a source of the same name cannot
    be imported.
    """
    candidates_by_name: dict[str, _Module] = {}
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
            candidates_by_name[module] = max(candidates_by_name.get(module, candidate), candidate)
    hidden = {
        name
        for name, module in candidates_by_name.items()
        if module.kind == _FILE and module.is_source
    }
    return {
        name: module.file
        for name, module in candidates_by_name.items()
        if not hidden.intersection(itertools.accumulate(name.split(".")[:-1], "{}.{}".format))
    }


def unresolved(
    packed: zipfile.ZipFile, sources: Mapping[str, bytes], machine: Machine
) -> Iterator[Problem]:
    """Yield imports of packages, executed during their import, that the zip does not provide.

    Imports of *sources*, the function's own files, are followed; checks.contents reports them.
    """
    known = modules(packed.namelist())
    is_available = availability(known, machine, packed.read)
    pending = [path for path in sources if path.endswith(".py")]
    seen = set(pending)
    while pending:
        path = pending.pop()
        for import_ in _imports(packed, path, machine):
            is_certain = path in sources or not (import_.late or import_.conditional)
            if not (is_certain and import_.is_needed(is_available)):
                continue
            if not is_available(import_.module) and path not in sources:
                place = f"{path}:{import_.line}"
                yield Problem(f"{place}: imports {import_.module}, which is not in the zip", _HINT)
            files = {known.get(name, "") for name in _loaded_modules(import_)}
            reached = {file for file in files if _is_source(file)} - seen
            seen |= reached
            pending += sorted(reached)


def availability(
    known: Mapping[str, str], machine: Machine, read: Callable[[str], bytes]
) -> Callable[[str], bool]:
    """Return a function that returns whether a module is in the zip or in Lambda's runtime.

    The function also returns True for a module that its parent package may create at run time,
    because the package is compiled or changes how modules are found. *known* are the modules of the
    zip, and *read* returns the content of a file in the zip.
    """
    provided = stdlib.names(machine.python) | set(lambda_runtime.PACKAGES.values())

    def is_available(module: str) -> bool:
        top = module.partition(".")[0]
        return module in known or top in provided or _may_create(known, module, read)

    return is_available


def _may_create(known: Mapping[str, str], module: str, read: Callable[[str], bytes]) -> bool:
    """Return whether the nearest parent package of *module* may create it during its import."""
    while module := module.rpartition(".")[0]:
        if module in known:
            file = known[module]
            if not _is_source(file):
                return bool(file)
            content = read(file)
            return any(word in content for word in _MODULE_HOOKS)
    return False


def _is_source(file: str) -> bool:
    return file.endswith(".py")


def _loaded_modules(import_: Import) -> Iterator[str]:
    """Yield the modules that an import loads: parent packages, and names that may be modules."""
    parts = import_.module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    yield from (f"{import_.module}.{name}" for name in import_.names)


def _imports(packed: zipfile.ZipFile, path: str, machine: Machine) -> tuple[Import, ...]:
    """Return the imports of a file; none if this Python is too old to parse it."""
    try:
        return imports(packed.read(path), path.removesuffix(".py").replace("/", "."), machine)
    except SyntaxError:
        return ()
