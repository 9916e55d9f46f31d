"""MiniStack's evaluation of IAM and resource policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import account, region

_evaluator = lookup.module("core.iam_evaluator")
_request_context: Callable[..., Any] = lookup.attribute(_evaluator, "EvalContext")
_evaluate_resource_policy: Callable[..., Any] = lookup.attribute(
    _evaluator, "evaluate_resource_policy"
)
_evaluate: Callable[..., Any] = lookup.attribute(_evaluator, "evaluate")
_resolve_principal: Callable[[str, str], Any] = lookup.attribute(_evaluator, "resolve_principal")
_auth_error: type = lookup.attribute(_evaluator, "AuthError")
_role_policies: Callable[[str, str], Any] = lookup.attribute(_evaluator, "_gather_role_policies")
_boundary: Callable[[Any, str, str], Any] = lookup.attribute(_evaluator, "_permissions_boundary")
_roles: Any = lookup.attribute(services.iam, "_roles")

_tokens = lookup.module("core.rds_iam")
_verify_rds_token: Callable[..., Any] = lookup.attribute(_tokens, "verify_rds_iam_token")
_token_error: type = lookup.attribute(_tokens, "RdsIamTokenError")


def policy_allows(
    policy: Any, action: str, resource: str, *, service: str, source: str, secure: bool = True
) -> bool:
    """Return whether a resource policy allows an AWS service an action for *source* (an ARN)."""
    request = _request_context(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=region(),
        secure_transport=secure,
        service_context={"aws:sourcearn": source, "aws:sourceaccount": account()},
    )
    return bool(_evaluate_resource_policy(policy, request, service=service).decision == "Allow")


def can_assume(role: str, service: str) -> bool:
    """Return whether a role exists and trusts an AWS service."""
    record = _roles.get(role.rpartition("/")[2])
    if record is None:
        return False
    # The function or task may not exist yet, so its ARN is unknown. A trust policy that requires it
    # as aws:SourceArn does not match.
    return policy_allows(
        record["AssumeRolePolicyDocument"], "sts:AssumeRole", "*", service=service, source=role
    )


def role_allows(role: str, action: str, resource: str) -> bool:
    """Return whether the policies of a role of the current account allow an action."""
    name = role.rpartition("/")[2]
    request = _request_context(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=account(),
        action=action,
        resource_arn=resource,
        region=region(),
        secure_transport=True,
    )
    boundary = _boundary(_roles, name, account())
    result = _evaluate(request, _role_policies(name, account()), *boundary)
    return bool(result.decision == "Allow")


def token_refusal(token: str, *, host: str, port: int, user: str, resource_id: str) -> str | None:
    """Return why an RDS token does not permit *user* to log in to a DB instance, or None if it does.

    The signature, age, user and endpoint of the token are checked, and that the policies of the
    principal who signed it allow rds-db:connect. *resource_id* is the DbiResourceId of the instance.
    """
    target = {"hostname": host, "port": port, "db_user": user}
    verified = _verify_rds_token(token, **target, account_id=account(), region=region())
    if isinstance(verified, _token_error):
        return str(verified.code)  # type: ignore[attr-defined]  # MiniStack's class.
    principal = _resolve_principal(verified.access_key_id, account())
    if isinstance(principal, _auth_error):
        return str(principal.code)  # type: ignore[attr-defined]  # MiniStack's class.
    if principal.policies is None:  # The root user of an account has all permissions.
        return None
    request = _request_context(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        principal_keys=principal.keys,
        action="rds-db:connect",
        resource_arn=f"arn:aws:rds-db:{region()}:{account()}:dbuser:{resource_id}/{user}",
        region=region(),
    )
    result = _evaluate(request, principal.policies, *principal.limits)
    return None if result.decision == "Allow" else f"rds-db:connect: {result.decision}"
