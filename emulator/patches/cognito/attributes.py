"""Check the attributes of users, and verify a new email address before it replaces the old one."""

from __future__ import annotations

import http.client
import json
from collections.abc import Awaitable, Callable, Iterator

from emulator import outbox
from emulator.ministack import lookup, services, user_pools
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.ministack.user_pools import Data
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "SignUp needs every required attribute, and refuses those that the schema lacks.",
        source="Cognito developer guide, User pool attributes; the text of the error is not verified",
        ministack="Accepted.",
        test="test_sign_up_attributes",
    ),
    Difference(
        "SignUp returns the masked address to which the code was sent.",
        source="API reference, CodeDeliveryDetailsType",
        ministack="The full address.",
        test="test_masked_address",
    ),
    Difference(
        "A user writes only the WriteAttributes of the app client, and no immutable attribute.",
        source="AWS::Cognito::UserPoolClient, WriteAttributes; AWS::Cognito::UserPool, "
        "SchemaAttribute, Mutable; the texts of the errors are not verified",
        ministack="Accepted.",
        test="test_refused_updates",
    ),
    Difference(
        "A new email address is set when the code that was sent to it is returned with "
        "VerifyUserAttribute; GetUserAttributeVerificationCode sends another code.",
        source="Cognito developer guide, Verifying updates to email addresses and phone numbers",
        ministack="Set at once, without a message; the two operations are unknown.",
        test="test_new_address",
    ),
)

_VERIFIED = {"email": "email_verified", "phone_number": "phone_number_verified"}
_PENDING = "_pending_email"  # In the record of a user: the address that is not verified yet.
_CODE = "_attribute_code"  # In the record of a user: the last code for a new address.

_ensure_schema: Callable[[Data], Data] = lookup.attribute(
    services.cognito, "_ensure_schema_attributes"
)
_code_error: Callable[[str | None, str], Response | None] = lookup.attribute(
    services.cognito, "_code_error"
)
_unsigned: set[str] = lookup.attribute(services.cognito, "_UNSIGNED_IDP_ACTIONS")
_run: Callable[..., Response] = lookup.attribute(services.cognito, "_run_idp_handler")
_run_in_thread: Callable[..., Awaitable[Response]] = lookup.attribute(
    services.cognito, "run_reentrant"
)
_dispatch: Function[[str, Data], Awaitable[Response]] = Function("_dispatch_idp", services.cognito)
_sign_up: Function[[Data], Response] = Function("_sign_up", services.cognito)
_update: Function[[Data], Response] = Function("_update_user_attributes", services.cognito)


def install() -> None:
    """Install the patch."""
    _sign_up.before(_check_new_user)
    _sign_up.after(_mask_address)
    _update.around(_update_attributes)
    _dispatch.around(_dispatch_added)
    _unsigned.update(_ADDED)


async def _dispatch_added(
    dispatch: Callable[[str, Data], Awaitable[Response]], action: str, data: Data
) -> Response:
    """Run the operations that this patch adds, on a thread as MiniStack runs all others."""
    if handler := _ADDED.get(action):
        name = "ministack-cognito-trigger"
        return await _run_in_thread(_run, handler, action, data, thread_name=name)
    return await dispatch(action, data)


# Sign-up ----------------------------------------------------------------------------------------


def _check_new_user(data: Data) -> Response | None:
    pool = user_pools.find_pool(data)
    if pool is None:
        return None
    schema = _schema(pool)
    given = user_pools.attributes_of({"Attributes": data.get("UserAttributes", [])})
    if error := _unauthorized(user_pools.find_client(data), given):
        return error
    known = {*given, *pool.get("UsernameAttributes", []), "sub"}
    errors = [
        f"{name}: Attribute does not exist in the schema." for name in given if name not in schema
    ]
    errors += [
        f"{name}: The attribute is required"
        for name, attribute in schema.items()
        if attribute.get("Required") and name not in known
    ]
    return _schema_error(errors) if errors else None


def _mask_address(response: Response, _data: Data) -> Response:
    status, headers, body = response
    document = json.loads(body)
    if details := document.get("CodeDeliveryDetails"):
        document["CodeDeliveryDetails"] = user_pools.delivery(details["Destination"])
    return status, headers, json.dumps(document).encode()


# Updates ----------------------------------------------------------------------------------------


