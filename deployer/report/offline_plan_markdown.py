"""Format an offline plan as a comment on a pull request, in the Markdown of GitHub.

Names and values come from templates and may contain anything. Each is in a code span or a fence that
is longer than any run of backticks in it, so it is neither markup nor a link nor a mention.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from deployer import secret_detection
from deployer.preview.values import Preview, ResourceChange, StackChange
from deployer.report.offline_plan import cost_text, counts, export_notes, stack_lines, summary
from deployer.report.style import Style
from deployer.report.text import clean

MAX_LENGTH = 60_000  # Characters; GitHub accepts 65,536 in a comment.
_DESTRUCTIVE = ("removed", "replaced", "may be replaced")
_WIDTH = 1_000_000  # Lines are not wrapped.
_MAX_LINE = 4_000  # Characters of one line in the details.
_NO_COLOURS = Style(width=_WIDTH)
# A line of a fence with the language diff is coloured by its first character.
_DIFF_MARKS = {"±": "!", "~": "~", "+": "+", "-": "-", "!": "!"}
_TABLE = (
    "| stack | + | ~ | ± | - | data | policies | USD a month |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
)


def marker(environment: str) -> str:
    """Return the hidden first line by which the comment of an environment is found again."""
    return f"<!-- cruddur-plan:v1 env={environment} -->"


def offline_plan_markdown(preview: Preview, base: str, head: str) -> str:
    """Return the plan from *base* to the commit *head* as a comment of at most MAX_LENGTH characters.

    Every resource that is removed or replaced is named. Other details are left out at the end if
    they do not fit.
    """
    sign = "⛔" if preview.unaccepted else "⚠️" if _destructive(preview) else "✅"
    title = f"{sign} {preview.environment}: plan for {head[:10]}: {_masked(summary(preview))}"
    top = [
        marker(preview.environment),
        f"### {title}",
        "",
        f"Compared with {base[:10]}; {len(preview.unchanged)} stacks are unchanged.",
        "",
    ]
    if preview.stacks:
        top.append(_TABLE + "".join(map(_row, preview.stacks)))
    parts = ["\n".join(top), *_warnings(preview), *_destructive_list(preview)]
    return _with_details("\n".join(parts), preview)


def code(text: str) -> str:
    """Return *text* as a code span on one line, which may be in a table."""
    content = _masked(clean(text)).replace("|", "\\|") or " "
    fence = "`" * (_longest_run(content) + 1)
    padding = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{padding}{content}{padding}{fence}"


def _row(stack: StackChange) -> str:
    numbers = Counter(resource.action for resource in stack.resources)
    replaced = numbers["replaced"] + numbers["may be replaced"]
    statements = sum(
        statement.grants for resource in stack.resources for statement in resource.statements
    )
    cells = (
        code(stack.short_name),
        *(str(number or "") for number in (numbers["added"], numbers["changed"])),
        f"**{replaced}**" if replaced else "",
        f"**{numbers['removed']}**" if numbers["removed"] else "",
        f"**{len(stack.data_losses)}**" if stack.data_losses else "",
        f"+{statements}" if statements else "",
        f"{stack.cost:+.2f}" if stack.cost else "",
    )
    return f"| {' | '.join(cells)} |\n"


def _warnings(preview: Preview) -> Iterator[str]:
    for loss in preview.data_losses:
        accepted = preview.acceptance(loss)
        note = f" Accepted on {code(accepted.date)}: {code(accepted.reason)}" if accepted else ""
        yield f"- {'☑️' if accepted else '⛔'} {code(str(loss))}{note}"
    for item in preview.unmatched:
        yield f"- ⚠️ {code(item.resource)} is not {item.change}: remove its acceptance"
    for stack, text, is_refused in export_notes(preview):
        mark = "⚠️ " if is_refused else ""
        yield f"- {mark}{code(f'{stack}: {text}')}"


def _destructive(preview: Preview) -> list[tuple[StackChange, ResourceChange]]:
    return [
        (stack, resource)
        for stack in preview.stacks
        for resource in stack.resources
        if resource.action in _DESTRUCTIVE
    ]


def _destructive_list(preview: Preview) -> Iterator[str]:
    """Yield a list of all resources that are removed or replaced, by stack and action."""
    for stack in preview.stacks:
        for action in _DESTRUCTIVE:
            names = [clean(item.name) for item in stack.resources if item.action == action]
            if names:
                yield f"- {action} in {code(stack.short_name)}: {code(', '.join(names))}"


def _with_details(text: str, preview: Preview) -> str:
    """Return *text* and the folded details of as many stacks as fit."""
    if len(text) > MAX_LENGTH:
        return _cut(text)
    omitted = 0
    for stack in _worst_first(preview.stacks):
        room = MAX_LENGTH - len(text) - 200  # For the note about what is left out.
        details, left_out = _details(stack, f"config/{preview.environment}.toml", room)
        text += details
        omitted += left_out
    if omitted:
        text += f"\n\n{omitted} lines do not fit here: the summary of the workflow run has them.\n"
    return f"{text.rstrip()}\n"


def _worst_first(stacks: Iterable[StackChange]) -> list[StackChange]:
    def rank(stack: StackChange) -> tuple[bool, bool]:
        is_destructive = any(item.action in _DESTRUCTIVE for item in stack.resources)
        return (not stack.data_losses, not is_destructive)

    return sorted(stacks, key=rank)


def _details(stack: StackChange, file: str, room: int) -> tuple[str, int]:
    """Return the folded details of a stack in at most *room* characters, and the lines left out."""
    lines = [_diff_line(line) for line in stack_lines(stack, file, _NO_COLOURS)][1:]
    about = ", ".join(filter(None, (stack.action, counts(stack.resources), cost_text(stack.cost))))
    name = html.escape(_masked(clean(stack.short_name)))
    head = f"\n\n<details><summary><code>{name}</code> {about}</summary>\n\n"
    fence = "`" * max(3, _longest_run("\n".join(lines)) + 1)
    frame = len(f"{head}{fence}diff\n\n{fence}\n\n</details>")
    kept: list[str] = []
    used = frame
    for line in lines:
        if used + len(line) + 1 > room:
            break
        kept.append(line)
        used += len(line) + 1
    if not kept:
        return "", len(lines)
    body = "\n".join(kept)
    return f"{head}{fence}diff\n{body}\n{fence}\n\n</details>", len(lines) - len(kept)


def _diff_line(line: str) -> str:
    """Return a line of the text with its mark in the first column."""
    text = _masked(line)
    if len(text) > _MAX_LINE:
        text = f"{text[:_MAX_LINE]}… ({len(text) - _MAX_LINE} more characters)"
    match = re.match(r"( +)([±~+!-]) (.*)", text)
    if match is None:
        return f"  {text}"
    return f"{_DIFF_MARKS[match[2]]}{match[1]}{match[3]}"


def _cut(text: str) -> str:
    """Return the lines of *text* that fit, and the number of those that do not."""
    lines, kept, used = text.split("\n"), 0, 0
    while kept < len(lines) and used + len(lines[kept]) + 1 < MAX_LENGTH - 200:
        used += len(lines[kept]) + 1
        kept += 1
    rest = len(lines) - kept
    note = f"{rest} lines do not fit here: the summary of the workflow run has them."
    return "\n".join([*lines[:kept], "", note, ""])


def _masked(text: str) -> str:
    return secret_detection.mask_random(secret_detection.mask(text))


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
