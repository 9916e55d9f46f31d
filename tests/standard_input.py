"""Standard input for tests of questions and approvals."""

from __future__ import annotations

import io


class Stdin(io.StringIO):
    """Standard input with typed text, at a terminal or not."""

    def __init__(self, typed: str, *, terminal: bool = True) -> None:
        super().__init__(typed)
        self.terminal = terminal

    def isatty(self) -> bool:
        """Return whether the input is a terminal."""
        return self.terminal
