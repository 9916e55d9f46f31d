"""MiniStack's saved state: each service's stores, and their form as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation, lookup
from emulator.ministack.asgi import app

_persistence = lookup.module("core.persistence")

STATES: dict[str, str] = lookup.attribute(
    app, "_state_map"
)  # The name of a saved state → its module.
load_module: Callable[[str], Any] = lookup.attribute(app, "_get_module")
to_json: Callable[[Any], Any] = lookup.attribute(_persistence, "_json_default")
from_json: Callable[[dict[str, Any]], Any] = lookup.attribute(_persistence, "_json_object_hook")
_savers: Callable[[], dict[str, Callable[[], Any]]] = lookup.attribute(
    app, "_build_persistence_save_dict"
)


def savers() -> dict[str, Callable[[], Any]]:
    """Return functions that return the state of each service, to be written immediately.

    MiniStack copies CloudFormation's state first, which takes four times as long as writing it.
    """
    stores = cloudformation.all_stores
    return _savers() | {"cloudformation": lambda: {name: store() for store, name in stores}}
