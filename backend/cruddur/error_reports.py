"""Reports of errors to Rollbar, if the secret ROLLBAR_ACCESS_TOKEN is set.

A report has the types and the frames of the exceptions. It has no message of an exception, no value
of a variable, and no address, header or body of the request.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

TOKEN = "ROLLBAR_ACCESS_TOKEN"  # noqa: S105  The name of a variable.

_ENDPOINT = "https://api.rollbar.com/api/1/"
_REMOVED = ("request", "person", "custom", "server")


def start(environ: Mapping[str, str], *, endpoint: str = _ENDPOINT) -> None:
    """Report every exception that the application logs as an error to Rollbar's API at *endpoint*."""
    if not environ.get(TOKEN):
        return

    import rollbar

    rollbar.init(
        environ[TOKEN],
        environment=environ["FRONTEND_URL"],
        handler="thread",
        allow_logging_basic_config=False,
        capture_ip=False,
        locals={"enabled": False},
        endpoint=endpoint,
    )
    rollbar.events.add_payload_handler(_redacted)
    logging.getLogger("cruddur").addHandler(_Handler(logging.ERROR))


class _Handler(logging.Handler):
    """Reports the exceptions of log records; a record without an exception is ignored."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0]:
            import rollbar

            rollbar.report_exc_info(record.exc_info)


def _redacted(payload: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Return *payload* without data of the request, after changing it in place."""
    data = payload["data"]
    for name in _REMOVED:
        data.pop(name, None)
    body = data["body"]
    for trace in body.get("trace_chain") or [body["trace"]]:
        trace["exception"] = {"class": trace["exception"]["class"], "message": ""}
    return payload