def _update_attributes(update: Callable[[Data], Response], data: Data) -> Response:
    """Update the attributes of a user, but not an email address that must be verified first."""
    user, pool = user_pools.signed_in_user(data)
    if not user:
        return update(data)
    given = user_pools.attributes_of({"Attributes": data.get("UserAttributes", [])})
    client = user_pools.token_claims(data["AccessToken"]).get("client_id", "")
    if error := _unauthorized(pool["_clients"].get(client, {}), given):
        return error
    if errors := list(_update_errors(pool, given)):
        return _schema_error(errors)
    email = given.get("email")
    if email is None or email == user_pools.attributes_of(user).get("email"):
        return update(data)
    if _has_user(pool, email, except_for=user):
        return _alias_exists()
    if _verifies_before_update(pool):
        rest = [item for item in data["UserAttributes"] if item["Name"] != "email"]
        response = update({**data, "UserAttributes": rest})
        user[_PENDING] = email
    else:
        response = update(data)
        user_pools.set_attributes(user, email_verified="false")
        user.pop(_PENDING, None)
    if response[0] != http.client.OK or "email" not in pool.get("AutoVerifiedAttributes", []):
        return response
    return user_pools.json_response({"CodeDeliveryDetailsList": [_send(user, email)]})


def _update_errors(pool: Data, given: dict[str, str]) -> Iterator[str]:
    schema = _schema(pool)
    for name in given:
        if name not in schema:
            yield f"{name}: Attribute does not exist in the schema."
        elif not schema[name].get("Mutable", True):
            yield f"{name}: Attribute cannot be updated."


def _get_code(data: Data) -> Response:
    """GetUserAttributeVerificationCode: send a code to the new address, else to the current one."""
    user, _ = user_pools.signed_in_user(data)
    if not user:
        return _invalid_token()
    address = user.get(_PENDING) or user_pools.attributes_of(user).get("email")
    if data.get("AttributeName") != "email" or not address:
        message = "Cannot verify an attribute that the user does not have."
        return user_pools.error("InvalidParameterException", message)
    return user_pools.json_response({"CodeDeliveryDetails": _send(user, address)})


def _verify(data: Data) -> Response:
    """VerifyUserAttribute: set and verify the address to which the code was sent."""
    user, pool = user_pools.signed_in_user(data)
    if not user:
        return _invalid_token()
    if data.get("AttributeName") != "email":
        return user_pools.error("InvalidParameterException", "The attribute cannot be verified.")
    if error := _code_error(user.get(_CODE), data.get("Code", "")):
        return error
    address = user.get(_PENDING) or user_pools.attributes_of(user)["email"]
    if _has_user(pool, address, except_for=user):
        return _alias_exists()
    user_pools.set_attributes(user, email=address, email_verified="true")
    user.pop(_PENDING, None)
    user.pop(_CODE)
    return user_pools.json_response({})


_ADDED: dict[str, Callable[[Data], Response]] = {
    "GetUserAttributeVerificationCode": _get_code,
    "VerifyUserAttribute": _verify,
}


def _send(user: Data, address: str) -> Data:
    """Send a code to *address*, which replaces the previous code of the user."""
    user[_CODE] = outbox.send_code(address, about="new email address")
    return user_pools.delivery(address)


def _verifies_before_update(pool: Data) -> bool:
    settings = pool.get("UserAttributeUpdateSettings") or {}
    return "email" in settings.get("AttributesRequireVerificationBeforeUpdate", [])


def _has_user(pool: Data, address: str, *, except_for: Data) -> bool:
    """Return whether another user of *pool* signs in with *address*."""
    user = user_pools.find_user(pool, address)
    return bool(user) and user is not except_for


def _schema(pool: Data) -> dict[str, Data]:
    return {item["Name"]: item for item in _ensure_schema(pool)["SchemaAttributes"]}


# Errors -----------------------------------------------------------------------------------------


def _unauthorized(client: Data, given: dict[str, str]) -> Response | None:
    """Return the error for an attribute that the app client does not let its users write."""
    verified = [name for name in given if name in _VERIFIED.values()]
    if verified:
        message = f"Cannot modify the non-mutable attribute {verified[0]}"
        return user_pools.error("InvalidParameterException", message)
    writable = client.get("WriteAttributes")
    if not writable or given.keys() <= {*writable, "sub"}:
        return None
    message = "A client attempted to write unauthorized attribute"
    return user_pools.error("NotAuthorizedException", message)


def _schema_error(errors: list[str]) -> Response:
    text = "\n".join(errors)
    message = f"Attributes did not conform to the schema: {text}"
    return user_pools.error("InvalidParameterException", message)


def _alias_exists() -> Response:
    message = "An account with the given email already exists."
    return user_pools.error("AliasExistsException", message)


def _invalid_token() -> Response:
    return user_pools.error("NotAuthorizedException", "Invalid Access Token")
