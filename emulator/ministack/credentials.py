"""MiniStack's credentials: access keys, sessions, anonymous access and error responses."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable
from typing import Any

from emulator.access.request import Request
from emulator.ministack import lookup, services
from emulator.ministack.asgi import app
from emulator.ministack.cloudformation import param
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function

_evaluator = lookup.module("core.iam_evaluator")
_tokens = lookup.module("core.rds_iam")
_responses = lookup.module("core.responses")
_detect_service: Callable[..., str] = lookup.attribute(app, "detect_service")
_routing_params: Callable[..., Any] = lookup.attribute(app, "_routing_params")
_credential_failure: Callable[..., Response] = lookup.attribute(app, "_credential_failure")
_access_denied: Callable[..., Response] = lookup.attribute(
    services.iam_actions, "access_denied_response"
)
_account_of_session: Callable[[str], str | None] = lookup.attribute(
    _responses, "_account_from_sts_session"
)
_account_of_key: Callable[[str], str | None] = lookup.attribute(
    _evaluator, "find_iam_access_key_account"
)
_is_root_key: Callable[[str], bool] = lookup.attribute(_evaluator, "is_root_access_key")
_AmbiguousAccessKeyError: type[Exception] = lookup.attribute(_evaluator, "AmbiguousAccessKeyError")
_AUTH_FAILURES: dict[str, Any] = lookup.attribute(services.iam_actions, "_AUTH_FAILURES")
_PERMISSION_PREFIXES: dict[str, str] = lookup.attribute(
    services.iam_actions, "SERVICE_TO_IAM_NAMESPACE"
)
_REST: dict[str, Any] = lookup.attribute(services.iam_actions, "_BOTOCORE_SERVICE_MAP")
_auth_error: Callable[[str, str], Any] = lookup.attribute(_evaluator, "AuthError")
sessions: Any = lookup.attribute(services.sts, "_sessions")
register_session: Function[[str, dict[str, Any]], None] = Function("register_session", services.sts)
_router = lookup.module("core.router")
is_service_name: Function[..., bool] = Function("_is_aws_service_name", _router)
operation_name: Function[..., str | None] = Function("extract_iam_action", services.iam_actions)
_sts_error: Callable[..., Response] = lookup.attribute(services.sts, "_error")
# With all modules that contain a reference to the function.
_resolve_credential: Function[..., Any] = Function(
    "resolve_credential", _evaluator, _tokens, services.s3, services.sts
)
_execution_credentials: Function[[dict[str, Any]], dict[str, str]] = Function(
    "execution_credentials", services.lambda_workers, services.lambda_
)
_web_identity_denied: Function[[str, Params, bool], Response | None] = Function(
    "_web_identity_trust_denied", services.sts
)
_ALSO_QUERY_PROTOCOL = {"ses"}  # Version 1 of the API of SES has the query protocol.
_UNKNOWN_KEY = "UnrecognizedClientException"
_ROOT_KEY = re.compile(r"[0-9]{12}")
Refusal: Any = lookup.attribute(_evaluator, "CredentialResolutionError")  # With code and message.


def use_root_secret(secret: str) -> None:
    """Make *secret* the secret key of every account's root, and refuse all other root keys.

    Access keys of twelve digits are root keys. MiniStack has others, such as `test`, which are refused. For a
    permitted request without credentials, MiniStack uses the empty access key, which is kept: no
    request can be signed with it.
    """

    def resolve(
        original: Callable[..., Any], access_key: str, *arguments: Any, **options: Any
    ) -> Any:
        credentials = original(access_key, *arguments, **options)
        if isinstance(credentials, Refusal) or not _is_root_key(access_key):
            return credentials
        if access_key and not _ROOT_KEY.fullmatch(access_key):
            return Refusal(_UNKNOWN_KEY, "The security token included in the request is invalid.")
        return dataclasses.replace(credentials, secret_access_key=secret)

    _resolve_credential.around(resolve)


def find_credentials(access_key: str, token: str) -> Any:
    """Return the credentials of a root, a user or a session; a Refusal if they are not valid."""
    try:
        owner = _account_of_session(access_key) or _account_of_key(access_key) or access_key
    except _AmbiguousAccessKeyError:
        owner = access_key
    return _resolve_credential(access_key, owner, token)


def refusal_response(code: str, message: str, service: str, request: Request) -> Response:
    """Return the error for invalid credentials in the format of the service."""
    service = service or service_of(request)
    request_id = str(uuid.uuid4())
    if code in _AUTH_FAILURES:
        failure = _auth_error(code, message)
        return _credential_failure(service, "", request_id, failure, request.joined_headers)
    return _access_denied(
        service,
        "",
        "",
        request_id,
        error_code=code,
        message=message,
        headers=request.joined_headers,
    )


def service_of(request: Request, body: bytes = b"") -> str:
    """Return the service that MiniStack routes a request to."""
    query = _routing_params(
        request.method, request.path, request.joined_headers, body, request.query_lists
    )
    return _detect_service(request.method, request.path, request.joined_headers, query)


def is_rest(service: str) -> bool:
    """Return whether the method and path of a request alone determine the operation of *service*."""
    return service in {"s3", "lambda"} or (service in _REST and service not in _ALSO_QUERY_PROTOCOL)


def permission_prefix(service: str) -> str:
    """Return the part of a service's permissions before the colon."""
    return _PERMISSION_PREFIXES.get(service, service)


def has_user_pool(pool: str) -> bool:
    """Return whether a user pool with this id exists, in any account."""
    return services.find_user_pool(pool) is not None


def is_public(bucket: str, key: str, method: str, query: dict[str, list[str]]) -> bool:
    """Return whether an object is public, or the list of the bucket if there is no *key*."""
    owner = services.bucket_owner(bucket)
    return owner is not None and bool(services.bucket_allows(owner, bucket, key, method, query, ""))


def replace_function_credentials(create: Callable[[dict[str, Any]], dict[str, str]]) -> None:
    """Give functions the credentials that *create* returns for their configuration."""
    _execution_credentials.replace(create)


def check_web_identity(is_valid: Callable[[str], bool]) -> None:
    """Refuse the tokens of web identities that are not valid."""

    def check(_role: str, params: Params, _use_json: bool) -> Response | None:  # noqa: FBT001  MiniStack's signature.
        if is_valid(param(params, "WebIdentityToken")):
            return None
        message = "The token's signature is not that of its identity provider"
        return _sts_error(400, "InvalidIdentityToken", message, ns="sts")

    _web_identity_denied.before(check)
