"""Every setting that config/schema.json documents, with the values that a test gives it."""

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
from tests.stacks.templates import CODE, ENVIRONMENTS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
SCHEMA = json.loads((CONFIG / "schema.json").read_text(encoding="utf-8"))

# Values of the settings whose values the schema does not list. A setting without a limit, an
# enumeration or a line here fails in test_every_setting_has_values.
EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "env.project": ("a", "twenty-letters-long1"),
    "env.prefix": ("a", "website"),
    "env.name": ("a", "staging"),
    "env.account": ("333333333333",),
    "env.domain": ("a.io", "www.a-b.example", f"{'a' * 63}.example"),
    "env.hosted_zone": ("Z1", "Z" + "0" * 31),
    "env.former_regions": ([], ["eu-west-1", "us-east-1"]),
    "foundation.alert_emails": ([], ["a@b.co"], ["a.b+c@d-e.example", "a_b@example.com"]),
    "network.cidr": ("10.9.0.0/16", "192.168.0.0/20", "172.16.0.0/22"),
    "cluster.health_check_path": ("/", "/up?full=1"),
    "database.engine_version": ("17.10", "18.6"),
    "database.instance_class": ("db.t4g.medium", "db.r8g.24xlarge", "db.m6gd.large"),
    "database.backup_window": ("00:00-00:30", "23:45-00:15"),
    "database.maintenance_window": ("mon:00:00-mon:00:30", "sun:23:45-mon:00:15"),
    "cdn.connect_origins": ([], ["https://a.example"], ["http://127.0.0.1:*", "wss://b.io:8443"]),
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
    """A key of a config file, and what the schema says of it."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def values(self) -> tuple[Any, ...]:
        """Each value that the schema lists, the limits of a number, else the examples."""
        kind = _kind(self.schema)
        if "enum" in kind:
            return tuple(kind["enum"])
        if kind.get("type") == "boolean":
            return (False, True)
        if kind.get("type") == "integer":
            least, most = kind["minimum"], kind.get("maximum", 10**6)
            middle = 65536 if self.path[-1] == "memory_mib" else (least + most) // 2
            return tuple(dict.fromkeys((least, middle, most)))
        return EXAMPLES.get(self.name.replace("verifier.", "service."), ())


def settings() -> list[Setting]:
    """Every key of a config file, in the order of the schema."""
    return [*_settings(_kind(SCHEMA["$defs"]["Config"]), ())]


def _settings(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Setting]:
    for key, inner in schema["properties"].items():
        if "properties" in (kind := _kind(inner)):
            yield from _settings(kind, (*path, key))
        else:
            yield Setting((*path, key), inner)


def _kind(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What *schema* refers to, without the null of a setting that may be left out."""
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
    return SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


Companions = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]


def _of_service(key: str) -> dict[str, Companions]:
    return {
        f"{key}.min_tasks": lambda least, table: {
            f"{key}.max_tasks": max(least, table["service"]["max_tasks"])
        },
        f"{key}.max_tasks": lambda most, table: {
            f"{key}.min_tasks": min(most, table["service"]["min_tasks"])
        },
        f"{key}.size.cpu": lambda cpu, _: {f"{key}.size.memory_mib": FARGATE_MEMORY_MIB[cpu][0]},
        f"{key}.size.memory_mib": lambda memory, _: {
            f"{key}.size.cpu": 256 if memory == 512 else 16384
        },
        f"{key}.enable_exec": lambda has_shell, _: {"env.protect": False} if has_shell else {},
    }


# The settings, and their values, that a value of a setting needs beside it.
COMPANIONS: Mapping[str, Companions] = {
    **_of_service("service"),
    **_of_service("verifier"),
    "service.port": lambda port, _: {"cluster.port": port},
    "cluster.port": lambda port, _: {"service.port": port},
    "database.backup_retention_days": lambda days, _: {"env.protect": False} if days < 7 else {},
    "database.storage_gib": lambda size, _: {"database.max_storage_gib": -(-size * 5 // 4)},
    "database.max_storage_gib": lambda limit, _: {"database.storage_gib": max(20, limit * 4 // 5)},
    "site_publisher.owner_id": lambda number, _: {"site_publisher.repository_id": number},
    "site_publisher.repository_id": lambda number, _: {"site_publisher.owner_id": number},
    "env.protect": lambda is_protected, _: (
        {"database.backup_retention_days": 7, "service.enable_exec": False} if is_protected else {}
    ),
}


@dataclass(frozen=True)
class Case:
    """One environment with one setting changed, and what has to change with it."""

    environment: str
    setting: str
    value: Any

    def __str__(self) -> str:
        return f"{self.environment}-{self.setting}-{self.value}"

    def table(self) -> dict[str, Any]:
        """The config file of the environment, changed."""
        changed = table_of(self.environment)
        if needed := COMPANIONS.get(self.setting):
            for name, value in needed(self.value, changed).items():
                change(changed, name, value)
        change(changed, self.setting, self.value)
        return changed


def cases(setting: Setting) -> list[Case]:
    """A case for every value of *setting* in every environment."""
    return [
        Case(environment, setting.name, value)
        for environment in ENVIRONMENTS
        for value in setting.values()
    ]


def table_of(environment: str) -> dict[str, Any]:
    """What config/ENVIRONMENT.toml says."""
    return tomllib.loads((CONFIG / f"{environment}.toml").read_text(encoding="utf-8"))


def change(table: dict[str, Any], name: str, value: Any) -> None:
    """Set the dotted *name* in *table*; the first key of an optional table adds the table."""
    *path, last = name.split(".")
    if path[:1] == ["verifier"]:
        table.setdefault("verifier", verifier(table))
    for key in path:
        table = table.setdefault(key, {})
    table[last] = value


def verifier(table: Mapping[str, Any]) -> dict[str, Any]:
    """A second service like the first one."""
    other = {"name": "verifier", "image": "verifier", "port": 4000}
    return copy.deepcopy(table["service"]) | other


def opened(table: Mapping[str, Any], folder: Path) -> Environment:
    """The environment that *table* describes, from a config file in *folder*."""
    path = folder / f"{table['env']['name']}.toml"
    path.write_text(text_of(table), encoding="utf-8")
    config = configs.load(path, Config)
    stacks = layers(config, CODE)
    return Environment(stacks.env, synth.synth(stacks), folder, config)


def text_of(table: Mapping[str, Any]) -> str:
    """*table* as TOML: JSON's strings, numbers and lists are TOML, too."""
    rows = []
    for name, section in table.items():
        rows.append(f"[{name}]")
        rows += [f"{key} = {_toml(value)}" for key, value in section.items()]
    return "\n".join(rows) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
