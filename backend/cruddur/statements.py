"""SQL statements, which are in files beside the modules that use them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent

_INCLUDED = re.compile(rb"\{([a-z_/]+\.sql)\}")


@dataclass(frozen=True)
class Statement:
    """The statement in the file *path*, relative to this package, such as "users/sql/short.sql".

    It has named parameters, such as %(name)s, and may include other files: {sql/name.sql}.
    *prepare* is False for a statement whose best plan depends on its parameters: a prepared statement
    may get a plan that fits all of them.
    """

    path: str
    prepare: bool | None = None

    @cached_property
    def text(self) -> bytes:
        """The statement, read on first use."""
        return _INCLUDED.sub(lambda found: _read(found[1].decode()), _read(self.path))


def _read(path: str) -> bytes:
    return (ROOT / path).read_bytes()
