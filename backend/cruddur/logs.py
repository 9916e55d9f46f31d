"""Write logs: each line of standard output is a JSON object, for CloudWatch Logs Insights.

A line has no personal data: no path with ids, no query string, no token, body or address, and no
message of an exception (see `tracebacks`). With the request id, operators find the request in the
access log of the load balancer; with the trace id, they find the trace.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Flask, Response, g, has_request_context, request

from cruddur.server import HEALTH_CHECK_PATH
from cruddur.tracebacks import describe

REQUEST_ID_HEADER = "X-Request-Id"

_LOG = logging.getLogger(__name__)
# The attributes that every log record has. taskName is new in Python 3.12.
_RECORD_ATTRIBUTES = {*logging.makeLogRecord({}).__dict__, "taskName"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}

# The fields of X-Amzn-Trace-Id: the load balancer adds Self if the client sent Root, and Root
# otherwise. See "Request tracing" in the user guide of Application Load Balancers.
_LOAD_BALANCER_IDS = [
    re.compile(rf"(?:^|;){field}=(1-[0-9a-f]{{8}}-[0-9a-f]{{24}})(?:;|$)")
    for field in ("Self", "Root")
]


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON, with the ids of the current request."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_fields(record),
            **_ids(),
        }
        if record.exc_info and record.exc_info[1]:
            line["errors"] = describe(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def config() -> dict[str, Any]:
    """Return the configuration of logging.config.dictConfig, also for gunicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stdout",
            }
        },
        # At DEBUG, libraries log credentials, parameters and bodies.
        "root": {"level": "INFO", "handlers": ["stdout"]},
        "loggers": {"gunicorn.error": {"propagate": False, "handlers": ["stdout"]}},
    }


def install(app: Flask) -> None:
    """Log every request of *app*, except successful health checks.

    Flask runs the functions of `after_request` in reverse order. So call this function before others
    that register such functions: then it logs the final response.
    """
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """Return the id of the current request: the id of the load balancer, or else a new id."""
    if "request_id" not in g:
        header = request.headers.get("X-Amzn-Trace-Id", "")
        found = filter(None, (pattern.search(header) for pattern in _LOAD_BALANCER_IDS))
        g.request_id = next((match[1] for match in found), "") or str(uuid.uuid4())
    return str(g.request_id)


def _begin() -> None:
    g.started = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    route = request.url_rule.rule if request.url_rule else ""
    if route == HEALTH_CHECK_PATH and response.status_code == 200:
        return response
    fields = {
        "method": request.method if request.method in _METHODS else "other",
        "route": route,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - g.started) * 1000, 1),
    }
    level = logging.ERROR if response.status_code >= 500 else logging.INFO
    _LOG.log(level, "request", extra=fields)
    return response


def _message(record: logging.LogRecord) -> str:
    """Return the message of *record*, without arguments if they may quote a request."""
    if record.name.startswith("gunicorn.") and record.levelno >= logging.WARNING:
        return str(record.msg)
    return record.getMessage()


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields that the application passed as `extra`."""
    if not record.name.startswith("cruddur."):
        return {}
    return {
        name: value for name, value in record.__dict__.items() if name not in _RECORD_ATTRIBUTES
    }


def _ids() -> dict[str, str]:
    """Return the ids of the current request, and of its trace if there is one."""
    ids = {"request_id": request_id()} if has_request_context() else {}
    if trace := sys.modules.get("opentelemetry.trace"):
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            ids["trace_id"] = f"{context.trace_id:032x}"
    return ids
