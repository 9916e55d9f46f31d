"""A nested stack is a stack: made, changed, rolled back and deleted by what does that for any."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from emulator import ministack
from emulator.ministack import Answer, Params, Props

Made = tuple[str, dict[str, str]]

KIND = "AWS::CloudFormation::Stack"
_TITLE = "_title"
_EMULATOR = re.compile(r"Emulator stack (\S+) was not successfully")
_NOTHING_TO_DO = b"No updates are to be performed"

# Where operations run. What waits for one is on a thread of its own, as ministack has it.
_loop: ContextVar[asyncio.AbstractEventLoop] = ContextVar("loop of the operations")


def close() -> None:
    """Replace the emulator's own way, which knows no rollback and forgets attributes."""
    ministack.wrap("run_reentrant", _telling_loop)
    ministack.wrap("_add_event", _naming_failed)
    ministack.wrap("_update_resource", _always)
    ministack.TYPES[KIND] = {"create": _create, "update": _update, "delete": _delete}
    for action in ("DescribeStacks", "ListStacks"):
        ministack.wrap_action(action, _naming_parents)


def _telling_loop(run: Callable[..., Any]) -> Callable[..., Any]:
    async def running(work: Callable[..., Any], *args: Any) -> Any:
        _loop.set(asyncio.get_running_loop())
        return await run(work, *args)

    return running


def _create(title: str, props: Props, parent: str) -> Made:
    above = ministack.stacks[parent]
    waiting = in_review(above, title)
    name = waiting["StackName"] if waiting else new_name(parent, title)
    if waiting:
        change_set = {"ChangeSetName": [f"c-{uuid.uuid4().hex}"]}
        kind: Params = {"ChangeSetType": ["CREATE"]}
        _operate("CreateChangeSet", name, stack_params(props, above) | kind | change_set)
        _operate("ExecuteChangeSet", name, change_set)
    else:
        _operate("CreateStack", name, stack_params(props, above), below=(above, title))
    made = ministack.stacks[name]
    if made["StackStatus"] != "CREATE_COMPLETE":
        _operate("DeleteStack", name)
        raise _failure(made, "create")
    return made["StackId"], _outputs(made)


def _update(made: str, _old: Props, new: Props, parent: str) -> Made:
    """Update a nested stack; if it has no changes, update the stacks nested in it."""
    name = _name(made)
    message = _operate("UpdateStack", name, stack_params(new, ministack.stacks[parent]))
    nested = ministack.stacks[name]
    if _NOTHING_TO_DO in message:
        for inner in nested["_resources"].values():
            if inner["ResourceType"] == KIND:
                properties = inner["Properties"]
                _update(inner["PhysicalResourceId"], properties, properties, name)
    elif nested["StackStatus"] != "UPDATE_COMPLETE":
        raise _failure(nested, "update")
    return made, _outputs(nested)


def _always(update: Callable[..., Made]) -> Callable[..., Made]:
    """Compare a nested stack with its template whenever its parent is updated."""

    def updating(kind: str, made: str, old: Props, new: Props, stack: str, *rest: Any) -> Made:
        if kind == KIND and old == new:
            return _update(made, old, new, stack)
        return update(kind, made, old, new, stack, *rest)

    return updating


def _delete(made: str, _props: Props) -> None:
    name = _name(made)
    _operate("DeleteStack", name)
    if ministack.stacks[name]["StackStatus"] != "DELETE_COMPLETE":
        raise _failure(ministack.stacks[name], "delete")


def new_name(parent: str, title: str) -> str:
    """Return a unique name for a nested stack."""
    return f"{parent}-{title}-{uuid.uuid4().hex[:12].upper()}"


def put_below(made: ministack.Stack, above: ministack.Stack, title: str) -> None:
    """Record the parent of a nested stack, and its logical id there."""
    root = above.get("RootId", above["StackId"])
    made.update(ParentId=above["StackId"], RootId=root, **{_TITLE: title})


def in_review(above: ministack.Stack, title: str) -> ministack.Stack | None:
    """Return the nested stack that a change set created and that was not executed yet."""
    for stack in ministack.stacks.values():
        mine = (stack.get("ParentId"), stack.get(_TITLE)) == (above["StackId"], title)
        if mine and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            found: ministack.Stack = stack
            return found
    return None


def _name(made: str) -> str:
    nested = ministack.find_stack(made)
    if nested is None:
        raise ValueError(f"Stack with id {made} does not exist")
    return str(nested["StackName"])


