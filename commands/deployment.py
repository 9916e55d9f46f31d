"""The main tasks: generate, check, plan and deploy the stacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar, cast

from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import operation_help
from commands.framework.task import CHANGES, task
from deployer.errors import ConfigError, GuardError
from operations import lambdas, project

Choice = TypeVar("Choice", bound=str)
JOBS = 4  # The stacks whose change sets `plan` creates at a time.

_STACK = "a stack such as cluster; repeatable (default: all)"
_ONLY = "skip dependencies"
_VERIFY = "compare whole templates instead of digests"
_ENVS = "the environment (default: $CRUDDUR_ENV, else all)"


@task(
    help={"check": "write nothing; print a diff and exit with 2 if build/ is stale", "env": _ENVS}
)
def synth(_: Context, check: bool = False, env: str = "") -> None:
    """Write the templates to build/ and the schema of config/."""
    from deployer import synth as templates

    environments = [
        environment
        for environment in project.environments(env)
        if not (check and environment.is_local)
    ]
    diffs = [templates.diff(environment.desired, environment.build) for environment in environments]
    if check and any(diffs):
        print("".join(diffs), end="")
        raise Exit(code=CHANGES)
    for environment, diff in zip(environments, diffs, strict=True):
        if not check:
            templates.write(environment.desired, environment.build)
        state = "written" if diff else "up to date"
        print(f"{environment.env.name}: {len(environment.desired)} stacks {state}")
    if not check:
        project.project().write_schema()


@task(
    iterable=["name"],
    help={
        "name": "a function such as thumbnail; repeatable (default: all)",
        "env": _ENVS,
        "jobs": "how many at a time (default: 0, two per core)",
    },
)
def build(_: Context, name: list[str] | None = None, env: str = "", jobs: int = 0) -> None:
    """Build the missing zip files of the Lambda functions."""
    from deployer.artifacts import build as builder

    artifacts = dict.fromkeys(
        artifact for environment in project.environments(env) for artifact in environment.artifacts
    )
    for name_ in name or ():
        one_of("name", name_, sorted({artifact.name for artifact in artifacts}))
    selected = [artifact for artifact in artifacts if not name or artifact.name in name]
    built = lambdas.build(selected, jobs=jobs or None)
    for function in built:
        print(builder.summary_line(function))
    for line in builder.unchecked(built):
        print(line)


@task(help={"env": _ENVS})
def lint(_: Context, env: str = "") -> None:
    """Check all templates and zip files with cfn-lint and policies.

    Exemptions, with reasons, are in deployer/lint/exemptions.toml.
    """
    from deployer.artifacts import build as builder
    from deployer.template_checks import check_templates
    from operations.deployment import LINT_CACHE

    environments = project.environments(env)
    check_templates(environments, LINT_CACHE)
    built = lambdas.build(
        artifact for environment in environments for artifact in environment.artifacts
    )
    for environment in environments:
        counts = f"{len(environment.desired)} templates, {len(environment.artifacts)} functions"
        print(f"{environment.env.name}: {counts}, no findings")
    for line in builder.unchecked(built):
        print(line)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "only": _ONLY,
        "release": "plan a release: skip the stacks that administrators deploy",
        "verify": _VERIFY,
        "change_sets": "also create change sets, show where they differ, and delete them",
        "drift": "also detect resources that were changed outside of CloudFormation",
        "out": "also create change sets, keep them, and write the plan to this file for `apply`",
        "json": "print the plan as JSON lines",
        "offline": "compare build/ with another revision, without an account",
        "base": "the revision to compare with (default: where this branch left main)",
        "format": "text, json, or markdown for a comment on a pull request; with --offline",
    },
)
def plan(
    _: Context,
    stack: list[str] | None = None,
    only: bool = False,
    env: str = "",
    release: bool = False,
    verify: bool = False,
    change_sets: bool = False,
    drift: bool = False,
    out: str = "",
    json: bool = False,
    offline: bool = False,
    base: str = "",
    format: str = "",  # noqa: A002  # the name of the flag
) -> None:
    """Show what a deploy would change; exit with 2 if anything.

    Exit with 3 for a loss of data that the config does not accept, and with 4 if build/ is stale.
    """
    if (base or format) and not offline:
        flag = "--base" if base else "--format"
        raise ConfigError(f"{flag}: needs --offline", hint="add --offline")
    if offline:
        if stack or only or release or verify or change_sets or drift or out:
            raise ConfigError(
                "--offline: shows all stacks of the environments in build/",
                hint="omit --stack, --only, --release, --verify, --change-sets, --drift and --out",
            )
        chosen = format or ("json" if json else "text")
        _plan_offline(env, base, one_of("format", chosen, ("text", "json", "markdown")))
        return
    from commands.framework.open_deployment import open_deployment, show_plan
    from operations import pending_change_sets, saved_plans
    from operations.target import Target

    with open_deployment(env, json=json) as deployment:
        planned = deployment.plan(stack or (), only=only, verify=verify, release=release)
        shown, save = planned.report, None
        if out:
            deployment.refuse_data_losses(planned)
            save = saved_plans.writer(deployment, planned, project.absolute_path(out))
        if change_sets or out:
            reviewed = deployment.review(planned, jobs=JOBS, save=save)
            shown = replace(shown, change_sets=reviewed)
        target = Target(deployment.environment, deployment.account)
        shown = replace(shown, pending=pending_change_sets.of_changed(target, planned))
        detected = deployment.detect_drift(planned, jobs=JOBS) if drift else None
        if detected:
            shown = replace(shown, drifts=detected.found)
        show_plan(shown, json=json)
        deployment.refuse_data_losses(planned)
        if detected:
            detected.refuse_stale(datetime.now(UTC).date())
    if planned.has_changes or any(item.is_open for item in shown.drifts):
        raise Exit(code=CHANGES)


def _plan_offline(env: str, base: str, output_format: str) -> None:
    """Print the offline plan of each environment; exit with 2 for changes, 3 for losses of data."""
    from deployer import report
    from operations import offline_plan

    name = project.environment_name(env)
    plans = offline_plan.plans(project.project(), [name] if name else [], base)
    match output_format:
        case "json":
            print(report.offline_plan_json([(plan.preview, plan.base) for plan in plans]), end="")
        case "markdown":
            for plan in plans:
                print(report.offline_plan_markdown(plan.preview, plan.base, plan.head))
        case _:
            style = report.style_of(sys.stdout, os.environ)
            texts = (report.offline_plan_text(plan.preview, plan.base, style) for plan in plans)
            print("\n".join(texts), end="")
    if any(plan.is_refused for plan in plans):
        raise Exit(code=GuardError.code)
    if any(plan.preview.stacks for plan in plans):
        raise Exit(code=CHANGES)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "only": _ONLY,
        "yes": "approve all change sets without asking",
        "jobs": "how many stacks at a time; 1 keeps the order of layers()",
        "no_execute": "leave the change sets for review; print how to execute them",
        "release": "deploy a release: skip the stacks that administrators deploy",
        "verify": _VERIFY,
        "skip_preflight": "do not check the account before the first deploy",
        "timeout": operation_help.TIMEOUT,
        "json": operation_help.JSON,
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
    skip_preflight: bool = False,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Deploy the stacks in dependency order, after approval.

    Each change set is shown and must be approved; the emulator needs no approval.
    The first deploy to an account runs `preflight`.
    """
    from commands.framework import first_deploy
    from commands.framework.open_deployment import open_deployment, show_next_steps, show_outputs

    with open_deployment(
        env, json=json, yes=yes, no_execute=no_execute, timeout=timeout
    ) as deployment:
        planned = deployment.plan(stack or (), only=only, verify=verify, release=release)
        if not skip_preflight and first_deploy.is_first(deployment, planned.deployed):
            first_deploy.check_account(deployment, json=json)
        result = deployment.deploy(planned, jobs=jobs)
        if result.exit_code:
            raise Exit(code=result.exit_code)
        if json:
            show_outputs(deployment, result.stacks, "json")
        elif not no_execute:
            show_next_steps(deployment, result.stacks, changed=planned.has_changes)


