"""Send random confirmation codes, and invoke the PostConfirmation trigger of a user pool."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

from emulator import outbox
from emulator.ministack import context, lookup, services, user_pools
from emulator.ministack.cloudformation import Attributes, Props, ResourceType
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.ministack.user_pools import Data
from emulator.patches.differences import Difference
from emulator.patches.lambda_.permissions import can_invoke

DIFFERENCES = (
    Difference(
        "A sign-up is confirmed with the code from the message; each message has a different code.",
        source="Cognito developer guide, Signing up and confirming user accounts",
        ministack="123456 for all users. With the patch, the outbox of the emulator has the messages.",
        test="test_confirmation",
    ),
    Difference(
        "A PostConfirmation trigger is invoked, and the caller receives its failure.",
        source="Cognito developer guide, Post confirmation Lambda trigger; invoked once here",
        ministack="Never invoked.",
        test="test_failing_trigger",
    ),
    Difference(
        "A call without credentials names a user pool by its app client, in any account.",
        source="API reference of SignUp, which is not authenticated",
        ministack="Only user pools of the default account are found.",
        test="test_sign_in",
    ),
    Difference(
        "A user pool has the attribute ProviderURL, and its client has RefreshTokenRotation; a user "
        "pool with deletion protection is not deleted.",
        source="AWS::Cognito::UserPool, return values; AWS::Cognito::UserPoolClient",
        ministack="ProviderURL is unknown, RefreshTokenRotation is dropped, the user pool is deleted.",
        test="test_attributes_and_rotation",
    ),
    Difference(
        "A code expires after 24 hours, one for a new password after one hour.",
        source="Cognito developer guide, Signing up and confirming user accounts; Recovering user accounts",
        ministack="Codes do not expire.",
        test="test_expired_codes",
    ),
    Difference(
        "ResendConfirmationCode refuses a confirmed user.",
        source="ResendConfirmationCode, InvalidParameterException; the text is not verified",
        ministack="Another code is sent.",
        test="test_confirmed_user",
    ),
    Difference(
        "ForgotPassword sends a code to a verified address only.",
        source="Cognito developer guide, Managing user existence error responses",
        ministack="A code is sent to any address.",
        test="test_unverified_address",
    ),
)

_POOL = ResourceType("AWS::Cognito::UserPool")
_CLIENT = ResourceType("AWS::Cognito::UserPoolClient")
_SERVICE = "cognito-idp.amazonaws.com"
_SIGN_UP = "PostConfirmation_ConfirmSignUp"
_FORGOT_PASSWORD = "PostConfirmation_ConfirmForgotPassword"  # noqa: S105  A trigger's name.

_VALID_SECONDS = {"_confirmation_code": 24 * 3600, "_reset_code": 3600}
_SENT_AT = "_sent_at"  # Added to the key of a code in the record of a user.

_pool_of_token: Callable[[str], str | None] = lookup.attribute(
    services.cognito, "_pool_id_from_token"
)
_confirm_sign_up: Function[[Data], Response] = Function("_confirm_sign_up", services.cognito)
_admin_confirm_sign_up: Function[[Data], Response] = Function(
    "_admin_confirm_sign_up", services.cognito
)
_send_code: Function[..., Any] = Function("_send_verification_email", services.cognito)
_resend: Function[[Data], Response] = Function("_resend_confirmation_code", services.cognito)
_forgot_password: Function[[Data], Response] = Function("_forgot_password", services.cognito)
_check_code: Function[[str, Data], Response | None] = Function(
    "_confirmation_code_error", services.cognito
)
_set_scope: Function[[Data], None] = Function("_pin_unsigned_idp_scope", services.cognito)
_CONFIRMATIONS: dict[Function[[Data], Response], str] = {
    Function("_sign_up", services.cognito): _SIGN_UP,
    _confirm_sign_up: _SIGN_UP,
    _admin_confirm_sign_up: _SIGN_UP,
    Function("_confirm_forgot_password", services.cognito): _FORGOT_PASSWORD,
}


def install() -> None:
    """Install the patch."""
    for confirm, trigger in _CONFIRMATIONS.items():
        _invoke_trigger_after(confirm, trigger)
    _admin_confirm_sign_up.before(_refuse_confirmed)
    _confirm_sign_up.before(_verify_address)
    _send_code.replace(_send_random_code)
    _check_code.before(_delete_expired_codes)
    _resend.before(_refuse_resending)
    _forgot_password.before(_refuse_unverified)
    _set_scope.before(_set_account)
    _POOL.after(_provider_attributes)
    _CLIENT.after(_set_rotation)
    _POOL.delete.before(_check_protection)


# Codes ------------------------------------------------------------------------------------------


def _send_random_code(
    pool: Data, username: str, attributes: Data, _code: str, attribute_name: str = "email"
) -> None:
    """Send a random code, in place of MiniStack's code, which is the same for all users."""
    if not attributes.get("email"):
        return
    user = pool["_users"].get(username) or user_pools.find_user(pool, username)
    is_password_reset = attribute_name == "password"
    about = "forgotten password" if is_password_reset else "confirmation"
    key = "_reset_code" if is_password_reset else "_confirmation_code"
    user[key] = outbox.send_code(attributes["email"], about=about)
    user[key + _SENT_AT] = time.time()


