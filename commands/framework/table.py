"""Rows for people or for machines: the same facts as a table, or as lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def text(rows: Sequence[Mapping[str, object]], head: Sequence[str], *, as_json: bool) -> str:
    """*rows* in the columns of *head*, or each as a line of JSON with all it has.

    What came from outside stays on its line, and looks like no secret.
    """
    from deployer.report.text import clean, json_text, table

    if as_json:
        return "".join(f"{json_text(row)}\n" for row in rows)
    cells = [[clean(_cell(row[name])) for name in head] for row in rows]
    return table([[name.replace("_", " ") for name in head], *cells])


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
