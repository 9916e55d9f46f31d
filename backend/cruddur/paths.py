"""The variables of paths: a handle, and the id of an object.

A path with another value matches no route, so the response has the status 404.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Flask
from werkzeug.routing import BaseConverter

from cruddur.limits import HANDLE_CHARACTERS


class HandleConverter(BaseConverter):
    """A handle: ASCII letters, digits and underscores, as in the table `users`."""

    regex = rf"[0-9A-Za-z_]{{1,{HANDLE_CHARACTERS}}}"
    schema: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": "^[0-9A-Za-z_]+$",
        "minLength": 1,
        "maxLength": HANDLE_CHARACTERS,
    }


class IdConverter(BaseConverter):
    """A UUID in the canonical form, in upper or lower case; the view receives lower case."""

    regex = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "uuid"}

    def to_python(self, value: str) -> str:
        return value.lower()


CONVERTERS: dict[str, type[HandleConverter | IdConverter]] = {
    "handle": HandleConverter,
    "id": IdConverter,
}


def install(app: Flask) -> None:
    """Register the converters."""
    app.url_map.converters.update(CONVERTERS)
