"""Create, update, roll back and delete nested stacks with the operations of other stacks."""

from __future__ import annotations

import asyncio
import http.client
import re
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Created, Props, Stack
from emulator.ministack.context import Params, Response
from emulator.patches.differences import Difference

KIND = "AWS::CloudFormation::Stack"

DIFFERENCES = (
    Difference(
        "A nested stack that fails is rolled back, and the status reason in its parent names it.",
        source="user guide, Split a template into reusable pieces using nested stacks",
        ministack="Its resources stay; an update removes the attributes of unchanged resources.",
        test="test_failed_creation",
    ),
    Difference(
        "The event of a failed nested stack has the stack id, and names the failed resources "
        "without their reasons.",
        source="nag5623 in serverless/serverless#7593; "
        "aditmalik-synechron/serverless-nested-stack#2",
        ministack="It has no stack id, and it has the reason of the resource.",
        test="test_event_of_a_failure",
    ),
    Difference(
        "DescribeStacks and ListStacks return the parent and the root of a nested stack.",
        source="API reference, Stack (ParentId, RootId)",
        ministack="Not returned.",
        test="test_parent_tags_and_outputs",
    ),
)

_TITLE = "_title"  # In the record of a nested stack: its logical id in the parent.
_FAILED = re.compile(r"Embedded stack (\S+) was not successfully")
_NO_UPDATES = b"No updates are to be performed"

# The event loop of stack operations. A thread that handles a nested stack runs operations on this
# loop, and waits for them.
_loop: ContextVar[asyncio.AbstractEventLoop] = ContextVar("event loop of the operations")


def install() -> None:
    """Install the patch."""
    cloudformation.run_on_thread.around(_run_with_loop)
    cloudformation.add_event.around(_add_event)
    cloudformation.update_resource.before(_update_unchanged)
    cloudformation.add_type(KIND, create=_create, update=_update, delete=_delete)
    for action in ("DescribeStacks", "ListStacks"):
        cloudformation.action(action).after(_add_parents)


async def _run_with_loop(run: Callable[..., Any], work: Callable[..., Any], *args: Any) -> Any:
    _loop.set(asyncio.get_running_loop())
    return await run(work, *args)


def _create(title: str, props: Props, parent_name: str) -> Created:
    parent = cloudformation.stacks[parent_name]
    existing = find_in_review(parent, title)
    name = existing["StackName"] if existing else new_name(parent_name, title)
    if existing:
        change_set = {"ChangeSetName": [f"c-{uuid.uuid4().hex}"]}
        kind: Params = {"ChangeSetType": ["CREATE"]}
        _call("CreateChangeSet", name, stack_params(props, parent) | kind | change_set)
        _call("ExecuteChangeSet", name, change_set)
    else:
        _call("CreateStack", name, stack_params(props, parent), parent=(parent, title))
    nested = cloudformation.stacks[name]
    if nested["StackStatus"] != "CREATE_COMPLETE":
        _call("DeleteStack", name)
        raise _failure(nested, "create")
    return nested["StackId"], _outputs(nested)


def _update(stack_id: str, _old: Props, new: Props, parent: str) -> Created:
    """Update a nested stack; if it has no changes, update the stacks nested in it."""
    name = _name(stack_id)
    body = _call("UpdateStack", name, stack_params(new, cloudformation.stacks[parent]))
    nested = cloudformation.stacks[name]
    if _NO_UPDATES in body:
        for resource in nested["_resources"].values():
            if resource["ResourceType"] == KIND:
                properties = resource["Properties"]
                _update(resource["PhysicalResourceId"], properties, properties, name)
    elif nested["StackStatus"] != "UPDATE_COMPLETE":
        raise _failure(nested, "update")
    return stack_id, _outputs(nested)


def _update_unchanged(
    kind: str, stack_id: str, old: Props, new: Props, stack: str, *_rest: Any
) -> Created | None:
    """Update a nested stack with every update of its parent, also if its properties are unchanged."""
    return _update(stack_id, old, new, stack) if kind == KIND and old == new else None


def _delete(stack_id: str, _props: Props) -> None:
    name = _name(stack_id)
    _call("DeleteStack", name)
    if cloudformation.stacks[name]["StackStatus"] != "DELETE_COMPLETE":
        raise _failure(cloudformation.stacks[name], "delete")


def new_name(parent: str, title: str) -> str:
    """Return a unique name for a nested stack."""
    return f"{parent}-{title}-{uuid.uuid4().hex[:12].upper()}"


def set_parent(nested: Stack, parent: Stack, title: str) -> None:
    """Record the parent of a nested stack; *title* is the logical id of *nested* in the parent."""
    root = parent.get("RootId", parent["StackId"])
    nested.update(ParentId=parent["StackId"], RootId=root, **{_TITLE: title})


