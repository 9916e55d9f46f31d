"""Describe why a migration failed, without quoting a row.

PostgreSQL quotes rows in the detail of an error, and in some messages: those of class 22 (data
exceptions), those of RAISE, and those of SQL that a file builds at run time.
"""

from __future__ import annotations

import psycopg

from migrate.script import Script

# The SQLSTATE classes whose messages never contain data of a row, even if a function or trigger
# causes the error: integrity constraint (with the name of the constraint), transaction state,
# rollback, insufficient resources, program limits, state of an object, operator intervention.
_NO_ROWS = {"23", "25", "2D", "40", "53", "54", "55", "57"}
# The context of an error of a statement in the file itself, not in a function or trigger.
_FILE_CONTEXT = "PL/pgSQL function inline_code_block line 1 at EXECUTE"


class MigrationError(Exception):
    """The migrations cannot be run. The message has the files, the reasons, and what to do."""


def describe(script: Script, error: psycopg.Error, *, before: str = "") -> str:
    """Return PostgreSQL's message for *script*, with the line if it is known.

    *before* is the SQL that was sent before the text of the script.
    """
    sent = before + script.text
    line = _line(script, error, sent)
    return f"{script.file}: {line}{_message(sent, error)}{_hint(script, error)}"


def _line(script: Script, error: psycopg.Error, sent: str) -> str:
    diagnostic = error.diag
    position = diagnostic.statement_position
    if diagnostic.internal_query == sent:
        position = diagnostic.internal_position
    elif diagnostic.internal_query:
        position = None
    if position is None:
        return ""
    rest = sent[int(position) - 1 :]  # The error is in the script, not in the SQL before it.
    return f"line {script.text.count(chr(10)) - rest.count(chr(10)) + 1}: "


def _message(sent: str, error: psycopg.Error) -> str:
    name, state, message = type(error).__name__, error.sqlstate, error.diag.message_primary
    if not state or not message:
        return "the connection to the database was lost"
    return f"{name} (SQLSTATE {state})" if _may_quote(sent, error) else message


def _may_quote(sent: str, error: psycopg.Error) -> bool:
    state, context = error.sqlstate or "", error.diag.context or ""
    if state[:2] in {"22", "P0"} or context.partition("\n")[0].endswith(" at RAISE"):
        return True
    nested = context not in {"", _FILE_CONTEXT, f'SQL statement "{sent}"\n{_FILE_CONTEXT}'}
    return nested and state[:2] not in _NO_ROWS


def _hint(script: Script, error: psycopg.Error) -> str:
    message = error.diag.message_primary or ""
    if error.sqlstate == "25001" and script.transactional and "cannot run inside" in message:
        return ": move the statement to a file of its own that begins with -- transactional: false"
    if error.sqlstate == "0A000" and "transaction commands" in message:
        return ": the migrator begins and ends transactions; a file must not"
    if error.sqlstate == "0A000" and "SELECT ... INTO" in message:
        return ": write CREATE TABLE … AS SELECT"
    return ""
