"""The plan of migrations and rollbacks, decided without a database."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate import clock, files, leftovers, plan, script
from migrate.clock import Clock
from migrate.errors import MigrationError
from migrate.files import Folder
from migrate.leftovers import Leftover
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
    """Every migration has a place in the status, and what is wrong with one is a fault of a plan."""
    found = folder(*present, changed=changed)
    rows = [row(each, "applying" if each in interrupted else "applied") for each in applied]

    status = plan.status(found, rows)
    pending = plan.pending(found, rows)

    names = [f"{each:04}_t" for each in sorted(present - set(applied))]
    assert names == status["pending"] == [each.name for each in pending.migrations]
    assert {f"{each:04}_t" for each in present | set(applied)} == set().union(*status.values())
    wrong = [*status["changed"], *status["interrupted"]] + (status["missing"] if names else [])
    assert sorted(wrong) == sorted(fault.partition(".sql: ")[0] for fault in pending.faults)
    highest = max(applied, default=0)
    assert [name for name in names if int(name[:4]) < highest] == list(pending.out_of_order)


@given(applied=st.lists(NUMBERS, unique=True), steps=st.integers(1, 8))
def test_rollback_is_the_journal_backwards(applied, steps) -> None:
    """The last applied comes first, whatever its number."""
    found = plan.last_applied(folder(*range(1, 7)), [row(each) for each in applied], steps)

    expected = [f"{each:04}_t" for each in reversed(applied)][:steps]
    assert expected == [migration.name for migration, _ in found]
    assert all(undo.file == f"{migration.name}.rollback.sql" for migration, undo in found)


@pytest.mark.parametrize("state", ["applying", "rolling back"])
def test_an_interrupted_row_has_two_ways_out(state: plan.State) -> None:
    """One statement for a file that took effect, and one for a file that did not."""
    with pytest.raises(MigrationError) as refused:
        plan.last_applied(folder(1), [row(1, state)], 1)

    update, delete = "UPDATE public.schema_migrations SET state = 'applied'", "DELETE FROM public."
    ways = re.findall(r"(?:if so, run there|if not): (\S+ \S+)", str(refused.value))
    ordered = [update, delete] if state == "applying" else [delete, update]
    assert [way[:6] for way in ordered] == [way[:6] for way in ways]
    assert " WHERE name = '0001_t';" in str(refused.value)


def test_faults_of_a_rollback_are_all_named() -> None:
    """A missing and a faulty rollback are one error."""
    contents = {"0001_t.sql": b"SELECT 1;", "0002_t.sql": b"SELECT 2;"}
    broken = files.arrange({**contents, "0001_t.rollback.sql": b"COMMIT;"})

    with pytest.raises(MigrationError) as refused:
        plan.last_applied(broken, [row(1), row(2)], 2)

    assert ["0002_t.rollback.sql", "0001_t.rollback.sql", "nothing was changed"] == [
        line.partition(":")[0] for line in str(refused.value).splitlines()
    ]


@given(content=st.binary(max_size=60))
def test_any_content(content: bytes) -> None:
    """Any bytes are a script, or have a fault."""
    checked = script.parse("0001_t.sql", content)

    assert checked.faults or checked.text == content.decode().replace("\r\n", "\n")


@given(text=st.text("ab;'\n-", max_size=30))
def test_ends_of_lines_do_not_count(text: str) -> None:
    """A checkout with CR LF has the checksum of one with LF."""
    unix, windows = (script.parse("x", text.replace("\n", end).encode()) for end in ("\n", "\r\n"))

    assert (unix.checksum, unix.faults) == (windows.checksum, windows.faults)


@pytest.mark.parametrize(
    ("text", "transactional", "faults"),
    [
        ("-- transactional: false\nVACUUM;", False, 0),
        ("-- transactional: true\nSELECT 1;", True, 0),
        ("-- Why: this file is transactional.\n\n-- transactional: false  \nVACUUM;", False, 0),
        ("/* transactional: false */ SELECT 1;", True, 0),
        ("SELECT '\n-- transactional: false\n';", True, 0),
        ("-- transactional: no\nSELECT 1;", True, 1),
        ("-- transactional = false\nSELECT 1;", True, 1),
        ("--transactional: false\nSELECT 1;", True, 1),
        ("-- Transactional: false\nSELECT 1;", True, 1),
        ("-- transaction: false\nSELECT 1;", True, 1),
        ("-- no-transaction: true\nSELECT 1;", True, 1),
        ("SELECT 1;\n-- transactional: false", False, 1),
        ("-- transactional: false\nVACUUM; ;", False, 0),
        ("-- transactional: false\nVACUUM; SELECT 1", False, 1),
        ("-- transactional: false\nBEGIN", False, 1),
        ("", True, 1),
        (" ; -- nothing\n;", True, 1),
        ("PREPARE transaction AS SELECT 1;", True, 0),
        ("PREPARE TRANSACTION 'a';", True, 1),
        ("COPY (SELECT 1) TO STDOUT;", True, 1),
        ("COPY stdin FROM '/tmp/x';", True, 0),
        ("CREATE TABLE commit (id integer);", True, 0),
        ('SELECT 1; "commit";', True, 0),
        ("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);", True, 0),
    ],
)
def test_what_a_script_says(text: str, transactional: bool, faults: int) -> None:
    """A directive is exact and above the first statement; keywords count where they are ones."""
    checked = script.parse("0001_t.sql", text.encode())

    assert (transactional, faults) == (checked.transactional, len(checked.faults)), checked.faults


@pytest.mark.parametrize(
    ("end", "seconds"),
    [(None, 240), (100.0, 85), (15.0, 0), (1000.0, 240)],
)
def test_the_time_of_a_file(monkeypatch, end: float | None, seconds: int) -> None:
    """It is the function's remaining time, less the time to report the result."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: 0.0))

    assert seconds == Clock(end).seconds()


def test_the_time_of_the_function(monkeypatch) -> None:
    """Lambda counts down in milliseconds."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: 10.0))

    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
    assert Clock(310.0) == Clock.from_context(context)


def test_what_a_statement_left() -> None:
    """New objects, and older ones that the statement names."""
    old, named, new = (Leftover(name, "is", "DROP") for name in ("old", "named", "new"))

    found = leftovers.of_statement(frozenset({"named", "x"}), [old, named], [old, named, new])

    assert [named, new] == found
