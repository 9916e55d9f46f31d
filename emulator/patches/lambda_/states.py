"""Reject the first invocation of an inactive function, which connects it to its VPC again."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.ministack import context, lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A function in a VPC that is idle for weeks is Inactive. The next invocation fails, and makes "
        "it Active again.",
        source="Lambda developer guide, Lambda function states; API reference of Invoke, "
        "ResourceNotReadyException",
        ministack="Always Active. With the patch, it is Inactive after "
        "`emulator.let_weeks_pass`, and Active a second after the next invocation.",
        test="test_an_inactive_function",
    ),
)

_SECONDS = 1.0  # On AWS about a minute.
_functions: Any = lookup.attribute(services.lambda_, "_functions")
_invoke: Function[..., Awaitable[Response]] = Function("_invoke", services.lambda_)
_connecting: set[asyncio.Task[None]] = set()  # References, so that the tasks are not collected.


def install() -> None:
    """Install the patch."""
    _invoke.around(_reject_if_inactive)


async def _reject_if_inactive(
    invoke: Callable[..., Awaitable[Response]], name: str, *args: Any, **more: Any
) -> Response:
    config = (_functions.get(name) or {}).get("config", {})
    if config.get("State") == "Inactive":
        config.update(State="Pending", StateReasonCode="Restoring")
        task = asyncio.get_running_loop().create_task(_connect(config))
        _connecting.add(task)
        task.add_done_callback(_connecting.discard)
    elif config.get("StateReasonCode") != "Restoring":
        return await invoke(name, *args, **more)
    message = (
        "The function is inactive and its VPC connection is no longer available. Wait for the VPC "
        "connection to reestablish and try again."
    )
    return context.json_error("ResourceNotReadyException", message, http.client.BAD_GATEWAY)


async def _connect(config: dict[str, Any]) -> None:
    await asyncio.sleep(_SECONDS)
    config.update(State="Active", StateReasonCode="")
