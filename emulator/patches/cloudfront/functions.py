"""Run CloudFront Functions in QuickJS, a Python package, so that Node.js is not needed.

Each run has its own context, a time limit and a memory limit, and no access to the machine: no
modules, files, network or timers. The log of a function goes to the server's log.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "CloudFront Functions run at viewer-request and viewer-response, without modules.",
        source="CloudFront developer guide, CloudFront Functions event structure",
        ministack="In a Node process, which must be installed.",
        test="test_request_and_response",
    ),
    Difference(
        "A CloudFront function supports ES 5.1, some of ES 6 to 12, and modules such as "
        "cloudfront.",
        source="CloudFront developer guide, JavaScript runtime 2.0 features",
        ministack="QuickJS supports all of ES 2023 and no module; the limit is a quarter of a "
        "second, on AWS a share of the compute capacity.",
        consequence="Newer language features work here and fail on AWS; `import` fails here.",
    ),
)

_log = logging.getLogger("emulator.edge_functions")

_TIMEOUT_SECONDS = 0.25
_MEMORY_BYTES = 16 * 1024 * 1024
_RUNTIME = """
globalThis.__log = [];
const __text = (value) => typeof value === "string" ? value : JSON.stringify(value);
const __write = (...values) => { __log.push(values.map(__text).join(" ")); };
globalThis.console = { log: __write, error: __write };
"""
_CALL = """
let __result;
(async (event) => handler(event))(JSON.parse(%s)).then(
  (value) => { __result = JSON.stringify({ value: value === undefined ? null : value }); },
  (error) => { __result = JSON.stringify({ error: `${error}\\n${error.stack || ""}` }); },
);
"""

_evaluate: Function[[bytes, dict[str, Any]], Any] = Function(
    "evaluate", services.cloudfront_functions
)
_FunctionError: type[Exception] = lookup.attribute(
    services.cloudfront_functions, "CloudFrontFunctionError"
)


class CloudFrontFunctionError(Exception):
    """The failure of a function: an exception, a limit, or a handler without result."""


def install() -> None:
    """Install the patch."""
    _evaluate.replace(_run_in_quickjs)


def _run_in_quickjs(code: bytes, event: dict[str, Any]) -> Any:
    try:
        return run(code.decode(), event)
    except CloudFrontFunctionError as error:
        raise _FunctionError(str(error)) from error


def run(code: str, event: dict[str, Any]) -> Any:
    """Return the result of the handler in *code* for *event*."""
    import quickjs  # type: ignore[import-untyped]  # C, without stubs.

    runtime = quickjs.Context()
    runtime.set_time_limit(_TIMEOUT_SECONDS)
    runtime.set_memory_limit(_MEMORY_BYTES)
    try:
        runtime.eval(_RUNTIME)
        runtime.eval(code)
        runtime.eval(_CALL % json.dumps(json.dumps(event)))
        while runtime.execute_pending_job():
            pass
        result = json.loads(
            runtime.eval("__result") or '{"error": "the promise of the handler never settles"}'
        )
        lines = json.loads(runtime.eval("JSON.stringify(__log)"))
    except quickjs.JSException as error:
        raise CloudFrontFunctionError(str(error)) from error
    for line in lines:
        _log.info("%s", line)
    if "error" in result:
        raise CloudFrontFunctionError(result["error"])
    return result["value"]
