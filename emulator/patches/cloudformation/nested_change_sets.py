"""Create, describe and delete the change sets of nested stacks with the root change set."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from emulator import ministack
from emulator.ministack import Action, Answer, Params
from emulator.patches.cloudformation import nested_stacks, property_values

ChangeSet = dict[str, Any]

_EMPTY = ("The submitted information didn't contain changes", "No updates are to be performed")
_FROM_ROOT = "Only executable from the root change set."


def close() -> None:
    """Add IncludeNestedStacks to the emulator's actions, which ignore it."""
    ministack.wrap_action("CreateChangeSet", _creating)
    ministack.wrap_action("DescribeChangeSet", _describing)
    ministack.wrap_action("DeleteChangeSet", _deleting)
    ministack.wrap_action("ExecuteChangeSet", _executing)
    ministack.wrap_action("DeleteStack", _deleting_stack)


def _creating(create: Action) -> Action:
    def creating(params: Params) -> Answer:
        answer = create(params)
        change_set = _made(answer)
        if change_set and ministack.param(params, "IncludeNestedStacks") == "true":
            _nest(create, change_set, root=change_set["ChangeSetId"])
        return answer

    return creating


def _made(answer: Answer) -> ChangeSet | None:
    found = re.search(rb"<Id>([^<]+)</Id>", answer[2])
    return ministack.find_change_set(found[1].decode())[1] if found else None


def _nest(create: Action, above: ChangeSet, root: str) -> None:
    """Create a change set for each nested stack, at any depth."""
    above["IncludeNestedStacks"] = True
    changes = {entry["ResourceChange"]["LogicalResourceId"]: entry for entry in above["Changes"]}
    for title, made in _nested_stacks(above, set(changes)):
        try:
            below = _propose(create, above, title, made)
        except ValueError as error:  # The properties of the nested stack cannot be resolved.
            above.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=str(error))
            return
        below.update(ParentChangeSetId=above["ChangeSetId"], RootChangeSetId=root)
        _nest(create, below, root)
        _join(above, below, changes.get(title), title, made)
    if root != above["ChangeSetId"] and above["Status"] == "CREATE_COMPLETE":
        above.update(ExecutionStatus="UNAVAILABLE", StatusReason=_FROM_ROOT)


