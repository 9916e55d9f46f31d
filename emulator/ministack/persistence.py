"""MiniStack's saved state: each service's stores, and their form as JSON."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.ministack import cloudformation, lookup, services
from emulator.ministack.asgi import app
from emulator.ministack.hooks import Function

_persistence = lookup.module("core.persistence")

# The module of each service with a saved state, by the name of the state.
STATES: dict[str, str] = lookup.attribute(app, "_state_map")
load_module: Callable[[str], Any] = lookup.attribute(app, "_get_module")
to_json: Callable[[Any], Any] = lookup.attribute(_persistence, "_json_default")
from_json: Callable[[dict[str, Any]], Any] = lookup.attribute(_persistence, "_json_object_hook")
_savers: Callable[[], dict[str, Callable[[], Any]]] = lookup.attribute(
    app, "_build_persistence_save_dict"
)
# Writes the zip of a function to a file with the digest as its name, unless the file exists.
_write_code: Function[[bytes], str] = Function("_write_code_blob", services.lambda_)
_CODE_FOLDER: str = lookup.attribute(services.lambda_, "CODE_BLOB_DIR")


def savers() -> dict[str, Callable[[], Any]]:
    """Return, for each service, a function that returns its state.

    The state must be written immediately: unlike MiniStack, this does not copy the state of
    CloudFormation. The copy would take four times as long as writing.
    """
    stores = cloudformation.all_stores
    return _savers() | {"cloudformation": lambda: {name: store() for store, name in stores}}


def remember_code_digests() -> None:
    """Compute the digest of each function's code once, instead of at each save."""

    def write(original: Callable[[bytes], str], code: bytes) -> str:
        digest = _sha256(code)
        return digest if Path(_CODE_FOLDER, f"{digest}.zip").exists() else original(code)

    _write_code.around(write)


@functools.lru_cache
def _sha256(code: bytes) -> str:
    return hashlib.sha256(code).hexdigest()
