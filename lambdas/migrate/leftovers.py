"""Find the objects that a failed statement outside a transaction leaves behind: leftovers.

CREATE, DROP and REINDEX INDEX CONCURRENTLY leave an invalid index, which queries do not use but
writes still update. ALTER TABLE … DETACH PARTITION CONCURRENTLY leaves a partition that is half
detached.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

# An invalid index of a partitioned table (relkind I) is excluded: it becomes valid when those of all
# partitions exist.
_QUERY = """
SELECT relname, pg_catalog.format('index %I.%I is invalid', nspname, relname),
    pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I', nspname, relname)
FROM pg_catalog.pg_index
JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'i' AND NOT (indisvalid AND indisready AND indislive)
UNION ALL
SELECT child.relname,
    pg_catalog.format('partition %s is half detached', inhrelid::pg_catalog.regclass),
    pg_catalog.format(
        'ALTER TABLE %s DETACH PARTITION %s FINALIZE',
        inhparent::pg_catalog.regclass, inhrelid::pg_catalog.regclass
    )
FROM pg_catalog.pg_inherits
JOIN pg_catalog.pg_class AS child ON child.oid = inhrelid
WHERE inhdetachpending
ORDER BY 2
"""


@dataclass(frozen=True)
class Leftover:
    """An object, the problem with it, and the *command* that fixes it."""

    name: str
    problem: str
    command: str

    def __str__(self) -> str:
        return f"{self.problem}: run {self.command};"


def find(connection: Connection[TupleRow]) -> list[Leftover]:
    """Return every leftover in the database."""
    return [Leftover(*row) for row in connection.execute(_QUERY)]


def of_statement(
    names: frozenset[str], before: list[Leftover], after: list[Leftover]
) -> list[Leftover]:
    """Return the leftovers of a statement: new ones, and older ones with one of its *names*.

    Older ones are those that CREATE INDEX … IF NOT EXISTS did not replace.
    """
    return [item for item in after if item not in before or item.name in names]
