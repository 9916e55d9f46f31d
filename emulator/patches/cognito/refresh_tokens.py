"""Rotate refresh tokens, and refuse expired and reused ones.

An app client with RefreshTokenRotation gets a new refresh token with each refresh. The new token
expires at the same time as the old one. The old one remains valid for the grace period, so that a
client can retry.
"""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from emulator.ministack import lookup, services, user_pools
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.ministack.user_pools import Data
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "With rotation, GetTokensFromRefreshToken returns a new refresh token; the old one is "
        "refused with RefreshTokenReuseException after the grace period.",
        source="Cognito developer guide, Refresh token rotation; GetTokensFromRefreshToken, errors",
        ministack="No new refresh token; the old one remains valid.",
        test="test_rotation",
    ),
    Difference(
        "With rotation, InitiateAuth refuses REFRESH_TOKEN_AUTH.",
        source="API reference, RefreshTokenRotationType; the code of the error is not verified",
        ministack="Accepted.",
        test="test_the_older_flow",
    ),
    Difference(
        "An expired refresh token is refused.",
        source="AWS::Cognito::UserPoolClient, RefreshTokenValidity",
        ministack="Accepted.",
        test="test_an_expired_token",
    ),
)

_OLDER_FLOWS = {"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"}
_USED = "_used_refresh_tokens"  # In the record of a user: the time of the first use, by jti.

_sign: Callable[[Data, str, str], str] = lookup.attribute(services.cognito, "_signed_jwt")
_get_tokens: Function[[Data], Response] = Function(
    "_get_tokens_from_refresh_token", services.cognito
)
_initiate: Function[[Data], Response] = Function("_initiate_auth", services.cognito)
_admin_initiate: Function[[Data], Response] = Function("_admin_initiate_auth", services.cognito)
_refresh_user: Function[[Data, str, str, str], tuple[Data | None, Any]] = Function(
    "_refresh_auth_user", services.cognito
)


def install() -> None:
    """Install the patch."""
    _get_tokens.around(_rotate)
    _initiate.before(_refuse_older_flow)
    _admin_initiate.before(_refuse_older_flow)
    _refresh_user.after(_refuse_expired)


def _rotate(get_tokens: Callable[[Data], Response], data: Data) -> Response:
    """Add a new refresh token to the response, and record the first use of the old one."""
    rotation = _rotation(data)
    pool = user_pools.find_pool(data)
    if not rotation or pool is None:
        return get_tokens(data)
    claims = user_pools.token_claims(data.get("RefreshToken") or "")
    user, now = user_pools.find_user(pool, claims.get("sub", "")), time.time()
    used, token = user.get(_USED, {}), claims.get("jti", "")
    if token in used and now > used[token] + int(rotation.get("RetryGracePeriodSeconds") or 0):
        return user_pools.error("RefreshTokenReuseException", "Refresh token has been reused.")
    status, headers, body = get_tokens(data)
    if status != http.client.OK:
        return status, headers, body
    user[_USED] = {token: now} | used
    document = json.loads(body)
    new_claims = {**claims, "iat": int(now), "jti": str(uuid.uuid4())}
    document["AuthenticationResult"]["RefreshToken"] = _sign(new_claims, pool["Id"], "access")
    return status, headers, json.dumps(document).encode()


def _refuse_older_flow(data: Data) -> Response | None:
    if data.get("AuthFlow") not in _OLDER_FLOWS or not _rotation(data):
        return None
    message = "Refresh token rotation is enabled: use GetTokensFromRefreshToken."
    return user_pools.error("UnsupportedOperationException", message)


def _refuse_expired(
    result: tuple[Data | None, Any], _pool: Data, _pool_id: str, _client: str, token: str
) -> tuple[Data | None, Any]:
    user, _ = result
    if user and time.time() >= user_pools.token_claims(token).get("exp", 0):
        return None, user_pools.error("NotAuthorizedException", "Refresh Token has expired")
    return result


def _rotation(data: Data) -> Data:
    """Return the rotation of the app client of a call; empty if it is not enabled."""
    rotation: Data = user_pools.find_client(data).get("RefreshTokenRotation") or {}
    return rotation if rotation.get("Feature") == "ENABLED" else {}
