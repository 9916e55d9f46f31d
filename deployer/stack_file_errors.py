"""Explain Python errors in stack files: the place, the resource, and the probable correction.

An error that is raised elsewhere, such as in deployer/, is a bug and is not explained.
"""

from __future__ import annotations

import builtins
import inspect
import io
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from contextvars import ContextVar
from importlib.machinery import PathFinder
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any, TextIO, TypeAlias

from deployer.config.fields import Settings
from deployer.config.validation import closest
from deployer.errors import DeployError, SynthError

_HINT = "fix the stack file; --debug shows the traceback"
_REQUIRED = re.compile(r"Resource (\w+) required in type (\S+).*")
_Frames: TypeAlias = list[tuple[FrameType, int]]


class Undefined:
    """The outputs of a stack that could not be defined, while other stacks are checked."""

    def __getattr__(self, name: str) -> Undefined:
        """Return this object for every output, so that other stacks can use it as an argument."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self


_collected: ContextVar[tuple[Path, list[str]] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting(folder: Path) -> Iterator[list[str]]:
    """Make `collect` store the errors of files in *folder*, so that one run checks all stacks."""
    errors: list[str] = []
    token = _collected.set((folder, errors))
    try:
        yield errors
    finally:
        _collected.reset(token)


class _ValidatorFilter(io.TextIOBase):
    """Standard error without the text that troposphere prints before it raises an error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if "threw exception:" not in text:
            self._stream.write(text)
        return len(text)


@contextmanager
def quiet_validators() -> Iterator[None]:
    """Suppress the text that troposphere prints about an error, which this module explains."""
    with redirect_stderr(_ValidatorFilter(sys.stderr)):
        yield


def collect(error: Exception) -> bool:
    """Store *error* and return True if it is one of a stack file and `collecting` is active."""
    collected = _collected.get()
    if collected is None:
        return False
    folder, errors = collected
    message = _message_of(error, folder)
    if message is None:
        return False
    errors += [line for line in message.split("\n") if line not in errors]
    return True


def raise_explained(error: Exception, folder: Path, collected: Iterable[str] = ()) -> None:
    """Raise one SynthError for *error* and the *collected* errors.

    Return if *error* should be raised unchanged: it is a bug, or the only error and a DeployError.
    """
    message, lines = _message_of(error, folder), list(dict.fromkeys(collected))
    if message is None and not (lines and isinstance(error, SyntaxError)):
        return
    own_lines = message.split("\n") if message else []
    if isinstance(error, DeployError) and {*lines} <= {*own_lines}:
        return  # It is complete and has its own hint.
    places = {line.partition(": ")[0] for line in lines}
    lines += [line for line in own_lines if line.partition(": ")[0] not in places]
    raise SynthError("\n".join(lines), hint=_HINT) from error


def explain(error: BaseException, folder: Path) -> str | None:
    """Return *error* as `place title: fact`; None if no file in *folder* caused it."""
    if isinstance(error, SyntaxError):
        return _syntax(error, folder) if _is_in(error.filename, folder) else None
    frames = list(traceback.walk_tb(error.__traceback__))
    if place := _annotation_place(frames, folder):
        return f"{place}: {_fact(error, frames[-1][0])}"
    project = [(frame, line) for frame, line in frames if _is_in(_file(frame), folder.parent)]
    if not project or not _is_in(_file(project[-1][0]), folder):
        return None
    frame, line = project[-1]
    title, fact = _resource_fact(error, frames) or ("", _fact(error, frame))
    caller = _caller(project, folder)
    return f"{_relative(_file(frame), folder)}:{line}{title and ' '}{title}: {fact}{caller}"


def _caller(frames: _Frames, folder: Path) -> str:
    """Return the stack file that called the helper of the last frame; empty if there is none."""
    file = _file(frames[-1][0])
    for frame, line in reversed(frames[:-1]):
        caller = _file(frame)
        if _is_in(caller, folder) and caller != file and Path(caller).name != "__init__.py":
            return f" (called from {_relative(caller, folder)}:{line})"
    return ""


def syntax_errors(folder: Path) -> list[str]:
    """Return a line for each file in *folder* that Python cannot compile."""
    errors = []
    for file in sorted(folder.rglob("*.py")):
        try:
            compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        except SyntaxError as error:
            error.filename = str(file)  # It is not always set, as with a null byte.
            errors.append(_syntax(error, folder))
    return errors


