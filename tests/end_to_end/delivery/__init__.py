"""Only the stacks of a release; they replace stacks/__init__.py in a copy of the checkout."""

from __future__ import annotations

from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.model import Env, Layers
from stacks import foundation, pipeline, registry
from stacks import service as services
from stacks.permissions.resources import MANUAL_STACKS


class Config(Settings, frozen=True):
    """The settings of an environment."""

    env: Env
    foundation: foundation.Settings
    registry: registry.Settings
    pipeline: pipeline.Settings
    service: services.Settings
    verifier: services.Settings | None = None


def layers(config: Config, _: Code) -> Layers:
    """Return the pipeline and the stacks that it depends on."""
    layers = Layers(config.env)
    base = layers.add("foundation", foundation.define, config.foundation)
    layers.use_artifact_bucket(base.artifacts, manual=MANUAL_STACKS)
    layers.add("registry", registry.define, config.registry, released=[config.service.image])
    layers.add(
        "pipeline",
        pipeline.define,
        config.pipeline,
        base,
        service=config.service.name,
        image=config.service.image,
        architecture=config.service.architecture,
    )
    return layers
