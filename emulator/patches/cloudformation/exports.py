"""An export in use neither vanishes nor changes, and has one owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack

Outputs = tuple[list[dict[str, Any]], dict[str, dict[str, str]]]
_CANCELED = "_canceled"


class CanceledError(ValueError):
    """CloudFormation gives an operation up; the reason stands on the stack's rollback event."""


def close() -> None:
    """Check exports when an operation publishes them, imports when it resolves them."""
    ministack.wrap("_resolve_stack_outputs", _guarded)
    ministack.wrap("_roll_back_operation", _with_its_reason)
    ministack.wrap("_resolve_refs", _naming_missing_export)
    ministack.wrap_action("DeleteStack", _canceled_while_in_use)
    ministack.wrap_action("ListImports", _by_live_stacks)


def importers(export: str, *, of: str) -> list[str]:
    """Return the stacks of this account and region that import *export*, but *of* itself."""
    return sorted(
        name
        for name, stack in ministack.stacks.items()
        if name != of
        and stack["StackStatus"] not in {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}
        and stack.get("_resources")
        and export in ministack.imported_names(stack, name)
    )


def listed(names: list[str]) -> str:
    """Return *names* the way CloudFormation lists stacks: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _guarded(resolve: Callable[..., Outputs]) -> Callable[..., Outputs]:
    def resolving(*args: Any) -> Outputs:
        stack_name, stack_id = args[-2:]
        stack = ministack.stacks[stack_name]
        try:
            outputs, wanted = resolve(*args)
            _refuse_foreign(wanted, stack_id)
            _refuse_used(wanted, stack_name, stack_id)
        except CanceledError as error:
            stack[_CANCELED] = str(error)
            raise
        for name in _owned(stack_id):
            if name not in wanted:
                ministack.exports.pop(name)
        return outputs, wanted

    return resolving


def _owned(stack_id: str) -> dict[str, str]:
    exports = ministack.exports.items()
    return {name: export["Value"] for name, export in exports if export["StackId"] == stack_id}


def _refuse_foreign(wanted: dict[str, dict[str, str]], stack_id: str) -> None:
    for name in wanted:
        owner = ministack.exports.get(name, {}).get("StackId", stack_id)
        if owner != stack_id:
            other = owner.split("/")[1]
            message = f"Export with name {name} is already exported by stack {other}."
            raise CanceledError(message)


def _refuse_used(wanted: dict[str, dict[str, str]], stack_name: str, stack_id: str) -> None:
    for name, value in _owned(stack_id).items():
        change = "delete" if name not in wanted else "update"
        if change == "update" and wanted[name]["Value"] == value:
            continue
        if users := importers(name, of=stack_name):
            message = f"Update canceled. Cannot {change} export {name} as it is in use by "
            raise CanceledError(message + listed(users) + ".")


def _with_its_reason(roll_back: Callable[..., Any]) -> Callable[..., Any]:
    """Give the rollback event the reason, and take back the *_FAILED event AWS does not have."""

    async def rolling_back(
        name: str, stack_id: str, stack: ministack.Stack, operation: Any, reason: str = ""
    ) -> None:
        canceled = stack.pop(_CANCELED, "")
        if canceled:
            ministack.stack_events[stack_id].pop()
        await roll_back(name, stack_id, stack, operation, canceled or reason)
        if canceled:
            stack["StackStatusReason"] = canceled

    return rolling_back


def _naming_missing_export(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolving(value: Any, *args: Any) -> Any:
        try:
            return resolve(value, *args)
        except ValueError as error:
            said = str(error)
            if said.startswith("Export '") and said.endswith("' not found"):
                name = said.removeprefix("Export '").removesuffix("' not found")
                message = f"No export named {name} found"
                raise ValueError(message) from None
            raise

    return resolving


def _canceled_while_in_use(
    delete: Callable[[ministack.Params], ministack.Answer],
) -> Callable[[ministack.Params], ministack.Answer]:
    """Accept the call as AWS does; the stack then says why it stays as it was."""

    def deleting(params: ministack.Params) -> ministack.Answer:
        stack = ministack.find_stack(ministack.param(params, "StackName"))
        if stack is None or stack.get("EnableTerminationProtection"):
            return delete(params)
        for name in _owned(stack["StackId"]):
            if users := importers(name, of=stack["StackName"]):
                reason = f"Delete canceled. Cannot delete export {name} as it is in use by "
                ministack.schedule(_cancel(stack, reason + listed(users) + "."), stack)
                return ministack.answer(200, "DeleteStackResponse", "")
        return delete(params)

    return deleting


async def _cancel(stack: ministack.Stack, reason: str) -> None:
    """Tell the story in events; the status stays, so that nobody takes it for a delete to finish."""
    who = (stack["StackId"], stack["StackName"], stack["StackName"], "AWS::CloudFormation::Stack")
    with ministack.stack_scope(stack):
        ministack.add_event(*who, "DELETE_IN_PROGRESS", "User Initiated", stack["StackId"])
        ministack.add_event(*who, stack["StackStatus"], reason, stack["StackId"])
    stack["StackStatusReason"] = reason


def _by_live_stacks(
    _list_imports: Callable[[ministack.Params], ministack.Answer],
) -> Callable[[ministack.Params], ministack.Answer]:
    """List importers in every status they can import in, a failed update's included."""

    def listing(params: ministack.Params) -> ministack.Answer:
        export = ministack.param(params, "ExportName")
        users = importers(export, of="")
        if not users:
            message = f"Export '{export}' is not imported by any stack."
            return ministack.refuse("ValidationError", message)
        members = "".join(f"<member>{name}</member>" for name in users)
        result = f"<ListImportsResult><Imports>{members}</Imports></ListImportsResult>"
        return ministack.answer(200, "ListImportsResponse", result)

    return listing