@task(
    help={
        "plan": "a file that `plan --out` wrote",
        "yes": "execute the change sets without asking",
        "jobs": operation_help.JOBS,
        "timeout": operation_help.TIMEOUT,
        "json": operation_help.JSON,
    },
)
def apply(
    _: Context,
    plan: str = "",
    env: str = "",
    yes: bool = False,
    jobs: int = 4,
    timeout: int = 60,
    json: bool = False,
) -> None:
    """Execute exactly the change sets of a saved plan, after approval.

    Exit with 4, before anything is changed, if the code or the account differ from the plan.
    """
    from commands.framework.open_deployment import open_deployment
    from deployer import apply as applying
    from operations import saved_plans

    if not plan:
        raise ConfigError("--plan is required", hint="write a plan with `./inv plan --out=FILE`")
    saved = saved_plans.read(project.absolute_path(plan))
    with open_deployment(
        env or saved.environment, json=json, yes=yes, timeout=timeout
    ) as deployment:
        revision = saved_plans.current_revision()
        result = applying.apply(deployment, saved, revision, jobs=jobs)
    if result.exit_code:
        raise Exit(code=result.exit_code)


@task(
    iterable=["stack", "confirm"],
    help={
        "stack": "a stack, also one removed from the code; with its dependents (default: all)",
        "confirm": "the name of a stack that holds data or is protected; repeatable",
        "dry_run": "only show what is deleted and kept; exit with 2 if anything is",
        "yes": "delete without asking for approval",
        "jobs": operation_help.JOBS,
        "timeout": operation_help.TIMEOUT,
        "json": operation_help.JSON,
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
    """Delete stacks, dependents first, after approval.

    A stack that is protected or holds data must be confirmed by name with --confirm.
    """
    from commands.framework.open_deployment import open_deployment, show_deletions

    with open_deployment(env, json=json, yes=yes, timeout=timeout) as deployment:
        deletions = deployment.deletions(stack or ())
        if dry_run:
            show_deletions(deletions, json=json)
        elif code := deployment.destroy(deletions, confirmed=confirm or (), jobs=jobs):
            raise Exit(code=code)
    if dry_run and deletions:
        raise Exit(code=CHANGES)


@task(help={"json": "print the status as JSON lines"})
def status(_: Context, env: str = "", json: bool = False) -> None:
    """Show the stacks, the services, and what is left to do."""
    from commands.framework.open_deployment import open_deployment
    from deployer import report
    from operations import manual_steps, pending_change_sets, service_status
    from operations.target import Target

    with open_deployment(env, json=json) as deployment:
        inventory = deployment.inventory
        stacks = inventory.all_stacks()
        owned = inventory.owned(stacks)
        target = Target(deployment.environment, deployment.account)
        found = report.EnvironmentStatus(
            owned,
            inventory.orphans(owned),
            list(service_status.find(target, owned)),
            pending_change_sets.find(target, owned),
            list(manual_steps.pending(target, owned)),
        )
        style = report.style_of(sys.stdout, os.environ)
        print(report.status_json(found) if json else report.status(found, style=style), end="")
        inventory.refuse_taken_names(stacks, deployment.environment.desired)


@task(
    iterable=["stack"],
    help={
        "stack": _STACK,
        "format": "table, json, dotenv or shell",
        "name": "an output such as Pool: print only its value",
    },
)
def outputs(
    _: Context,
    stack: list[str] | None = None,
    env: str = "",
    format: str = "",  # noqa: A002  # the name of the flag
    name: str = "",
) -> None:
    """Print the outputs of the deployed stacks."""
    from commands.framework.open_deployment import open_deployment, show_next_steps, show_outputs
    from deployer import report

    if name and format:
        raise ConfigError(
            "--name and --format: give one of them", hint="--name prints the bare value"
        )
    output_format = one_of("format", format or "table", report.FORMATS)
    with open_deployment(env) as deployment:
        stacks = deployment.select_deployed(stack or ())
        if name:
            print(report.output_value(stacks, name))
            return
        show_outputs(deployment, stacks, output_format)
        if output_format == "table":
            show_next_steps(deployment, stacks, changed=False)


@task(help={"format": "mermaid or dot"})
def graph(_: Context, env: str = "", format: str = "mermaid") -> None:  # noqa: A002
    """Print the dependency graph of the stacks."""
    from deployer import dependency_graph

    output_format = one_of("format", format, ("mermaid", "dot"))
    draw = {"mermaid": dependency_graph.mermaid, "dot": dependency_graph.dot}[output_format]
    print(draw(project.environment(env).desired), end="")


def one_of(flag: str, value: str, choices: Sequence[Choice]) -> Choice:
    """Return *value*; raise ConfigError if it is not one of *choices*."""
    if value in choices:
        return cast("Choice", value)
    raise ConfigError(f"--{flag}={value}: unknown", hint=f"one of: {', '.join(choices)}")
