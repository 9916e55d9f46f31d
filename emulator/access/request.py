"""A request before its body is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import MutableMapping


@dataclass(frozen=True)
class Request:
    """Method, path, query and headers of a request; header names are in lower case."""

    method: str
    path: str
    raw_path: str
    raw_query: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def from_scope(cls, scope: MutableMapping[str, Any]) -> Request:
        """Return the request in an ASGI scope."""
        return cls(
            scope["method"],
            scope["path"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            tuple(
                (name.decode("latin-1").lower(), _text(value)) for name, value in scope["headers"]
            ),
        )

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The query's names and values, decoded."""
        return tuple(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def query_lists(self) -> dict[str, list[str]]:
        """The query as MiniStack represents it: each name with all of its values."""
        lists: dict[str, list[str]] = {}
        for name, value in self.query:
            lists.setdefault(name, []).append(value)
        return lists

    @cached_property
    def joined_headers(self) -> dict[str, str]:
        """The headers as MiniStack represents them: the values of a repeated header are joined."""
        headers: dict[str, str] = {}
        for name, value in self.headers:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers

    @property
    def host(self) -> str:
        """The Host header, in lower case; empty if there is none, or more than one."""
        hosts = [value for name, value in self.headers if name == "host"]
        return hosts[0].strip().lower() if len(hosts) == 1 else ""

    def header(self, name: str) -> str:
        """Return the value of a header; an empty string if it is missing."""
        return self.joined_headers.get(name, "")


def _text(value: bytes) -> str:
    """Decode a header's value in the same way as MiniStack."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
