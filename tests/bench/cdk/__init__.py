"""The peer: an AWS CDK app with the same resources as an environment, as L1 classes.

Library and CLI are pinned in package.json and installed below .cache/bench/ on first use.
generate.js generates the app from the stacks of `layers()`; its templates are compared with them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import config as configs
from deployer.artifacts import Code
from operations.project import project
from tests.bench import npm
from tests.bench.timing import SCRATCH, Command, command, run

HERE = Path(__file__).parent
HOME = SCRATCH / "cdk"
CLI = HOME / "node_modules" / "aws-cdk" / "bin" / "cdk"

# No validation, no telemetry and no update checks.
QUIET = {
    "CDK_VALIDATION": "false",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "HOME": str(HOME / "home"),
}
SETTINGS = {
    "app": "node app.js",
    "versionReporting": False,
    "pathMetadata": False,
    "assetMetadata": False,
    "notices": False,
    "context": {
        "@aws-cdk/core:newStyleStackSynthesis": False,  # Needs no bootstrap stack.
        "@aws-cdk/core:explicitStackTags": True,  # Tags of stacks are not those of resources.
    },
}


@dataclass(frozen=True)
class App:
    """A CDK app in its folder."""

    folder: Path
    stacks: tuple[dict[str, Any], ...]

    @property
    def size(self) -> str:
        """The numbers of stacks and resources."""
        resources = sum(len(stack["template"]["Resources"]) for stack in self.stacks)
        return f"{len(self.stacks)} stacks, {resources} resources"

    def synth(self) -> Command:
        """Return `cdk synth`, which deletes the output of the run before."""
        return self._cdk("synth", "--quiet", before=lambda: _delete(self.folder / "cdk.out"))

    def diff(self, stack: str, before: Path) -> Command:
        """Return `cdk diff` of *stack* against the template in the file *before*."""
        return self._cdk("diff", stack, "--template", str(before))

    def diff_each(self, before: Path) -> Command:
        """Return `cdk diff` of each stack against its file in the folder *before*.

        `cdk diff --template` compares one stack.
        """
        loop = 'for stack; do node "$CLI" diff "$stack" --template "$BEFORE/$stack.json"; done'
        names = [stack["name"] for stack in self.stacks]
        env = {"CLI": str(CLI), "BEFORE": str(before)} | QUIET
        return command("sh", "-ec", loop, "sh", *names, cwd=self.folder, env=env)

    def diff_all(self, env: Mapping[str, str]) -> Command:
        """Return `cdk diff` of all stacks against the deployed ones, with the variables *env*."""
        return self._cdk("diff", env=env)

    def deploy(self, env: Mapping[str, str], stack: str = "--all") -> Command:
        """Return `cdk deploy` of one or all stacks, without approval, with the variables *env*."""
        return self._cdk("deploy", stack, "--require-approval=never", env=env)

    def _cdk(self, *arguments: str, env: Mapping[str, str] | None = None, **more: Any) -> Command:
        return command("node", CLI, *arguments, cwd=self.folder, env=(env or {}) | QUIET, **more)


def app(environment: str, *, account: str = "", one_region: bool = False) -> App:
    """Return the resources of *environment* as a CDK app, for *account* or that of the environment.

    With *one_region*, stacks with a parameter from another region are left out, because CDK cannot
    pass it, and so are the stacks that depend on them.

    Raises NoPeer if npm is missing or fails.
    """
    npm.install("CDK", HERE / "package.json", HOME)
    (HOME / "home").mkdir(exist_ok=True)
    folder = HOME / environment
    _delete(folder)
    folder.mkdir(parents=True)
    generated = App(folder, tuple(_stacks(environment, account, one_region=one_region)))
    (folder / "cdk.json").write_text(json.dumps(SETTINGS))
    (folder / "stacks.json").write_text(json.dumps(generated.stacks))
    run(command("node", HERE / "generate.js", "stacks.json", "app.js", cwd=folder))
    run(generated.synth())
    _compare(generated)
    return generated


def _stacks(environment: str, account: str, *, one_region: bool) -> Iterable[dict[str, Any]]:
    this_project = project()
    config = configs.load(
        configs.find(this_project.root / "config", environment), this_project.config
    )
    omitted: set[str] = set()
    for stack in this_project.layers(config, Code(this_project.root)):
        template = stack.body
        if one_region and (stack.parameters or omitted.intersection(stack.dependencies)):
            omitted.add(stack.name)
            continue
        for parameter in template.get("Parameters", {}).values():
            parameter.setdefault("Default", "of-another-region")  # The deployer passes the value.
        yield {
            "name": stack.name,
            "region": stack.region,
            "account": account or config.env.account,
            "tags": dict(stack.tags),
            "template": template,
        }


def _compare(app: App) -> None:
    """Raise RuntimeError unless the templates of both sides are the same."""
    for stack in app.stacks:
        generated = json.loads(
            (app.folder / "cdk.out" / f"{stack['name']}.template.json").read_text()
        )
        for section in ("Parameters", "Resources", "Outputs"):
            ours, peers = (
                _normalized(template.get(section, {}))
                for template in (stack["template"], generated)
            )
            if different := [
                title for title in ours | peers if ours.get(title) != peers.get(title)
            ]:
                raise RuntimeError(
                    f"{stack['name']}: CDK generates different {section}: {different}"
                )


def _normalized(value: Any) -> Any:
    """Return a template for comparison: scalars as text, dependencies and tags sorted."""
    match value:
        case {"DependsOn": str(dependency), **rest}:
            return {"DependsOn": [dependency], **_normalized(rest)}
        case {"DependsOn": [str(), *_] as dependencies, **rest}:
            return {"DependsOn": sorted(dependencies), **_normalized(rest)}
        case dict():
            return {key: _normalized(item) for key, item in value.items()}
        case [{"Key": _, "Value": _}, *_]:
            return sorted((_normalized(item) for item in value), key=str)
        case list():
            return [_normalized(item) for item in value]
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
