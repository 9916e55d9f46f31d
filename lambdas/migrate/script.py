"""Check the text of one SQL file before anything is sent to PostgreSQL."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate import lexer
from migrate.lexer import Statement, Token

# PostgreSQL keeps about 10 kB in memory for each statement of a file until the file ends.
MAX_STATEMENTS = 20_000
JOURNAL = "schema_migrations"

_DIRECTIVE = re.compile(r"\s*[\w-]*transaction[\w-]*\s*[:=]", re.IGNORECASE)
# The comments with which other tools leave out the transaction.
_OTHER_DIRECTIVE = re.compile(
    r"\s*(migrate:(up|down)\s.*transaction|\+goose\s+no\s+transaction|\+migrate\s.*notransaction"
    r"|flyway:executeintransaction|atlas:txmode|x-no-tx-wrap)",
    re.IGNORECASE,
)
_DIRECTIVES = {" transactional: false": False, " transactional: true": True}
# dbmate, goose and sql-migrate begin the part that undoes a migration with such a comment.
_ROLLBACK_MARK = re.compile(r"\s*(migrate:|\+goose\s|\+migrate\s)\s*down\b", re.IGNORECASE)
_LONE_CARRIAGE_RETURN = (
    "has a carriage return without a line feed: save it with LF or CR LF as line ends;"
    r" in a string, write E'\r'"
)
_TRANSACTION = {"ABORT", "BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"}


@dataclass(frozen=True)
class Script:
    """A checked SQL file.

    *text* has LF line ends, even if the checkout has CR LF, and *checksum* is that of this text. *names*
    are all identifiers in the file. Each of *errors* begins with the line, if there is one. A script
    with errors is never sent to PostgreSQL.
    """

    file: str
    text: str
    errors: tuple[str, ...]
    transactional: bool = True
    names: frozenset[str] = frozenset()

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def parse(file: str, content: bytes) -> Script:
    """Return the script in *content* with all errors that can be found without a database."""
    if content.startswith(b"\xef\xbb\xbf"):
        return Script(file, "", ("begins with a byte order mark: save it as UTF-8 without one",))
    try:
        text = content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Script(file, "", (f"line {line}: is not UTF-8",))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Script(file, "", (f"line {line}: has a NUL character",))
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        return Script(file, "", (f"line {line}: {_LONE_CARRIAGE_RETURN}",))
    try:
        tokens = list(lexer.tokens(text))
    except lexer.UnterminatedError as error:
        return Script(file, text, (str(error),))
    return _checked(file, text, tokens)


def _checked(file: str, text: str, tokens: list[Token]) -> Script:
    statements = list(lexer.statements(tokens))
    directives = [token for token in tokens if _is_directive(token)]
    transactional = all(_DIRECTIVES.get(token.text.rstrip(), True) for token in directives)
    names = lexer.names(tokens)
    errors = [
        *_directive_errors(directives, statements),
        *_rollback_marks(tokens),
        *_statement_errors(statements),
        *_file_errors(statements, names, transactional=transactional),
    ]
    return Script(file, text, tuple(errors), transactional, names)


def _is_directive(token: Token) -> bool:
    directives = (_DIRECTIVE, _OTHER_DIRECTIVE)
    return token.kind == "comment" and any(known.match(token.text) for known in directives)


def _directive_errors(directives: list[Token], statements: list[Statement]) -> Iterator[str]:
    for token in directives:
        if token.text.rstrip() not in _DIRECTIVES:
            yield (
                f"line {token.line}: is not a directive: write -- transactional: false,"
                " or reword the comment"
            )
        elif statements and token.line >= statements[0].line:
            yield f"line {token.line}: move the directive above the first statement"
    for token in directives[1:]:
        yield f"line {token.line}: remove the second directive"


def _rollback_marks(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.kind == "comment" and _ROLLBACK_MARK.match(token.text):
            yield (
                f"line {token.line}: is a mark of another tool, and the whole file would be applied:"
                " move the SQL that undoes the migration to NNNN_name.rollback.sql"
            )


def _statement_errors(statements: list[Statement]) -> Iterator[str]:
    for statement in statements:
        words = statement.words
        if _controls_transaction(statement):
            yield (
                f"line {statement.line}: remove {words[0]}: the migrator begins and ends"
                " transactions; a file must not"
            )
        elif _copies_through_client(words):
            yield (
                f"line {statement.line}: COPY needs a client that sends or receives rows:"
                " use INSERT with many VALUES"
            )


def _controls_transaction(statement: Statement) -> bool:
    words = statement.words
    if words[:2] == ("PREPARE", "TRANSACTION"):  # PREPARE transaction AS … is another statement.
        return len(words) == 3 and statement.tokens[2].kind == "string"
    return words[0] in _TRANSACTION


def _copies_through_client(words: tuple[str, ...]) -> bool:
    pairs = itertools.pairwise(words)
    return words[0] == "COPY" and any(
        word in {"FROM", "TO"} and following in {"STDIN", "STDOUT"} for word, following in pairs
    )


def _file_errors(
    statements: list[Statement], names: frozenset[str], *, transactional: bool
) -> Iterator[str]:
    count = len(statements)
    if not count:
        yield "has no statement: write SELECT 1; to do nothing"
    if count > MAX_STATEMENTS:
        yield (
            f"has {count} statements, more than {MAX_STATEMENTS}: split it,"
            " or use INSERT with many VALUES"
        )
    if count > 1 and not transactional:
        yield (
            f"line {statements[1].line}: a file with -- transactional: false has one statement:"
            " move this one to a file of its own"
        )
    if JOURNAL in names:
        yield f"names {JOURNAL}, the journal of migrations: only db.migrate may write to it"
