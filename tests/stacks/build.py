"""A build as CodeBuild does it: the phases of a buildspec, in sh, with stand-ins for the tools.

See the CodeBuild user guide, Build specification reference and Build phase transitions.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DOCKERFILE = f"FROM python@sha256:{'0' * 64}\n"
PHASES = ("install", "pre_build", "build", "post_build")
PASSWORD = "the-password-of-the-registry"

# What a stand-in does first: it remembers how it was called, and fails where it is told to.
_CALLED = """\
#!/bin/sh
call="{tool} $*"
printf '%s\\n' "$call" >> "$CALLS"
[ -z "$FAILS" ] || case $call in $FAILS) exit "$CODE" ;; esac
"""
_AWS = """\
case $call in
    *get-login-password*) echo "$PASSWORD" ;;
    *describe-stacks*) cat "$ACCOUNT/$4.txt" ;;
    *get-template*) cat "$ACCOUNT/$6.yaml" ;;
esac
"""
_DOCKER = """\
case $1 in
    login) cat > "$STDIN" ;;
    push) echo "${2%:*}@sha256:$DIGEST" > "$PUSHED" ;;
    image) cat "$PUSHED" 2> /dev/null || true ;;
    *) echo "what docker tells" ;;
esac
"""


@dataclass
class Ended:
    """What became of a build: the calls of tools in order, and what it gives to the pipeline."""

    succeeded: bool
    calls: list[str]
    exported: dict[str, str]
    artifacts: dict[str, str]
    said: str
    stdin: str


@dataclass
class Build:
    """A build container of CodeBuild with the source in *folder*."""

    folder: Path
    digest: str = "a" * 64  # Of the image that a push makes.
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out the source and the tools."""
        self.source, self.tools = self.folder / "src", self.folder / "bin"
        self.account, self.tmp = self.folder / "account", self.folder / "tmp"
        for folder in (self.tools, self.account, self.tmp, self.source / "backend"):
            folder.mkdir(parents=True)
        (self.source / "backend" / "Dockerfile").write_text(DOCKERFILE)
        self._tool(self.source / "inv", "inv", "")
        self._tool(self.tools / "aws", "aws", _AWS)
        self._tool(self.tools / "docker", "docker", _DOCKER)

    def run(self, buildspec: str, *, fails: str = "", code: int = 1, **env: str) -> Ended:
        """Run *buildspec*; calls that match the pattern *fails* end with *code*.

        Its /tmp is a folder of this build, as each container of CodeBuild has its own.
        """
        spec = yaml.safe_load(buildspec.replace("/tmp/", f"{self.tmp}/"))  # noqa: S108
        files = {one: str(self.folder / one.lower()) for one in ("CALLS", "STDIN", "PUSHED")}
        for one in ("CALLS", "STDIN"):
            Path(files[one]).write_text("")
        told = {"FAILS": fails, "CODE": str(code), "PASSWORD": PASSWORD, "DIGEST": self.digest}
        told["ACCOUNT"] = str(self.account)
        shell = _Shell(self.source, self._environ | files | told | env)
        succeeded = _phases(spec["phases"], shell)
        wanted = spec.get("artifacts", {}).get("files", [])
        there = {one: self.source / one for one in wanted if (self.source / one).exists()}
        return Ended(
            succeeded=succeeded,
            calls=Path(files["CALLS"]).read_text().splitlines(),
            exported={
                one: shell.variable(one)
                for one in spec.get("env", {}).get("exported-variables", [])
            },
            artifacts={one: path.read_text() for one, path in there.items()},
            said=shell.said,
            stdin=Path(files["STDIN"]).read_text(),
        )

    @property
    def _environ(self) -> dict[str, str]:
        """What CodeBuild sets itself, as far as anybody reads it."""
        return {
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "AWS_REGION": "ca-central-1",
            "AWS_DEFAULT_REGION": "ca-central-1",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/of-the-role",
            "CODEBUILD_BUILD_NUMBER": "7",
            **self.env,
        }

    def _tool(self, path: Path, tool: str, does: str) -> None:
        path.write_text(_CALLED.format(tool=tool) + does)
        path.chmod(0o755)


@dataclass
class _Shell:
    """One shell for all commands: what one exports, the next one sees."""

    folder: Path
    environ: dict[str, str]
    said: str = ""

    def run(self, command: str) -> bool:
        """Run *command*; whether it went well."""
        state = self.folder.parent / "exported"
        script = f"{command}\ncode=$?\nexport -p > {shlex.quote(str(state))}\nexit $code"
        ran = subprocess.run(
            ["sh", "-c", script],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=20,
            check=False,
        )
        self.said += ran.stdout
        if state.exists():
            found = re.findall(
                r"^(?:export|declare -x) (\w+)=(.*)$", state.read_text(), re.MULTILINE
            )
            self.environ |= {name: " ".join(shlex.split(value)) for name, value in found}
        return ran.returncode == 0

    def variable(self, name: str) -> str:
        """What *name* is by now; CodeBuild exports nothing where it was never set."""
        return self.environ.get(name, "")


def _phases(phases: dict[str, Any], shell: _Shell) -> bool:
    """Run them in CodeBuild's order; after a `build` that failed, `post_build` runs all the same."""
    well = True
    for name in PHASES:
        phase = phases.get(name, {})
        good = all(shell.run(command) for command in phase.get("commands", []))
        for command in phase.get("finally", []):
            good = shell.run(command) and good
        well = well and good
        goes_on = name == "build" and phase.get("on-failure") != "ABORT"
        if not good and not goes_on and phase.get("on-failure") != "CONTINUE":
            return False
    return well
