"""What a test of the stacks asks of an emitted template."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import config as configs
from deployer.artifacts import Code
from deployer.model import Stack
from stacks import Config, layers

ROOT = Path(__file__).parents[2]
FOLDER, CODE = ROOT / "config", Code(ROOT)
ENVIRONMENTS = ("local", "dev", "prod")


@functools.cache
def config_of(environment: str) -> Config:
    """What config/ENVIRONMENT.toml says."""
    return configs.load(FOLDER / f"{environment}.toml", Config)


@dataclass(frozen=True)
class Emitted:
    """One stack, and its template as CloudFormation gets it."""

    stack: Stack
    template: dict[str, Any]

    def of(self, type_: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of *type_*, by title."""
        return {
            title: resource.get("Properties", {})
            for title, resource in self.template["Resources"].items()
            if resource["Type"] == type_
        }

    def one(self, type_: str) -> dict[str, Any]:
        """The properties of the only resource of *type_*."""
        (properties,) = self.of(type_).values()
        return properties


def emit(config: Config) -> dict[str, Emitted]:
    """Every layer of *config*."""
    return {
        stack.short_name: Emitted(stack, json.loads(stack.template.to_json()))
        for stack in layers(config, CODE)
    }


def statements(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The statements of a policy by name."""
    return {statement["Sid"]: statement for statement in document["Statement"]}


def text(value: object) -> str:
    """*value* as one string, to look for something in it."""
    return json.dumps(value, sort_keys=True)
