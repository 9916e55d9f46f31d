"""A terminal screen for tests of the visible rows, with the control sequences that reporters print."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[(?P<args>[?\d;]*)(?P<command>[A-Za-z])|(?P<char>[\s\S])")


class Screen:
    """The rows and the cursor of a screen with an unlimited number of rows; `feed` prints a text."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self.is_cursor_visible = True

    def feed(self, text: str) -> None:
        for match in _TOKEN.finditer(text):
            if match["command"]:
                self._control(match["command"], match["args"])
            else:
                self._put(match["char"])

    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.rows]

    def _control(self, command: str, args: str) -> None:
        match command, args:
            case "A", _:
                self.row = max(0, self.row - int(args or 1))
            case "K", "2":
                self.rows[self.row] = []
            case (("h" | "l"), "?25"):
                self.is_cursor_visible = command == "h"
            case "m", _:
                pass
            case _:
                raise AssertionError((command, args))

    def _put(self, char: str) -> None:
        match char:
            case "\r":
                self.column = 0
            case "\n":
                self._down()
            case _:
                if self.column == self.columns:
                    self._down()
                    self.column = 0
                row = self.rows[self.row]
                row.extend(" " * (self.column + 1 - len(row)))
                row[self.column] = char
                self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])
