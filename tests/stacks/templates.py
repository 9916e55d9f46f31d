"""The templates of the stacks, and queries of their resources and statements."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import config as configs
from deployer.artifacts import UnchangingCode
from deployer.model import Stack
from stacks import Config, layers

ROOT = Path(__file__).parents[2]
FOLDER, CODE = ROOT / "config", UnchangingCode(ROOT)
ENVIRONMENTS = ("local", "dev", "prod")


@functools.cache
def config_of(environment: str) -> Config:
    """Return the settings in config/ENVIRONMENT.toml."""
    return configs.load(FOLDER / f"{environment}.toml", Config)


@dataclass(frozen=True)
class Emitted:
    """One stack, and its template as JSON values."""

    stack: Stack
    template: dict[str, Any]

    def of(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of *resource_type*, by title."""
        return {
            title: resource.get("Properties", {})
            for title, resource in self.template["Resources"].items()
            if resource["Type"] == resource_type
        }

    def one(self, resource_type: str) -> dict[str, Any]:
        """Return the properties of the only resource of *resource_type*."""
        (properties,) = self.of(resource_type).values()
        return properties


def emit(config: Config) -> dict[str, Emitted]:
    """Return every stack of *config* by name."""
    return {
        stack.short_name: Emitted(stack, json.loads(stack.template.to_json()))
        for stack in layers(config, CODE)
    }


def statements(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the statements of a policy by statement id."""
    return {statement["Sid"]: statement for statement in document["Statement"]}


def text(value: object) -> str:
    """Return *value* as one string, in which a test can search."""
    return json.dumps(value, sort_keys=True)
