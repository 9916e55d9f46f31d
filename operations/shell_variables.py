"""Commands for a POSIX shell that set variables, and that restore their previous values.

A previous value may be a secret, so it is never printed: another variable of the shell keeps it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping

_BEFORE = "CRUDDUR_BEFORE_"
_MARKER = "CRUDDUR_EMULATOR_ENV"  # Set by `set_commands`, and unset by `unset_commands`.


def set_commands(variables: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield commands that export *variables*. A second run keeps the original previous values."""
    if _MARKER not in environ:
        for name in variables:
            if name in environ:
                yield f'export {_BEFORE}{name}="${name}"'
    for name, value in {**variables, _MARKER: "1"}.items():
        yield f"export {name}={shlex.quote(value)}"


def unset_commands(names: Iterable[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield commands that undo `set_commands`; nothing if those commands were not run."""
    if _MARKER not in environ:
        return
    for name in names:
        if f"{_BEFORE}{name}" in environ:
            yield f'export {name}="${_BEFORE}{name}"'
        else:
            yield f"unset {name}"
    yield f"unset {_MARKER} {' '.join(sorted(name for name in environ if name.startswith(_BEFORE)))}"


def add_folder(path: str, folder: str) -> str:
    """Return the value of PATH with *folder* first, and only once."""
    return os.pathsep.join([folder, *filter(None, [remove_folder(path, folder)])])


def remove_folder(path: str, folder: str) -> str:
    """Return the value of PATH without *folder*."""
    return os.pathsep.join(part for part in path.split(os.pathsep) if part != folder)
