"""Add the resources and condition keys of change sets, log streams and conditional writes.

Without a service role, CloudFormation has the permissions of the caller.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from emulator import strictness
from emulator.ministack import cloudformation, services
from emulator.ministack.context import Params
from emulator.ministack.hooks import Function
from emulator.patches.differences import NOT_VERIFIED, Difference

Context = dict[str, Any]

DIFFERENCES = (
    Difference(
        "A policy can restrict change sets by stack and by service role (cloudformation:RoleArn).",
        source="service authorization reference, CloudFormation",
        ministack="The stack of a change set is unknown, and the condition is never true.",
        test="test_role_of_a_change_set",
    ),
    Difference(
        "A policy can restrict change sets by name (cloudformation:ChangeSetName).",
        source="service authorization reference, CloudFormation; not verified for a call with an "
        "ARN",
        ministack="The condition is never true.",
        test="test_name_of_a_change_set",
    ),
    Difference(
        "The resource of a call with the ARN of a change set may be the change set, not its stack.",
        source=NOT_VERIFIED,
        ministack="The stack. With the patch, the change set in an account for which "
        "`emulator.set_strict` was called: policies have to allow both.",
        test="test_the_arn_of_a_change_set",
    ),
    Difference(
        "A condition on the tags of a resource is only true for actions that AWS documents with it.",
        source="service authorization reference; aws:ResourceTag",
        ministack="True for every action on a resource with the tag.",
        consequence="`./inv check --all` compares all policies with the reference "
        "(`tests/scanners/authorization.py`).",
    ),
    Difference(
        "The log streams of a log group are resources below it: log-group:NAME:*.",
        source="service authorization reference, CloudWatch Logs, PutLogEvents",
        ministack="A stream has the ARN of its group.",
        test="test_log_streams_of_a_group",
    ),
    Difference(
        "A policy can require that writes do not replace an object (s3:if-none-match).",
        source="S3 user guide, Enforce conditional writes",
        ministack="The condition is never true.",
        test="test_write_of_a_new_object",
    ),
)
UPSTREAM = True

_WITH_ROLE = {
    f"cloudformation:{action}"
    for action in ("CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack")
}

_resource_arn: Function[..., str] = Function("extract_resource_arn", services.iam_actions)
_tag_context: Function[..., Context] = Function("request_tag_context", services.iam_actions)
_s3_context: Function[..., Context] = Function("s3_service_context", services.iam_actions)


def install() -> None:
    """Install the patch."""
    _resource_arn.around(_stack_arn_of_change_set)
    _resource_arn.after(_log_stream_arn)
    _tag_context.after(_add_change_set)
    _s3_context.after(_add_if_none_match)


def _stack_arn_of_change_set(find: Callable[..., str], service: str, *request: Any) -> str:
    params: Params = request[4]
    name = cloudformation.param(params, "ChangeSetName") if service == "cloudformation" else ""
    if name and not cloudformation.param(params, "StackName"):
        if strictness.is_strict() and ":changeSet/" in name:
            return name
        _, change_set = cloudformation.find_change_set(name)
        return change_set["StackId"] if change_set else "*"
    return find(service, *request)


def _log_stream_arn(arn: str, service: str, *request: Any) -> str:
    """Return the ARN of the log stream in a request, which a policy for `log-group:NAME:*` covers."""
    stream = _json(request[3]).get("logStreamName") if service == "logs" else None
    is_group = stream and ":log-group:" in arn and ":log-stream:" not in arn
    return f"{arn}:log-stream:{stream}" if is_group else arn


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _add_change_set(
    known: Context, service: str, action: str, _body: bytes, params: Params
) -> Context:
    """Add the service role, and the name or ARN of the change set as it is in the request."""
    keys = {}
    if service == "cloudformation":
        if role := cloudformation.param(params, "RoleARN") if action in _WITH_ROLE else "":
            keys["cloudformation:RoleArn"] = role
        if name := cloudformation.param(params, "ChangeSetName"):
            keys["cloudformation:ChangeSetName"] = name
    return known | keys


def _add_if_none_match(
    known: Context, action: str, _query: Params | None, _path: str = "", headers: Any = None
) -> Context:
    condition = (headers or {}).get("if-none-match", "") if action == "s3:PutObject" else ""
    return known | ({"s3:if-none-match": condition} if condition else {})
