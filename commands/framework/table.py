"""Format rows as a table or as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def text(
    name: str,
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    *,
    as_json: bool,
    mask: bool = True,
) -> str:
    """Return *rows* as a table of *columns*, or all their values as one line of JSON.

    *name* names the rows, such as `users`. It is their key in JSON, and "no users" is returned in
    place of a table without rows. Control characters are escaped and, in a table, likely secrets
    are masked unless *mask* is false.
    """
    from deployer.report.text import JSON_VERSION, clean, json_text, table, visible

    if as_json:
        return f"{json_text({'version': JSON_VERSION, name: rows})}\n"
    if not rows:
        return f"no {name}\n"
    show = clean if mask else visible
    cells = [[show(_cell(row[column])) for column in columns] for row in rows]
    return table([[column.replace("_", " ") for column in columns], *cells])


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
