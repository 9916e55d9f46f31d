"""The plan of migrations and rollbacks, which is decided without a database."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate import files, plan
from migrate.errors import MigrationError
from migrate.files import Folder
from migrate.plan import Row

NUMBERS = st.integers(1, 6)


def folder(*numbers: int, changed: frozenset[int] = frozenset()) -> Folder:
    """Return the migrations of these numbers, each with a rollback."""
    contents: dict[str, bytes | None] = {}
    for number in numbers:
        text = f"SELECT {number}{'0' * (number in changed)};"
        contents[f"{number:04}_t.sql"] = text.encode()
        contents[f"{number:04}_t.rollback.sql"] = b"SELECT 0;"
    return files.arrange(contents)


def row(number: int, state: plan.State = "applied") -> Row:
    """Return the row of the migration of this number."""
    [migration] = folder(number).migrations
    return Row(migration.name, migration.forward.checksum, state)


@given(
    present=st.sets(NUMBERS),
    applied=st.lists(NUMBERS, unique=True),
    changed=st.frozensets(NUMBERS),
    interrupted=st.frozensets(NUMBERS),
)
def test_status_and_plan_agree(present, applied, changed, interrupted) -> None:
    """Every migration is in the status, and each problem in the status is an error of the plan."""
    found = folder(*present, changed=changed)
    rows = [row(number, "applying" if number in interrupted else "applied") for number in applied]

    status = plan.status(found, rows)
    pending = plan.pending(found, rows)

    names = [f"{number:04}_t" for number in sorted(present - set(applied))]
    assert names == status["pending"] == [migration.name for migration in pending.migrations]
    assert {f"{number:04}_t" for number in present | set(applied)} == set().union(*status.values())
    problems = [*status["changed"], *status["interrupted"]] + (status["missing"] if names else [])
    assert sorted(problems) == sorted(error.partition(".sql: ")[0] for error in pending.errors)
    highest = max(applied, default=0)
    assert [name for name in names if int(name[:4]) < highest] == list(pending.out_of_order)


@given(applied=st.lists(NUMBERS, unique=True), steps=st.integers(1, 8))
def test_rollback_reverses_the_journal(applied, steps) -> None:
    """The migration that was applied last is rolled back first, whatever its number."""
    found = plan.last_applied(folder(*range(1, 7)), [row(number) for number in applied], steps)

    expected = [f"{number:04}_t" for number in reversed(applied)][:steps]
    assert expected == [migration.name for migration, _ in found]
    assert all(undo.file == f"{migration.name}.rollback.sql" for migration, undo in found)


@pytest.mark.parametrize("state", ["applying", "rolling back"])
def test_an_interrupted_migration_has_two_solutions(state: plan.State) -> None:
    """The error has one statement for a file that took effect, and one for a file that did not."""
    with pytest.raises(MigrationError) as refused:
        plan.last_applied(folder(1), [row(1, state)], 1)

    update, delete = "UPDATE public.schema_migrations SET state = 'applied'", "DELETE FROM public."
    solutions = re.findall(r"(?:if so, run there|if not): (\S+ \S+)", str(refused.value))
    ordered = [update, delete] if state == "applying" else [delete, update]
    assert [statement[:6] for statement in ordered] == [statement[:6] for statement in solutions]
    assert " WHERE name = '0001_t';" in str(refused.value)


def test_all_errors_of_a_rollback_are_reported() -> None:
    """One error names both a missing and an invalid rollback file."""
    contents = {"0001_t.sql": b"SELECT 1;", "0002_t.sql": b"SELECT 2;"}
    broken = files.arrange({**contents, "0001_t.rollback.sql": b"COMMIT;"})

    with pytest.raises(MigrationError) as refused:
        plan.last_applied(broken, [row(1), row(2)], 2)

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "0002_t.rollback.sql",
        "0001_t.rollback.sql",
        "nothing was changed",
    ]
