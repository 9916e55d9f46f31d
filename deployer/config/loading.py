"""Reads config/ENV.toml: one file becomes frozen values, or one error with every fault in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from deployer import secret_detection
from deployer.config import document
from deployer.config.document import Document
from deployer.config.fields import Cidr
from deployer.config.validation import Fault, Network, Place, decode, dotted, look, nearest
from deployer.errors import ConfigError

T = TypeVar("T")

_SCHEMA_HINT = "what each key takes stands in schema.json beside the file; editors know it"
_NESTED_HINT = "choose names so that no prefix-name- is the beginning of another one"
_LEAK_HINT = "rotate it, it is no secret now; keep the new one in Parameter Store, here its name"


@dataclass(frozen=True)
class _File(Generic[T]):
    """A config file, as far as it could be read."""

    document: Document
    faults: tuple[Fault, ...]
    networks: tuple[Network, ...] = ()
    value: T | None = None


def environments(folder: Path) -> tuple[str, ...]:
    """The environments that *folder* has a file for."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def find(folder: Path, env: str) -> Path:
    """The file of *env*; raises ConfigError that names the nearest one."""
    known = environments(folder)
    if env in known:
        return folder / f"{env}.toml"
    near = nearest(env, known)
    raise ConfigError(
        f"unknown environment {secret_detection.quote(env)}"
        + (f"; did you mean {near!r}?" if near else ""),
        hint=f"there are: {', '.join(known)}" if known else f"{folder} has no file NAME.toml",
    )


def load(path: Path, type_: type[T]) -> T:
    """*path* as a frozen *type_*; raises one ConfigError that names every fault in it.

    The files beside it are read too, since no two environments may claim one network, or have
    names that policies cannot distinguish. Their other faults are reported only if *path* has a
    fault as well, which is often the same: a new table that all files lack.
    """
    beside = [_read(other, type_) for other in sorted(path.parent.glob("*.toml")) if other != path]
    file = _apart(_read(path, type_), [other for other in beside if not other.faults])
    file = _told_apart(file, beside)
    if file.faults:
        raise _error([file, *beside])
    return _values([file])[0]


def load_all(folder: Path, type_: type[T]) -> dict[str, T]:
    """Every environment of *folder* by name; raises one ConfigError for all their faults."""
    files: list[_File[T]] = []
    for env in environments(folder):
        file = _apart(_read(folder / f"{env}.toml", type_), files)
        files.append(_told_apart(file, files))
    return dict(zip(environments(folder), _values(files), strict=True))


