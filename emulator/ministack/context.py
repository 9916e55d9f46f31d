"""The account and region of a request to MiniStack, and the types of calls and responses."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import lookup

Params = dict[str, Any]  # The parameters of a query-protocol call: name → list of values.
Response = tuple[int, dict[str, str], bytes]  # Status, headers, body.
Action = Callable[[Params], Response]

_responses = lookup.module("core.responses")
account: Callable[[], str] = lookup.attribute(_responses, "get_account_id")
region: Callable[[], str] = lookup.attribute(_responses, "get_region")
set_account: Callable[[str], None] = lookup.attribute(_responses, "set_request_account_id")
scope: Callable[[str, str], AbstractContextManager[None]] = lookup.attribute(
    _responses, "request_scope"
)
json_error: Callable[[str, str, int], Response] = lookup.attribute(
    _responses, "error_response_json"
)
json_response: Callable[..., Response] = lookup.attribute(_responses, "json_response")


def items_of_all_accounts(store: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return the items of a store in all accounts: pairs of (ACCOUNT, REGION, KEY) and value.

    The keys of a store of a global service have no REGION.
    """
    return list(store.to_dict().items())


def parse_json(response: Response) -> Any:
    """Return the JSON document in the body of a response."""
    return json.loads(response[2])


def elements(root: ET.Element, tag: str) -> list[ET.Element]:
    """Return all elements with this *tag* in a response, in any namespace."""
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == tag]


def text_of(root: ET.Element, tag: str) -> str:
    """Return the text of the first element with this *tag* in a response, in any namespace."""
    return elements(root, tag)[0].text or ""
