"""The layers that the site stands on; in a copy of the checkout they replace stacks/__init__.py."""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import assets, cdn, edge, sync
from stacks.avatars import Avatars

ELSEWHERE = Avatars(*["elsewhere.example"] * 8)  # Nobody uploads a picture here.


class Config(Settings, frozen=True):
    """An environment."""

    env: Env
    assets: assets.Settings
    cdn: cdn.Settings
    sync: sync.Settings


def layers(config: Config, _: Code) -> Layers:
    """Every stack, and what each is given of those below it."""
    crd = Layers(config.env)
    edge_ = crd.at("us-east-1").add("edge", edge.define)
    store = crd.add("assets", assets.define, config.assets)
    web = crd.add("cdn", cdn.define, config.cdn, edge_, store, avatars=ELSEWHERE)
    crd.add("sync", sync.define, config.sync, web)
    return crd
