"""Format steps, change sets, events, outputs and errors, as text or JSON.

A `Reporter` writes the progress of a run to a stream: a progress display for a terminal, lines for
a log, or JSON lines for programs. The functions format the data that a task prints. rich is
imported for the progress display only.
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
from deployer.report.history import PastRelease, history_json, history_text
from deployer.report.line_reporter import LineReporter
from deployer.report.live_plan import LivePlan, live_plan_json, live_plan_text
from deployer.report.next_steps import Address, NextCommand, next_steps
from deployer.report.offline_plan import offline_plan_text
from deployer.report.offline_plan_json import offline_plan_json
from deployer.report.offline_plan_markdown import offline_plan_markdown
from deployer.report.outputs import FORMATS, Format, dotenv, output_value, outputs
from deployer.report.pending_change_sets import PendingChangeSet
from deployer.report.preflight import PreflightResult, Verdict, preflight_json, preflight_text
from deployer.report.reporter import Reporter
from deployer.report.status import (
    EnvironmentStatus,
    ManualStep,
    ServiceStatus,
    status,
    status_json,
)
from deployer.report.style import Style, style_of
from deployer.report.text import duration_text, pluralize

__all__ = [
    "FORMATS",
    "Address",
    "EnvironmentStatus",
    "Format",
    "LivePlan",
    "ManualStep",
    "NextCommand",
    "PastRelease",
    "PendingChangeSet",
    "PreflightResult",
    "Reporter",
    "ServiceStatus",
    "Style",
    "Verdict",
    "deletions_json",
    "deletions_text",
    "dotenv",
    "duration_text",
    "error_text",
    "exit_code",
    "history_json",
    "history_text",
    "live_plan_json",
    "live_plan_text",
    "next_steps",
    "offline_plan_json",
    "offline_plan_markdown",
    "offline_plan_text",
    "output_value",
    "outputs",
    "pluralize",
    "preflight_json",
    "preflight_text",
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
    """Return the reporter for *stream*: for JSON lines, a progress display or lines.

    By default (*live* is None), a terminal whose cursor can be moved gets a progress display.
    *now* returns seconds, to measure durations.
    """
    if json:
        from deployer.report.json_reporter import JsonReporter

        return JsonReporter(stream, now)
    style = style_of(stream, environ)
    if style.can_move_cursor if live is None else live:
        from deployer.report.live_reporter import LiveReporter

        return LiveReporter(stream, style, environ, now)
    return LineReporter(stream, style, now)
