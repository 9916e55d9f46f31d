"""The namespace `new`: write the files of a new stack or a new Lambda function."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework.positional_help import print_help_if_requested
from commands.framework.task import task
from operations import development, project, scaffold

_GUIDE = "docs/architecture.md"


@task(positional=["name"], help={"name": "a new stack such as mailer or web-api"})
def stack(_: Context, name: str | None = None) -> None:
    """Write a new stack with its settings and test."""
    if print_help_if_requested(name, "new.stack"):
        return
    changes = scaffold.plan_stack(project.ROOT, str(name))
    _write(changes)
    module = str(name).replace("-", "_")
    test = f"tests/stacks/test_{module}.py"
    print(f"next: add resources to stacks/{module}.py, and test them in {test}")
    print(f"      then ./inv deploy --stack={name} (see {_GUIDE}, To add a stack)")


@task(
    positional=["name"],
    help={
        "name": "a new function such as send_mail",
        "stack": "also add it to this stack, with its alarms (default: print the lines)",
    },
)
def function(_: Context, name: str | None = None, stack: str = "") -> None:
    """Write a new Lambda function with an example event and a test."""
    if print_help_if_requested(name, "new.function"):
        return
    changes = scaffold.plan_function(project.ROOT, str(name), stack)
    _write(changes)
    if not stack:
        call, row = scaffold.function_lines(str(name))
        print(f"next: add this call to `define` of a stack:\n{call}", end="")
        print(f"next: add this row to EXPECTED in {scaffold.EXPECTATIONS}:\n{row}", end="")
    print(f"next: edit lambdas/{name}/handler.py and its test, then ./inv build --name={name}")
    print(f"      (see {_GUIDE}, To add a Lambda function)")


def _write(changes: Sequence[scaffold.FileChange]) -> None:
    """Write the files, name each, and regenerate what depends on them."""
    scaffold.write(project.ROOT, changes)
    for change in changes:
        print(f"{'created' if change.is_new else 'changed'} {change.path}")
    try:
        scaffold.regenerate(changes)
    except development.ToolError as error:
        raise Exit(code=error.code) from error


namespace = Collection("new", stack, function)
