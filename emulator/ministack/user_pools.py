"""Find user pools, app clients and users in MiniStack's records, and return Cognito's errors."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

from emulator.ministack import context, lookup, services
from emulator.ministack.context import Response

Data = dict[str, Any]

pools: Any = lookup.attribute(services.cognito, "_user_pools")
_resolve_user: Callable[[Data, str], tuple[Data | None, Any]] = lookup.attribute(
    services.cognito, "_resolve_user"
)
_user_and_pool: Callable[[str], tuple[Data | None, Data | None]] = lookup.attribute(
    services.cognito, "_user_pool_for_access_token"
)
token_claims: Callable[[str], Data] = lookup.attribute(services.cognito, "_token_claims")
_masked: Callable[[str], str] = lookup.attribute(services.cognito, "_masked_destination")
_hides_users: Callable[[Data, str], bool] = lookup.attribute(
    services.cognito, "_hides_user_existence"
)


def find_pool(data: Data) -> Data | None:
    """Return the user pool that a call names, by the id of the pool or of an app client."""
    if "UserPoolId" in data:
        pool: Data | None = pools.get(data["UserPoolId"])
        return pool
    return next((pool for pool in pools.values() if data.get("ClientId") in pool["_clients"]), None)


def find_client(data: Data) -> Data:
    """Return the app client that a call names; an empty record if there is none."""
    client: Data = ((find_pool(data) or {}).get("_clients") or {}).get(data.get("ClientId")) or {}
    return client


def find_user(pool: Data, name: str) -> Data:
    """Return a user by name, alias or sub; an empty record if there is none."""
    user, _ = _resolve_user(pool, name)
    return user or {}


def named_user(data: Data) -> Data:
    """Return the user that a call names; an empty record if there is none."""
    pool = find_pool(data)
    return find_user(pool, data.get("Username", "")) if pool else {}


def signed_in_user(data: Data) -> tuple[Data, Data]:
    """Return the user of a call's access token, and the user pool; empty records if unknown."""
    user, pool = _user_and_pool(data.get("AccessToken") or "")
    return user or {}, pool or {}


def attributes_of(user: Data) -> dict[str, str]:
    """Return the attributes of a user by name."""
    return {item["Name"]: item["Value"] for item in user.get("Attributes", [])}


def set_attributes(user: Data, **values: str) -> None:
    """Set attributes of a user."""
    attributes = attributes_of(user) | values
    user["Attributes"] = [{"Name": name, "Value": value} for name, value in attributes.items()]


def hides_users(pool: Data, data: Data) -> bool:
    """Return whether the app client of a call must not reveal which users exist."""
    return _hides_users(pool, data.get("ClientId", ""))


def delivery(address: str) -> Data:
    """Return the CodeDeliveryDetails of a code that was sent to *address*, which is masked."""
    return {
        "Destination": _masked(address),
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }


def json_response(document: Any) -> Response:
    """Return a successful response of Cognito."""
    return context.json_response(document, content_type="application/x-amz-json-1.1")


def error(code: str, message: str) -> Response:
    """Return one of Cognito's errors."""
    return context.json_error(code, message, http.client.BAD_REQUEST)
