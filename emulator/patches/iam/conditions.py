"""Condition keys and resources for policies: change sets, log streams, writes of new objects.

With no role, CloudFormation has the rights of the caller.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from emulator import ministack

Context = dict[str, Any]

_WITH_ROLE = {
    f"cloudformation:{action}"
    for action in ("CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack")
}


def close() -> None:
    """Add the stack, name and role of a change set, and If-None-Match of a write, for policies."""
    ministack.swap(ministack.iam_actions, "extract_resource_arn", _of_stack)
    ministack.swap(ministack.iam_actions, "extract_resource_arn", _of_log_stream)
    ministack.swap(ministack.iam_actions, "request_tag_context", _of_change_set)
    ministack.swap(ministack.iam_actions, "s3_service_context", _of_write)


def _of_stack(known: Callable[..., str]) -> Callable[..., str]:
    def resource(service: str, *request: Any) -> str:
        params: ministack.Params = request[4]
        name = ministack.param(params, "ChangeSetName") if service == "cloudformation" else ""
        if name and not ministack.param(params, "StackName"):
            _, change_set = ministack.find_change_set(name)
            return change_set["StackId"] if change_set else "*"
        return known(service, *request)

    return resource


def _of_log_stream(known: Callable[..., str]) -> Callable[..., str]:
    """Return a stream as a resource below its group: policies allow it by `log-group:NAME:*`."""

    def resource(service: str, *request: Any) -> str:
        found = known(service, *request)
        stream = _json(request[3]).get("logStreamName") if service == "logs" else None
        whole = stream and ":log-group:" in found and ":log-stream:" not in found
        return f"{found}:log-stream:{stream}" if whole else found

    return resource


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _of_change_set(known: Callable[..., Context]) -> Callable[..., Context]:
    """Add the name as the request has it, which may be an ARN, and the role."""

    def context(service: str, action: str, body: bytes, params: ministack.Params) -> Context:
        own = {}
        if service == "cloudformation":
            if role := ministack.param(params, "RoleARN") if action in _WITH_ROLE else "":
                own["cloudformation:RoleArn"] = role
            if name := ministack.param(params, "ChangeSetName"):
                own["cloudformation:ChangeSetName"] = name
        return known(service, action, body, params) | own

    return context


def _of_write(known: Callable[..., Context]) -> Callable[..., Context]:
    def context(
        action: str, query: ministack.Params | None, path: str = "", headers: Any = None
    ) -> Context:
        condition = (headers or {}).get("if-none-match", "") if action == "s3:PutObject" else ""
        own = {"s3:if-none-match": condition} if condition else {}
        return known(action, query, path, headers) | own

    return context
