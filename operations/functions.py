"""Says which output names a Lambda function, calls one and waits for what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployer.aws.account import Account
    from deployer.environment import Environment

_LONGEST_SECONDS = 15 * 60  # No function runs longer.


def named(environment: Environment, name: str, said: str = "") -> tuple[str, str]:
    """The layer that has the function of lambdas/*name*, and the output that names it there.

    Raises ConfigError that names those there are; *said* is the flag that asked for it.
    """
    from deployer.errors import ConfigError

    layers = {one.name: each.short_name for each in environment.desired for one in each.artifacts}
    if name not in layers:
        raise ConfigError(
            f"{said}{name}: there is no such function", hint=f"one of: {', '.join(layers)}"
        )
    return layers[name], name.title().replace("_", "")


def log_hint(name: str, env: str) -> str:
    """Return the hint with the command that prints the log of lambdas/*name*."""
    return f"its log may say more: ./inv logs --function={name} --env={env}"


def invoke(account: Account, region: str, function: str, payload: object, *, hint: str = "") -> Any:
    """What *function* answers to *payload*; raises CloudError with what it said, and *hint*.

    It is called once: whoever waits in vain does not know what was done. The payload may hold a
    secret, so it is in no message.
    """
    from deployer.aws.errors import translate_errors
    from deployer.errors import CloudError

    with translate_errors(function):
        client = _patient_client(account, region)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        said = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        raise CloudError(f"{function}: {said['errorMessage']}", hint=hint)
    return said


def _patient_client(account: Account, region: str) -> Any:
    """One that waits as long as a function may run, and never calls it a second time."""
    from botocore.config import Config

    patience = Config(
        read_timeout=_LONGEST_SECONDS + 10, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
    return account.new_client("lambda", region, account.config.merge(patience))
