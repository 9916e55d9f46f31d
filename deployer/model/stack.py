"""A stack as its stack file defines it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.model.template import Template


@dataclass(frozen=True)
class OutputOf:
    """The output of a stack in another region, which the deployer passes as a parameter."""

    stack: str
    region: str
    output: str


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack as its stack file defines it.

    *body* is the template as plain values. *dependencies* are names of stacks.
    """

    short_name: str
    name: str
    region: str
    template: Template
    body: Mapping[str, Any]
    dependencies: tuple[str, ...]
    parameters: Mapping[str, OutputOf]
    tags: Mapping[str, str]
    protect: bool
