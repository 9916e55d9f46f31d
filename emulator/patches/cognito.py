"""Cognito: codes that only a letter tells, and the trigger after a confirmation."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from emulator import ministack, outbox
from emulator.ministack import Answer, Props
from emulator.patches.lambda_.permissions import may_invoke

Made = tuple[str, dict[str, Any]]
Data = dict[str, Any]
Call = Callable[[Data], Answer]

_POOL = "AWS::Cognito::UserPool"
_CLIENT = "AWS::Cognito::UserPoolClient"
_SERVICE = "cognito-idp.amazonaws.com"
_SIGN_UP = "PostConfirmation_ConfirmSignUp"
_PASSWORD = "PostConfirmation_ConfirmForgotPassword"  # noqa: S105  A trigger's name.


def close() -> None:
    """Put the trigger behind what confirms, and a letter in the place of a well-known code."""
    for function, source in (
        ("_sign_up", _SIGN_UP),
        ("_confirm_sign_up", _SIGN_UP),
        ("_admin_confirm_sign_up", _SIGN_UP),
        ("_confirm_forgot_password", _PASSWORD),
    ):
        ministack.swap(ministack.cognito, function, _triggering(source))
    ministack.swap(ministack.cognito, "_admin_confirm_sign_up", _only_once)
    ministack.swap(ministack.cognito, "_confirm_sign_up", _verifying)
    ministack.swap(ministack.cognito, "_send_verification_email", _by_letter)
    ministack.swap(ministack.cognito, "_pin_unsigned_idp_scope", _in_its_account)
    for verb in ("create", "update"):
        ministack.wrap_type(_POOL, verb, _with_provider)
        ministack.wrap_type(_CLIENT, verb, _with_rotation)
    ministack.wrap_type(_POOL, "delete", _unless_protected)


# Letters ----------------------------------------------------------------------------------------


def _by_letter(_send: Callable[..., Any]) -> Callable[..., None]:
    """Draw a code for each letter: the emulator's are the same for everybody."""

    def sending(
        pool: Data, username: str, attributes: Data, _code: str, attribute_name: str = "email"
    ) -> None:
        if not attributes.get("email"):
            return
        code = f"{secrets.randbelow(10**6):06}"
        user = pool["_users"][username] if username in pool["_users"] else _user(pool, username)
        forgotten = attribute_name == "password"
        user["_reset_code" if forgotten else "_confirmation_code"] = code
        about = "forgotten password" if forgotten else "confirmation"
        outbox.send(attributes["email"], about=about, secret=code)

    return sending


def _user(pool: Data, name: str) -> Data:
    """Return a user by name, alias or sub; an empty one if there is none."""
    found, _ = ministack.store(ministack.cognito, "_resolve_user")(pool, name)
    return found or {}


# The trigger ------------------------------------------------------------------------------------


def _triggering(source: str) -> Callable[[Call], Call]:
    def wrapping(call: Call) -> Call:
        def calling(data: Data) -> Answer:
            answer = call(data)
            if answer[0] != 200 or (pool := _pool(data)) is None:
                return answer
            user = _user(pool, data["Username"])
            if not user or user["UserStatus"] != "CONFIRMED":
                return answer
            return _trigger(pool, user, data, source) or answer

        return calling

    return wrapping


def _pool(data: Data) -> Data | None:
    pools = ministack.store(ministack.cognito, "_user_pools")
    if "UserPoolId" in data:
        found: Data | None = pools.get(data["UserPoolId"])
        return found
    return next((p for p in pools.values() if data.get("ClientId") in p["_clients"]), None)


def _trigger(pool: Data, user: Data, data: Data, source: str) -> Answer | None:
    """Invoke the pool's function; the person stays confirmed whatever it says."""
    function = (pool.get("LambdaConfig") or {}).get("PostConfirmation")
    if not function:
        return None
    if not may_invoke(function, service=_SERVICE, source=pool["Arn"]):
        message = "PostConfirmation invocation failed due to error AccessDeniedException."
        return _refuse("UnexpectedLambdaException", message)
    result = ministack.run_function(function, _event(pool, user, data, source))
    said = result.get("body")
    if result.get("error"):
        reason = _parsed(said).get("errorMessage") or said
        message = f"PostConfirmation failed with error {str(reason).rstrip('.')}."
        return _refuse("UserLambdaValidationException", message)
    if "response" not in _parsed(said):
        return _refuse("InvalidLambdaResponseException", "Unrecognizable lambda output")
    return None


