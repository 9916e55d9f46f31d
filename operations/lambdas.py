"""Build the zip files of the Lambda functions, and invoke the deployed functions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError, ConfigError
from operations import project

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.artifacts import Artifact
    from deployer.artifacts.build import BuiltZip
    from deployer.aws.account import Account
    from deployer.environment import Environment
    from operations.target import Target

_MAX_FUNCTION_SECONDS = 15 * 60  # Lambda's limit.
# The codes with which Lambda rejects an invocation of a function that is disconnected from its VPC,
# or is being connected (API reference of Invoke). The function did not run.
_INACTIVE = {"ResourceConflictException", "ResourceNotReadyException"}


def build(artifacts: Iterable[Artifact], *, jobs: int | None = None) -> tuple[BuiltZip, ...]:
    """Build missing zip files in dist/ and check all; raise one BuildError with all problems."""
    from deployer.artifacts import Code
    from deployer.artifacts import build as builder

    return builder.build(Code(project.ROOT), artifacts, project.project().dist, jobs=jobs)


def read_zip(artifact: Artifact) -> bytes:
    """Return the zip file of *artifact*; build it if it is missing."""
    (built,) = build([artifact])
    return built.path.read_bytes()


def output_of(environment: Environment, name: str, flag: str = "") -> tuple[str, str]:
    """Return the stack that defines the function lambdas/*name*, and the output with its ARN or name.

    Raise ConfigError with the names of all functions if there is no function *name*. The message
    begins with *flag*, such as `--function=`.
    """
    stacks = {
        artifact.name: stack.short_name
        for stack in environment.desired
        for artifact in stack.artifacts
    }
    if name not in stacks:
        raise ConfigError(f"{flag}{name}: no such function", hint=f"one of: {', '.join(stacks)}")
    return stacks[name], name.title().replace("_", "")


def log_hint(name: str, env: str) -> str:
    """Return a hint with the command that prints the log of lambdas/*name*."""
    return f"the log may have details: ./inv logs --function={name} --env={env}"


def invoke_named(target: Target, name: str, payload: object) -> Any:
    """Invoke the deployed function lambdas/*name* and return its result."""
    stack, output = output_of(target.environment, name)
    return invoke(
        target.account,
        target.env.region,
        target.output(stack, output),
        payload,
        hint=log_hint(name, target.env.name),
    )


def invoke(account: Account, region: str, function: str, payload: object, *, hint: str = "") -> Any:
    """Invoke *function* and return its result; raise CloudError with its error and *hint*.

    The call is not retried: after a timeout it is unknown what the function did. Only a call that
    Lambda rejects because the function is inactive is repeated, once the function is active. No
    message contains the payload, which may hold a secret.
    """
    from deployer.aws.errors import translate_errors

    client = _client_without_retries(account, region)
    call = {"FunctionName": function, "Payload": json.dumps(payload).encode()}
    try:
        response = client.invoke(**call)
    except CloudError as error:
        if error.aws_code not in _INACTIVE:
            raise
        with translate_errors(function):
            client.get_waiter("function_active_v2").wait(FunctionName=function)
        response = client.invoke(**call)
    with translate_errors(function):
        result = json.loads(response["Payload"].read() or "null")
    if "FunctionError" in response:
        raise CloudError(f"{function}: {result['errorMessage']}", hint=hint)
    return result


def _client_without_retries(account: Account, region: str) -> Any:
    """Return a Lambda client that waits as long as a function may run, and never retries."""
    from botocore.config import Config

    config = Config(
        read_timeout=_MAX_FUNCTION_SECONDS + 10,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
    )
    return account.new_client("lambda", region, account.config.merge(config))


def read_event(name: str, event: str) -> Any:
    """Return the JSON of the file *event*, or of a sample in lambdas/*name*/events/.

    Raise ConfigError if *event* is empty, or the file is missing or not JSON. There is no default:
    most events change data.
    """
    samples = sorted((project.ROOT / "lambdas" / name / "events").glob("*.json"))
    known = {sample.stem: sample for sample in samples} | {
        sample.name: sample for sample in samples
    }
    names = ", ".join(sample.stem for sample in samples)
    hint = f"pass a file, or one of: {names}" if names else f"pass a file: {name} has no samples"
    if not event:
        raise ConfigError("--event is required", hint=hint)
    path: Path = known.get(event, project.absolute_path(event))
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--event={event}: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise ConfigError(f"--event={event}: not JSON: {error}", hint="fix the file") from error