def _operate(
    action: str,
    name: str,
    params: Params | None = None,
    *,
    below: tuple[ministack.Stack, str] | None = None,
) -> bytes:
    """Call an action of CloudFormation's API where operations run, and wait for its operation.

    Raises ValueError if it is refused. A created stack is the resource *below*: parent, logical id.
    """

    async def operating() -> Answer:
        before = asyncio.all_tasks()
        answer = ministack.ACTIONS[action]({"StackName": [name], **(params or {})})
        if below and name in ministack.stacks:
            put_below(ministack.stacks[name], *below)
        await asyncio.gather(*(asyncio.all_tasks() - before))
        return answer

    # The account and region in scope come along: a task begins with a copy of the context.
    status, _, body = asyncio.run_coroutine_threadsafe(operating(), _loop.get()).result()
    if status >= 400 and _NOTHING_TO_DO not in body:
        said = re.search(rb"<Message>(.*?)</Message>", body, re.DOTALL)
        raise ValueError((said[1] if said else body).decode())
    return body


def stack_params(props: Props, above: ministack.Stack) -> Params:
    """Return the parameters of a call for a nested stack, with the capabilities of its parent."""
    params: Params = {"TemplateURL": [props["TemplateURL"]]}
    params |= _members("Parameters", "ParameterKey", "ParameterValue", _given(props))
    params |= _members("Tags", "Key", "Value", _tags(props))
    for number, each in enumerate(above.get("Capabilities", ()), 1):
        params[f"Capabilities.member.{number}"] = [each]
    return params


def _failure(nested: ministack.Stack, verb: str) -> ValueError:
    """Return the error of the parent stack: it names the resources that failed, not the reason."""
    names: list[str] = []
    for event in reversed(ministack.stack_events[nested["StackId"]]):
        name, status = event["LogicalResourceId"], event["ResourceStatus"]
        if (name, status) == (nested["StackName"], f"{verb.upper()}_IN_PROGRESS"):
            break
        if status.endswith("_FAILED") and name != nested["StackName"]:
            names.insert(0, name)
    failed = f"The following resource(s) failed to {verb}: [{', '.join(dict.fromkeys(names))}]. "
    reason = failed if names else nested["StackStatusReason"]
    how = ". Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason" if verb == "update" else ""
    return ValueError(
        f"Emulator stack {nested['StackId']} was not successfully {verb}d{how}: {reason}"
    )


def _naming_failed(add: Callable[..., None]) -> Callable[..., None]:
    """Add the stack id to the event of a nested stack that failed, as AWS does."""

    def adding(stack_id: str, *event: Any, **more: Any) -> None:
        add(stack_id, *event, **more)
        for last in ministack.stack_events.get(stack_id, [])[-1:]:
            if found := _EMULATOR.search(last["ResourceStatusReason"]):
                last["PhysicalResourceId"] = last["PhysicalResourceId"] or found[1]

    return adding


def _outputs(nested: ministack.Stack) -> dict[str, str]:
    return {f"Outputs.{one['OutputKey']}": one["OutputValue"] for one in nested["Outputs"]}


def _given(props: Props) -> Iterable[tuple[str, str]]:
    return ((name, str(value)) for name, value in (props.get("Parameters") or {}).items())


def _tags(props: Props) -> Iterable[tuple[str, str]]:
    tags = ((one["Key"], one["Value"]) for one in props.get("Tags") or ())
    return ((key, value) for key, value in tags if not key.startswith("aws:"))


def _members(list_: str, key: str, value: str, pairs: Iterable[tuple[str, str]]) -> Params:
    """A list of pairs as the query protocol spells it."""
    params: Params = {}
    for number, (name, said) in enumerate(pairs, 1):
        params[f"{list_}.member.{number}.{key}"] = [name]
        params[f"{list_}.member.{number}.{value}"] = [said]
    return params


def _naming_parents(describe: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    """Say of a nested stack whose it is: whoever lists stacks tells it from others by that."""

    def describing(params: Params) -> Answer:
        status, headers, body = describe(params)
        for one in ministack.stacks.values():
            if "ParentId" in one:
                said = f"<StackId>{one['StackId']}</StackId>"
                more = f"<ParentId>{one['ParentId']}</ParentId><RootId>{one['RootId']}</RootId>"
                body = body.replace(said.encode(), (said + more).encode())
        return status, headers, body

    return describing
