"""Types that are kept, shown and do nothing: pipelines, connections, scaling, X-Ray.

What a stack gave such a resource stands in the stack; the services' reading calls answer from
there. OIDC providers and budgets are made in the emulator's own services.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator import ministack
from emulator.ministack import Props

Made = tuple[str, dict[str, Any]]

_CONNECTIONS = {
    "AWS::CodeConnections::Connection": "codeconnections",
    "AWS::CodeStarConnections::Connection": "codestar-connections",
}
_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_PIPELINE = "AWS::CodePipeline::Pipeline"
_RULE = "AWS::XRay::SamplingRule"
_GROUP = "AWS::XRay::Group"
_OIDC = "AWS::IAM::OIDCProvider"
_BUDGET = "AWS::Budgets::Budget"


@dataclass(frozen=True)
class Recorded:
    """A resource of such a type, as its stack has it."""

    name: str
    props: Props


def close() -> None:
    """Add the types."""
    for kind in _CONNECTIONS:
        _record(kind, _connection(kind), _connection_attributes)
    _record(_PIPELINE, lambda props, given: props.get("Name", given), lambda _: {"Version": "1"})
    _record(_TARGET, _target, lambda name: {"Id": name})
    _record(_POLICY, _policy, lambda name: {"Arn": name})
    _record(_RULE, _rule, lambda name: {"RuleARN": name})
    _record(_GROUP, _group, lambda name: {"GroupARN": name})
    ministack.TYPES[_OIDC] = {
        "create": _create_provider,
        "update": _update_provider,
        "delete": lambda arn, _props: _providers().pop(arn, None),
    }
    ministack.TYPES[_BUDGET] = {
        "create": _create_budget,
        "update": _update_budget,
        "delete": lambda name, _props: _ask_budgets("_delete_budget", BudgetName=name),
    }


def of_kind(*kinds: str) -> list[Recorded]:
    """Return the resources of these types in the account and region in scope."""
    return [
        Recorded(one["PhysicalResourceId"], one["Properties"])
        for stack in ministack.stacks.values()
        if stack["StackStatus"] != "DELETE_COMPLETE"
        for one in stack["_resources"].values()
        if one["ResourceType"] in kinds
    ]


def _record(
    kind: str,
    name: Callable[[Props, str], str],
    attributes: Callable[[str], dict[str, str]],
) -> None:
    def create(title: str, props: Props, stack: str) -> Made:
        made = name(props, f"{stack}-{title}-{uuid.uuid4().hex[:12]}")
        return made, attributes(made)

    ministack.TYPES[kind] = {
        "create": create,
        "update": lambda made, _old, _new, _stack: (made, attributes(made)),
        "delete": lambda _made, _props: None,
    }


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{ministack.region()}:{ministack.account()}:{rest}"


def _connection(kind: str) -> Callable[[Props, str], str]:
    return lambda _props, _given: _arn(_CONNECTIONS[kind], f"connection/{uuid.uuid4()}")


def _connection_attributes(arn: str) -> dict[str, str]:
    """A connection waits for somebody to log in at GitHub: nobody does that here."""
    return {"ConnectionArn": arn, "ConnectionStatus": "PENDING"}


def _target(props: Props, _given: str) -> str:
    return "|".join(props[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


def target_of(props: Props) -> str:
    """Return the name of the target a policy scales."""
    return str(props.get("ScalingTargetId") or _target(props, ""))


def _policy(props: Props, _given: str) -> str:
    target = target_of(props).partition("|")[0]
    name = f"{uuid.uuid4()}:resource/{target}:policyName/{props['PolicyName']}"
    return _arn("autoscaling", f"scalingPolicy:{name}")


def _rule(props: Props, given: str) -> str:
    return _arn("xray", f"sampling-rule/{props['SamplingRule'].get('RuleName', given)}")


def _group(props: Props, given: str) -> str:
    return _arn("xray", f"group/{props.get('GroupName', given)}/{uuid.uuid4().hex[:26].upper()}")


# In the emulator's own services -----------------------------------------------------------------


def _providers() -> Any:
    return ministack.store(ministack.iam, "_oidc_providers")


def _create_provider(_title: str, props: Props, _stack: str) -> Made:
    host = props["Url"].partition("://")[2].rstrip("/")
    arn = f"arn:aws:iam::{ministack.account()}:oidc-provider/{host}"
    if arn in _providers():
        message = f"Provider with url {props['Url']} already exists."
        raise ValueError(f"{message} (Service: Iam, Status Code: 409)")
    _providers()[arn] = {"Url": host, "Arn": arn, "CreateDate": ministack.now_iam()}
    return _update_provider(arn, {}, props, "")


def _update_provider(arn: str, _old: Props, new: Props, _stack: str) -> Made:
    _providers()[arn].update(
        ClientIDList=new.get("ClientIdList", []),
        ThumbprintList=new.get("ThumbprintList", []),
        Tags=new.get("Tags", []),
    )
    return arn, {"Arn": arn}


def _create_budget(title: str, props: Props, stack: str) -> Made:
    budget = {"BudgetName": f"{stack}-{title}-{uuid.uuid4().hex[:12]}", **props["Budget"]}
    _ask_budgets("_create_budget", **{**props, "Budget": budget})
    return budget["BudgetName"], {}


def _update_budget(made: str, old: Props, new: Props, stack: str) -> Made:
    """A budget's notifications are not changed by a call of its own: it is made again."""
    _ask_budgets("_delete_budget", BudgetName=made)
    budget = {"BudgetName": made, **new["Budget"]}
    try:
        return _create_budget("", {**new, "Budget": budget}, stack)
    except ValueError:
        _create_budget("", {**old, "Budget": {"BudgetName": made, **old["Budget"]}}, stack)
        raise


def _ask_budgets(function: str, **data: Any) -> None:
    status, _, body = ministack.store(ministack.budgets, function)(_spelled(data))
    if status >= 400:
        said = json.loads(body)
        raise ValueError(f"{said.get('Message') or said} (Service: Budgets, Status Code: {status})")


def _spelled(data: dict[str, Any]) -> dict[str, Any]:
    """Amounts are texts in the API and may be numbers in a template."""
    if limit := data.get("Budget", {}).get("BudgetLimit"):
        spelled = {**limit, "Amount": str(limit["Amount"])}
        return {**data, "Budget": {**data["Budget"], "BudgetLimit": spelled}}
    return data
