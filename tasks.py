"""The main tasks: synthesise, lint, plan and deploy Cruddur's stacks.

Thin on purpose: parse, call, print. Imports that cost time stand inside the tasks, so that
`invoke --list` and the completion of a shell stay fast.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, cast

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework.task import task
from operations import (
    avatar,
    db,
    ecr,
    emulator,
    env_files,
    image,
    lambdas,
    messages,
    pictures,
    project,
    secret,
    service,
    site,
    users,
)
from operations.logs import logs

Choice = TypeVar("Choice", bound=str)
LAMBDAS = project.ROOT / "lambdas"
CHANGES = 2  # The exit code of `plan` and `synth --check` that says: there is something to do.

_STACK = "a layer such as cluster; may be given more than once (default: all)"
_ENVS = "the environment (default: $CRUDDUR_ENV, else every one)"
_JSON = "tell it as JSON, one event per line, versioned"


@task(help={"check": "write nothing; exit 2 with a diff if build/ is stale", "env": _ENVS})
def synth(_: Context, check: bool = False, env: str = "") -> None:
    """Write the templates of every environment under build/, and the schema of config/."""
    from deployer import synth as texts

    environments = [each for each in project.environments(env) if not (check and each.is_local)]
    diffs = [texts.drift(each.desired, each.build) for each in environments]
    if check and any(diffs):
        print("".join(diffs), end="")
        raise Exit(code=CHANGES)
    for each, diff in zip(environments, diffs, strict=True):
        if not check:
            texts.write(each.desired, each.build)
        state = "written" if diff else "up to date"
        print(f"{each.env.name}: {len(each.desired)} stacks {state}")
    if not check:
        project.project().write_schema()


@task(
    iterable=["name"],
    help={
        "name": "a function such as thumbnail; may be given more than once (default: all)",
        "env": _ENVS,
        "jobs": "how many at a time (default: 0, which is two for each core)",
    },
)
def build(_: Context, name: list[str] | None = None, env: str = "", jobs: int = 0) -> None:
    """Build the zips of the Lambda functions under dist/, where they are not there yet."""
    from deployer.artifacts import build as zips
    from operations import code

    artifacts = dict.fromkeys(one for each in project.environments(env) for one in each.artifacts)
    for one in name or ():
        one_of("name", one, sorted({artifact.name for artifact in artifacts}))
    wanted = [artifact for artifact in artifacts if not name or artifact.name in name]
    several = code.build(wanted, jobs=jobs or None)
    for built in several:
        print(zips.line(built))
    for line in zips.unchecked(several):
        print(line)


@task(help={"env": _ENVS})
def lint(_: Context, env: str = "") -> None:
    """Check every template and zip, by cfn-lint and our own rules: nothing passes without a reason."""
    from deployer.artifacts import build as zips
    from deployer.template_checks import check_templates
    from operations import code
    from operations.deployment import LINT_CACHE

    environments = project.environments(env)
    check_templates(environments, LINT_CACHE)
    several = code.build(artifact for each in environments for artifact in each.artifacts)
    for each in environments:
        counted = f"{len(each.desired)} templates, {len(each.artifacts)} functions"
        print(f"{each.env.name}: {counted}, nothing found")
    for line in zips.unchecked(several):
        print(line)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "only": "leave out what the named stacks stand on",
        "release": "without what a person deploys, as a release does it",
        "verify": "compare whole templates, not digests",
        "json": "print the plan as JSON",
    },
)
def plan(
    _: Context,
    stack: list[str] | None = None,
    only: bool = False,
    env: str = "",
    release: bool = False,
    verify: bool = False,
    json: bool = False,
) -> None:
    """Say what a deploy would do, and change nothing. Exits 2 if there is something to do."""
    from commands.deployment import open_deployment, show_plan

    with open_deployment(env, json=json) as deployment:
        planned = deployment.plan(stack or (), only=only, verify=verify, release=release)
        show_plan(planned, json=json)
    if planned.has_changes:
        raise Exit(code=CHANGES)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "only": "leave out what the named stacks stand on",
        "yes": "approve every change set unseen: for machines",
        "jobs": "how many stacks at a time; 1 is the order of layers()",
        "no_execute": "leave the change sets for a reviewer, and say how to execute them",
        "release": "with the rights of a release, and without what a person deploys",
        "verify": "compare whole templates, not digests",
        "timeout": "minutes to watch one stack operation before leaving it to AWS",
        "json": _JSON,
    },
)
def deploy(
    _: Context,
    stack: list[str] | None = None,
    only: bool = False,
    env: str = "",
    yes: bool = False,
    jobs: int = 4,
    no_execute: bool = False,
    release: bool = False,
    verify: bool = False,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Bring the stacks to what the code says, by change sets that you approve."""
    from commands.deployment import open_deployment, show_outputs

    with open_deployment(
        env, json=json, yes=yes, no_execute=no_execute, timeout=timeout
    ) as deployment:
        planned = deployment.plan(stack or (), only=only, verify=verify, release=release)
        result = deployment.deploy(planned, jobs=jobs)
        if result.exit_code:
            raise Exit(code=result.exit_code)
        show_outputs(deployment, result.stacks, "json" if json else "table")