def property_fact(error: Exception) -> str:
    """Return the fact in an error that troposphere raised when it converted a resource."""
    if isinstance(error, RecursionError):
        return "a value contains itself"
    if match := _REQUIRED.fullmatch(str(error)):
        return (
            f"property {match[1]} is missing in {match[2].rpartition('.')[2].strip(chr(39) + '>')}"
        )
    return _message(error)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion of the name in *known* that is most similar to *word*, or ""."""
    near = closest(word, known)
    return f"; did you mean {near}?" if near else ""


def _message_of(error: Exception, folder: Path) -> str | None:
    return error.message if isinstance(error, DeployError) else explain(error, folder)


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename


def _is_in(file: str | None, folder: Path) -> bool:
    """Return whether *file* is source below *folder*, and not a library installed there."""
    path = Path(file or "")
    return path.is_relative_to(folder) and "site-packages" not in path.parts


def _relative(file: str, folder: Path) -> str:
    return Path(file).relative_to(folder.parent).as_posix()


def _syntax(error: SyntaxError, folder: Path) -> str:
    line = f":{error.lineno}" if error.lineno else ""
    return f"{_relative(str(error.filename), folder)}{line}: {error.msg}"


def _annotation_place(frames: _Frames, folder: Path) -> str:
    """Return the place and the field whose annotation was being evaluated by msgspec."""
    for frame, _ in reversed(frames):
        owner, name = frame.f_locals.get("cls"), frame.f_locals.get("name")
        if frame.f_code.co_name != "get_class_annotations" or not isinstance(owner, type):
            continue
        file = getattr(sys.modules.get(owner.__module__), "__file__", None)
        if not _is_in(file, folder):
            return ""
        lines, start = inspect.getsourcelines(owner)
        field = (
            number for number, line in enumerate(lines) if line.lstrip().startswith(f"{name}:")
        )
        return f"{_relative(str(file), folder)}:{start + next(field, 0)} {owner.__name__}.{name}"
    return ""


def _resource_fact(error: BaseException, frames: _Frames) -> tuple[str, str] | None:
    """Return the resource, or its type, and the error of one of its properties."""
    for frame, _ in reversed(frames):
        resource: Any = frame.f_locals.get("self")
        name = frame.f_locals.get("name")
        if frame.f_code.co_name == "__setattr__" and hasattr(resource, "propnames"):
            title = str(getattr(resource, "title", None) or type(resource).__name__)
            return title, _property_fact(error, resource, str(name), frame.f_locals)
    return None


def _property_fact(error: BaseException, resource: Any, name: str, variables: Any) -> str:
    expected, value = variables.get("expected_type"), variables.get("value")
    if expected is None:
        return f"no property {name}{did_you_mean(name, resource.propnames)}"
    if isinstance(expected, FunctionType):
        return f"{name}: {_message(error, f'{value!r} is not valid ({expected.__name__})')}"
    return f"{name}: {value!r} is {type(value).__name__}; it takes {_types(expected)}"


def _types(expected: Any) -> str:
    match expected:
        case list():
            return f"a list of {' or '.join(map(_types, expected))}"
        case tuple():
            return " or ".join(map(_types, expected))
        case _:
            return str(getattr(expected, "__name__", expected))


def _fact(error: BaseException, frame: FrameType) -> str:
    match error:
        case UnboundLocalError():
            name = next(iter(re.findall("'(.+?)'", str(error))), "a name")
            return f"{name} is used before it has a value"
        case NameError(name=str(name)):
            known = {**vars(builtins), **frame.f_globals, **frame.f_locals}
            return f"no name {name}{did_you_mean(name, known)}"
        case AttributeError(name=str(name), obj=ModuleType() as module):
            return f"module {module.__name__} has no {name}{did_you_mean(name, dir(module))}"
        case AttributeError(name=str(name), obj=Settings() as settings):
            return f"no setting {name}{did_you_mean(name, settings.__struct_fields__)}"
        case AttributeError(name=str(name), obj=obj):
            public = (member for member in dir(obj) if not member.startswith("_"))
            return f"{type(obj).__qualname__} has no {name}{did_you_mean(name, public)}"
        case ImportError():
            return _import_fact(error)
        case KeyError():
            return f"no key {error}"
        case TypeError():
            return f"{_message(error)}{_argument_suggestion(str(error), frame)}"
        case ValueError():
            return _message(error)
        case _:
            return f"{type(error).__name__}: {_message(error, 'no message')}"


def _import_fact(error: ImportError) -> str:
    name, message = str(error.name), str(error)
    if "circular import" in message:
        return f"{message.partition(' (')[0]}: the two modules import each other"
    if match := re.search("cannot import name '(.+?)'", message):
        known = [*dir(sys.modules.get(name)), *_module_names(name)]
        return f"module {name} has no {match[1]}{did_you_mean(match[1], known)}"
    return f"no module {name}{did_you_mean(name, _modules(name))}"


def _modules(name: str) -> list[str]:
    """Return the full names of the modules in the package of *name*."""
    package, _, _ = name.rpartition(".")
    if not package:
        return [*sys.stdlib_module_names, *(module.name for module in pkgutil.iter_modules())]
    return [f"{package}.{module}" for module in _module_names(package)]


def _module_names(package: str) -> list[str]:
    """Return the names of the modules in *package*, which is not imported."""
    folders: list[str] | None = None
    parts = package.split(".")
    for length in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:length]), folders)
        folders = list(spec.submodule_search_locations or ()) if spec else []
    return [module.name for module in pkgutil.iter_modules(folders)]


def _argument_suggestion(message: str, frame: FrameType) -> str:
    """Return a suggestion for the unknown keyword argument in *message*, or ""."""
    match = re.search(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'", message)
    if not match:
        return ""
    called: Any = None
    for part in match[1].removesuffix(".__init__").split("."):
        called = frame.f_globals.get(part) if called is None else getattr(called, part, None)
    return did_you_mean(match[2], inspect.signature(called).parameters) if callable(called) else ""


def _message(error: BaseException, default: str = "") -> str:
    return str(error).partition("\n")[0] or default or type(error).__name__
