"""Format the deletions of a destroy: stacks, data that is deleted or kept, and confirmations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from deployer.data_loss import DataLoss
from deployer.model.template_tree import format_path
from deployer.removal import Deletion
from deployer.report.style import Style
from deployer.report.text import JSON_VERSION, clean, columns, pluralize

NOTHING = "nothing to delete"


def deletions_text(deletions: Sequence[Deletion], *, style: Style | None = None) -> str:
    """Return *deletions* as text in this *style*."""
    style = style or Style()
    return "".join(f"{style.fit(line)}\n" for line in deletion_lines(deletions, style))


def deletions_json(deletions: Sequence[Deletion]) -> str:
    """Return *deletions* as one document, the same as the `deletions` event of `--json`."""
    head = {"version": JSON_VERSION, "event": "deletions"}
    return json.dumps(head | deletions_data(deletions), indent=2) + "\n"


def deletion_lines(deletions: Sequence[Deletion], style: Style) -> Iterator[str]:
    """Yield a line for each stack, one for each of its resources that hold data, and the number of stacks."""
    rows = columns([(clean(item.stack.name), clean(_state(item))) for item in deletions])
    for deletion, (name, state) in zip(deletions, rows, strict=True):
        yield f"{name}  {style('red', 'delete')}  {state}"
        for loss in deletion.data_losses:
            yield f"{' ' * len(name)}  {_loss(loss, style)}"
        if deletion.confirmation_reason:
            confirm = f"{deletion.confirmation_reason}: needs --confirm={deletion.address}"
            yield f"{' ' * len(name)}  {style('yellow', clean(confirm))}"
    yield f"{pluralize(len(deletions), 'stack')} to delete" if deletions else NOTHING


def deletions_data(deletions: Sequence[Deletion]) -> dict[str, Any]:
    """Return *deletions* as plain values."""
    return {
        "deletions": [
            {
                "stack": deletion.stack.name,
                "region": deletion.stack.region,
                "status": deletion.stack.status,
                "is_orphan": deletion.is_orphan,
                "confirmation_reason": deletion.confirmation_reason,
                "data_losses": [asdict(loss) for loss in deletion.data_losses],
            }
            for deletion in deletions
        ]
    }


def _state(deletion: Deletion) -> str:
    orphan = ", no longer in layers()" if deletion.is_orphan else ""
    return f"{deletion.stack.status} in {deletion.stack.region}{orphan}"


def _loss(loss: DataLoss, style: Style) -> str:
    """Return the line of a resource that holds data, which begins with "lost:" or "kept:"."""
    kept = loss.consequence != "its data is deleted"
    name = format_path((*loss.path, loss.logical_id))
    text = clean(f"{name} ({loss.type}): {loss.consequence}")
    return f"{style('yellow' if kept else 'red', 'kept:' if kept else 'lost:')} {text}"
