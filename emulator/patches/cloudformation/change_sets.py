"""What a change set may be made for and executed in, and what counts as a change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Answer, Params

Action = Callable[[Params], Answer]

_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
}


def close() -> None:
    """Put AWS's conditions in front of the emulator's actions."""
    ministack.wrap_action("CreateChangeSet", _outputs_count)
    ministack.wrap_action("CreateChangeSet", _keeping_review)
    ministack.wrap_action("CreateChangeSet", _untagged_in_review)
    ministack.wrap_action("CreateChangeSet", _only_if_possible)
    ministack.wrap_action("UpdateStack", _only_if_possible)
    ministack.wrap_action("ExecuteChangeSet", _only_if_available)
    ministack.wrap_action("ListChangeSets", _of_a_stack_by_id)
    ministack.wrap_action("DeleteStack", _not_in_operation)


def _only_if_possible(act: Action) -> Action:
    """Refuse what the stack's status does not allow; UpdateStack is a change set of type UPDATE."""

    def acting(params: Params) -> Answer:
        stack = ministack.find_stack(ministack.param(params, "StackName"))
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            return act(params)
        kind = ministack.param(params, "ChangeSetType", "UPDATE")
        if problem := _status_problem(stack, kind, ministack.param(params, "ChangeSetName")):
            return ministack.refuse("ValidationError", problem)
        return act(params)

    return acting


def _status_problem(stack: ministack.Stack, kind: str, change_set: str) -> str | None:
    status, name = stack["StackStatus"], stack["StackName"]
    if kind == "CREATE" and status != "REVIEW_IN_PROGRESS":
        return (
            f"Stack [{name}] already exists and cannot be created again "
            f"with the changeSet [{change_set}]."
        )
    if kind == "UPDATE" and status not in _UPDATABLE:
        return f"Stack:{stack['StackId']} is in {status} state and can not be updated."
    return None


def _keeping_review(create: Action) -> Action:
    """Keep the stack a first change set made: a second one is for the same stack id."""

    def creating(params: Params) -> Answer:
        name = ministack.param(params, "StackName")
        before = ministack.find_stack(name)
        if before is None or before["StackStatus"] != "REVIEW_IN_PROGRESS":
            return create(params)
        name, old = before["StackName"], before["StackId"]
        events = ministack.stack_events.get(old, [])
        status, headers, body = create({**params, "StackName": [name]})
        made = ministack.stacks.get(name)
        ministack.stacks[name] = before
        ministack.stack_events[old] = events
        if made is None or made is before:
            return status, headers, body
        ministack.stack_events.pop(made["StackId"], None)
        for change_set in ministack.change_sets.values():
            if change_set["StackId"] == made["StackId"]:
                change_set["StackId"] = old
        return status, headers, body.replace(made["StackId"].encode(), old.encode())

    return creating


def _untagged_in_review(create: Action) -> Action:
    """Add the tags to a stack only when a change set is executed: until then only that has them."""

    def creating(params: Params) -> Answer:
        answer = create(params)
        stack = ministack.find_stack(ministack.param(params, "StackName"))
        if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            stack["Tags"] = []
        return answer

    return creating


def _of_a_stack_by_id(list_: Action) -> Action:
    """Accept the id of a stack as well as its name."""

    def listing(params: Params) -> Answer:
        stack = ministack.find_stack(ministack.param(params, "StackName"))
        return list_({**params, "StackName": [stack["StackName"]]} if stack else params)

    return listing


def _outputs_count(create: Action) -> Action:
    """Take a change of outputs alone for a change: CloudFormation executes it without resources."""

    def creating(params: Params) -> Answer:
        status, headers, body = create(params)
        made = re.search(rb"<Id>([^<]+)</Id>", body)
        if made is None:
            return status, headers, body
        _, change_set = ministack.find_change_set(made[1].decode())
        if change_set and _failed_without_changes(change_set) and _changes_outputs(change_set):
            change_set.update(
                Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason=""
            )
        return status, headers, body

    return creating


def _failed_without_changes(change_set: dict[str, Any]) -> bool:
    return (
        change_set["Status"] == "FAILED" and "didn't contain changes" in change_set["StatusReason"]
    )


def _changes_outputs(change_set: dict[str, Any]) -> bool:
    stack = ministack.find_stack(change_set["StackId"])
    if stack is None or change_set["ChangeSetType"] != "UPDATE":
        return False
    old, new = stack["_template"].get("Outputs", {}), change_set["_template"].get("Outputs", {})
    if old != new:
        return True
    before, after = stack["_resolved_params"], change_set["_resolved_params"]
    used = {name for name, _ in ministack.references(new)}
    return any(before.get(name) != after.get(name) for name in used & set(after))


def _only_if_available(execute: Action) -> Action:
    """Name the status that forbids it; and the stack may have moved since the change set was made."""

    def executing(params: Params) -> Answer:
        name = ministack.param(params, "ChangeSetName")
        _, change_set = ministack.find_change_set(name, ministack.param(params, "StackName"))
        if change_set is None:
            return execute(params)
        arn = change_set["ChangeSetId"]
        for kind, key, allowed in (
            ("status", "Status", "CREATE_COMPLETE"),
            ("execution status", "ExecutionStatus", "AVAILABLE"),
        ):
            if change_set[key] != allowed:
                message = f"ChangeSet [{arn}] cannot be executed in its current {kind} of "
                return ministack.refuse("InvalidChangeSetStatus", f"{message}[{change_set[key]}]")
        stack = ministack.find_stack(change_set["StackId"])
        if stack and (problem := _status_problem(stack, change_set["ChangeSetType"], name)):
            return ministack.refuse("ValidationError", problem)
        return execute(params)

    return executing


def _not_in_operation(delete: Action) -> Action:
    """Refuse to delete a stack in the middle of an update; a create or a rollback may be deleted."""

    def deleting(params: Params) -> Answer:
        stack = ministack.find_stack(ministack.param(params, "StackName"))
        if stack and re.fullmatch(r"UPDATE_.*IN_PROGRESS", stack["StackStatus"]):
            message = (
                f"Stack [{stack['StackName']}] cannot be deleted while in status "
                f"{stack['StackStatus']}"
            )
            return ministack.refuse("ValidationError", message)
        return delete(params)

    return deleting
