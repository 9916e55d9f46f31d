"""Write the events of a run as JSON lines; docs/events.schema.json describes them.

Secrets in strings are masked. Strings are not shortened. Non-ASCII characters are escaped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TextIO

from deployer import secret_detection
from deployer.errors import DeployError
from deployer.events import (
    ChangeSetCreated,
    Event,
    Finished,
    OperationStarted,
    Progress,
    Started,
    Uploaded,
    Verified,
)
from deployer.preview.announced import disagreements
from deployer.preview.values import StackChange
from deployer.removal import Deletion
from deployer.report.change_sets_json import change_set_data
from deployer.report.deletions import deletions_data
from deployer.report.exit_codes import exit_code
from deployer.report.live_plan import LivePlan, live_plan_data
from deployer.report.progress import RunProgress, StackProgress
from deployer.report.summary import pending_review
from deployer.report.text import JSON_VERSION

_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")


class JsonReporter:
    """A `Reporter` that writes one versioned JSON object for each call."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._run = RunProgress(now)
        self._changes: Mapping[str, StackChange] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def start(
        self,
        env: str,
        account: str,
        region: str,
        *,
        emulator: bool,
        origins: Sequence[str] = (),
    ) -> None:
        where = {"env": env, "account": account, "region": region, "is_emulator": emulator}
        self._write("start", **where, origins=[*origins])

    def plan(self, plan: LivePlan) -> None:
        self._changes = plan.changes_of_change_sets
        self._write("plan", **live_plan_data(plan))

    def deletions(self, deletions: Sequence[Deletion]) -> None:
        self._write("deletions", **deletions_data(deletions))

    def event(self, event: Event) -> None:
        stack_progress = self._run.record(event)
        data = _data(event, stack_progress)
        match event:
            case ChangeSetCreated(stack=name, change_set=change_set) if name in self._changes:
                found = disagreements(self._changes[name], change_set)
                data["disagreements"] = [asdict(item) for item in found]
        self._write(_event_name(event), stack=event.stack, **data)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._stream.flush()
        yield

    def summary(self) -> None:
        finished = self._run.finished
        self._write(
            "summary",
            outcomes=dict(Counter(item.outcome.value for item in finished)),
            exit_code=exit_code(finished),
            pending_review=[
                {"stack": stack, "command": command} for stack, command in pending_review(self._run)
            ],
        )

    def warning(self, warning: DeployError) -> None:
        self._write("warning", warning={"message": warning.message, "hint": warning.hint})

    def error(self, error: DeployError) -> None:
        self._write("error", error=_error(error))

    def interrupted(self) -> None:
        self._write(
            "interrupted",
            running=[_running(stack_progress) for stack_progress in self._run.running],
            unexecuted=[stack.stack for stack in self._run.all() if stack.is_unexecuted],
        )

    def _write(self, event: str, **data: object) -> None:
        head = {
            "version": JSON_VERSION,
            "event": event,
            "elapsed_seconds": round(self._run.seconds, 3),
        }
        self._stream.write(f"{json.dumps(head | _masked(data))}\n")
        self._stream.flush()


def _event_name(event: Event) -> str:
    """Return the name of the event's class in snake case, such as `operation_started`."""
    return _WORD_BOUNDARY.sub("_", type(event).__name__).lower()


def _data(event: Event, stack_progress: StackProgress) -> dict[str, Any]:
    match event:
        case Started(step=step, reason=reason):
            return {"step": step, "reason": reason}
        case Uploaded(url=url, version=version, replaced=replaced):
            return {"url": url, "object_version": version, "replaced": replaced}
        case Verified(url=url, version=version):
            return {"url": url, "object_version": version}
        case ChangeSetCreated(change_set=change_set):
            return {"change_set": change_set_data(change_set)}
        case OperationStarted(region=region, operation=operation, stack_id=stack_id):
            return {"region": region, "operation": operation, "stack_id": stack_id}
        case Progress():
            return _progress(event)
        case Finished(outcome=outcome, detail=detail, error=error):
            return {
                "outcome": outcome.value,
                "detail": detail,
                "error": _error(error) if error else None,
                "duration_seconds": round(stack_progress.ended_at - stack_progress.started_at, 3),
            }


def _progress(event: Progress) -> dict[str, Any]:
    resource = event.event
    return {
        "timestamp": resource.at.isoformat(),
        "path": list(event.path),
        "logical_id": resource.logical_id,
        "physical_id": resource.physical_id,
        "type": resource.type,
        "status": resource.status,
        "reason": resource.reason,
        "has_failed": resource.failed,
        "line": str(event.line) if event.line else None,
    }


def _error(error: DeployError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.code,
    }


def _running(stack_progress: StackProgress) -> dict[str, Any]:
    operation = stack_progress.operation
    return {
        "stack": stack_progress.stack,
        "activity": stack_progress.activity,
        "region": operation.region if operation else None,
        "stack_id": operation.stack_id if operation else None,
    }


def _masked(node: Any) -> Any:
    match node:
        case str():
            return secret_detection.mask(node)
        case dict():
            return {key: _masked(value) for key, value in node.items()}
        case list():
            return [_masked(item) for item in node]
        case _:
            return node
