"""Delete a stack that is being created: the creation ends, then its resources are deleted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from emulator.ministack import cloudformation
from emulator.ministack.cloudformation import Created, Stack
from emulator.ministack.context import Params, Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "DeleteStack of a stack that is being created cancels the creation.",
        source="API reference, DeleteStack; user guide, Stack status codes (CREATE_IN_PROGRESS)",
        ministack="The creation continues at the same time and can leave a stack in CREATE_COMPLETE.",
        test="test_delete_during_creation",
    ),
)
UPSTREAM = True

_DELETED = "_deleted_in_creation"  # In the record of a stack.
_STACK = "AWS::CloudFormation::Stack"


def install() -> None:
    """Install the patch."""
    cloudformation.action("DeleteStack").before(_cancel_creation)
    cloudformation.provision_resource.before(_refuse_creation)
    cloudformation.roll_back.around(_roll_back)
    cloudformation.deploy_stack.around(_deploy)


def _cancel_creation(params: Params) -> Response | None:
    """Accept the call; `_deploy` deletes the stack when no resource is being created any more."""
    stack = cloudformation.find_stack(cloudformation.param(params, "StackName"))
    if stack is None or stack["StackStatus"] != "CREATE_IN_PROGRESS":
        return None
    stack[_DELETED] = True
    return cloudformation.response(200, "DeleteStackResponse", "")


def _refuse_creation(_kind: str, _title: str, _props: Any, stack_name: str) -> Created | None:
    if _is_deleted(cloudformation.stacks.get(stack_name)):
        message = "Resource creation cancelled"
        raise ValueError(message)
    return None


async def _roll_back(
    roll_back: Callable[..., Any],
    name: str,
    stack_id: str,
    stack: Stack,
    *rest: Any,
    **options: Any,
) -> None:
    """Roll back, unless the stack will be deleted; remove the event of the failed creation."""
    if not _is_deleted(stack):
        await roll_back(name, stack_id, stack, *rest, **options)
    elif cloudformation.stack_events[stack_id][-1]["ResourceType"] == _STACK:
        cloudformation.stack_events[stack_id].pop()


async def _deploy(
    deploy: Callable[..., Coroutine[Any, Any, None]],
    name: str,
    stack_id: str,
    *args: Any,
    **options: Any,
) -> None:
    await deploy(name, stack_id, *args, **options)
    stack = cloudformation.stacks.get(name)
    if stack is not None and stack.pop(_DELETED, False):
        await cloudformation.delete_stack(name, stack_id)


def _is_deleted(stack: Stack | None) -> bool:
    return stack is not None and stack.get(_DELETED, False)
