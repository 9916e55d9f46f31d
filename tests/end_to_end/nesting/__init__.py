"""Stacks nested three levels deep; they replace stacks/ in a copy of the checkout.

store ── shelf ─┬─ Left ── Deep
                └─ Right ── Deep
"""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import shelf


class Config(Settings, frozen=True):
    """The settings of an environment."""

    env: Env
    shelf: shelf.Settings


def layers(config: Config, _: Code) -> Layers:
    """Return the bucket for the nested templates and the stack that contains them."""
    layers = Layers(config.env)
    store = layers.add("store", shelf.store)
    layers.use_artifact_bucket(store.bucket)
    layers.add("shelf", shelf.define, config.shelf, store)
    return layers
