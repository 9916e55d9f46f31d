"""What policies say of a change set: of which stack it is, and which role CloudFormation is to take.

With no role, CloudFormation has the rights of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployer.embedded import ministack

Context = dict[str, Any]

_WITH_ROLE = {
    f"cloudformation:{action}"
    for action in ("CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack")
}


def close() -> None:
    """Tell policies the stack behind a change set's ARN, and the RoleARN of a call that has one."""
    ministack.swap(ministack.iam_actions, "extract_resource_arn", _of_stack)
    ministack.swap(ministack.iam_actions, "request_tag_context", _with_role)


def _of_stack(known: Callable[..., str]) -> Callable[..., str]:
    def resource(service: str, *request: Any) -> str:
        params: ministack.Params = request[4]
        name = ministack.param(params, "ChangeSetName") if service == "cloudformation" else ""
        if name and not ministack.param(params, "StackName"):
            _, change_set = ministack.find_change_set(name)
            return change_set["StackId"] if change_set else "*"
        return known(service, *request)

    return resource


def _with_role(known: Callable[..., Context]) -> Callable[..., Context]:
    def context(service: str, action: str, body: bytes, params: ministack.Params) -> Context:
        role = ministack.param(params, "RoleARN") if action in _WITH_ROLE else ""
        own = {"cloudformation:RoleArn": role} if role else {}
        return known(service, action, body, params) | own

    return context
