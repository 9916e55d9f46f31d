"""Look up MiniStack's modules and attributes when the emulator's modules are imported.

Most of these attributes are private, so another version of MiniStack may not have them. `module`,
`attribute` and `Function` (hooks.py) record each missing one. `check` is called when the server
starts, and raises one error that lists all of them. MiniStack reads its environment when it is
imported, so the variables of `server.environment` must be set before the first lookup.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from deployer.errors import EmulatorError

PINNED_VERSION = "1.5.33"

_missing: list[str] = []


class _Missing:
    """A placeholder for a missing attribute, so that all modules can be imported before the error."""

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
        return record_missing(f"module ministack.{path}")


def attribute(owner: Any, name: str) -> Any:
    """Return an attribute of a module or class of MiniStack."""
    try:
        return getattr(owner, name)
    except AttributeError:
        return record_missing(f"{owner.__name__}.{name}")


def record_missing(description: str) -> Any:
    """Record that the installed MiniStack does not have *description*; return a placeholder."""
    _missing.append(description)
    return _Missing()


def check() -> None:
    """Raise one EmulatorError with all modules and attributes that the installed MiniStack lacks."""
    if not _missing:
        return
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        installed = "(none)"
    raise EmulatorError(
        f"ministack {installed} has no {', '.join(sorted(set(_missing)))}",
        hint=f"the emulator needs ministack {PINNED_VERSION}: pip install ministack=={PINNED_VERSION}",
    )
