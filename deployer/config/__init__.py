"""The config of an environment: config/ENV.toml as frozen settings, or every error in it."""

from __future__ import annotations

from deployer.config.loading import environments, find, from_table, load, load_all, table
from deployer.config.schema import schema

__all__ = ["environments", "find", "from_table", "load", "load_all", "schema", "table"]
