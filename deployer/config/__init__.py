"""The config of an environment: config/ENV.toml as frozen settings, or every error in it."""

from __future__ import annotations

from deployer.config.loading import environments, find, load, load_all
from deployer.config.schema import schema

__all__ = ["environments", "find", "load", "load_all", "schema"]
