"""The checks of one SQL file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate import script


@given(content=st.binary(max_size=60))
def test_any_content(content: bytes) -> None:
    """Any bytes are a script, or have an error."""
    checked = script.parse("0001_t.sql", content)

    assert checked.errors or checked.text == content.decode().replace("\r\n", "\n")


@given(text=st.text("ab;'\n-", max_size=30))
def test_line_ends_do_not_change_the_checksum(text: str) -> None:
    """A checkout with CR LF has the same checksum as one with LF."""
    unix, windows = (script.parse("x", text.replace("\n", end).encode()) for end in ("\n", "\r\n"))

    assert (unix.checksum, unix.errors) == (windows.checksum, windows.errors)


@pytest.mark.parametrize(
    ("text", "transactional", "errors"),
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
        ("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;", True, 1),
        ("-- +migrate Down;\nSELECT 1;", True, 1),
        ("-- migrate:down\nSELECT 1;", True, 1),
        ("-- migrate down the road\nSELECT 1;", True, 0),
        ("-- no-transaction: true\nSELECT 1;", True, 1),
        ("-- migrate:up transaction:false\nVACUUM;", True, 1),
        ("-- +goose NO TRANSACTION\nVACUUM;", True, 1),
        ("-- +migrate Up notransaction\nVACUUM;", True, 1),
        ("-- flyway:executeInTransaction=false\nVACUUM;", True, 1),
        ("-- atlas:txmode none\nVACUUM;", True, 1),
        ("-- x-no-tx-wrap: true\nVACUUM;", True, 1),
        ("-- migrate:up\nSELECT 1;", True, 0),
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
        ("SELECT 1;\r-- transactional: false\rSELECT 2;", True, 1),
        ("SELECT 'a\rb';", True, 1),
        ("CREATE TABLE fn_atomic (begin_atomic integer);\nSELECT 1;\nCOMMIT;", True, 1),
        ("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);", True, 0),
    ],
)
def test_directives_and_statements(text: str, transactional: bool, errors: int) -> None:
    """A directive is exact and precedes the first statement; only keywords control transactions."""
    checked = script.parse("0001_t.sql", text.encode())

    assert (transactional, errors) == (checked.transactional, len(checked.errors)), checked.errors