def _event(pool: Data, user: Data, data: Data, source: str) -> Data:
    attributes = {one["Name"]: one["Value"] for one in user["Attributes"]}
    request: Data = {
        "userAttributes": {**attributes, "cognito:user_status": user["UserStatus"]},
    }
    if metadata := data.get("ClientMetadata"):
        request["clientMetadata"] = metadata
    client = data.get("ClientId", "CLIENT_ID_NOT_APPLICABLE")
    return {
        "version": "1",
        "region": pool["Id"].partition("_")[0],
        "userPoolId": pool["Id"],
        "userName": user["Username"],
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client},
        "triggerSource": source,
        "request": request,
        "response": {},
    }


def _parsed(said: Any) -> Data:
    if isinstance(said, str | bytes):
        try:
            said = json.loads(said)
        except ValueError:
            return {}
    return said if isinstance(said, dict) else {}


def _refuse(error: str, message: str) -> Answer:
    answer: Answer = ministack.refuse_json(error, message, 400)
    return answer


def _only_once(confirm: Call) -> Call:
    def confirming(data: Data) -> Answer:
        user = _user(_pool(data) or {"_users": {}}, data["Username"])
        if user.get("UserStatus", "UNCONFIRMED") != "UNCONFIRMED":
            message = f"User cannot be confirmed. Current status is {user['UserStatus']}"
            return _refuse("NotAuthorizedException", message)
        return confirm(data)

    return confirming


def _verifying(confirm: Call) -> Call:
    """Who knows the code has read the letter: the address is verified, before the trigger runs."""

    def confirming(data: Data) -> Answer:
        pool = _pool(data)
        user = _user(pool, data["Username"]) if pool else {}
        known = user.get("Attributes", [])
        user["Attributes"] = [one for one in known if one["Name"] != "email_verified"]
        user["Attributes"].append({"Name": "email_verified", "Value": "true"})
        return confirm(data)

    return confirming


# Callers without credentials --------------------------------------------------------------------


def _in_its_account(pin: Callable[[Data], None]) -> Callable[[Data], None]:
    """Find the account by the client or the token: who signs up has no credentials."""

    def pinning(data: Data) -> None:
        client = data.get("ClientId")
        issuer = ministack.store(ministack.cognito, "_pool_id_from_token")(
            data.get("AccessToken") or data.get("Token") or ""
        )
        kept = ministack.everywhere(ministack.store(ministack.cognito, "_user_pools"))
        for (account, _, pool_id), pool in kept:
            if pool_id in (data.get("UserPoolId"), issuer) or client in pool["_clients"]:
                ministack.set_account(account)
        pin(data)

    return pinning


# What a stack gives -----------------------------------------------------------------------------


def _with_provider(make: Callable[..., Made]) -> Callable[..., Made]:
    def making(*args: Any) -> Made:
        pool, attributes = make(*args)
        name = f"cognito-idp.{ministack.region()}.amazonaws.com/{pool}"
        return pool, {**attributes, "ProviderName": name, "ProviderURL": f"https://{name}"}

    return making


def _with_rotation(make: Callable[..., Made]) -> Callable[..., Made]:
    def making(*args: Any) -> Made:
        client, attributes = make(*args)
        props = [arg for arg in args if isinstance(arg, dict)][-1]
        pool = ministack.store(ministack.cognito, "_user_pools")[props["UserPoolId"]]
        pool["_clients"][client]["RefreshTokenRotation"] = props.get("RefreshTokenRotation")
        return client, attributes

    return making


def _unless_protected(delete: Callable[..., None]) -> Callable[..., None]:
    def deleting(pool: str, props: Props) -> None:
        kept = ministack.store(ministack.cognito, "_user_pools").get(pool) or {}
        if kept.get("DeletionProtection") == "ACTIVE":
            message = "The user pool cannot be deleted because deletion protection is activated. "
            raise ValueError(f"{message}Deletion protection must be inactivated first.")
        delete(pool, props)

    return deleting
