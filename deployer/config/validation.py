"""Names everything that is wrong with a table, seen against its type: not only the first fault.

msgspec converts and stops at the first fault. So a table is looked at key by key, and msgspec is
asked about each value alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from deployer.config.fields import Cidr, ConflictError
from deployer.secret_detection import quote

Place: TypeAlias = tuple[str | int, ...]

_PLAIN = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "a list",
    dict: "a table",
    Cidr: Cidr.words,
}


@dataclass(frozen=True)
class Fault:
    """What is wrong, and at which key; *line* and *hint* where they do not follow from it."""

    place: Place
    fact: str
    line: int = 0
    hint: str = ""


@dataclass(frozen=True)
class Network:
    """A network that a valid key claims."""

    place: Place
    cidr: Cidr


def look(found: object, wanted: Any, place: Place = ()) -> Iterator[Fault | Network]:
    """All there is to say about *found*, which should be a *wanted*."""
    of_parts = tuple(_parts(found, wanted, place))
    yield from of_parts
    if not any(isinstance(each, Fault) for each in of_parts):
        yield from _whole(found, wanted, place)


def decode(wanted: type, found: object) -> Cidr:
    """Make what msgspec cannot: *found* as a network; ValueError if it is none."""
    if wanted is not Cidr:
        raise NotImplementedError(wanted)
    if not isinstance(found, str) or not re.search(Cidr.pattern, found):
        raise ValueError
    return Cidr(found)


def dotted(place: Place) -> str:
    """*place* as people write it: network.zones[0]."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of *known* that whoever wrote *word* may have meant."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def words(wanted: Any) -> str:
    """What a value of this type is, to end the sentence "… is not …"."""
    bare, metas = _opened(wanted)
    for meta in metas:
        if meta.extra and "words" in meta.extra:
            return str(meta.extra["words"])
        if meta.ge is not None and meta.le is not None:
            return f"a whole number from {meta.ge} to {meta.le}"
        if meta.min_length is not None:
            return f"{_PLAIN.get(get_origin(bare) or bare)} of at least {meta.min_length}"
    if get_origin(bare) is Literal:
        return f"one of {_listed(get_args(bare))}"
    if _is_table(bare):
        return "a table"
    return _PLAIN.get(get_origin(bare) or bare, "what is taken here")


def _parts(found: object, wanted: Any, place: Place) -> Iterator[Fault | Network]:
    bare, _ = _opened(wanted)
    match found:
        case dict() if _is_table(bare):
            yield from _keys(found, bare, place)
        case dict() if get_origin(bare) is dict:
            for key, value in found.items():
                yield from look(value, get_args(bare)[1], (*place, key))
        case list() if get_origin(bare) is tuple and get_args(bare)[1:] == (...,):
            for number, value in enumerate(found):
                yield from look(value, get_args(bare)[0], (*place, number))


def _keys(
    found: Mapping[str, object], table: type[msgspec.Struct], place: Place
) -> Iterator[Fault | Network]:
    """A misspelt key is one fault, not two, and its value is looked at like the one meant."""
    fields = _fields(table)
    missing = {name: field for name, field in fields.items() if name not in found}
    for key, value in found.items():
        kind = "table" if isinstance(value, dict) else "key"
        if key in fields:
            yield from look(value, fields[key].type, (*place, key))
        elif near := nearest(key, missing):
            yield Fault((*place, key), f"unknown {kind}; did you mean {near!r}?")
            yield from look(value, missing.pop(near).type, (*place, key))
        else:
            yield Fault((*place, key), f"unknown {kind}; there are {_listed(fields)}")
    for name, field in missing.items():
        if field.required:
            yield Fault((*place, name), f"missing; it takes {words(field.type)}")


def _whole(found: object, wanted: Any, place: Place) -> Iterator[Fault | Network]:
    """The value itself: a table's own rule, a limit of a list, or all there is to a plain one."""
    if isinstance(found, str) and not found.isprintable():
        yield Fault(place, "has a line break or another character that cannot be seen")
        return
    try:
        value = msgspec.convert(found, wanted, dec_hook=decode)
    except msgspec.ValidationError as error:
        match error.__cause__:
            case ConflictError(conflicts=conflicts):
                for key, fact in conflicts:
                    yield Fault((*place, *key.split(".")), fact)
            case cause:
                yield Fault(place, str(cause or "") or _unfit(found, wanted))
    else:
        if (options := _options(wanted)) and value is not None and value not in options:
            yield Fault(place, _unfit(found, wanted))
        if isinstance(value, Cidr):
            yield Network(place, value)


def _unfit(found: object, wanted: Any) -> str:
    fact = f"{quote(found)} is not {words(wanted)}"
    bare, _ = _opened(wanted)
    options = get_args(bare) if get_origin(bare) is Literal else _options(wanted)
    kind = type(options[0]) if options else bare
    listed = _listed(options)
    match found:
        case str() if near := nearest(found, (each for each in options if isinstance(each, str))):
            return f"{fact}; did you mean {near!r}?"
        case str() if kind in (int, float, bool):
            return f"{fact}; it takes no quotes"
        case int() if kind is int and len(options) > 10:
            return f"{fact}; did you mean {min(options, key=lambda each: abs(each - found))}?"
        case int() | float() if kind is str:
            return f"{fact}; it needs quotes"
        case _ if options and len(listed) <= 120 and listed not in fact:
            return f"{fact}; there are {listed}"
        case _:
            return fact


def _options(wanted: Any) -> tuple[str, ...]:
    """What a type allows beyond what msgspec checks."""
    _, metas = _opened(wanted)
    return next(
        (meta.extra["options"] for meta in metas if meta.extra and "options" in meta.extra), ()
    )


def _opened(wanted: Any) -> tuple[Any, tuple[Meta, ...]]:
    """The type inside `Annotated` and `| None`, and what is said about it, innermost first."""
    if get_origin(wanted) is Annotated:
        bare, metas = _opened(wanted.__origin__)
        return bare, (*metas, *wanted.__metadata__)
    if get_origin(wanted) in (Union, UnionType):
        some = [each for each in get_args(wanted) if each is not NoneType]
        return _opened(some[0]) if len(some) == 1 else (wanted, ())
    return wanted, ()


@cache
def _fields(table: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """What *table* may hold; cached, since msgspec reads the annotations anew each time."""
    return {field.name: field for field in msgspec.structs.fields(table)}


def _is_table(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, msgspec.Struct)


def _listed(options: Iterable[object]) -> str:
    return ", ".join(str(option) for option in options)
