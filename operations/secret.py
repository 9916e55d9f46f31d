"""Store the secrets of the application in Parameter Store, which CloudFormation cannot do.

Config names the variables. The tasks write values and never read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.errors import ConfigError
from operations import project

if TYPE_CHECKING:
    from deployer.environment import Environment
    from operations.target import Target

COLUMNS = ("name", "state", "changed")
_MAX_NAMES = 10  # The limit of one GetParameters call.
_MAX_VALUE_BYTES = 4096  # The limit of a parameter of the standard tier.


def parameter_names(environment: Environment) -> dict[str, str]:
    """Return the variable of each secret in config, by its name in Parameter Store."""
    from stacks.parts.containers import secret_name

    return {
        secret_name(environment.env, service.name, variable): variable
        for service in project.services(environment).values()
        for variable in service.secrets
    }


def parameters_of(environment: Environment, variable: str) -> list[str]:
    """Return the parameters of *variable*, one per service; raise ConfigError if there is none."""
    variables = parameter_names(environment)
    names = [name for name in variables if variables[name] == variable]
    if not names:
        known = ", ".join(dict.fromkeys(variables.values()))
        setting = f"secrets in [service] of config/{environment.env.name}.toml"
        raise ConfigError(
            f"--name={variable}: not among {setting}", hint=f"one of: {known or 'none yet'}"
        )
    return names


def put(target: Target, name: str, value: str) -> int:
    """Store *value* in the parameter *name*, encrypted; return its version."""
    response = target.client("ssm").put_parameter(
        Name=name, Value=value, Type="SecureString", Overwrite=True
    )
    return int(response["Version"])


def list_secrets(target: Target) -> list[dict[str, str]]:
    """Return a row for each secret in config: its name, state and last change."""
    return [
        {"name": name, "state": "stored" if changed else "missing", "changed": changed}
        for name, changed in last_changes(target).items()
    ]


def last_changes(target: Target) -> dict[str, str]:
    """Return the time of the last change of each secret in config; empty if it is missing."""
    names = list(parameter_names(target.environment))
    changes: dict[str, str] = {}
    for start in range(0, len(names), _MAX_NAMES):
        changes |= _read_changes(target, names[start : start + _MAX_NAMES])
    return {name: changes.get(name, "") for name in names}


def _read_changes(target: Target, names: list[str]) -> dict[str, str]:
    """Return the last change of those parameters that exist, without decrypting them."""
    response: Any = target.client("ssm").get_parameters(Names=names, WithDecryption=False)
    return {
        parameter["Name"]: parameter["LastModifiedDate"].isoformat(sep=" ", timespec="seconds")
        for parameter in response["Parameters"]
    }


def check_value(name: str, value: str) -> str:
    """Return *value*; raise ConfigError if it is empty or Parameter Store would refuse it."""
    if not value:
        raise ConfigError(f"{name}: the value is empty", hint="type it, or pass it on stdin")
    if (size := len(value.encode())) > _MAX_VALUE_BYTES:
        raise ConfigError(
            f"{name}: has {size:,} bytes; Parameter Store accepts {_MAX_VALUE_BYTES:,}",
            hint="split it among several variables",
        )
    if "{{" in value:
        raise ConfigError(
            f"{name}: contains {{{{, which Parameter Store refuses as a reference",
            hint="choose a value without {{",
        )
    return value
