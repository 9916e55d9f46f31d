"""Write the dotenv files that point a local backend or frontend at an environment.

They hold outputs of the stacks under the application's own variable names, and no secrets.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployer import symlinks
from deployer.errors import ConfigError, DeployError, GuardError
from operations import addresses, project

if TYPE_CHECKING:
    from operations.target import Target

FILES = {"backend": "backend/.env", "frontend": "frontend/.env.local"}
# The outputs that each part needs, by stack.
OUTPUTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "backend": {
        "assets": ("AvatarTopic",),
        "database": ("Address", "Port", "Name", "Application"),
        "messages": ("Table",),
        "users": ("Pool", "Client"),
    },
    "frontend": {"users": ("Pool", "Client"), "avatars": ("Api", "ApiDomain")},
}


@dataclass(frozen=True)
class DeployedOutputs:
    """The outputs of an environment; *endpoint* is the address of the emulator, or empty."""

    target: Target
    outputs: Mapping[tuple[str, str], str]
    endpoint: str

    def __getitem__(self, key: tuple[str, str]) -> str:
        """Return an output, by stack and name."""
        return self.outputs[key]


def files_of(part: str) -> dict[str, Path]:
    """Return the files to write, by part: of *part*, or of all if it is empty.

    Raise ConfigError for an unknown part, and GuardError for a file that git does not ignore.
    """
    if part and part not in FILES:
        raise ConfigError(f"--part={part}: unknown", hint=f"one of: {', '.join(FILES)}")
    parts = [part] if part else list(FILES)
    return {name: _ignored_by_git(project.ROOT / FILES[name]) for name in parts}


def write(target: Target, files: Mapping[str, Path]) -> Iterator[str]:
    """Write *files* and yield the name of each."""
    outputs = _read_outputs(target, list(files))
    for part, path in files.items():
        variables = {"backend": backend, "frontend": frontend}[part](outputs)
        path.parent.mkdir(exist_ok=True)
        path.write_text(_dotenv(target.env.name, variables), "utf-8")
        yield FILES[part]


def backend(outputs: DeployedOutputs) -> dict[str, str]:
    """Return those variables of the backend's ECS task that are also valid on this machine."""
    env = outputs.target.env
    variables = {
        "FRONTEND_URL": addresses.url(outputs.target),
        "BACKEND_URL": addresses.url(outputs.target, "api."),
        "ASSETS_URL": addresses.url(outputs.target, "assets."),
        "PGHOST": outputs["database", "Address"],
        "PGPORT": outputs["database", "Port"],
        "PGDATABASE": outputs["database", "Name"],
        "PGUSER": outputs["database", "Application"],
        "AVATAR_TOPIC_ARN": outputs["assets", "AvatarTopic"],
        "DDB_MESSAGE_TABLE": outputs["messages", "Table"],
        "AWS_COGNITO_USER_POOL_ID": outputs["users", "Pool"],
        "AWS_COGNITO_USER_POOL_CLIENT_ID": outputs["users", "Client"],
        "AWS_DEFAULT_REGION": env.region,
        "OTEL_SERVICE_NAME": project.settings(outputs.target.environment).service.name,
    }
    if outputs.endpoint:
        variables |= {
            "AWS_ENDPOINT_URL": outputs.endpoint,
            "PGSSLROOTCERT": str(outputs.target.database_ca),
        }
    return variables


def frontend(outputs: DeployedOutputs) -> dict[str, str]:
    """Return the variables of the frontend's build, which are public in the built pages."""
    env = outputs.target.env
    variables = {
        "VITE_BACKEND_URL": addresses.url(outputs.target, "api."),
        "VITE_FRONTEND_URL": addresses.url(outputs.target),
        "VITE_ASSETS_URL": addresses.url(outputs.target, "assets."),
        "VITE_API_GATEWAY_ENDPOINT_URL": f"https://{outputs['avatars', 'ApiDomain']}",
        "VITE_AWS_PROJECT_REGION": env.region,
        "VITE_AWS_COGNITO_REGION": env.region,
        "VITE_AWS_USER_POOLS_ID": outputs["users", "Pool"],
        "VITE_CLIENT_ID": outputs["users", "Client"],
    }
    if outputs.endpoint:
        # %24 is the $ of the stage `$default`: Vite expands a $ as the start of a variable.
        api = f"{outputs.endpoint}/_aws/execute-api/{outputs['avatars', 'Api']}/%24default"
        variables |= {"VITE_API_GATEWAY_ENDPOINT_URL": api}
        variables |= {"VITE_AWS_ENDPOINT_URL": outputs.endpoint}
    return variables


def _read_outputs(target: Target, parts: list[str]) -> DeployedOutputs:
    """Return the outputs that *parts* need; raise one CloudError for all missing stacks."""
    names: dict[str, set[str]] = {}
    for part in parts:
        for stack, outputs in OUTPUTS[part].items():
            names.setdefault(stack, set()).update(outputs)
    return DeployedOutputs(target, target.outputs(names), target.account.url or "")


def _ignored_by_git(path: Path) -> Path:
    """Return *path*; raise GuardError if git does not ignore it, or if it is a symbolic link.

    Writing through a symbolic link would replace the target of the link. If git is not installed or
    there is no repository, the path is returned.
    """
    symlinks.refuse(path, project.ROOT)
    command = ["git", "check-ignore", "--quiet", str(path)]
    try:
        code = subprocess.run(
            command, cwd=project.ROOT, capture_output=True, check=False
        ).returncode
    except FileNotFoundError:
        return path
    if code == 1:
        name = path.relative_to(project.ROOT)
        raise GuardError(f"{name}: git does not ignore it", hint="add it to .gitignore")
    return path


def _dotenv(env: str, variables: Mapping[str, str]) -> str:
    from deployer.report import dotenv

    quoted = {name: dotenv(value) for name, value in variables.items()}
    if invalid := [name for name, value in quoted.items() if value is None]:
        raise DeployError(
            f"{', '.join(invalid)}: the value cannot be written to a dotenv file",
            hint="use `./inv outputs --format=json`",
        )
    lines = [f"{name}={value}\n" for name, value in quoted.items()]
    return f"# Generated by `./inv env.write --env={env}`; it holds no secrets.\n" + "".join(lines)
