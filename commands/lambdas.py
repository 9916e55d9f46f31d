"""The namespace `lambda`: invoke deployed Lambda functions."""

from __future__ import annotations

import json

from invoke.collection import Collection
from invoke.context import Context

from commands.framework.connection import connect_to
from commands.framework.positional_help import print_help_if_requested
from commands.framework.task import task
from operations import lambdas, project, protection


@task(
    positional=["name"],
    help={
        "name": "a function such as thumbnail: a folder in lambdas/",
        "event": "a file, or the name of a sample in lambdas/NAME/events/",
        "confirm": "the name of a protected environment",
    },
)
def invoke(
    _: Context, name: str | None = None, event: str = "", env: str = "", confirm: str = ""
) -> None:
    """Invoke a deployed function with an event and print its result.

    Without --event, the error lists the sample events of the function.
    """
    if print_help_if_requested(name, "lambda.invoke"):
        return
    name = str(name)
    environment = project.environment(env)
    protection.refuse_unconfirmed(environment.env, confirm, "events may change its data")
    lambdas.output_of(environment, name)  # An unknown name is the first error.
    payload = lambdas.read_event(name, event)
    result = lambdas.invoke_named(connect_to(environment), name, payload)
    print(json.dumps(result, indent=2))


namespace = Collection("lambda", invoke)
