"""A stack as its stack file defines it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.model.template import Template


@dataclass(frozen=True)
class OutputOf:
    """The output of another region's stack: what the deployer fills a parameter with."""

    stack: str
    region: str
    output: str


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack: where it goes, what it holds, what it stands on.

    *body* is the template as plain values, made of it once: that is a third of a synth.
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
