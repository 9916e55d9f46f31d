"""Find text that looks like a secret, and keep it out of messages.

Credentials are found by their form, passwords by the name of their variable. Before untrusted text
is printed, pass it to `mask`, and a single value to `quote`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

MASK = "[secret]"

_NAMES = r"(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)s?"
_FORMS = {
    "an AWS access key id": r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]*)",
    "a GitHub token": r"gh[opsur]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}",
    "a Slack token": r"xox[a-z]-[A-Za-z0-9-]{10,}",
    "a JSON web token": r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
    "a URL with a password": r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:\"']*:[^\s/@\"']+@[^\s\"']*",
    "an AWS secret access key": r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    # name = "value", and name = value as in a comment; but not name = true, 8, [ or {.
    "a password": rf"(?i:(?<![A-Za-z0-9]){_NAMES}[\"']?[ \t]*=[ \t]*)"
    r"(?:\"(?P<double>[^\"\n]+)|'(?P<single>[^'\n]+)"
    r"|(?!(?:true|false|\d+)(?:\s|$))(?P<bare>[^\s\"'{\[]\S*))",
}
# The kinds that have an unmistakable form.
_CREDENTIALS = ("an AWS access key id", "a private key", "a GitHub token", "a Slack token")
CREDENTIAL = re.compile("|".join(_FORMS[kind] for kind in _CREDENTIALS))
# The forms that are masked in values of templates, but are no findings in files.
_VALUE_FORMS = re.compile(
    "|".join(
        (
            r"(?<![A-Za-z0-9])(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}",  # Stripe
            r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}",  # OpenAI
            r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}",  # Google
            r"(?<![A-Za-z0-9])(?:npm_|pypi-|glpat-|dop_v1_|shpat_)[A-Za-z0-9_-]{16,}",
            r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # SendGrid
            r"https://hooks\.slack\.com/\S+",
            r"(?i:[?&](?:sig|signature|x-amz-signature)=)[A-Za-z0-9%+/=_-]{8,}",
            r"(?i:(?<![a-z0-9])(?:bearer|basic)[ \t]+)[A-Za-z0-9._~+/-]{8,}=*",
            r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:\"']{8,}@",  # A URL with a token before the host.
            # As in YAML and JSON, but not in an ARN.
            rf"(?i:(?<![A-Za-z0-9]){_NAMES}(?:[\"'][ \t]*:|:[ \t])[ \t]*)[^\s{{\[!]",
        )
    )
)
_PATTERNS = {kind: re.compile(form) for kind, form in _FORMS.items()}
# A path, an ARN, or the name of a variable such as ROLLBAR_ACCESS_TOKEN.
_REFERENCE = re.compile(r"/[\w./-]+|arn:aws:[\w:./-]+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_WORD = re.compile(r"[A-Za-z0-9+_-]{20,}")
_MIN_PART = 16  # Characters of a word between separators; shorter parts are not random.
_MAX_LOWER = 0.68  # The share of lower case in a random word; names in CamelCase have more.
_MIN_CHANGES = 0.3  # Changes of case for each character; AWSLambdaVPCAccessExecutionRole has 0.23.
_NAME = re.compile(rf"(?i)(?:^|[^a-z0-9])(?:{_NAMES}|pass|pwd)$")
_VALUE_NAME = re.compile(
    r"(?i)(?:^|[^a-z0-9])(?:passcode|pin|otp|salt|dsn|credentials?|external[_-]?id|"
    r"connection[_-]?string|webhook(?:[_-]?url)?|"
    r"(?:auth|client|encryption|hmac|master|secret|session|shared|signing)[_-]?key)$"
)
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # The word boundary in dbPassword.


@dataclass(frozen=True)
class Secret:
    """Text that looks like a secret; *start* is its position."""

    kind: str
    start: int
    text: str = field(repr=False)


def find(text: str) -> Iterator[Secret]:
    """Yield everything in *text* that looks like a secret."""
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            group = match.lastgroup or 0
            if _is_plausible(kind, match[group]):
                yield Secret(kind, match.start(group), match[group])


def is_password(name: str, value: str) -> bool:
    """Return whether *value* is a secret according to *name*, and not a reference to a secret.

    A flag such as USE_TOKEN = "true" and a limit such as MAX_TOKENS = "100" are not secrets.
    """
    is_named = _NAME.search(_CAMEL_CASE.sub("_", name)) is not None
    is_flag = value.lower() in {"", "true", "false"}
    is_limit = name.lower().endswith("tokens") and value.isdecimal()
    return is_named and not (is_flag or is_limit or _REFERENCE.fullmatch(value))


def is_secret_value(name: str, value: str) -> bool:
    """Return whether *value*, which is called *name* in a template, is or contains a secret.

    This recognizes more names and forms than `find` and `is_password`, because a value that is
    masked by mistake does less harm than a finding, which is an error.
    """
    is_named = bool(value) and _VALUE_NAME.search(_CAMEL_CASE.sub("_", name)) is not None
    return (
        (is_named and not _REFERENCE.fullmatch(value))
        or is_password(name, value)
        or has_secret(value)
    )


def has_secret(text: str) -> bool:
    """Return whether *text*, a value of a template, has the form of a secret in any part."""
    return any(find(text)) or bool(_VALUE_FORMS.search(text))


def mask_lines(text: str) -> str:
    """Return *text*, a value of several lines, with each secret and each line that has one masked."""
    lines = mask(text).split("\n")
    return "\n".join(MASK if has_secret(line) else line for line in lines)


def mask(text: str) -> str:
    """Return *text* with each secret replaced by MASK."""
    clean, end = "", 0
    for secret in sorted(find(text), key=lambda secret: secret.start):
        clean += text[end : secret.start] + MASK
        end = max(end, secret.start + len(secret.text))
    return clean + text[end:]


def mask_random(text: str) -> str:
    """Return *text* with each long word that looks random replaced by MASK, for public output.

    Hexadecimal digests are not masked, because they have no upper-case letters. Names in CamelCase
    are not masked, because they have more lower-case letters than random keys.
    """
    return _WORD.sub(lambda match: MASK if _looks_random(match[0]) else match[0], text)


def quote(value: object) -> str:
    """Return *value* for a message: a short value as in TOML, others as a description."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list():
            return f"a list of {len(value)}"
        case str() if any(find(value)):
            return "what looks like a secret"
        case str() if len(value) > 60:
            return "this long text"
        case str():
            return repr(value)
        case _:
            return str(value) if len(str(value)) <= 60 else "this value"


