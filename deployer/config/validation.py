"""Find every error in a table of a config file, not only the first one.

msgspec stops at the first value that does not fit its type. So each value is validated alone.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from deployer.config.fields import Cidr, ConflictError
from deployer.secret_detection import quote

KeyPath: TypeAlias = tuple[str | int, ...]

_DESCRIPTIONS = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "a list",
    dict: "a table",
    Cidr: Cidr.words,
}


@dataclass(frozen=True)
class SettingError:
    """One error in a config file, at the key *path*.

    *line* is 0 for an error at the line of the key. *hint* is empty if the general hint applies.
    """

    path: KeyPath
    fact: str
    line: int = 0
    hint: str = ""


@dataclass(frozen=True)
class NetworkSetting:
    """A valid setting that is a network."""

    path: KeyPath
    cidr: Cidr


def validate(
    value: object, type_: Any, path: KeyPath = ()
) -> Iterator[SettingError | NetworkSetting]:
    """Yield each error in *value*, which should be of *type_*, and each valid network in it."""
    part_results = tuple(_validate_parts(value, type_, path))
    yield from part_results
    if not any(isinstance(result, SettingError) for result in part_results):
        yield from _validate_whole(value, type_, path)


def decode(type_: type, value: object) -> Cidr:
    """Convert *value* to a type that msgspec does not know; raise ValueError if it is invalid."""
    if type_ is not Cidr:
        raise NotImplementedError(type_)
    if not isinstance(value, str) or not re.search(Cidr.pattern, value):
        raise ValueError
    return Cidr(value)


def format_key(path: KeyPath) -> str:
    """Return *path* as TOML writes it, such as network.zones[0]."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{_quoted_key(key)}" for key in path)
    return text.removeprefix(".")


def _quoted_key(key: str) -> str:
    """Return *key* bare, or in quotes with escapes, so that it cannot change the terminal."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the word of *known* that is most similar to *word*; None if none is similar."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def describe(type_: Any) -> str:
    """Return a description of *type_* that completes the sentence "VALUE is not DESCRIPTION"."""
    bare, metas = _unwrap(type_)
    for meta in metas:
        if meta.extra and "words" in meta.extra:
            return str(meta.extra["words"])
        if meta.ge is not None and meta.le is not None:
            return f"a whole number from {meta.ge} to {meta.le}"
        if meta.min_length is not None:
            return f"{_DESCRIPTIONS.get(get_origin(bare) or bare)} of at least {meta.min_length}"
    if get_origin(bare) is Literal:
        return f"one of {_join(get_args(bare))}"
    if _is_table(bare):
        return "a table"
    return _DESCRIPTIONS.get(get_origin(bare) or bare, "a valid value")


def _validate_parts(
    value: object, type_: Any, path: KeyPath
) -> Iterator[SettingError | NetworkSetting]:
    bare, _ = _unwrap(type_)
    match value:
        case dict() if _is_table(bare):
            yield from _validate_keys(value, bare, path)
        case dict() if get_origin(bare) is dict:
            for key, item in value.items():
                yield from validate(item, get_args(bare)[1], (*path, key))
        case list() if get_origin(bare) is tuple and get_args(bare)[1:] == (...,):
            for index, item in enumerate(value):
                yield from validate(item, get_args(bare)[0], (*path, index))


def _validate_keys(
    value: Mapping[str, object], table: type[msgspec.Struct], path: KeyPath
) -> Iterator[SettingError | NetworkSetting]:
    """Yield unknown and missing keys.

    A misspelt key is one error, not two, and its value is validated as that of the right key.
    """
    fields = _fields(table)
    missing = {name: field for name, field in fields.items() if name not in value}
    for key, item in value.items():
        kind = "table" if isinstance(item, dict) else "key"
        if key in fields:
            yield from validate(item, fields[key].type, (*path, key))
        elif near := closest(key, missing):
            yield SettingError((*path, key), f"unknown {kind}; did you mean {near!r}?")
            yield from validate(item, missing.pop(near).type, (*path, key))
        else:
            yield SettingError((*path, key), f"unknown {kind}; there are {_join(fields)}")
    for name, field in missing.items():
        if field.required:
            yield SettingError((*path, name), f"missing; it takes {describe(field.type)}")


def _validate_whole(
    value: object, type_: Any, path: KeyPath
) -> Iterator[SettingError | NetworkSetting]:
    """Yield the errors of *value* itself; its parts were found valid."""
    if isinstance(value, str) and not value.isprintable():
        yield SettingError(path, "has a line break or another character that cannot be seen")
        return
    try:
        converted = msgspec.convert(value, type_, dec_hook=decode)
    except msgspec.ValidationError as error:
        match error.__cause__:
            case ConflictError(conflicts=conflicts):
                for key, fact in conflicts:
                    yield SettingError((*path, *key.split(".")), fact)
            case cause:
                yield SettingError(path, str(cause or "") or _mismatch(value, type_))
    else:
        options = _options(type_)
        if options and converted is not None and converted not in options:
            yield SettingError(path, _mismatch(value, type_))
        if isinstance(converted, Cidr):
            yield NetworkSetting(path, converted)


def _mismatch(value: object, type_: Any) -> str:
    """Return why *value* is not of *type_*, with the value that was probably meant."""
    fact = f"{quote(value)} is not {describe(type_)}"
    bare, _ = _unwrap(type_)
    options = get_args(bare) if get_origin(bare) is Literal else _options(type_)
    kind = type(options[0]) if options else bare
    listed = _join(options)
    texts = (option for option in options if isinstance(option, str))
    match value:
        case dict() if get_origin(bare) is tuple:
            return f"{fact}; its header takes double brackets"
        case [_, *_] as items if _is_table(bare) and all(isinstance(item, dict) for item in items):
            return f"{fact}; its header takes single brackets"
        case str() if near := closest(value, texts):
            return f"{fact}; did you mean {near!r}?"
        case str() if kind in (int, float, bool):
            return f"{fact}; it takes no quotes"
        case float() if kind is int and "whole number" not in fact:
            return f"{fact}; it takes a whole number"
        case int() if kind is int and len(options) > 10:
            return f"{fact}; did you mean {min(options, key=lambda option: abs(option - value))}?"
        case int() | float() | date() | time() if kind is str:
            return f"{fact}; it needs quotes"
        case _ if options and len(listed) <= 120 and listed not in fact:
            return f"{fact}; there are {listed}"
        case _:
            return fact


def _options(type_: Any) -> tuple[str, ...]:
    """Return the values that `fields.one_of` allows; msgspec does not check them."""
    _, metas = _unwrap(type_)
    return next(
        (meta.extra["options"] for meta in metas if meta.extra and "options" in meta.extra), ()
    )


def _unwrap(type_: Any) -> tuple[Any, tuple[Meta, ...]]:
    """Return the type inside `Annotated` and `| None`, and its annotations, innermost first."""
    if get_origin(type_) is Annotated:
        bare, metas = _unwrap(type_.__origin__)
        return bare, (*metas, *type_.__metadata__)
    if get_origin(type_) in (Union, UnionType):
        members = [member for member in get_args(type_) if member is not NoneType]
        return _unwrap(members[0]) if len(members) == 1 else (type_, ())
    return type_, ()


@cache
def _fields(table: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """Return the fields of *table*; cached, since msgspec reads the annotations each time."""
    return {field.name: field for field in msgspec.structs.fields(table)}


def _is_table(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def _join(options: Iterable[object]) -> str:
    return ", ".join(str(option) for option in options)
