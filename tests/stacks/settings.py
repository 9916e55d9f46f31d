"""Every setting in config/schema.json, and the values with which the stacks are tested."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import config as configs
from deployer import synth
from deployer.config.fields import FARGATE_MEMORY_MIB
from deployer.environment import Environment
from stacks import Config, layers
from stacks.conflicts import TWO_ZONES
from tests.stacks.templates import CODE, ENVIRONMENTS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
SCHEMA = json.loads((CONFIG / "schema.json").read_text(encoding="utf-8"))

# Values of settings without limits or enumeration in the schema. If a new setting has none of
# these, test_every_setting_has_values fails.
EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "env.project": ("a", "twenty-letters-long1"),
    "env.prefix": ("a", "website"),
    "env.name": ("a", "staging"),
    "env.account": ("333333333333",),
    "env.domain": ("a.io", "a-b.example", f"{'a' * 52}.example"),
    "env.hosted_zone": ("Z1", "Z" + "0" * 31),
    "env.former_regions": ([], ["eu-west-1", "us-east-1"]),
    "env.accepted_data_losses": (
        [],
        [
            {
                "resource": "pipeline/CodeBuild/Logs",
                "change": "removed",
                "reason": "the logs have no use",
                "date": "2026-12-01",
            }
        ],
    ),
    "env.ignored_drifts": (
        [],
        [
            {
                "resource": "cluster/LoadBalancer",
                "property": "/LoadBalancerAttributes",
                "reason": "the load test needs longer timeouts",
                "until": "2027-03-01",
            }
        ],
    ),
    "users.email_sender": ("no-reply@cruddur.example",),
    "foundation.alert_emails": ([], ["a@b.co"], ["a.b+c@d-e.example", "a_b@example.com"]),
    "network.cidr": ("10.9.0.0/16", "192.168.0.0/20", "172.16.0.0/22"),
    "cluster.health_check_path": ("/", "/up?full=1"),
    "database.engine_version": ("17.10", "18.6"),
    "database.instance_class": ("db.t4g.medium", "db.r8g.24xlarge", "db.m6gd.large"),
    "database.backup_window": ("00:00-00:30", "23:45-00:15"),
    "database.maintenance_window": ("mon:00:00-mon:00:30", "sun:23:45-mon:00:15"),
    "cdn.connect_origins": ([], ["https://a.example"], ["http://127.0.0.1:*", "wss://b.io:8443"]),
    "cdn.traces_url": ("", "https://traces.example/v1/traces", "https://a.example:4318"),
    "service.secrets": ([], ["ROLLBAR_ACCESS_TOKEN"], ["OTEL_EXPORTER_OTLP_HEADERS", "A_B"]),
    "service.trace_exporter_url": ("", "https://api.honeycomb.io"),
    "service.collector_image": (f"public.ecr.aws/a/b:v1@sha256:{'0' * 64}",),
    "service.name": ("a", "twenty-letters-long1"),
    "service.image": ("a", "twenty-letters-long1"),
    "pipeline.repository": ("a/b", "someone/some.thing_else"),
    "pipeline.branch": ("main", "release/1.2"),
    "site_publisher.repository": ("a/b", "someone/some.thing_else"),
    "site_publisher.branch": ("main", "release/1.2"),
}


@dataclass(frozen=True)
class Setting:
    """A key of a config file, and its schema."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def values(self) -> tuple[Any, ...]:
        """Return every value that the schema lists, the limits of a number, or the examples."""
        kind = _definition(self.schema)
        if "enum" in kind:
            return tuple(kind["enum"])
        if kind.get("type") == "boolean":
            return (False, True)
        if kind.get("type") == "integer":
            minimum, maximum = kind["minimum"], kind.get("maximum", 10**6)
            middle = 65536 if self.path[-1] == "memory_mib" else (minimum + maximum) // 2
            return tuple(dict.fromkeys((minimum, middle, maximum)))
        return EXAMPLES.get(self.name.replace("verifier.", "service."), ())


def settings() -> list[Setting]:
    """Return every key of a config file, in the order of the schema."""
    return [*_settings(_definition(SCHEMA["$defs"]["Config"]), ())]


def _settings(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Setting]:
    for key, inner in schema["properties"].items():
        if "properties" in (kind := _definition(inner)):
            yield from _settings(kind, (*path, key))
        else:
            yield Setting((*path, key), inner)


