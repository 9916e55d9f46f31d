"""The functions of an environment, called by hand with an event from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.program import Program

from commands.framework.task import task
from operations import functions, project, protection, target

LAMBDAS = Path("lambdas")


@task(
    positional=["name"],
    help={
        "name": "a function such as thumbnail: a folder in lambdas/",
        "event": "a file, or the name of one in lambdas/NAME/events/ (default: the first there)",
        "confirm": "the name of a protected environment",
    },
)
def invoke(
    _: Context, name: str | None = None, event: str = "", env: str = "", confirm: str = ""
) -> None:
    """Call a deployed function with an event, and print what it answers."""
    name = str(name)
    if name in {"-h", "--help"}:  # Invoke takes even this for the name, since one has to be there.
        Program().run(["invoke", "--help", "lambda.invoke"], exit=False)
        return
    environment = project.environment(env)
    protection.ask(environment.env, confirm, "a function does what an event says, samples included")
    layer, output = functions.named(environment, name)
    payload = _event(name, event)
    here = target.connect_to(environment)
    answer = functions.invoke(
        here.account,
        here.env.region,
        here.output(layer, output),
        payload,
        hint=functions.log_hint(name, here.env.name),
    )
    print(json.dumps(answer, indent=2))


def _event(name: str, event: str) -> Any:
    """What is in the file; raises ConfigError where there is none, or no JSON in it."""
    from deployer.errors import ConfigError

    samples = sorted((project.ROOT / LAMBDAS / name / "events").glob("*.json"))
    known = {sample.stem: sample for sample in samples} | {one.name: one for one in samples}
    path = known.get(event, project.path(event)) if event else samples[0]
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        names = ", ".join(sample.stem for sample in samples)
        raise ConfigError(
            f"--event={event}: {error.strerror}", hint=f"a file, or one of: {names}"
        ) from error
    except ValueError as error:
        raise ConfigError(f"--event={event}: no JSON: {error}", hint="mend the file") from error


namespace = Collection("lambda", invoke)
