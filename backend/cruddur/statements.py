"""SQL statements, which are in files next to the modules that use them."""

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

    The statement has named parameters, such as %(name)s, and may include other files:
    {sql/name.sql}. Set *prepare* to False if the best plan depends on the parameters: PostgreSQL may
    use one generic plan for a prepared statement.
    """

    path: str
    prepare: bool | None = None

    @cached_property
    def text(self) -> bytes:
        """The statement, read on first use."""
        return _INCLUDED.sub(lambda found: _read(found[1].decode()), _read(self.path))


def _read(path: str) -> bytes:
    return (ROOT / path).read_bytes()
