"""Steps, change sets, events, outputs and errors, as people or machines read them.

Frozen values come in, lines go to the stream that was given. A `Reporter` tells of a run while
it happens, for people on a terminal, for a log, or for a machine; the functions beside it turn
what a task was asked for into text. rich is imported for the live display only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TextIO

from deployer.report.change_sets import question
from deployer.report.deletions import deletions_json, deletions_text
from deployer.report.errors import error_text
from deployer.report.event_lines import start_line
from deployer.report.exit_codes import exit_code
from deployer.report.line_reporter import LineReporter
from deployer.report.outputs import FORMATS, Format, dotenv, outputs
from deployer.report.plan import plan_json, plan_text
from deployer.report.reporter import Reporter
from deployer.report.status import ByHand, status, status_json
from deployer.report.style import Style, style_of
from deployer.report.text import counted

__all__ = [
    "FORMATS",
    "ByHand",
    "Format",
    "Reporter",
    "Style",
    "counted",
    "deletions_json",
    "deletions_text",
    "dotenv",
    "error_text",
    "exit_code",
    "outputs",
    "plan_json",
    "plan_text",
    "question",
    "reporter",
    "start_line",
    "status",
    "status_json",
    "style_of",
]


def reporter(
    *,
    json: bool,
    stream: TextIO,
    environ: Mapping[str, str],
    live: bool | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Reporter:
    """Who tells of a run on *stream*: in JSON lines, live, or line by line.

    *live* None means: if the stream is a terminal that can move its cursor. *now* is for how
    long things took.
    """
    if json:
        from deployer.report.json_reporter import JsonReporter

        return JsonReporter(stream, now)
    style = style_of(stream, environ)
    if style.moves if live is None else live:
        from deployer.report.live_reporter import LiveReporter

        return LiveReporter(stream, style, environ, now)
    return LineReporter(stream, style, now)
