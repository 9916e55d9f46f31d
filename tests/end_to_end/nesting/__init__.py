"""Layers with stacks nested in them, three levels deep: they stand in for stacks/ in a copy.

store ── shelf ─┬─ Left ── Deep
                └─ Right ── Deep
"""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import shelf


class Config(Settings, frozen=True):
    """An environment."""

    env: Env
    shelf: shelf.Settings


def layers(config: Config, _: Code) -> Layers:
    """The bucket of the nested templates, and the stack that they are nested in."""
    nesting = Layers(config.env)
    store = nesting.add("store", shelf.store)
    nesting.use_artifact_bucket(store.bucket)
    nesting.add("shelf", shelf.define, config.shelf, store)
    return nesting