def _nested_stacks(above: ChangeSet, changed: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each nested stack of the new template, and its id if it exists already."""
    stack = ministack.find_stack(above["StackId"]) or {}
    there = stack.get("_resources", {})
    for title, resource in above["_template"].get("Resources", {}).items():
        if resource["Type"] == nested_stacks.KIND and (title in changed or title in there):
            yield title, there.get(title, {}).get("PhysicalResourceId", "")


def _propose(create: Action, above: ChangeSet, title: str, made: str) -> ChangeSet:
    """Create the change set of one nested stack; a refusal becomes a failed change set."""
    parent = ministack.find_stack(above["StackId"]) or {}
    waiting = nested_stacks.in_review(parent, title)
    name = (ministack.find_stack(made) or waiting or {}).get("StackName")
    name = name or nested_stacks.new_name(parent["StackName"], title)
    props = property_values.properties_after(above, title)
    own = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or ()}
    tags = {tag["Key"]: tag["Value"] for tag in above["Tags"]} | own
    answer = create(
        nested_stacks.stack_params(
            props | {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}, above
        )
        | {
            "StackName": [name],
            "ChangeSetName": [f"{above['ChangeSetName']}-{title}-{_random()}"],
            "ChangeSetType": ["UPDATE" if made else "CREATE"],
        }
    )
    below = _made(answer)
    if below is None:
        return _failed(above, title, made or f"{parent['StackId']}-{title}", answer)
    if not made:
        nested_stacks.put_below(ministack.stacks[name], parent, title)
    return below


def _failed(above: ChangeSet, title: str, stack_id: str, answer: Answer) -> ChangeSet:
    message = re.search(rb"<Message>(.*?)</Message>", answer[2], re.DOTALL)
    name = f"{above['ChangeSetName']}-{title}-{_random()}"
    arn = f"{above['ChangeSetId'].rpartition(':')[0]}:changeSet/{name}/{uuid.uuid4()}"
    change_set: ChangeSet = above | {
        "ChangeSetId": arn,
        "ChangeSetName": name,
        "StackId": stack_id,
        "StackName": stack_id.split("/")[1],
        "Status": "FAILED",
        "ExecutionStatus": "UNAVAILABLE",
        "StatusReason": (message[1] if message else answer[2]).decode(),
        "Changes": [],
        "_template": {},
    }
    ministack.change_sets[arn] = change_set
    return change_set


def _random() -> str:
    return uuid.uuid4().hex[:12].upper()


def _join(
    above: ChangeSet, below: ChangeSet, change: dict[str, Any] | None, title: str, made: str
) -> None:
    """Add the ARN of a nested change set to its parent, which fails if the nested one failed."""
    arn, empty = below["ChangeSetId"], below["StatusReason"].startswith(_EMPTY)
    if change is None and empty:
        ministack.change_sets.pop(arn, None)
        return
    if change is None:
        change = _automatic(title, made)
        above["Changes"].append(change)
        if above["StatusReason"].startswith(_EMPTY):
            above.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
    change["ResourceChange"]["ChangeSetId"] = arn
    if below["Status"] == "FAILED" and not empty:
        reason = f"Nested change set {arn} was not successfully created: Currently in FAILED."
        above.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)


def _automatic(title: str, made: str) -> dict[str, Any]:
    """Return the change of a nested stack whose own properties do not change."""
    target = {"Attribute": "Properties", "RequiresRecreation": "Never"}
    detail = {"Target": target, "Evaluation": "Dynamic", "ChangeSource": "Automatic"}
    change = {
        "Action": "Modify",
        "LogicalResourceId": title,
        "PhysicalResourceId": made,
        "ResourceType": nested_stacks.KIND,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [detail],
    }
    return {"Type": "Resource", "ResourceChange": change}


def _describing(describe: Action) -> Action:
    """Add the ids of the parent, root and nested change sets to the answer."""

    def describing(params: Params) -> Answer:
        status, headers, body = describe(params)
        name, stack = ministack.param(params, "ChangeSetName"), ministack.param(params, "StackName")
        _, change_set = ministack.find_change_set(name, stack)
        if change_set is None or not change_set.get("IncludeNestedStacks"):
            return status, headers, body
        ET.register_namespace("", ministack.NAMESPACE)
        root = ET.fromstring(body)  # noqa: S314  The emulator's own answer.
        [result] = property_values.every(root, "DescribeChangeSetResult")
        property_values.add(result, "IncludeNestedStacks", "true")
        for key in ("ParentChangeSetId", "RootChangeSetId"):
            if key in change_set:
                property_values.add(result, key, change_set[key])
        arns = {
            entry["ResourceChange"]["LogicalResourceId"]: entry["ResourceChange"].get("ChangeSetId")
            for entry in change_set["Changes"]
        }
        for change in property_values.every(root, "ResourceChange"):
            if arn := arns[ministack.text_of(change, "LogicalResourceId")]:
                property_values.add(change, "ChangeSetId", arn)
        return status, headers, ET.tostring(root)

    return describing


def _deleting(delete: Action) -> Action:
    """Delete the whole hierarchy, and the nested stacks created for it, only from the root."""

    def deleting(params: Params) -> Answer:
        name, stack = ministack.param(params, "ChangeSetName"), ministack.param(params, "StackName")
        arn, change_set = ministack.find_change_set(name, stack)
        if change_set and "RootChangeSetId" in change_set:
            message = f"ChangeSet [{arn}] can only be deleted from the root change set."
            return ministack.refuse("InvalidChangeSetStatus", message)
        answer = delete(params)
        if change_set and change_set.get("IncludeNestedStacks"):
            _drop(change_set["ChangeSetId"])
            _delete_in_review(change_set["StackId"])
        return answer

    return deleting


def _executing(execute: Action) -> Action:
    """Delete the nested change sets of executed and deleted roots."""

    def executing(params: Params) -> Answer:
        answer = execute(params)
        for change_set in list(ministack.change_sets.values()):
            root = ministack.change_sets.get(change_set.get("RootChangeSetId", ""))
            if root is None or root["ExecutionStatus"].startswith("EXECUTE"):
                _drop(change_set.get("RootChangeSetId", ""))
        return answer

    return executing


def _deleting_stack(delete: Action) -> Action:
    """Delete the nested stacks in review together with the root stack in review."""

    def deleting(params: Params) -> Answer:
        stack = ministack.find_stack(ministack.param(params, "StackName"))
        if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS" and "ParentId" not in stack:
            _delete_in_review(stack["StackId"])
        return delete(params)

    return deleting


def _drop(root: str) -> None:
    """Delete the nested change sets of a root."""
    for arn, change_set in list(ministack.change_sets.items()):
        if root and change_set.get("RootChangeSetId") == root:
            ministack.change_sets.pop(arn)


def _delete_in_review(root: str) -> None:
    for name, stack in list(ministack.stacks.items()):
        if stack.get("RootId") == root and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            ministack.ACTIONS["DeleteStack"]({"StackName": [name]})
