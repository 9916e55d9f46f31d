"""Load config/ENV.toml as frozen settings, or raise one error that lists every mistake in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from deployer import secret_detection
from deployer.config import document
from deployer.config.document import Document
from deployer.config.validation import (
    KeyPath,
    NetworkSetting,
    SettingError,
    closest,
    decode,
    format_key,
    validate,
)
from deployer.errors import ConfigError

T = TypeVar("T")

_SCHEMA_HINT = "see schema.json in the same folder for the valid values; editors complete from it"
_PREFIX_HINT = "choose names so that no PREFIX-NAME- is the beginning of another one"
# `secrets` lists the names of secrets. A misspelt name there is reported as such, not as a password.
_NAMES_OF_SECRETS, _NAME_OF_SECRET = "secrets", re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)+")
_LEAK_HINT = "rotate it, keep the new one in Parameter Store, and write only its name here"


@dataclass(frozen=True)
class _File(Generic[T]):
    """A config file, its errors, and its settings if it has none."""

    document: Document
    errors: tuple[SettingError, ...]
    networks: tuple[NetworkSetting, ...] = ()
    settings: T | None = None


def environments(folder: Path) -> tuple[str, ...]:
    """Return the names of the environments that have a file in *folder*."""
    return tuple(sorted(path.stem for path in _files(folder)))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the config files in *folder*; hidden files are those of editors and of macOS."""
    return (path for path in folder.glob("*.toml") if not path.name.startswith("."))


def find(folder: Path, env: str) -> Path:
    """Return the file of *env*; raise ConfigError with the closest name if there is none."""
    known = environments(folder)
    if env in known:
        return folder / f"{env}.toml"
    near = closest(env, known)
    raise ConfigError(
        f"unknown environment {secret_detection.quote(env)}"
        + (f"; did you mean {near!r}?" if near else ""),
        hint=f"there are: {', '.join(known)}" if known else f"{folder} has no file NAME.toml",
    )


def load(path: Path, type_: type[T]) -> T:
    """Return the settings in *path* as a frozen *type_*; raise one ConfigError for all its errors.

    The other files in the folder are read, too: no two environments may use the same network, or
    have names that policies cannot distinguish. Other errors in these files are listed only if
    *path* has an error itself: often all files have the same error, such as a missing new table.
    """
    others = [_read(other, type_) for other in sorted(_files(path.parent)) if other != path]
    file = _with_overlaps(_read(path, type_), [other for other in others if not other.errors])
    file = _with_prefix_conflicts(file, others)
    if file.errors:
        raise _config_error([file, *others])
    return _settings([file])[0]


def load_all(folder: Path, type_: type[T]) -> dict[str, T]:
    """Return the settings of every environment; raise one ConfigError for all their errors."""
    files: list[_File[T]] = []
    for env in environments(folder):
        file = _with_overlaps(_read(folder / f"{env}.toml", type_), files)
        files.append(_with_prefix_conflicts(file, files))
    return dict(zip(environments(folder), _settings(files), strict=True))


