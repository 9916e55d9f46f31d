"""Keep the data of all accounts across a restart, a crash and `kill -9`.

The data is in one file, which is replaced atomically. The bodies of S3 objects are not in it:
MiniStack writes each of them to a separate file immediately.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import EmulatorError
from deployer.files import write_atomically
from emulator.ministack import lookup, persistence
from emulator.paths import EmulatorPaths

_FORMAT = 1
_ATTEMPTS = 5


@dataclass(frozen=True)
class State:
    """The saved state of one folder."""

    paths: EmulatorPaths

    def load(self) -> None:
        """Load the saved state into every service, before the first request."""
        for name, payload in self._read().items():
            try:
                persistence.load_module(persistence.STATES[name]).load_persisted_state(payload)
            except Exception as error:
                # Any error of a service comes from the content of the file.
                raise _invalid_state(self.paths.state, f"{name}: {error!r}") from error

    def save(self) -> None:
        """Write the current state of all services to the file."""
        texts = {
            name: _state_as_json(get_state) for name, get_state in persistence.savers().items()
        }
        services = ",\n".join(f'"{name}": {text}' for name, text in texts.items())
        start = f'{{"format": {_FORMAT}, "ministack": "{lookup.PINNED_VERSION}", "services": {{\n'
        write_atomically(self.paths.state, f"{start}{services}\n}}}}\n")

    def _read(self) -> dict[str, Any]:
        file = self.paths.state
        if not file.exists():
            return {}
        try:
            saved = json.loads(file.read_text(), object_hook=persistence.from_json)
            is_known: bool = saved["format"] == _FORMAT
            services: dict[str, Any] = dict(saved["services"])
        except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
            raise _invalid_state(file, repr(error)) from None
        if not is_known:
            raise _invalid_state(file, f"format {saved['format']}")
        return {name: payload for name, payload in services.items() if payload is not None}


def _invalid_state(file: Path, reason: str) -> EmulatorError:
    folder = file.parent
    return EmulatorError(
        f"{file}: is not a valid state: {reason}",
        hint="nothing was changed; correct the file, or move the folder away to start with an "
        f"empty account: mv {shlex.quote(str(folder))} {shlex.quote(f'{folder}.damaged')}",
    )


def _state_as_json(get_state: Callable[[], Any]) -> str:
    """Return a service's state as JSON; try again if one of its threads changed it meanwhile."""
    for _ in range(_ATTEMPTS):
        try:
            return json.dumps(get_state(), default=persistence.to_json)
        except RuntimeError:  # "dictionary changed size during iteration"
            continue
    return json.dumps(get_state(), default=persistence.to_json)