@task(
    iterable=["stack", "confirm"],
    help={
        "stack": "a layer, or a stack no longer in the code; its dependents go first (default: all)",
        "confirm": "the name of a stack that holds data or is protected; once for each",
        "dry_run": "only show what would be deleted and kept; exit 2 if anything would be deleted",
        "yes": "delete without asking for approval, on the emulator too",
        "jobs": "how many stacks at a time",
        "timeout": "minutes to watch one stack operation before leaving it to AWS",
        "json": _JSON,
    },
)
def destroy(
    _: Context,
    stack: list[str] | None = None,
    env: str = "",
    confirm: list[str] | None = None,
    dry_run: bool = False,
    yes: bool = False,
    jobs: int = 4,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Delete stacks, from the top down; what holds data only when it is named."""
    from commands.deployment import open_deployment, show_deletions

    with open_deployment(env, json=json, yes=yes, timeout=timeout) as deployment:
        deletions = deployment.deletions(stack or ())
        if dry_run:
            show_deletions(deletions, json=json)
        elif code := deployment.destroy(deletions, confirmed=confirm or (), jobs=jobs):
            raise Exit(code=code)
    if dry_run and deletions:
        raise Exit(code=CHANGES)


@task(help={"json": "print it as JSON"})
def status(_: Context, env: str = "", json: bool = False) -> None:
    """What is deployed, in what state, and what a person still has to do."""
    from commands.deployment import open_deployment
    from deployer import report
    from operations import manual_steps, target

    with open_deployment(env, json=json) as deployment:
        inventory = deployment.inventory
        stacks = inventory.all_stacks()
        owned = inventory.owned(stacks)
        here = target.Target(deployment.environment, deployment.account)
        left = list(manual_steps.left(here, owned))
        orphans, style = inventory.orphans(owned), report.style_of(sys.stdout, os.environ)
        shown = (
            report.status_json(owned, orphans, left)
            if json
            else report.status(owned, orphans, left, style=style)
        )
        print(shown, end="")
        inventory.refuse_taken_names(stacks, deployment.environment.desired)


@task(
    iterable=["stack"],
    help={"stack": _STACK, "format": "table, json, dotenv or shell"},
)
def outputs(
    _: Context,
    stack: list[str] | None = None,
    env: str = "",
    format: str = "table",  # noqa: A002  # the name of the flag
) -> None:
    """Print the outputs of deployed stacks, for people, programs or a shell."""
    from commands.deployment import open_deployment, show_outputs
    from deployer import report

    form = one_of("format", format, report.FORMATS)
    with open_deployment(env) as deployment:
        show_outputs(deployment, deployment.select_deployed(stack or ()), form)


@task(help={"format": "mermaid or dot"})
def graph(_: Context, env: str = "", format: str = "mermaid") -> None:  # noqa: A002
    """Print which stack stands on which."""
    from deployer import dependency_graph as graphs

    form = one_of("format", format, ("mermaid", "dot"))
    draw = {"mermaid": graphs.mermaid, "dot": graphs.dot}[form]
    print(draw(project.environment(env).desired), end="")


@task(help={"all": "also corpora and comparisons with other tools", "jobs": "processes"})
def test(_: Context, all: bool = False, jobs: int = 4) -> None:  # noqa: A002
    """Run the tests."""
    # More workers than cores, since many tests wait for a process; one file stays with one of them,
    # since its stories share a deployment. In order of their names, since those of fewest tests take
    # longest: left for the end, as by default, they would leave workers idle.
    workers = ["-n", str(jobs), "--dist", "loadscope", "--no-loadscope-reorder"]
    run("pytest", *workers, *([] if all else ["-m", "not slow"]))


@task(help={"all": "also the third-party scanners: see docs/scanners.md"})
def check(_: Context, all: bool = False) -> None:  # noqa: A002
    """Check style, types, build/ and templates: what a pull request must pass beside the tests."""
    run("ruff", "check", ".")
    run("ruff", "format", "--check", ".")
    run("mypy")
    run("invoke", "synth", "--check")
    run("invoke", "lint")
    if all:
        run("tests.scanners")


@task(
    iterable=["name"],
    help={
        "name": "such as lint: a file of tests/bench; may be given more than once (default: all)",
        "rounds": "how many runs count",
    },
)
def bench(_: Context, name: list[str] | None = None, rounds: int = 7) -> None:
    """Print our speed against that of other tools, measured in the same run."""
    run("tests.bench", *(name or []), f"--rounds={rounds}")


@task(help={"upgrade": "take the newest versions that setup.cfg allows"})
def lock(_: Context, upgrade: bool = False) -> None:
    """Remake the locks from setup.cfg and lambdas/*/requirements.in: one resolution, with hashes."""
    from deployer import symlinks

    common = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    common += ["--no-emit-find-links", "--custom-compile-command", "./inv lock"]
    compile_ = ["uv", "pip", "compile", *common]
    asked = sorted(file.relative_to(project.ROOT) for file in LAMBDAS.glob("*/requirements.in"))
    for file in (Path("requirements/dev.txt"), Path("requirements/deploy.txt"), *asked):
        symlinks.refuse(project.ROOT / file.with_suffix(".txt"), project.ROOT)
    newest = ["--upgrade"] if upgrade else []
    everything = ["setup.cfg", *map(str, asked), "--extra", "dev", *newest]
    run(*compile_, *everything, "--output-file", "requirements/dev.txt")
    compile_ += ["-c", "requirements/dev.txt"]
    run(*compile_, "setup.cfg", "--output-file", "requirements/deploy.txt")
    for file in asked:
        unused = file.with_name("unused.txt")
        names = _names(unused) if unused.exists() else []
        without = [f"--no-emit-package={name}" for name in names]
        run(*compile_, str(file), *without, "--output-file", str(file.with_suffix(".txt")))
    shutil.rmtree(project.ROOT / "cruddur.egg-info", ignore_errors=True)


def _names(file: Path) -> list[str]:
    """The names in *file*, one per line; a line that begins with # is for people."""
    return [line for line in file.read_text().split("\n") if line and not line.startswith("#")]


def one_of(flag: str, value: str, choices: Sequence[Choice]) -> Choice:
    """*value*, if it is one of *choices*; raises ConfigError that names them."""
    from deployer.errors import ConfigError

    if value in choices:
        return cast("Choice", value)
    raise ConfigError(f"--{flag}={value}: unknown", hint=f"one of: {', '.join(choices)}")


def run(module: str, *arguments: str) -> None:
    """Run a tool of the environment as `python -m`; the task ends where the tool fails."""
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # Tests start hundreds of processes: compile it once.
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=project.ROOT, env=env, check=False
    )
    if result.returncode:
        raise Exit(code=result.returncode)


namespace = Collection(
    synth,
    build,
    lint,
    plan,
    deploy,
    destroy,
    status,
    outputs,
    graph,
    test,
    check,
    bench,
    lock,
    logs,
    avatar=avatar,
    db=db,
    ecr=ecr,
    emulator=emulator,
    env=env_files,
    image=image,
    messages=messages,
    pictures=pictures,
    secret=secret,
    service=service,
    users=users,
    **{"lambda": lambdas},
    site=site,
)
gc.freeze()  # What is imported by now stays; a process that ends need not visit it again.