def table(text: str) -> dict[str, Any] | None:
    """Return the content of the config file *text*; None for a syntax error."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


def from_table(content: Mapping[str, Any], type_: type[T]) -> T | None:
    """Return the settings of *content*, the content of a config file; None if they are invalid."""
    try:
        return msgspec.convert(dict(content), type_, dec_hook=decode)
    except msgspec.ValidationError:
        return None


def _read(path: Path, type_: type[T]) -> _File[T]:
    """Read *path* and find the errors that do not depend on other files."""
    read = document.read(path)
    secrets = tuple(_secrets(read))
    if read.syntax_error:
        return _File(read, (*secrets, read.syntax_error))
    if not read.table:
        return _File(read, (*secrets, SettingError((), "is empty")))
    results = tuple(validate(read.table, type_))
    # A secret must be removed in any case, so other errors of its value are not reported.
    secret_paths = {error.path for error in secrets if error.path}
    others = (
        error
        for error in results
        if isinstance(error, SettingError) and error.path not in secret_paths
    )
    errors = (*secrets, *_name_mismatch(read), *others)
    return _File(
        read,
        errors,
        tuple(network for network in results if isinstance(network, NetworkSetting)),
        None if errors else msgspec.convert(read.table, type_, dec_hook=decode),
    )


def _secrets(read: Document) -> Iterator[SettingError]:
    """Yield an error for each secret, at its key if it is a value, else at its line (a comment)."""
    known = set()
    for path, value in document.walk(read.table):
        if isinstance(value, str) and (kind := _kind_of_secret(path, value)):
            known |= {value, *(secret.text for secret in secret_detection.find(value))}
            yield SettingError(path, f"looks like {kind}", hint=_LEAK_HINT)
    for secret in secret_detection.find(read.text):
        if secret.text not in known:
            known.add(secret.text)
            line = read.text.count("\n", 0, secret.start) + 1
            yield SettingError((), f"looks like {secret.kind}", line=line, hint=_LEAK_HINT)


def _kind_of_secret(path: KeyPath, value: str) -> str | None:
    for secret in secret_detection.find(value):
        return secret.kind
    name = next(key for key in reversed(path) if isinstance(key, str))
    is_misspelt_name = name == _NAMES_OF_SECRETS and _NAME_OF_SECRET.fullmatch(value)
    is_password = secret_detection.is_password(name, value) and not is_misspelt_name
    return "a password" if is_password else None


def _name_mismatch(read: Document) -> Iterator[SettingError]:
    """Yield an error if the environment and its file have different names.

    This ensures that no two environments have the same name.
    """
    match read.table:
        case {"env": {"name": str(name)}} if name != read.path.stem:
            quoted = secret_detection.quote(name)
            fact = f"{quoted} is not the name of the file, {read.path.stem!r}"
            yield SettingError(("env", "name"), fact)


def _with_overlaps(file: _File[T], others: Sequence[_File[T]]) -> _File[T]:
    """Return *file* with an error for each network that overlaps another one of these files."""
    taken = [
        (f"{format_key(network.path)} of {other.document.path.name}", network.cidr)
        for other in others
        for network in other.networks
    ]
    errors = list(file.errors)
    for network in file.networks:
        for place, cidr in taken:
            if network.cidr.overlaps(cidr):
                fact = f"{network.cidr} overlaps {cidr}, {place}"
                errors.append(SettingError(network.path, fact))
        taken.append((format_key(network.path), network.cidr))
    return replace(file, errors=tuple(errors))


def _with_prefix_conflicts(file: _File[T], others: Sequence[_File[T]]) -> _File[T]:
    """Return *file* with an error if its stack prefix and that of another file overlap.

    Policies match resources by the prefix of their names: crd-dev-* also matches crd-dev-two-*.
    """
    prefix = _stack_prefix(file)
    errors = [
        SettingError(
            ("env", "name"),
            f"stacks begin with {prefix}, those of {other.document.path.name} with {other_prefix}",
            hint=_PREFIX_HINT,
        )
        for other in others
        if prefix and (other_prefix := _stack_prefix(other))
        if prefix.startswith(other_prefix) or other_prefix.startswith(prefix)
    ]
    return replace(file, errors=(*file.errors, *errors))


def _stack_prefix(file: _File[T]) -> str:
    """Return the prefix of an environment's stack names; empty if its file does not define it."""
    match file.document.table:
        case {"env": {"prefix": str(prefix), "name": str(name)}} if prefix and name:
            return f"{prefix}-{name}-"
    return ""


def _settings(files: Sequence[_File[T]]) -> list[T]:
    if any(file.errors for file in files):
        raise _config_error(files)
    return [file.settings for file in files if file.settings is not None]


def _config_error(files: Sequence[_File[T]]) -> ConfigError:
    hints = [error.hint for file in files for error in file.errors if error.hint]
    return ConfigError(
        secret_detection.mask("\n".join(line for file in files for line in _report(file))),
        hint=hints[0] if hints else _SCHEMA_HINT,
    )


def _report(file: _File[T]) -> Iterator[str]:
    """Yield a line for each error, such as dev.toml:7: network.cidr: …, in the order of the file."""
    lines = document.lines(file.document.text)

    def line_of(error: SettingError) -> int:
        """Return the line of the key, or of the innermost table around it; 0 if there is none."""
        tables = (error.path[:end] for end in range(len(error.path), 0, -1))
        return error.line or next((lines[path] for path in tables if path in lines), 0)

    for error in sorted(file.errors, key=line_of):
        number = f":{line_of(error)}" if line_of(error) else ""
        message = f"{format_key(error.path)}: {error.fact}" if error.path else error.fact
        yield f"{file.document.path}{number}: {message}"
