"""Format rows as a table or as lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def text(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> str:
    """Return *rows* as a table of *columns*, or each row with all its values as a line of JSON.

    Control characters are escaped and likely secrets are masked.
    """
    from deployer.report.text import clean, json_text, table

    if as_json:
        return "".join(f"{json_text(row)}\n" for row in rows)
    cells = [[clean(_cell(row[column])) for column in columns] for row in rows]
    return table([[column.replace("_", " ") for column in columns], *cells])


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
