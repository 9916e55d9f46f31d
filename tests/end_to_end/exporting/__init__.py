"""Stacks whose exports change while they are imported; they replace stacks/ in a copy of the checkout.

source ─┬─ reader ── end
other ──┘
"""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import shared


class Config(Settings, frozen=True):
    """The settings of an environment."""

    env: Env
    source: shared.Settings
    other: shared.Settings


def layers(config: Config, _: Code) -> Layers:
    """Return the stacks, each with the outputs that it uses."""
    layers = Layers(config.env)
    source = layers.add("source", shared.source, config.source)
    other = layers.add("other", shared.source, config.other)
    reader = layers.add("reader", shared.reader, source, other)
    layers.add("end", shared.end, reader)
    return layers
