"""Check the permissions of the caller with the policy simulator of IAM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from deployer import registry
from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned

ACTIONS_PER_CALL = 100
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_ASSUMED_ROLE = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.*")
_SHOWN = 10  # Denied actions in one finding; more would hide the fact.


def permissions(planned: Planned) -> Iterator[Finding]:
    """Find actions for the planned resource types that the policies of the caller do not allow.

    The actions are those that the handlers of the registry's schemas need to create, read, update
    and delete a resource. They are simulated for any resource: policies that allow them only for
    some resources are reported as denied. The operator of the emulator is its root user, which may
    call everything.
    """
    if planned.target.environment.is_local:
        return
    identity = planned.target.account.identity()
    if identity.arn.endswith(":root"):
        yield Finding(
            "manual",
            "the caller is the root user, whose permissions cannot be limited",
            "log in as an administrator of IAM Identity Center or IAM",
        )
        return
    denied = sorted(_denied(planned, _principal(planned, identity.arn)))
    if denied:
        more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
        yield Finding(
            "manual",
            f"{identity.arn} may not call {', '.join(denied[:_SHOWN])}{more}",
            "log in as an administrator, or extend the policies of the caller",
        )


def required_actions(types: Iterable[str]) -> set[str]:
    """Return the actions that CloudFormation calls for resources of *types*, by the registry."""
    handlers = (
        handler
        for type_ in types
        for handler in (registry.schema(type_) or {}).get("handlers", {}).values()
    )
    return {
        action
        for handler in handlers
        for action in handler.get("permissions", ())
        if _ACTION.fullmatch(action)
    }


def _denied(planned: Planned, principal: str) -> Iterator[str]:
    """Yield the required actions that the simulator does not allow."""
    client = planned.target.client("iam")
    actions = sorted(required_actions({resource.type for resource in planned.resources}))
    for start in range(0, len(actions), ACTIONS_PER_CALL):
        pages = client.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=principal, ActionNames=actions[start : start + ACTIONS_PER_CALL]
        )
        for page in pages:
            for result in page["EvaluationResults"]:
                if result["EvalDecision"] != "allowed":
                    yield result["EvalActionName"]


def _principal(planned: Planned, arn: str) -> str:
    """Return the ARN of the user or role behind the session *arn*.

    The ARN of a session lacks the path of its role, which roles of IAM Identity Center have.
    """
    match = _ASSUMED_ROLE.fullmatch(arn)
    if match is None:
        return arn
    partition, account, name = match.groups()
    try:
        role: str = planned.target.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    except CloudError:
        return f"arn:{partition}:iam::{account}:role/{name}"
    return role
