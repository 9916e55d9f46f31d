"""Keeps what the account holds over a restart, a crash and `kill -9`.

One file, written aside and renamed: whoever dies while saving leaves the previous state whole.
(No fsync: it guards against power cuts, which nobody asked of a local emulator.)
Bodies of S3 objects are not in it; ministack writes each to its own file at once.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import EmulatorError
from emulator import ministack
from emulator.paths import Folder

_FORMAT = 1
_TRIES = 5


@dataclass(frozen=True)
class State:
    """The saved state of one folder."""

    folder: Folder

    def load(self) -> None:
        """Give every service what it held at the last save, before the first request."""
        for name, payload in self._read().items():
            try:
                ministack.load_module(ministack.STATES[name]).load_persisted_state(payload)
            except Exception as error:
                # Any error of a service comes from the content of the file.
                raise _damaged(self.folder.state, f"{name}: {error!r}") from error

    def save(self) -> None:
        """Write what all services hold now, as one file."""
        texts = {name: _text(get_state) for name, get_state in ministack.savers().items()}
        body = ",\n".join(f'"{name}": {text}' for name, text in texts.items())
        aside = self.folder.state.with_suffix(".new")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(
                f'{{"format": {_FORMAT}, "ministack": "{ministack.PINNED}", "services": {{\n'
            )
            file.write(body)
            file.write("\n}}\n")
        aside.replace(self.folder.state)

    def _read(self) -> dict[str, Any]:
        file = self.folder.state
        if not file.exists():
            return {}
        try:
            saved = json.loads(file.read_text(), object_hook=ministack.from_json)
            known: bool = saved["format"] == _FORMAT
            services: dict[str, Any] = dict(saved["services"])
        except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
            raise _damaged(file, repr(error)) from None
        if not known:
            raise _damaged(file, f"format {saved['format']}")
        return {name: payload for name, payload in services.items() if payload is not None}


def _damaged(file: Path, reason: str) -> EmulatorError:
    folder = file.parent
    return EmulatorError(
        f"{file}: is not a valid state: {reason}",
        hint="nothing was changed; correct the file, or move the folder away to start with an "
        f"empty account: mv {shlex.quote(str(folder))} {shlex.quote(f'{folder}.damaged')}",
    )


def _text(get_state: Callable[[], Any]) -> str:
    """Return a service's state as JSON; try again if one of its threads changed it meanwhile."""
    for _ in range(_TRIES):
        try:
            return json.dumps(get_state(), default=ministack.to_json)
        except RuntimeError:  # "dictionary changed size during iteration"
            continue
    return json.dumps(get_state(), default=ministack.to_json)