def _delete_expired_codes(_action: str, data: Data) -> None:
    """Delete codes that were sent too long ago, so that they are refused as expired."""
    user = user_pools.named_user(data)
    for key, seconds in _VALID_SECONDS.items():
        if time.time() > user.get(key + _SENT_AT, time.time()) + seconds:
            user.pop(key, None)


def _refuse_resending(data: Data) -> Response | None:
    user = user_pools.named_user(data)
    if user.get("UserStatus", "UNCONFIRMED") == "UNCONFIRMED":
        return None
    return user_pools.error("InvalidParameterException", "User is already confirmed.")


def _refuse_unverified(data: Data) -> Response | None:
    """Send no code to an address that is not verified.

    Respond with an error, or as if a code was sent, if the app client hides which users exist.
    """
    pool, user = user_pools.find_pool(data), user_pools.named_user(data)
    if not pool or not user:
        return None
    if user_pools.attributes_of(user).get("email_verified") == "true" and user["Enabled"]:
        return None
    if user_pools.hides_users(pool, data):
        return user_pools.json_response(
            {"CodeDeliveryDetails": user_pools.delivery(data["Username"])}
        )
    message = "Cannot reset password for the user as there is no registered/verified email or phone_number"
    return user_pools.error("InvalidParameterException", message)


def _refuse_confirmed(data: Data) -> Response | None:
    user = user_pools.named_user(data)
    if user.get("UserStatus", "UNCONFIRMED") == "UNCONFIRMED":
        return None
    message = f"User cannot be confirmed. Current status is {user['UserStatus']}"
    return user_pools.error("NotAuthorizedException", message)


def _verify_address(data: Data) -> Response | None:
    """Mark the address as verified before the trigger runs: the code was sent to it."""
    user_pools.set_attributes(user_pools.named_user(data), email_verified="true")
    return None


# The trigger ------------------------------------------------------------------------------------


def _invoke_trigger_after(confirm: Function[[Data], Response], trigger: str) -> None:
    def invoke(response: Response, data: Data) -> Response:
        if response[0] != http.client.OK or (pool := user_pools.find_pool(data)) is None:
            return response
        user = user_pools.find_user(pool, data["Username"])
        if not user or user["UserStatus"] != "CONFIRMED":
            return response
        return _trigger_error(pool, user, data, trigger) or response

    confirm.after(invoke)


def _trigger_error(pool: Data, user: Data, data: Data, trigger: str) -> Response | None:
    """Invoke the trigger of the pool; return the error of a failure. The user remains confirmed."""
    function = (pool.get("LambdaConfig") or {}).get("PostConfirmation")
    if not function:
        return None
    if not can_invoke(function, service=_SERVICE, source=pool["Arn"]):
        message = "PostConfirmation invocation failed due to error AccessDeniedException."
        return user_pools.error("UnexpectedLambdaException", message)
    result = services.run_function(function, _event(pool, user, data, trigger))
    body = result.get("body")
    if result.get("error"):
        reason = _parse_body(body).get("errorMessage") or body
        message = f"PostConfirmation failed with error {str(reason).rstrip('.')}."
        return user_pools.error("UserLambdaValidationException", message)
    if "response" not in _parse_body(body):
        return user_pools.error("InvalidLambdaResponseException", "Unrecognizable lambda output")
    return None


def _event(pool: Data, user: Data, data: Data, trigger: str) -> Data:
    attributes = user_pools.attributes_of(user)
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
        "triggerSource": trigger,
        "request": request,
        "response": {},
    }


def _parse_body(body: Any) -> Data:
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return {}
    return body if isinstance(body, dict) else {}


# Callers without credentials --------------------------------------------------------------------


def _set_account(data: Data) -> None:
    """Set the account that has the app client or token, since the call has no credentials."""
    client = data.get("ClientId")
    issuer = _pool_of_token(data.get("AccessToken") or data.get("Token") or "")
    for (account, _, pool_id), pool in context.items_of_all_accounts(user_pools.pools):
        if pool_id in (data.get("UserPoolId"), issuer) or client in pool["_clients"]:
            context.set_account(account)


# Stacks -----------------------------------------------------------------------------------------


def _provider_attributes(pool: str, _props: Props) -> Attributes:
    name = f"cognito-idp.{context.region()}.amazonaws.com/{pool}"
    return {"ProviderName": name, "ProviderURL": f"https://{name}"}


def _set_rotation(client: str, props: Props) -> None:
    pool = user_pools.pools[props["UserPoolId"]]
    pool["_clients"][client]["RefreshTokenRotation"] = props.get("RefreshTokenRotation")


def _check_protection(pool: str, _props: Props) -> None:
    record = user_pools.pools.get(pool) or {}
    if record.get("DeletionProtection") == "ACTIVE":
        message = "The user pool cannot be deleted because deletion protection is activated. "
        raise ValueError(f"{message}Deletion protection must be inactivated first.")
