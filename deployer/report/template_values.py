"""Format values of templates, and the difference between two of them.

Intrinsic functions are in their short form, and secrets are masked. Of two long values, only the
parts that differ are shown, each with some text around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any, TypeAlias

from deployer import secret_detection
from deployer.report.property_values import SENSITIVE, masked, masked_value
from deployer.report.text import escaped

# The range of a part of the old text, and of the part of the new text that replaces it.
_Ranges: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
_MAX_LENGTH = 60
_CONTEXT = 16  # Characters shown before and after where two long values differ.
# Words or items; of longer texts, everything from the first to the last difference is shown.
_MAX_COMPARED = 1_000
_ITEM = re.compile(r"[^,\n]*[,\n]|[^,\n]+")  # Of a list in JSON, or a line.
_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


def value_text(name: str, value: Any) -> str:
    """Return the value of the property *name* on one line, with secrets masked."""
    match value:
        case None:
            return "(none)"
        case "":
            return '""'
        case str():
            return escaped(masked(name, value))
        case bool():
            return str(value).lower()
        case _:
            return escaped(_inline(masked_value(name, value)))


def change_text(name: str, before: Any, after: Any) -> str:
    """Return both values of the property *name*; of long values, the parts that differ."""
    old, new = value_text(name, before), value_text(name, after)
    if old == new:
        is_masked = SENSITIVE in old or secret_detection.MASK in old
        return f"{SENSITIVE[:-1]}, changed)" if is_masked else old
    if before is None or after is None or max(len(old), len(new)) <= _MAX_LENGTH:
        return f"{old} → {new}"
    return "; ".join(_differing_parts(old, new))


def _inline(value: Any) -> str:
    """Return a value as JSON, with intrinsic functions in their short form: !Ref Vpc."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return f"!Ref {name}"
        case {"Fn::GetAtt": [str(name), str(attribute)]} if len(value) == 1:
            return f"!GetAtt {name}.{attribute}"
        case {"Fn::ImportValue": str(name)} if len(value) == 1:
            return f"!ImportValue {name}"
        case {"Fn::Sub": str(template)} if len(value) == 1:
            return f"!Sub {template}"
        case dict():
            pairs = (f"{json.dumps(str(key))}: {_inline(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(_inline, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


def _differing_parts(old: str, new: str) -> Iterator[str]:
    """Yield each part that differs, as old → new with the text around it.

    Parts with little text between them are one part.
    """
    joined: list[_Ranges] = []
    for hunk in _hunks(old, new):
        previous = joined[-1] if joined else None
        if previous and hunk[0][0] - previous[0][1] <= 2 * _CONTEXT:
            joined[-1] = (previous[0][0], hunk[0][1]), (previous[1][0], hunk[1][1])
        else:
            joined.append(hunk)
    for before, after in joined:
        yield f"{_excerpt(old, *before)} → {_excerpt(new, *after)}"


def _hunks(old: str, new: str) -> Iterator[_Ranges]:
    """Yield the ranges of words that differ; of a long text the ranges of items."""
    (start, old_end), (_, new_end) = _outer_hunk(old, new)
    for parts in (_TOKEN, _ITEM):
        before, after = parts.findall(old[start:old_end]), parts.findall(new[start:new_end])
        if len(before) + len(after) <= _MAX_COMPARED:
            break
    else:
        yield (start, old_end), (start, new_end)
        return
    ends, new_ends = ([*accumulate(map(len, words), initial=start)] for words in (before, after))
    for tag, first, last, new_first, new_last in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            yield (ends[first], ends[last]), (new_ends[new_first], new_ends[new_last])


def _outer_hunk(old: str, new: str) -> _Ranges:
    """Return the range in each text between the common beginning and the common end.

    The beginning ends with a whole word.
    """
    limit = min(len(old), len(new))
    head = next((index for index in range(limit) if old[index] != new[index]), limit)
    while head and old[head - 1].isalnum():
        head -= 1
    tail = next(
        (index for index in range(limit - head) if old[-1 - index] != new[-1 - index]), limit - head
    )
    while tail and old[-tail].isalnum():
        tail -= 1
    return (head, len(old) - tail), (head, len(new) - tail)


def _excerpt(text: str, start: int, end: int) -> str:
    first, last = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"
