"""The account and region of a request to MiniStack, and the forms of calls and responses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import names

Params = dict[str, Any]  # The parameters of a query-protocol call: each a list of strings.
Response = tuple[int, dict[str, str], bytes]  # Status, headers, body.
Action = Callable[[Params], Response]

_responses = names.module("core.responses")
account: Callable[[], str] = names.name(_responses, "get_account_id")
region: Callable[[], str] = names.name(_responses, "get_region")
set_account: Callable[[str], None] = names.name(_responses, "set_request_account_id")
scope: Callable[[str, str], AbstractContextManager[None]] = names.name(_responses, "request_scope")
json_error: Callable[[str, str, int], Response] = names.name(_responses, "error_response_json")


def everywhere(store: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return what a store holds of all accounts: (account, region if it has one, key) → value."""
    return list(store.to_dict().items())


def text_of(root: ET.Element, tag: str) -> str:
    """Return the text of the first *tag* in a response, in any namespace."""
    return next(e.text or "" for e in root.iter() if e.tag.rpartition("}")[2] == tag)