def schema(type_: type) -> str:
    """The JSON Schema of a config file, for editors: the same text for the same type."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    body = msgspec.json.schema(type_, schema_hook=_custom)
    return json.dumps(dialect | body, indent=2, ensure_ascii=False) + "\n"


def _custom(type_: type) -> dict[str, Any]:
    if type_ is not Cidr:
        raise NotImplementedError(type_)
    return {"type": "string", "pattern": Cidr.pattern, "description": Cidr.words}


def _read(path: Path, type_: type[T]) -> _File[T]:
    """*path*, with every fault that can be seen in it alone."""
    read = document.read(path)
    secrets = tuple(_secrets(read))
    if read.broken:
        return _File(read, (*secrets, read.broken))
    if not read.table:
        return _File(read, (*secrets, Fault((), "is empty")))
    said = tuple(look(read.table, type_))
    # Whatever else is wrong with a secret, it has to go.
    hidden = {fault.place for fault in secrets if fault.place}
    other = (each for each in said if isinstance(each, Fault) and each.place not in hidden)
    faults = (*secrets, *_misnamed(read), *other)
    return _File(
        read,
        faults,
        tuple(each for each in said if isinstance(each, Network)),
        None if faults else msgspec.convert(read.table, type_, dec_hook=decode),
    )


def _secrets(read: Document) -> Iterator[Fault]:
    """Those in values by key; and those that only the text shows, as in a comment, by line."""
    known = set()
    for place, value in document.walk(read.table):
        if isinstance(value, str) and (kind := _kind(place, value)):
            known |= {value, *(each.text for each in secret_detection.find(value))}
            yield Fault(place, f"looks like {kind}", hint=_LEAK_HINT)
    for each in secret_detection.find(read.text):
        if each.text not in known:
            known.add(each.text)
            line = read.text.count("\n", 0, each.start) + 1
            yield Fault((), f"looks like {each.kind}", line=line, hint=_LEAK_HINT)


def _kind(place: Place, value: str) -> str | None:
    for each in secret_detection.find(value):
        return each.kind
    name = next(key for key in reversed(place) if isinstance(key, str))
    return "a password" if secret_detection.is_password(name, value) else None


def _misnamed(read: Document) -> Iterator[Fault]:
    """An environment is called what its file is: so there are no two of one name."""
    match read.table:
        case {"env": {"name": str(name)}} if name != read.path.stem:
            fact = f"{secret_detection.quote(name)} is not the name of the file, {read.path.stem!r}"
            yield Fault(("env", "name"), fact)


def _apart(file: _File[T], others: Sequence[_File[T]]) -> _File[T]:
    """*file*, with a fault for each network that one of the *others*, or it itself, has taken."""
    taken = [
        (f"{dotted(network.place)} of {other.document.path.name}", network.cidr)
        for other in others
        for network in other.networks
    ]
    faults = list(file.faults)
    for network in file.networks:
        for where, cidr in taken:
            if network.cidr.overlaps(cidr):
                faults.append(Fault(network.place, f"{network.cidr} overlaps {cidr}, {where}"))
        taken.append((dotted(network.place), network.cidr))
    return replace(file, faults=tuple(faults))


def _told_apart(file: _File[T], others: Sequence[_File[T]]) -> _File[T]:
    """Return *file*, with a fault if its stack prefix overlaps with that of one of the *others*.

    Policies match resources by the prefix of their names: crd-dev-* matches crd-dev-two-*, too.
    """
    own = _beginning(file)
    faults = [
        Fault(
            ("env", "name"),
            f"stacks begin with {own}, those of {other.document.path.name} with {theirs}",
            hint=_NESTED_HINT,
        )
        for other in others
        if own and (theirs := _beginning(other))
        if own.startswith(theirs) or theirs.startswith(own)
    ]
    return replace(file, faults=(*file.faults, *faults))


def _beginning(file: _File[T]) -> str:
    """Return the prefix of an environment's stack names; empty if its file does not define it."""
    match file.document.table:
        case {"env": {"prefix": str(prefix), "name": str(name)}} if prefix and name:
            return f"{prefix}-{name}-"
    return ""


def _values(files: Sequence[_File[T]]) -> list[T]:
    if any(file.faults for file in files):
        raise _error(files)
    return [file.value for file in files if file.value is not None]


def _error(files: Sequence[_File[T]]) -> ConfigError:
    hints = [fault.hint for file in files for fault in file.faults if fault.hint]
    return ConfigError(
        secret_detection.mask("\n".join(line for file in files for line in _report(file))),
        hint=hints[0] if hints else _SCHEMA_HINT,
    )


def _report(file: _File[T]) -> Iterator[str]:
    """A line for each fault, such as dev.toml:7: network.cidr: …, in the order of the file."""
    lines = document.lines(file.document.text)

    def line(fault: Fault) -> int:
        """That of the key, or of what it would stand in; 0 if there is none."""
        beginnings = (fault.place[:end] for end in range(len(fault.place), 0, -1))
        return fault.line or next((lines[place] for place in beginnings if place in lines), 0)

    for fault in sorted(file.faults, key=line):
        where = f":{line(fault)}" if line(fault) else ""
        what = f"{dotted(fault.place)}: {fault.fact}" if fault.place else fault.fact
        yield f"{file.document.path}{where}: {what}"