def _definition(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what *schema* refers to, without the null of an optional setting."""
    if "anyOf" in schema:
        schema = next(part for part in schema["anyOf"] if part.get("type") != "null")
    return SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


RequiredSettings = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


def _required_by_service(key: str) -> dict[str, RequiredSettings]:
    return {
        f"{key}.min_tasks": lambda minimum, tables: {
            f"{key}.max_tasks": max(minimum, tables["service"]["max_tasks"])
        },
        f"{key}.max_tasks": lambda maximum, tables: {
            f"{key}.min_tasks": min(maximum, tables["service"]["min_tasks"])
        },
        f"{key}.size.cpu": lambda cpu, _: {f"{key}.size.memory_mib": FARGATE_MEMORY_MIB[cpu][0]},
        f"{key}.size.memory_mib": lambda memory, _: {
            f"{key}.size.cpu": 256 if memory == 512 else 16384
        },
        f"{key}.enable_exec": lambda is_enabled, _: {"env.protect": False} if is_enabled else {},
    }


# The other settings that a value of a setting requires, as functions of the value and the tables.
REQUIRED_SETTINGS: Mapping[str, RequiredSettings] = {
    **_required_by_service("service"),
    **_required_by_service("verifier"),
    "service.port": lambda port, _: {"cluster.port": port},
    "cluster.port": lambda port, _: {"service.port": port},
    "database.backup_retention_days": lambda days, _: {"env.protect": False} if days < 7 else {},
    "database.storage_gib": lambda size, _: {"database.max_storage_gib": -(-size * 5 // 4)},
    "database.max_storage_gib": lambda limit, _: {"database.storage_gib": max(20, limit * 4 // 5)},
    "site_publisher.owner_id": lambda number, _: {"site_publisher.repository_id": number},
    "site_publisher.repository_id": lambda number, _: {"site_publisher.owner_id": number},
    "env.region": lambda region, _: {"network.zones": 2} if region in TWO_ZONES else {},
    "env.protect": lambda is_protected, _: (
        {"database.backup_retention_days": 7, "service.enable_exec": False} if is_protected else {}
    ),
}


@dataclass(frozen=True)
class Case:
    """An environment with one changed setting, and the other settings that the new value requires."""

    environment: str
    setting: str
    value: Any

    def __str__(self) -> str:
        return f"{self.environment}-{self.setting}-{self.value}"

    def tables(self) -> dict[str, Any]:
        """Return the tables of the environment's config file with the changes."""
        changed = tables_of(self.environment)
        if needed := REQUIRED_SETTINGS.get(self.setting):
            for name, value in needed(self.value, changed).items():
                change(changed, name, value)
        change(changed, self.setting, self.value)
        return changed


def cases(setting: Setting) -> list[Case]:
    """Return a case for every value of *setting* in every environment."""
    return [
        Case(environment, setting.name, value)
        for environment in ENVIRONMENTS
        for value in setting.values()
    ]


def tables_of(environment: str) -> dict[str, Any]:
    """Return the tables in config/ENVIRONMENT.toml."""
    return tomllib.loads((CONFIG / f"{environment}.toml").read_text(encoding="utf-8"))


def change(tables: dict[str, Any], name: str, value: Any) -> None:
    """Set the dotted *name* in *tables*; the first key of an optional table adds the table."""
    *path, last = name.split(".")
    if path[:1] == ["verifier"]:
        tables.setdefault("verifier", verifier(tables))
    for key in path:
        tables = tables.setdefault(key, {})
    tables[last] = value


def verifier(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a second service."""
    other = {"name": "verifier", "image": "verifier", "port": 4000}
    return copy.deepcopy(tables["service"]) | other


def open_environment(tables: Mapping[str, Any], folder: Path) -> Environment:
    """Return the environment with the settings in *tables*, from a config file in *folder*."""
    path = folder / f"{tables['env']['name']}.toml"
    path.write_text(toml_of(tables), encoding="utf-8")
    config = configs.load(path, Config)
    stacks = layers(config, CODE)
    return Environment(stacks.env, synth.synth(stacks), folder, config)


def toml_of(tables: Mapping[str, Any]) -> str:
    """Return *tables* as TOML: strings, numbers and booleans of JSON are valid TOML."""
    rows = []
    for name, section in tables.items():
        rows.append(f"[{name}]")
        rows += [f"{key} = {_toml(value)}" for key, value in section.items()]
    return "\n".join(rows) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
