"""Five small stacks for failures and interrupts; they replace stacks/ in a copy of the checkout.

ground ─┬─ left
        └─ right ─┬─ top
far (us-east-1) ──┘
"""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import small


class Config(Settings, frozen=True):
    """The settings of an environment."""

    env: Env
    ground: small.Settings
    far: small.Settings
    left: small.Settings
    right: small.Settings
    top: small.Settings


def layers(config: Config, _: Code) -> Layers:
    """Return the stacks, each with the outputs that it uses."""
    layers = Layers(config.env)
    ground = layers.add("ground", small.define, config.ground, name="ground")
    far = layers.in_region("us-east-1").add("far", small.define, config.far, name="far")
    layers.add("left", small.define, config.left, ground, name="left", last=True)
    right = layers.add("right", small.define, config.right, ground, name="right")
    layers.add("top", small.define, config.top, right, far, name="top", last=True)
    return layers
