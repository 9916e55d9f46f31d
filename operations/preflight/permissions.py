"""Check the permissions of the caller with the policy simulator of IAM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployer import registry
from operations.preflight.checks import Finding, Planned

ACTIONS_PER_CALL = 100
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_ASSUMED_ROLE = re.compile(r"arn:aws[a-z-]*:sts::\d{12}:assumed-role/([^/]+)/.*")
_SHOWN = 10  # Denied actions in one finding; more would hide the fact.
# The calls of the deployer itself, next to those that CloudFormation makes for the resources.
DEPLOYER_ACTIONS = frozenset(
    {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeEvents",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplate",
        "cloudformation:ListChangeSets",
        "cloudformation:ListStackResources",
        "cloudformation:TagResource",
        "cloudformation:UpdateTerminationProtection",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
)
# Types whose schema in the registry has no handlers. The actions are those of the service
# authorization reference that create, read, change and delete the type.
ACTIONS_WITHOUT_HANDLERS = {
    "AWS::CodeBuild::Project": frozenset(
        {
            "codebuild:BatchGetProjects",
            "codebuild:CreateProject",
            "codebuild:DeleteProject",
            "codebuild:UpdateProject",
            "iam:PassRole",
        }
    )
}


def permissions(planned: Planned) -> Iterator[Finding]:
    """Find actions for the planned resource types that the policies of the caller do not allow.

    The actions are those of the deployer, and those that the handlers of the registry's schemas need
    to create, read, update and delete a resource. They are simulated for any resource: policies that
    allow them only for some resources are reported as denied. The operator of the emulator is its
    root user, which may call everything.
    """
    if planned.target.environment.is_local:
        return
    arn = planned.target.account.identity().arn
    if arn.endswith(":root"):
        yield Finding(
            "manual",
            "the caller is the root user, whose permissions cannot be limited",
            "log in as an administrator of IAM Identity Center or IAM",
        )
    elif ":federated-user/" in arn:
        yield Finding(
            "unknown",
            f"whether {arn} may do everything: IAM simulates users and roles only",
            "log in as a user or role, or compare the policies of the session with an administrator's",
        )
    else:
        yield from _refusals(planned, arn)


def _refusals(planned: Planned, arn: str) -> Iterator[Finding]:
    types = {resource.type for resource in planned.resources}
    denied = sorted(_denied(planned, _principal(planned, arn), types))
    if denied:
        more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
        yield Finding(
            "manual",
            f"{arn} may not call {', '.join(denied[:_SHOWN])}{more}",
            "log in as an administrator, or extend the policies of the caller",
        )
    if unlisted := sorted(unlisted_types(types)):
        yield Finding(
            "unknown",
            f"which actions {', '.join(unlisted)} needs: the registry lists none",
            "see the service authorization reference",
        )


def required_actions(types: Iterable[str]) -> set[str]:
    """Return the actions that CloudFormation calls for resources of *types*, by the registry."""
    actions: set[str] = set()
    for type_ in types:
        actions |= ACTIONS_WITHOUT_HANDLERS.get(type_, frozenset())
        for handler in _handlers(type_).values():
            actions.update(filter(_ACTION.fullmatch, handler.get("permissions", ())))
    return actions


def unlisted_types(types: Iterable[str]) -> set[str]:
    """Return the *types* whose actions are not known."""
    return {
        type_ for type_ in types if type_ not in ACTIONS_WITHOUT_HANDLERS and not _handlers(type_)
    }


def _handlers(type_: str) -> Mapping[str, Any]:
    handlers: Mapping[str, Any] = (registry.schema(type_) or {}).get("handlers", {})
    return handlers


def _denied(planned: Planned, principal: str, types: Iterable[str]) -> Iterator[str]:
    """Yield the required actions that the simulator does not allow."""
    client = planned.target.client("iam")
    actions = sorted(required_actions(types) | DEPLOYER_ACTIONS)
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

    The ARN of a session lacks the path of its role, which roles of IAM Identity Center have, so the
    role is read. Raise CloudError if it cannot be read.
    """
    match = _ASSUMED_ROLE.fullmatch(arn)
    if match is None:
        return arn
    response = planned.target.client("iam").get_role(RoleName=match[1])
    return str(response["Role"]["Arn"])
