"""Steps, change sets, events, outputs and errors, as people or machines read them.

Frozen values come in, lines go to the stream that was given. A `Reporter` tells of a run while
it happens, for people on a terminal, for a log, or for a machine; the functions beside it turn
what a task was asked for into text. rich is imported for the live display only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TextIO

from deployer.report.changes import question
from deployer.report.deletions import deletions_json, deletions_text
from deployer.report.exits import exit_code
from deployer.report.happenings import start_line
from deployer.report.ink import Ink, ink
from deployer.report.outputs import FORMATS, Format, dotenv, outputs
from deployer.report.plain import Plain
from deployer.report.reporter import Reporter
from deployer.report.status import ByHand, status, status_json
from deployer.report.steps import plan_json, plan_text
from deployer.report.told import error_text
from deployer.report.words import counted

__all__ = [
    "FORMATS",
    "ByHand",
    "Format",
    "Ink",
    "Reporter",
    "counted",
    "deletions_json",
    "deletions_text",
    "dotenv",
    "error_text",
    "exit_code",
    "ink",
    "outputs",
    "plan_json",
    "plan_text",
    "question",
    "reporter",
    "start_line",
    "status",
    "status_json",
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
        from deployer.report.json_lines import JsonLines

        return JsonLines(stream, now)
    pen = ink(stream, environ)
    if pen.moves if live is None else live:
        from deployer.report.live import Live

        return Live(stream, pen, environ, now)
    return Plain(stream, pen, now)
