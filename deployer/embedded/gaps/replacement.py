"""Which properties replace their resource is read from AWS's own schemas, as cfn-lint ships them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from deployer.embedded import ministack

Recreation = Callable[[str, str], str]


def close() -> None:
    """Look up types the emulator knows nothing of; where it measured AWS, it keeps its own."""
    ministack.wrap("_property_recreation", _recreation)


def _recreation(known: Recreation) -> Recreation:
    def recreation(kind: str, name: str) -> str:
        found = known(kind, name)
        if found != "Conditionally" or kind in ministack.MEASURED_REPLACEMENTS:
            return found
        schema = _schema(kind)
        if schema is None:
            return found
        if name in schema["createOnlyProperties"]:
            return "Always"
        return found if name in schema["conditionalCreateOnlyProperties"] else "Never"

    return recreation


@functools.cache
def _schema(kind: str) -> dict[str, set[str]] | None:
    """Return the create-only properties of *kind*, by the schema's own words."""
    file = _index().get(kind)
    if file is None:
        return None
    text = (_schemas() / "resources" / f"{file}.json").read_text()
    schema = json.loads(text)
    return {
        words: {path.split("/")[2] for path in schema.get(words) or ()}
        for words in ("createOnlyProperties", "conditionalCreateOnlyProperties")
    }


@functools.cache
def _index() -> dict[str, str]:
    file = _schemas() / "providers" / "us-east-1.json"
    index: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return index


@functools.cache
def _schemas() -> Path:
    """Return where cfn-lint keeps them, without importing cfn-lint (it takes seconds)."""
    spec = find_spec("cfnlint")
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) / "data" / "schemas" if places else Path("cfn-lint-is-missing")
