"""Create, describe and delete the change sets of nested stacks with the root change set."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import cloudformation, context
from emulator.ministack.context import Params, Response
from emulator.patches.cloudformation import nested_stacks, property_values
from emulator.patches.differences import NOT_VERIFIED, Difference

ChangeSet = dict[str, Any]
Create = Callable[[Params], Response]

DIFFERENCES = (
    Difference(
        "IncludeNestedStacks creates a change set for each nested stack, at any depth.",
        source="API reference, CreateChangeSet, DescribeChangeSet and ResourceChange; user guide, "
        "Change sets for nested stacks",
        ministack="The parameter is ignored.",
        test="test_each_nested_stack_has_a_change_set",
    ),
    Difference(
        "With IncludeNestedStacks, a nested stack that was changed outside of its parent is a change, "
        "which restores the nested stack, even if its TemplateURL is the same.",
        source=NOT_VERIFIED,
        ministack="FAILED, “didn't contain changes”.",
        test="test_changed_outside_of_the_parent",
    ),
    Difference(
        "A nested change set without changes does not fail the root change set; any other failure "
        "does, and the root's reason names the nested ARN.",
        source="aws-amplify/amplify-cli#14764; aws/copilot-cli#4426",
        ministack="There are no nested change sets.",
        test="test_a_nested_failure_fails_the_root",
    ),
    Difference(
        "Nested change sets are executed and deleted only through the root change set.",
        source="user guide, Change sets for nested stacks; the message of the refusal is not "
        "verified",
        ministack="There are no nested change sets.",
        test="test_only_the_root_is_executed_or_deleted",
    ),
    Difference(
        "Nested stacks that a change set creates are in REVIEW_IN_PROGRESS, and are deleted with the change set.",
        source="user guide, Change sets for nested stacks",
        ministack="There are no such stacks.",
        test="test_stacks_in_review_are_deleted",
    ),
)

_WITHOUT_CHANGES = (
    "The submitted information didn't contain changes",
    "No updates are to be performed",
)
_FROM_ROOT = "Only executable from the root change set."


def install() -> None:
    """Install the patch."""
    cloudformation.action("CreateChangeSet").around(_create)
    cloudformation.action("DescribeChangeSet").after(_add_change_set_ids)
    cloudformation.action("DeleteChangeSet").around(_delete)
    cloudformation.action("ExecuteChangeSet").after(_delete_executed)
    cloudformation.action("DeleteStack").before(_delete_nested_in_review)


def _create(create: Create, params: Params) -> Response:
    response = create(params)
    change_set = cloudformation.created_change_set(response)
    if change_set and cloudformation.param(params, "IncludeNestedStacks") == "true":
        _create_all_nested(create, change_set, root=change_set["ChangeSetId"])
    return response


def _create_all_nested(create: Create, parent: ChangeSet, root: str) -> None:
    """Create a change set for each nested stack, at any depth."""
    parent["IncludeNestedStacks"] = True
    changes = {entry["ResourceChange"]["LogicalResourceId"]: entry for entry in parent["Changes"]}
    for title, stack_id in _nested_stacks(parent, set(changes)):
        try:
            nested = _create_nested_change_set(create, parent, title, stack_id)
        except ValueError as error:  # The properties of the nested stack cannot be resolved.
            parent.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=str(error))
            return
        nested.update(ParentChangeSetId=parent["ChangeSetId"], RootChangeSetId=root)
        _create_all_nested(create, nested, root)
        _link_to_parent(parent, nested, changes.get(title), title, stack_id)
    if root != parent["ChangeSetId"] and parent["Status"] == "CREATE_COMPLETE":
        parent.update(ExecutionStatus="UNAVAILABLE", StatusReason=_FROM_ROOT)


def _nested_stacks(parent: ChangeSet, changed: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the logical id of each nested stack in the new template, and its stack id or ""."""
    stack = cloudformation.find_stack(parent["StackId"]) or {}
    existing = stack.get("_resources", {})
    for title, resource in parent["_template"].get("Resources", {}).items():
        if resource["Type"] == nested_stacks.KIND and (title in changed or title in existing):
            yield title, existing.get(title, {}).get("PhysicalResourceId", "")


