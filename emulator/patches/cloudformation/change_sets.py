"""Refuse change sets in statuses that do not permit them, and treat changed outputs as a change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Stack
from emulator.ministack.context import Params, Response
from emulator.patches.differences import NOT_VERIFIED, Difference

DIFFERENCES = (
    Difference(
        "A stack whose creation was rolled back accepts no change set, of either type.",
        source="rails-lambda/lamby#132 (update); create is not verified",
        ministack="Accepted.",
        test="test_after_failed_creation",
    ),
    Difference(
        "A stack with an operation in progress accepts no change set.",
        source="“is in UPDATE_IN_PROGRESS state and can not be updated”, from many issues",
        ministack="Accepted.",
        test="test_operation_in_progress",
    ),
    Difference(
        "A stack with an update in progress is not deleted.",
        source="“cannot be deleted while in status …”, from many issues",
        ministack="Deleted during the update.",
        test="test_delete_during_update",
    ),
    Difference(
        "The error of ExecuteChangeSet names the status that prevents the execution.",
        source="localstack test_delete_change_set_exception; aws/amazon-chime-sdk-js#1089",
        ministack="The message is different.",
        test="test_no_changes",
    ),
    Difference(
        "A change set that changes only outputs can be executed.",
        source=NOT_VERIFIED,
        ministack="FAILED, “didn't contain changes”.",
        test="test_only_outputs",
    ),
    Difference(
        "A second change set for a stack in REVIEW_IN_PROGRESS keeps the stack id.",
        source=NOT_VERIFIED,
        ministack="A new stack replaces the first one.",
        test="test_stack_in_review_keeps_its_id",
    ),
    Difference(
        "ListChangeSets accepts the id of a stack as well as its name.",
        source="API reference, ListChangeSets",
        ministack="No change sets for an id.",
        test="test_listed_by_id",
    ),
    Difference(
        "A stack in REVIEW_IN_PROGRESS has no tags; it gets those of its change set at execution.",
        source="localstack/localstack#13117, whose test ran on AWS",
        ministack="The stack has the tags immediately.",
        test="test_stack_in_review_has_no_tags",
    ),
)
UPSTREAM = True

_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
}


def install() -> None:
    """Install the patch."""
    create = cloudformation.action("CreateChangeSet")
    create.after(_accept_changed_outputs)
    create.around(_keep_stack_in_review)
    create.after(_remove_tags_in_review)
    create.before(_check_status)
    cloudformation.action("UpdateStack").before(_check_status)
    cloudformation.action("ExecuteChangeSet").before(_check_available)
    cloudformation.action("ListChangeSets").around(_list_by_id)
    cloudformation.action("DeleteStack").before(_check_no_update)


def _check_status(params: Params) -> Response | None:
    """Refuse a call that the stack's status forbids; UpdateStack is checked like type UPDATE."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        return None
    kind = cloudformation.param(params, "ChangeSetType", "UPDATE")
    error = _status_error(stack, kind, cloudformation.param(params, "ChangeSetName"))
    return cloudformation.refuse("ValidationError", error) if error else None


def _status_error(stack: Stack, kind: str, change_set: str) -> str | None:
    status, name = stack["StackStatus"], stack["StackName"]
    if kind == "CREATE" and status != "REVIEW_IN_PROGRESS":
        return (
            f"Stack [{name}] already exists and cannot be created again "
            f"with the changeSet [{change_set}]."
        )
    if kind == "UPDATE" and status not in _UPDATABLE:
        return f"Stack:{stack['StackId']} is in {status} state and can not be updated."
    return None


def _keep_stack_in_review(create: Callable[[Params], Response], params: Params) -> Response:
    """Create a further change set for a stack in review, and keep the stack and its id.

    MiniStack creates another stack, which is removed again.
    """
    existing = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if existing is None or existing["StackStatus"] != "REVIEW_IN_PROGRESS":
        return create(params)
    name, stack_id = existing["StackName"], existing["StackId"]
    events = cloudformation.stack_events.get(stack_id, [])
    status, headers, body = create({**params, "StackName": [name]})
    created = cloudformation.stacks.get(name)
    cloudformation.stacks[name] = existing
    cloudformation.stack_events[stack_id] = events
    if created is None or created is existing:
        return status, headers, body
    cloudformation.stack_events.pop(created["StackId"], None)
    for change_set in cloudformation.change_sets.values():
        if change_set["StackId"] == created["StackId"]:
            change_set["StackId"] = stack_id
    return status, headers, body.replace(created["StackId"].encode(), stack_id.encode())


def _remove_tags_in_review(response: Response, params: Params) -> Response:
    """Remove the tags of a stack in review, which gets them when its change set is executed."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        stack["Tags"] = []
    return response


def _list_by_id(list_: Callable[[Params], Response], params: Params) -> Response:
    """Accept the id of a stack as well as its name."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    return list_({**params, "StackName": [stack["StackName"]]} if stack else params)


def _accept_changed_outputs(response: Response, _params: Params) -> Response:
    """Make a change set available if MiniStack found no changes, but outputs change."""
    change_set = cloudformation.created_change_set(response)
    if change_set and _failed_without_changes(change_set) and _changes_outputs(change_set):
        change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
    return response


def _failed_without_changes(change_set: dict[str, Any]) -> bool:
    return (
        change_set["Status"] == "FAILED" and "didn't contain changes" in change_set["StatusReason"]
    )


def _changes_outputs(change_set: dict[str, Any]) -> bool:
    stack = cloudformation.find_stack(change_set["StackId"])
    if stack is None or change_set["ChangeSetType"] != "UPDATE":
        return False
    old, new = stack["_template"].get("Outputs", {}), change_set["_template"].get("Outputs", {})
    if old != new:
        return True
    before, after = stack["_resolved_params"], change_set["_resolved_params"]
    referenced = {name for name, _ in cloudformation.references(new)}
    return any(before.get(name) != after.get(name) for name in referenced & set(after))


def _check_available(params: Params) -> Response | None:
    """Refuse to execute a change set that is unavailable, or whose stack's status forbids it."""
    name = cloudformation.param(params, "ChangeSetName")
    stack_name = cloudformation.param(params, "StackName")
    _, change_set = cloudformation.find_change_set(name, stack_name)
    if change_set is None:
        return None
    arn = change_set["ChangeSetId"]
    for kind, key, required in (
        ("status", "Status", "CREATE_COMPLETE"),
        ("execution status", "ExecutionStatus", "AVAILABLE"),
    ):
        if change_set[key] != required:
            message = f"ChangeSet [{arn}] cannot be executed in its current {kind} of "
            return cloudformation.refuse("InvalidChangeSetStatus", f"{message}[{change_set[key]}]")
    stack = cloudformation.find_stack(change_set["StackId"])
    if stack and (error := _status_error(stack, change_set["ChangeSetType"], name)):
        return cloudformation.refuse("ValidationError", error)
    return None


def _check_no_update(params: Params) -> Response | None:
    """Refuse to delete a stack during an update; a creation or a rollback can be interrupted."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if stack and re.fullmatch(r"UPDATE_.*IN_PROGRESS", stack["StackStatus"]):
        message = (
            f"Stack [{stack['StackName']}] cannot be deleted while in status {stack['StackStatus']}"
        )
        return cloudformation.refuse("ValidationError", message)
    return None
