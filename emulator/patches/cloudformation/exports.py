"""Refuse to change or delete an imported export, or to export a name from two stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Stack
from emulator.ministack.context import Params, Response
from emulator.patches.differences import Difference

Outputs = tuple[list[dict[str, Any]], dict[str, dict[str, str]]]

DIFFERENCES = (
    Difference(
        "An update that changes or deletes an imported export is rolled back, and its reason "
        "names the importing stacks.",
        source="user guide, Fn::ImportValue; aws-samples/generative-ai-use-cases#1232",
        ministack="Accepted.",
        test="test_change_of_imported_export",
    ),
    Difference(
        "An export that a template no longer has is deleted.",
        source="user guide, Outputs",
        ministack="ListExports still lists it.",
        test="test_removed_export",
    ),
    Difference(
        "Only one stack can export a name.",
        source="user guide, Outputs; aws-amplify/amplify-cli#1581",
        ministack="The second stack becomes the owner.",
        test="test_duplicate_export",
    ),
    Difference(
        "An import of a name that no stack exports fails with “No export named … found”.",
        source="aws-cloudformation-templates#263; which event has the message is not verified",
        ministack="Fails with another message.",
        test="test_missing_export",
    ),
    Difference(
        "DeleteStack of a stack with imported exports is accepted, then canceled; the status of the "
        "stack does not change.",
        source="user guide; rlister/stax#40, aws-samples/iam-identity-center-team#474",
        ministack="The call is refused.",
        test="test_delete_while_imported",
    ),
    Difference(
        "ListImports lists every importing stack, whatever the result of its last update.",
        source="API reference",
        ministack="Only stacks whose status ends in _COMPLETE.",
        test="test_import",
    ),
)
UPSTREAM = True

_CANCELED = "_canceled"  # In the record of a stack: why its operation was canceled.


class CanceledError(ValueError):
    """An operation that CloudFormation cancels, with the reason for the rollback event."""


def install() -> None:
    """Install the patch."""
    cloudformation.resolve_outputs.around(_resolve_outputs)
    cloudformation.roll_back.around(_roll_back)
    cloudformation.resolve.around(_resolve)
    cloudformation.action("DeleteStack").before(_cancel_delete_while_imported)
    cloudformation.action("ListImports").replace(_list_imports)


def importers(export: str, *, except_stack: str = "") -> list[str]:
    """Return the stacks that import *export*, in the account and region in scope."""
    return sorted(
        name
        for name, stack in cloudformation.stacks.items()
        if name != except_stack
        and stack["StackStatus"] not in {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}
        and stack.get("_resources")
        and export in cloudformation.imported_names(stack, name)
    )


def joined(names: list[str]) -> str:
    """Join *names* as CloudFormation does in messages: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _resolve_outputs(resolve: Callable[..., Outputs], *args: Any) -> Outputs:
    """Check the exports of an operation; delete exports that are no longer in the template."""
    stack_name, stack_id = args[-2:]
    stack = cloudformation.stacks[stack_name]
    try:
        outputs, new_exports = resolve(*args)
        _refuse_exports_of_other_stacks(new_exports, stack_id)
        _refuse_changed_imports(new_exports, stack_name, stack_id)
    except CanceledError as error:
        stack[_CANCELED] = str(error)
        raise
    for name in _exports_of(stack_id):
        if name not in new_exports:
            cloudformation.exports.pop(name)
    return outputs, new_exports


def _exports_of(stack_id: str) -> dict[str, str]:
    """Return the names and values of a stack's exports."""
    exports = cloudformation.exports.items()
    return {name: export["Value"] for name, export in exports if export["StackId"] == stack_id}


def _refuse_exports_of_other_stacks(new_exports: dict[str, dict[str, str]], stack_id: str) -> None:
    for name in new_exports:
        owner = cloudformation.exports.get(name, {}).get("StackId", stack_id)
        if owner != stack_id:
            other = owner.split("/")[1]
            message = f"Export with name {name} is already exported by stack {other}."
            raise CanceledError(message)


def _refuse_changed_imports(
    new_exports: dict[str, dict[str, str]], stack_name: str, stack_id: str
) -> None:
    for name, value in _exports_of(stack_id).items():
        change = "update" if name in new_exports else "delete"
        if change == "update" and new_exports[name]["Value"] == value:
            continue
        if stacks := importers(name, except_stack=stack_name):
            message = f"Update canceled. Cannot {change} export {name} as it is in use by "
            raise CanceledError(message + joined(stacks) + ".")


async def _roll_back(  # noqa: PLR0917  MiniStack's signature.
    roll_back: Callable[..., Any],
    name: str,
    stack_id: str,
    stack: Stack,
    operation: Any,
    reason_override: str = "",
) -> None:
    """Add the reason to the rollback event; remove the *_FAILED event, which AWS does not have."""
    canceled = stack.pop(_CANCELED, "")
    if canceled:
        cloudformation.stack_events[stack_id].pop()
    await roll_back(name, stack_id, stack, operation, canceled or reason_override)
    if canceled:
        stack["StackStatusReason"] = canceled


def _resolve(resolve: Callable[..., Any], value: Any, *args: Any) -> Any:
    """Report a missing export in AWS's words."""
    try:
        return resolve(value, *args)
    except ValueError as error:
        text = str(error)
        if text.startswith("Export '") and text.endswith("' not found"):
            name = text.removeprefix("Export '").removesuffix("' not found")
            message = f"No export named {name} found"
            raise ValueError(message) from None
        raise


def _cancel_delete_while_imported(params: Params) -> Response | None:
    """Accept the call and cancel the deletion, as AWS does; the reason is in the events."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if stack is None or stack.get("EnableTerminationProtection"):
        return None
    for name in _exports_of(stack["StackId"]):
        if stacks := importers(name, except_stack=stack["StackName"]):
            reason = f"Delete canceled. Cannot delete export {name} as it is in use by "
            cloudformation.schedule(_cancel(stack, reason + joined(stacks) + "."), stack)
            return cloudformation.response(200, "DeleteStackResponse", "")
    return None


async def _cancel(stack: Stack, reason: str) -> None:
    """Add the events of a canceled deletion; the status does not change."""
    resource = (stack["StackId"], stack["StackName"], stack["StackName"])
    kind = "AWS::CloudFormation::Stack"
    with cloudformation.stack_scope(stack):
        cloudformation.add_event(
            *resource, kind, "DELETE_IN_PROGRESS", "User Initiated", stack["StackId"]
        )
        cloudformation.add_event(*resource, kind, stack["StackStatus"], reason, stack["StackId"])
    stack["StackStatusReason"] = reason


def _list_imports(params: Params) -> Response:
    """List the importing stacks in every status, also after a failed update."""
    export = cloudformation.param(params, "ExportName")
    stacks = importers(export)
    if not stacks:
        message = f"Export '{export}' is not imported by any stack."
        return cloudformation.refuse("ValidationError", message)
    members = "".join(f"<member>{name}</member>" for name in stacks)
    result = f"<ListImportsResult><Imports>{members}</Imports></ListImportsResult>"
    return cloudformation.response(200, "ListImportsResponse", result)
