"""The files that tell the application, run or built on this machine, where an environment is.

They hold what the stacks give, under the application's own names, and no secret.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context

from commands.framework.task import task
from operations import project, target
from operations.target import Target

FILES = {"backend": "backend/.env", "frontend": "frontend/.env.local"}
# The layers that each part is told of, and the outputs that say so.
_TOLD: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "backend": {
        "database": ("Address", "Port", "Name", "Application"),
        "messages": ("Table",),
        "users": ("Pool", "Client"),
    },
    "frontend": {"users": ("Pool", "Client"), "avatars": ("Api", "ApiDomain")},
}


@dataclass(frozen=True)
class Known:
    """The outputs of an environment, and the address of the emulator if it is that."""

    here: Target
    outputs: Mapping[tuple[str, str], str]
    endpoint: str

    def __getitem__(self, key: tuple[str, str]) -> str:
        """An output, by layer and title."""
        return self.outputs[key]


@task(
    help={
        "part": "backend or frontend (default: both)",
    }
)
def write(_: Context, env: str = "", part: str = "") -> None:
    """Write backend/.env and frontend/.env.local, which git ignores."""
    from deployer.errors import ConfigError

    if part and part not in FILES:
        raise ConfigError(f"--part={part}: unknown", hint=f"one of: {', '.join(FILES)}")
    parts = [part] if part else list(FILES)
    paths = {each: _ignored(project.ROOT / FILES[each]) for each in parts}
    known = _known(target.connect(env), parts)
    for each, path in paths.items():
        variables = {"backend": backend, "frontend": frontend}[each](known)
        path.parent.mkdir(exist_ok=True)
        path.write_text(_text(known.here.env.name, variables), "utf-8")
        print(f"written {FILES[each]}: {known.here.env.name}")


def backend(known: Known) -> dict[str, str]:
    """What a task of the service is told too, as far as it holds outside of one."""
    env = known.here.env
    told = {
        "FRONTEND_URL": f"https://{env.domain}",
        "BACKEND_URL": f"https://api.{env.domain}",
        "ASSETS_URL": f"https://assets.{env.domain}",
        "PGHOST": known["database", "Address"],
        "PGPORT": known["database", "Port"],
        "PGDATABASE": known["database", "Name"],
        "PGUSER": known["database", "Application"],
        "DDB_MESSAGE_TABLE": known["messages", "Table"],
        "AWS_COGNITO_USER_POOL_ID": known["users", "Pool"],
        "AWS_COGNITO_USER_POOL_CLIENT_ID": known["users", "Client"],
        "AWS_DEFAULT_REGION": env.region,
        "OTEL_SERVICE_NAME": project.settings(known.here.environment).service.name,
    }
    if known.endpoint:
        told |= {"AWS_ENDPOINT_URL": known.endpoint, "PGSSLROOTCERT": str(known.here.roots)}
    return told


def frontend(known: Known) -> dict[str, str]:
    """What the pages are built with: all of it can be read in them."""
    env = known.here.env
    told = {
        "VITE_BACKEND_URL": f"https://api.{env.domain}",
        "VITE_FRONTEND_URL": f"https://{env.domain}",
        "VITE_ASSETS_URL": f"https://assets.{env.domain}",
        "VITE_API_GATEWAY_ENDPOINT_URL": f"https://{known['avatars', 'ApiDomain']}",
        "VITE_AWS_PROJECT_REGION": env.region,
        "VITE_AWS_COGNITO_REGION": env.region,
        "VITE_AWS_USER_POOLS_ID": known["users", "Pool"],
        "VITE_CLIENT_ID": known["users", "Client"],
    }
    if known.endpoint:
        # %24 is the $ of the stage's name: Vite takes one for the beginning of a variable.
        api = f"{known.endpoint}/_aws/execute-api/{known['avatars', 'Api']}/%24default"
        told |= {"VITE_API_GATEWAY_ENDPOINT_URL": api, "VITE_AWS_ENDPOINT_URL": known.endpoint}
    return told


def _known(here: Target, parts: list[str]) -> Known:
    """All outputs that the *parts* need; raises one CloudError that names all that are missing."""
    asked: dict[str, set[str]] = {}
    for layer, titles in (told for part in parts for told in _TOLD[part].items()):
        asked.setdefault(layer, set()).update(titles)
    return Known(here, here.outputs(asked), here.account.url or "")


def _ignored(path: Path) -> Path:
    """Return *path*; raise GuardError if git tracks or would add it, or if it is a symbolic link.

    The target of a link would be overwritten.
    """
    from deployer import symlinks
    from deployer.errors import GuardError

    symlinks.refuse(path, project.ROOT)
    asked = ["git", "check-ignore", "--quiet", str(path)]
    try:
        code = subprocess.run(asked, cwd=project.ROOT, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return path
    if code == 1:
        name = path.relative_to(project.ROOT)
        raise GuardError(f"{name}: git does not ignore it", hint="have a line for it in .gitignore")
    return path


def _text(env: str, variables: Mapping[str, str]) -> str:
    from deployer.errors import DeployError
    from deployer.report import dotenv

    quoted = {name: dotenv(value) for name, value in variables.items()}
    if wrong := [name for name, value in quoted.items() if value is None]:
        raise DeployError(
            f"{', '.join(wrong)}: the value cannot be written to a dotenv file",
            hint="use `./inv outputs --format=json`",
        )
    lines = [f"{name}={value}\n" for name, value in quoted.items()]
    return f"# Made by `invoke env.write --env={env}`: where it is, and no secret.\n" + "".join(
        lines
    )


namespace = Collection("env", write)
