"""A fake of CodeBuild: runs the phases of a buildspec in sh, with fakes of the tools.

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

# The start of each fake tool: record the call, and fail if the call matches the pattern FAILS.
_RECORD_CALL = """\
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
    *) echo "output of docker" ;;
esac
"""


@dataclass
class BuildResult:
    """The result of a build: its calls of tools, its output, and what it passes to the pipeline."""

    succeeded: bool
    calls: list[str]
    exported: dict[str, str]
    artifacts: dict[str, str]
    output: str
    stdin: str


@dataclass
class Build:
    """A build container of CodeBuild with the source in *folder*."""

    folder: Path
    digest: str = "a" * 64  # Of the pushed image.
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the source and the tools."""
        self.source, self.tools = self.folder / "src", self.folder / "bin"
        self.account, self.tmp = self.folder / "account", self.folder / "tmp"
        for folder in (self.tools, self.account, self.tmp, self.source / "backend"):
            folder.mkdir(parents=True)
        (self.source / "backend" / "Dockerfile").write_text(DOCKERFILE)
        self._tool(self.source / "inv", "inv", "")
        self._tool(self.tools / "aws", "aws", _AWS)
        self._tool(self.tools / "docker", "docker", _DOCKER)

    def run(self, buildspec: str, *, fails: str = "", code: int = 1, **env: str) -> BuildResult:
        """Run *buildspec*; calls that match the pattern *fails* exit with *code*.

        /tmp in the commands is a folder of this build, as each container of CodeBuild has its own /tmp.
        """
        spec = yaml.safe_load(buildspec.replace("/tmp/", f"{self.tmp}/"))  # noqa: S108
        files = {name: str(self.folder / name.lower()) for name in ("CALLS", "STDIN", "PUSHED")}
        for name in ("CALLS", "STDIN"):
            Path(files[name]).write_text("")
        variables = {"FAILS": fails, "CODE": str(code), "PASSWORD": PASSWORD, "DIGEST": self.digest}
        variables["ACCOUNT"] = str(self.account)
        shell = _Shell(self.source, self._environ | files | variables | env)
        succeeded = _phases(spec["phases"], shell)
        names = spec.get("artifacts", {}).get("files", [])
        paths = {name: self.source / name for name in names if (self.source / name).exists()}
        return BuildResult(
            succeeded=succeeded,
            calls=Path(files["CALLS"]).read_text().splitlines(),
            exported={
                name: shell.variable(name)
                for name in spec.get("env", {}).get("exported-variables", [])
            },
            artifacts={name: path.read_text() for name, path in paths.items()},
            output=shell.output,
            stdin=Path(files["STDIN"]).read_text(),
        )

    @property
    def _environ(self) -> dict[str, str]:
        """The variables of CodeBuild that the commands read."""
        return {
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "AWS_REGION": "ca-central-1",
            "AWS_DEFAULT_REGION": "ca-central-1",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/of-the-role",
            "CODEBUILD_BUILD_NUMBER": "7",
            **self.env,
        }

    def _tool(self, path: Path, tool: str, script: str) -> None:
        path.write_text(_RECORD_CALL.format(tool=tool) + script)
        path.chmod(0o755)


@dataclass
class _Shell:
    """A shell whose commands share their exported variables, as in CodeBuild."""

    folder: Path
    environ: dict[str, str]
    output: str = ""

    def run(self, command: str) -> bool:
        """Run *command*; return whether it succeeded."""
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
            timeout=60,
            check=False,
        )
        self.output += ran.stdout
        if state.exists():
            found = re.findall(
                r"^(?:export|declare -x) (\w+)=(.*)$", state.read_text(), re.MULTILINE
            )
            self.environ |= {name: " ".join(shlex.split(value)) for name, value in found}
        return ran.returncode == 0

    def variable(self, name: str) -> str:
        """Return the current value of *name*, empty if it was never set."""
        return self.environ.get(name, "")


def _phases(phases: dict[str, Any], shell: _Shell) -> bool:
    """Run the phases; as in CodeBuild, `post_build` also runs after a failed `build`."""
    succeeded = True
    for name in PHASES:
        phase = phases.get(name, {})
        phase_succeeded = all(shell.run(command) for command in phase.get("commands", []))
        for command in phase.get("finally", []):
            phase_succeeded = shell.run(command) and phase_succeeded
        succeeded = succeeded and phase_succeeded
        continues = name == "build" and phase.get("on-failure") != "ABORT"
        if not phase_succeeded and not continues and phase.get("on-failure") != "CONTINUE":
            return False
    return succeeded
