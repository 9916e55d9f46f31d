"""Write the JSON Schema of config files, from which editors complete and check them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from deployer.config.fields import Cidr


def schema(type_: type) -> str:
    """Return the JSON Schema of a config file of *type_*: the same text for the same type."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    body = msgspec.json.schema(type_, schema_hook=_custom_type)
    return json.dumps(dialect | body, indent=2, ensure_ascii=False) + "\n"


def _custom_type(type_: type) -> dict[str, Any]:
    if type_ is not Cidr:
        raise NotImplementedError(type_)
    return {"type": "string", "pattern": Cidr.pattern, "description": Cidr.words}
