"""CloudFront Functions run in QuickJS, which comes as a wheel: no Node is needed.

Each run has a context of its own, as long and as much memory as it may take, and nothing of the
machine: no modules, files, network or timers. What a function logs goes to the server's log.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from emulator import ministack

_log = logging.getLogger("emulator.edge_functions")

_SECONDS = 0.25
_BYTES = 16 * 1024 * 1024
_RUNTIME = """
globalThis.__said = [];
const __text = (value) => typeof value === "string" ? value : JSON.stringify(value);
const __say = (...values) => { __said.push(values.map(__text).join(" ")); };
globalThis.console = { log: __say, error: __say };
"""
_CALL = """
let __result;
(async (event) => handler(event))(JSON.parse(%s)).then(
  (value) => { __result = JSON.stringify({ value: value === undefined ? null : value }); },
  (error) => { __result = JSON.stringify({ error: `${error}\\n${error.stack || ""}` }); },
);
"""


class EdgeFunctionError(Exception):
    """A function did not end with a request or a response."""


def close() -> None:
    """Put our engine in the place of the emulator's, which starts a Node process."""
    ministack.swap(ministack.edge_functions, "evaluate", _in_quickjs)


def _in_quickjs(_in_node: Callable[..., Any]) -> Callable[[bytes, dict[str, Any]], Any]:
    failed = ministack.edge_functions.CloudFrontFunctionError

    def evaluating(code: bytes, event: dict[str, Any]) -> Any:
        try:
            return run(code.decode(), event)
        except EdgeFunctionError as error:
            raise failed(str(error)) from error

    return evaluating


def run(code: str, event: dict[str, Any]) -> Any:
    """Return what *code*'s handler makes of *event*."""
    import quickjs  # type: ignore[import-untyped]  # C, without stubs.

    context = quickjs.Context()
    context.set_time_limit(_SECONDS)
    context.set_memory_limit(_BYTES)
    try:
        context.eval(_RUNTIME)
        context.eval(code)
        context.eval(_CALL % json.dumps(json.dumps(event)))
        while context.execute_pending_job():
            pass
        result = json.loads(context.eval("__result") or '{"error": "it never ends its promise"}')
        said = json.loads(context.eval("JSON.stringify(__said)"))
    except quickjs.JSException as error:
        raise EdgeFunctionError(str(error)) from error
    for line in said:
        _log.info("%s", line)
    if "error" in result:
        raise EdgeFunctionError(result["error"])
    return result["value"]
