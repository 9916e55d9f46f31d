"""Walk the intrinsic functions of a template."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SUBSTITUTED = re.compile(r"\$\{\s*(\w+)\s*\}")


def imports(node: object) -> Iterator[str]:
    """Yield the name of every export that *node*, a template or a part of it, imports."""
    match node:
        case {"Fn::ImportValue": str(name)}:
            yield name
        case dict():
            for value in node.values():
                yield from imports(value)
        case list():
            for value in node:
                yield from imports(value)


def references(node: object) -> Iterator[str]:
    match node:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from _SUBSTITUTED.findall(text)
        case {"Fn::Sub": [str(text), dict(values)]}:
            yield from set(_SUBSTITUTED.findall(text)) - values.keys()
            yield from references(values)
        case {"Fn::ValueOf": [str(name), *_]}:
            yield name
        case dict():
            for value in node.values():
                yield from references(value)
        case list():
            for value in node:
                yield from references(value)
