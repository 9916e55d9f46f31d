"""Format an offline plan as a comment on a pull request, in the Markdown of GitHub.

Names and values come from templates and may contain anything. Each is in a code span or a fence that
is longer than any run of backticks in it, so it is neither markup nor a link nor a mention.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TypeAlias

from deployer import secret_detection
from deployer.preview.values import Preview, ResourceChange, StackChange
from deployer.report.offline_plan import cost_text, counts, export_notes, stack_lines, summary
from deployer.report.renames import rename_notes
from deployer.report.style import Style
from deployer.report.text import clean, fold_names, pluralize

_Fold: TypeAlias = Callable[[Iterable[str]], Iterable[str]]
MAX_LENGTH = 60_000  # Characters; GitHub accepts 65,536 in a comment.
_DESTRUCTIVE = ("removed", "replaced", "may be replaced")
_MAX_LINE = 4_000  # Characters of one line in the details, and of the names in one item of a list.
_MAX_CONTINUED = 12  # Lines of one value after its first.
_NO_COLOURS = Style(width=102)  # With the marks of a diff, the width of a comment on GitHub.
# A line of a fence with the language diff is coloured by its first character.
_DIFF_MARKS = {"±": "!", "~": "~", "+": "+", "-": "-", "!": "!"}


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
    unchanged = pluralize(len(preview.unchanged), "stack")
    top = [
        marker(preview.environment),
        f"### {title}",
        "",
        f"Compared with {base[:10]}; {unchanged} unchanged.",
        "",
    ]
    if preview.stacks:
        top.append(_table(preview))
    above = "\n".join([*top, *_warnings(preview)])
    folds: tuple[_Fold, ...] = (list, fold_names)  # The names in full, if they fit.
    texts = ["\n".join([above, *_destructive_list(preview, fold)]) for fold in folds]
    text = next((text for text in texts if len(text) <= MAX_LENGTH), texts[-1])
    return _with_details(text, preview)


def code(text: str, *, in_table: bool = False) -> str:
    """Return *text* as a code span on one line; in a table, a vertical bar needs a backslash."""
    content = _masked(clean(text)) or " "
    content = content.replace("|", "\\|") if in_table else content
    fence = "`" * (_longest_run(content) + 1)
    padding = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{padding}{content}{padding}{fence}"


def _table(preview: Preview) -> str:
    """Return a table with the numbers of each stack, without the columns that are empty."""
    rows = [_row(stack) for stack in _worst_first(preview.stacks)]
    titles = [title for title in rows[0] if any(row[title] for row in rows)]
    lines = [titles, ["---", *["--:"] * (len(titles) - 1)]]
    lines += [[row[title] for title in titles] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _row(stack: StackChange) -> dict[str, str]:
    """Return the cells of a stack by the titles of their columns."""
    numbers = Counter(resource.action for resource in stack.resources)
    statements = sum(
        statement.grants for resource in stack.resources for statement in resource.statements
    )
    rules = sum(rule.grants for resource in stack.resources for rule in resource.rules)
    return {
        "stack": code(stack.short_name, in_table=True),
        "removed": _bold(numbers["removed"]),
        "replaced": _bold(numbers["replaced"]),
        "may be replaced": _bold(numbers["may be replaced"]),
        "changed": str(numbers["changed"] or ""),
        "added": str(numbers["added"] or ""),
        "losses of data": _bold(len(stack.data_losses)),
        "new permissions": _bold(statements),
        "opened rules": _bold(rules),
        "USD a month": f"{stack.cost:+.2f}" if stack.cost else "",
    }


def _bold(number: int) -> str:
    return f"**{number}**" if number else ""


def _warnings(preview: Preview) -> Iterator[str]:
    for loss in preview.data_losses:
        accepted = preview.acceptance(loss)
        note = f" Accepted on {code(accepted.date)}: {code(accepted.reason)}" if accepted else ""
        yield f"- {'☑️' if accepted else '⛔'} {code(str(loss))}{note}"
    if preview.unaccepted:
        yield (
            f"- A deploy is refused until each ⛔ is reverted, or accepted in "
            f"{code(f'config/{preview.environment}.toml')}: {code('[[env.accepted_data_losses]]')}."
        )
    for item in preview.unmatched:
        yield f"- ⚠️ {code(item.resource)} is not {item.change}: remove its acceptance"
    for stack, text, is_refused in export_notes(preview):
        mark = "⚠️ " if is_refused else ""
        yield f"- {mark}{code(f'{stack}: {text}')}"
    for fact, hint in rename_notes(preview):
        yield f"- ⚠️ {code(fact)} {code(hint)}"


def _destructive(preview: Preview) -> list[tuple[StackChange, ResourceChange]]:
    return [
        (stack, resource)
        for stack in preview.stacks
        for resource in stack.resources
        if resource.action in _DESTRUCTIVE
    ]


def _destructive_list(preview: Preview, fold: _Fold) -> Iterator[str]:
    """Yield a list of all resources that are removed or replaced, by stack and action."""
    for stack in _worst_first(preview.stacks):
        for action in _DESTRUCTIVE:
            names = [clean(item.name) for item in stack.resources if item.action == action]
            for text in _joined(fold(names)):
                yield f"- {action} in {code(stack.short_name)}: {code(text)}"


def _joined(names: Iterable[str]) -> Iterator[str]:
    """Yield *names* with commas between them, in texts of about _MAX_LINE characters."""
    text = ""
    for name in names:
        if len(text) > _MAX_LINE:
            yield text
            text = ""
        text = f"{text}, {name}" if text else name
    if text:
        yield text


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
    whole = [_diff_line(line) for line in stack_lines(stack, file, _NO_COLOURS)][1:]
    lines = [*_without_long_paragraphs(whole)]
    state = {"created": "new stack", "removed": "removed stack", "updated": ""}[stack.action]
    about = ", ".join(filter(None, (state, counts(stack.resources), cost_text(stack.cost))))
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


def _without_long_paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* with the first lines of each paragraph, and the number of the others."""
    for is_continued, paragraph in groupby(lines, lambda line: line.startswith(" " * 10)):
        found = [*paragraph]
        kept = found[:_MAX_CONTINUED] if is_continued else found
        yield from kept
        if len(kept) < len(found):
            yield f"{' ' * 10}… {len(found) - len(kept)} more lines"


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