def _is_plausible(kind: str, text: str) -> bool:
    match kind:
        case "an AWS secret access key":
            return _is_random(text)
        case "a password":
            return not _REFERENCE.fullmatch(text)
        case _:
            return True


def _looks_random(word: str) -> bool:
    """Return whether *word* mixes upper and lower case more than a name in CamelCase does."""
    parts = [part for part in re.split("[-+_]", word) if len(part) >= _MIN_PART]
    return any(_has_few_lower(part) and _has_many_changes(part) for part in parts)


def _has_few_lower(word: str) -> bool:
    return any(map(str.isupper, word)) and 0 < sum(map(str.islower, word)) < _MAX_LOWER * len(word)


def _has_many_changes(word: str) -> bool:
    """Return whether *word* changes between upper case, lower case and digits more than names do."""
    kinds = [(char.isupper(), char.islower()) for char in word]
    changes = sum(one != other for one, other in itertools.pairwise(kinds))
    return changes > _MIN_CHANGES * len(word)


def _is_random(text: str) -> bool:
    """Return whether *text* mixes kinds of characters and repeats few, as random keys do."""
    mixed = all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9/+]"))
    shares = [count / len(text) for count in Counter(text).values()]
    entropy = -sum(share * math.log2(share) for share in shares)
    return mixed and entropy > 4.2 and _has_many_changes(text)
