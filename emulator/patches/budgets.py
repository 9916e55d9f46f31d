"""Add the resource type AWS::Budgets::Budget."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation, lookup, services
from emulator.ministack.cloudformation import Created, Props
from emulator.ministack.context import Response
from emulator.patches.differences import Difference

Call = Callable[[dict[str, Any]], Response]

DIFFERENCES = (
    Difference(
        "The API of AWS Budgets returns the budgets of stacks.",
        source="AWS::Budgets::Budget",
        ministack="Unknown type.",
        test="test_recorded.py::test_providers_and_budgets",
    ),
)
UPSTREAM = True

_create_budget: Call = lookup.attribute(services.budgets, "_create_budget")
_delete_budget: Call = lookup.attribute(services.budgets, "_delete_budget")


def install() -> None:
    """Install the patch."""
    cloudformation.add_type(
        "AWS::Budgets::Budget",
        create=_create,
        update=_update,
        delete=lambda name, _props: _call(_delete_budget, BudgetName=name),
    )


def _create(title: str, props: Props, stack: str) -> Created:
    budget = {"BudgetName": f"{stack}-{title}-{uuid.uuid4().hex[:12]}", **props["Budget"]}
    _call(_create_budget, **{**props, "Budget": budget})
    return budget["BudgetName"], {}


def _update(name: str, old: Props, new: Props, stack: str) -> Created:
    """Delete the budget and create it again, because no call changes the notifications of a budget."""
    _call(_delete_budget, BudgetName=name)
    try:
        return _create("", _with_name(new, name), stack)
    except ValueError:
        _create("", _with_name(old, name), stack)
        raise


def _with_name(props: Props, name: str) -> Props:
    return {**props, "Budget": {"BudgetName": name, **props["Budget"]}}


def _call(function: Call, **data: Any) -> None:
    status, _, body = function(_with_text_amount(data))
    if status >= http.client.BAD_REQUEST:
        error = json.loads(body)
        raise services.refusal(error.get("Message") or error, "Budgets", status)


def _with_text_amount(data: dict[str, Any]) -> dict[str, Any]:
    """Convert the amount to a string: a template may contain a number, a call needs a string."""
    if limit := data.get("Budget", {}).get("BudgetLimit"):
        converted = {**limit, "Amount": str(limit["Amount"])}
        return {**data, "Budget": {**data["Budget"], "BudgetLimit": converted}}
    return data
