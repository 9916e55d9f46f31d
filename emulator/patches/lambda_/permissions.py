"""Check the resource policies of functions, and create permissions only for existing functions."""

from __future__ import annotations

from emulator.ministack import policies, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A Lambda::Permission for a function that does not exist fails.",
        source="API reference of AddPermission, ResourceNotFoundException",
        ministack="Created.",
        test="test_unknown_function",
    ),
)
UPSTREAM = True

_PERMISSION = ResourceType("AWS::Lambda::Permission")


def install() -> None:
    """Install the patch."""
    _PERMISSION.create.before(_refuse_unknown_function)


def can_invoke(function: str, *, service: str, source: str) -> bool:
    """Return whether the policy of a function permits *service* to invoke it for *source*."""
    record, _, _ = services.find_function(function)
    return record is not None and policies.policy_allows(
        record["policy"], "lambda:InvokeFunction", function, service=service, source=source
    )


def _refuse_unknown_function(_title: str, props: Props, _stack: str) -> Created | None:
    if services.find_function(props["FunctionName"])[0] is None:
        raise ValueError(f"Function not found: {props['FunctionName']} (Service: Lambda)")
    return None
