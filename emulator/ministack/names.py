"""Resolve MiniStack's names, most of them private, when the emulator's modules are imported.

`module`, `name` and `Function` (hooks.py) note what the installed version lacks; `check` raises
one error that lists all of it, at start. `server.environment` must be set before, since
MiniStack reads it when it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from deployer.errors import EmulatorError

PINNED = "1.5.33"

_missing: list[str] = []


class _Missing:
    """A value for a missing name, so that all modules can be imported before the error."""

    __name__ = "missing"

    def __getattr__(self, name: str) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def module(path: str) -> Any:
    """Return a module of MiniStack."""
    try:
        return import_module(f"ministack.{path}")
    except ModuleNotFoundError:
        return missing(f"module ministack.{path}")


def name(owner: Any, attribute: str) -> Any:
    """Return an attribute of a module or class of MiniStack."""
    try:
        return getattr(owner, attribute)
    except AttributeError:
        return missing(f"{owner.__name__}.{attribute}")


def missing(description: str) -> Any:
    """Note that the installed MiniStack has no such name; return a value in its place."""
    _missing.append(description)
    return _Missing()


def check() -> None:
    """Raise EmulatorError with all names that the installed MiniStack lacks, if any."""
    if not _missing:
        return
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        installed = "(none)"
    raise EmulatorError(
        f"ministack {installed} has no {', '.join(sorted(set(_missing)))}",
        hint=f"the emulator needs ministack {PINNED}: pip install ministack=={PINNED}",
    )