def _create_nested_change_set(
    create: Create, parent: ChangeSet, title: str, stack_id: str
) -> ChangeSet:
    """Create the change set of one nested stack; if CreateChangeSet refuses it, add a failed one."""
    stack = cloudformation.find_stack(parent["StackId"]) or {}
    in_review = nested_stacks.find_in_review(stack, title)
    name = (cloudformation.find_stack(stack_id) or in_review or {}).get("StackName")
    name = name or nested_stacks.new_name(stack["StackName"], title)
    props = property_values.properties_after(parent, title)
    tags = {tag["Key"]: tag["Value"] for tag in (*parent["Tags"], *(props.get("Tags") or ()))}
    props |= {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    response = create(
        nested_stacks.stack_params(props, parent)
        | {
            "StackName": [name],
            "ChangeSetName": [f"{parent['ChangeSetName']}-{title}-{_random_suffix()}"],
            "ChangeSetType": ["UPDATE" if stack_id else "CREATE"],
        }
    )
    nested = cloudformation.created_change_set(response)
    if nested is None:
        return _add_failed_change_set(
            parent, title, stack_id or f"{stack['StackId']}-{title}", response
        )
    if not stack_id:
        nested_stacks.set_parent(cloudformation.stacks[name], stack, title)
    return nested


def _add_failed_change_set(
    parent: ChangeSet, title: str, stack_id: str, response: Response
) -> ChangeSet:
    name = f"{parent['ChangeSetName']}-{title}-{_random_suffix()}"
    arn = f"{parent['ChangeSetId'].rpartition(':')[0]}:changeSet/{name}/{uuid.uuid4()}"
    change_set: ChangeSet = parent | {
        "ChangeSetId": arn,
        "ChangeSetName": name,
        "StackId": stack_id,
        "StackName": stack_id.split("/")[1],
        "Status": "FAILED",
        "ExecutionStatus": "UNAVAILABLE",
        "StatusReason": cloudformation.error_message(response[2]),
        "Changes": [],
        "_template": {},
    }
    cloudformation.change_sets[arn] = change_set
    return change_set


def _random_suffix() -> str:
    return uuid.uuid4().hex[:12].upper()


def _link_to_parent(
    parent: ChangeSet, nested: ChangeSet, change: dict[str, Any] | None, title: str, stack_id: str
) -> None:
    """Add the ARN of a nested change set to its parent; fail the parent if the nested one failed."""
    arn = nested["ChangeSetId"]
    is_empty = nested["StatusReason"].startswith(_WITHOUT_CHANGES)
    if change is None and is_empty:
        cloudformation.change_sets.pop(arn, None)
        return
    if change is None:
        change = _automatic_change(title, stack_id)
        parent["Changes"].append(change)
        if parent["StatusReason"].startswith(_WITHOUT_CHANGES):
            parent.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
    change["ResourceChange"]["ChangeSetId"] = arn
    if nested["Status"] == "FAILED" and not is_empty:
        reason = f"Nested change set {arn} was not successfully created: Currently in FAILED."
        parent.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)


def _automatic_change(title: str, stack_id: str) -> dict[str, Any]:
    """Return the change of a nested stack whose properties in the parent do not change."""
    target = {"Attribute": "Properties", "RequiresRecreation": "Never"}
    detail = {"Target": target, "Evaluation": "Dynamic", "ChangeSource": "Automatic"}
    change = {
        "Action": "Modify",
        "LogicalResourceId": title,
        "PhysicalResourceId": stack_id,
        "ResourceType": nested_stacks.KIND,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [detail],
    }
    return {"Type": "Resource", "ResourceChange": change}


def _find(params: Params) -> tuple[str | None, ChangeSet | None]:
    name = cloudformation.param(params, "ChangeSetName")
    return cloudformation.find_change_set(name, cloudformation.param(params, "StackName"))


def _add_change_set_ids(response: Response, params: Params) -> Response:
    """Add the ids of the parent, root and nested change sets to the response."""
    status, headers, body = response
    _, change_set = _find(params)
    if change_set is None or not change_set.get("IncludeNestedStacks"):
        return response
    ET.register_namespace("", cloudformation.NAMESPACE)
    root = ET.fromstring(body)  # noqa: S314  MiniStack's own response.
    [result] = context.elements(root, "DescribeChangeSetResult")
    property_values.add(result, "IncludeNestedStacks", "true")
    for key in ("ParentChangeSetId", "RootChangeSetId"):
        if key in change_set:
            property_values.add(result, key, change_set[key])
    arns = {
        entry["ResourceChange"]["LogicalResourceId"]: entry["ResourceChange"].get("ChangeSetId")
        for entry in change_set["Changes"]
    }
    for change in context.elements(root, "ResourceChange"):
        if arn := arns[context.text_of(change, "LogicalResourceId")]:
            property_values.add(change, "ChangeSetId", arn)
    return status, headers, ET.tostring(root)


def _delete(delete: Callable[[Params], Response], params: Params) -> Response:
    """Delete a root change set with its nested change sets and their stacks in review."""
    arn, change_set = _find(params)
    if change_set and "RootChangeSetId" in change_set:
        message = f"ChangeSet [{arn}] can only be deleted from the root change set."
        return cloudformation.refuse("InvalidChangeSetStatus", message)
    response = delete(params)
    if change_set and change_set.get("IncludeNestedStacks"):
        _delete_nested(change_set["ChangeSetId"])
        _delete_in_review(change_set["StackId"])
    return response


def _delete_executed(response: Response, _params: Params) -> Response:
    """Delete the nested change sets whose root change set was executed or deleted."""
    for change_set in list(cloudformation.change_sets.values()):
        root = cloudformation.change_sets.get(change_set.get("RootChangeSetId", ""))
        if root is None or root["ExecutionStatus"].startswith("EXECUTE"):
            _delete_nested(change_set.get("RootChangeSetId", ""))
    return response


def _delete_nested_in_review(params: Params) -> Response | None:
    """Delete the nested stacks in review when their root stack in review is deleted."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS" and "ParentId" not in stack:
        _delete_in_review(stack["StackId"])
    return None


def _delete_nested(root: str) -> None:
    """Delete the nested change sets of a root change set."""
    for arn, change_set in list(cloudformation.change_sets.items()):
        if root and change_set.get("RootChangeSetId") == root:
            cloudformation.change_sets.pop(arn)


def _delete_in_review(root: str) -> None:
    """Delete the nested stacks in review below the stack with the id *root*."""
    for name, stack in list(cloudformation.stacks.items()):
        if stack.get("RootId") == root and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            cloudformation.ACTIONS["DeleteStack"]({"StackName": [name]})
