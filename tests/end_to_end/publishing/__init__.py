"""Only the stacks of the site; they replace stacks/__init__.py in a copy of the checkout."""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import assets, cdn, edge_certificate, site_publisher
from stacks.avatars import Avatars

ELSEWHERE = Avatars(*["elsewhere.example"] * 8)  # No avatars are uploaded here.


class Config(Settings, frozen=True):
    """The settings of an environment."""

    env: Env
    assets: assets.Settings
    cdn: cdn.Settings
    site_publisher: site_publisher.Settings


def layers(config: Config, _: Code) -> Layers:
    """Return the stacks, each with the outputs that it uses."""
    layers = Layers(config.env)
    certificate = layers.in_region("us-east-1").add("edge-certificate", edge_certificate.define)
    store = layers.add("assets", assets.define, config.assets)
    web = layers.add("cdn", cdn.define, config.cdn, certificate, store, avatars=ELSEWHERE)
    layers.add("site-publisher", site_publisher.define, config.site_publisher, web)
    return layers
