"""Find all imports in the stack files that fail.

Python stops at the first error, so without this module each run would report only one of them.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from deployer import stack_file_errors


def import_errors(folder: Path) -> list[str]:
    """Return one line per place for the errors of importing every module in *folder*.

    Each module is imported on its own, and so is each import statement at its top level. Files
    that Python cannot compile are left out: see `stack_file_errors.syntax_errors`.
    """
    lines: dict[str, str] = {}
    with _empty_package(folder):
        for file in sorted(folder.rglob("*.py")):
            for error in _errors(file, folder):
                line = stack_file_errors.explain(error, folder)
                place = line.partition(": ")[0] if line else ""
                if line and len(line) < len(lines.get(place, line + " ")):
                    lines[place] = line  # The longer line also has a file that imports this one.
    return list(lines.values())


@contextmanager
def _empty_package(folder: Path) -> Iterator[None]:
    """Let the modules of the package in *folder* be imported without its `__init__.py`."""
    package = ModuleType(folder.name)
    package.__path__ = [str(folder)]
    original = sys.modules.get(folder.name)
    sys.modules[folder.name] = package
    try:
        yield
    finally:
        del sys.modules[folder.name]
        if original:
            sys.modules[folder.name] = original


def _errors(file: Path, folder: Path) -> Iterator[Exception]:
    """Yield the errors of the import statements in *file*, and the error of importing it."""
    try:
        body = ast.parse(file.read_bytes(), str(file)).body
    except (SyntaxError, ValueError):
        return
    module = ".".join(file.relative_to(folder.parent).with_suffix("").parts)
    is_package = file.name == "__init__.py"
    name = module.removesuffix(".__init__")
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            code = compile(ast.Module([node], []), str(file), "exec", dont_inherit=True)
            package = name if is_package else name.rpartition(".")[0]
            try:
                exec(code, {"__name__": name, "__package__": package})  # noqa: S102  # As Python would do for the file.
            except Exception as error:  # noqa: BLE001  # A stack file may raise anything.
                yield error
    if name != folder.name:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  # A stack file may raise anything.
            yield error