def find_in_review(parent: Stack, title: str) -> Stack | None:
    """Return the nested stack in review that a change set created, or None."""
    for stack in cloudformation.stacks.values():
        is_nested = (stack.get("ParentId"), stack.get(_TITLE)) == (parent["StackId"], title)
        if is_nested and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            nested: Stack = stack
            return nested
    return None


def _name(stack_id: str) -> str:
    nested = cloudformation.find_stack(stack_id)
    if nested is None:
        raise ValueError(f"Stack with id {stack_id} does not exist")
    return str(nested["StackName"])


def _call(
    action: str,
    name: str,
    params: Params | None = None,
    *,
    parent: tuple[Stack, str] | None = None,
) -> bytes:
    """Call an action of CloudFormation's API on the event loop, and wait for its operation.

    Raise ValueError if the call is refused. For a stack that is created, *parent* is the parent
    stack and the logical id that the new stack has in the parent.
    """

    async def call() -> Response:
        tasks_before = asyncio.all_tasks()
        response = cloudformation.ACTIONS[action]({"StackName": [name], **(params or {})})
        if parent and name in cloudformation.stacks:
            set_parent(cloudformation.stacks[name], *parent)
        await asyncio.gather(*(asyncio.all_tasks() - tasks_before))
        return response

    # A task begins with a copy of the context: the account and region in scope are kept.
    status, _, body = asyncio.run_coroutine_threadsafe(call(), _loop.get()).result()
    if status >= http.client.BAD_REQUEST and _NO_UPDATES not in body:
        raise ValueError(cloudformation.error_message(body))
    return body


def stack_params(props: Props, parent: Stack) -> Params:
    """Return the parameters of a call for a nested stack, with the capabilities of its parent."""
    params: Params = {"TemplateURL": [props["TemplateURL"]]}
    params |= _members("Parameters", "ParameterKey", "ParameterValue", _parameters(props))
    params |= _members("Tags", "Key", "Value", _tags(props))
    for number, capability in enumerate(parent.get("Capabilities", ()), 1):
        params[f"Capabilities.member.{number}"] = [capability]
    return params


def _failure(nested: Stack, verb: str) -> ValueError:
    """Return the error for the parent stack, which names the failed resources, not their reasons."""
    names: list[str] = []
    for event in reversed(cloudformation.stack_events[nested["StackId"]]):
        name, status = event["LogicalResourceId"], event["ResourceStatus"]
        if (name, status) == (nested["StackName"], f"{verb.upper()}_IN_PROGRESS"):
            break
        if status.endswith("_FAILED") and name != nested["StackName"]:
            names.insert(0, name)
    failed = f"The following resource(s) failed to {verb}: [{', '.join(dict.fromkeys(names))}]. "
    reason = failed if names else nested["StackStatusReason"]
    state = ". Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason" if verb == "update" else ""
    return ValueError(
        f"Embedded stack {nested['StackId']} was not successfully {verb}d{state}: {reason}"
    )


def _add_event(add: Callable[..., None], stack_id: str, *event: Any, **options: Any) -> None:
    """Add the stack id to the event of a nested stack that failed, as AWS does."""
    add(stack_id, *event, **options)
    for last in cloudformation.stack_events.get(stack_id, [])[-1:]:
        if match := _FAILED.search(last["ResourceStatusReason"]):
            last["PhysicalResourceId"] = last["PhysicalResourceId"] or match[1]


def _outputs(nested: Stack) -> dict[str, str]:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in nested["Outputs"]}


def _parameters(props: Props) -> Iterable[tuple[str, str]]:
    return ((name, str(value)) for name, value in (props.get("Parameters") or {}).items())


def _tags(props: Props) -> Iterable[tuple[str, str]]:
    tags = ((tag["Key"], tag["Value"]) for tag in props.get("Tags") or ())
    return ((key, value) for key, value in tags if not key.startswith("aws:"))


def _members(list_: str, key: str, value: str, pairs: Iterable[tuple[str, str]]) -> Params:
    """Return a list of pairs in the query protocol."""
    params: Params = {}
    for number, (name, text) in enumerate(pairs, 1):
        params[f"{list_}.member.{number}.{key}"] = [name]
        params[f"{list_}.member.{number}.{value}"] = [text]
    return params


def _add_parents(response: Response, _params: Params) -> Response:
    """Add the ids of the parent and the root of each nested stack."""
    status, headers, body = response
    for stack in cloudformation.stacks.values():
        if "ParentId" in stack:
            stack_id = f"<StackId>{stack['StackId']}</StackId>"
            parents = f"<ParentId>{stack['ParentId']}</ParentId><RootId>{stack['RootId']}</RootId>"
            body = body.replace(stack_id.encode(), (stack_id + parents).encode())
    return status, headers, body
