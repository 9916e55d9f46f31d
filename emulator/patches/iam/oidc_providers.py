"""Add the resource type AWS::IAM::OIDCProvider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import cloudformation, context, lookup, services
from emulator.ministack.cloudformation import Created, Props
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "IAM's API returns the OIDC providers of stacks.",
        source="AWS::IAM::OIDCProvider",
        ministack="Unknown type.",
        test="test_recorded.py::test_providers_and_budgets",
    ),
)
UPSTREAM = True

_providers: Any = lookup.attribute(services.iam, "_oidc_providers")
_now: Callable[[], str] = lookup.attribute(services.iam, "_now")


def install() -> None:
    """Install the patch."""
    cloudformation.add_type(
        "AWS::IAM::OIDCProvider",
        create=_create,
        update=_update,
        delete=lambda arn, _props: _providers.pop(arn, None),
    )


def _create(_title: str, props: Props, stack: str) -> Created:
    host = props["Url"].partition("://")[2].rstrip("/")
    arn = f"arn:aws:iam::{context.account()}:oidc-provider/{host}"
    if arn in _providers:
        raise services.refusal(f"Provider with url {props['Url']} already exists.", "Iam", 409)
    _providers[arn] = {"Url": host, "Arn": arn, "CreateDate": _now()}
    return _update(arn, {}, props, stack)


def _update(arn: str, _old: Props, new: Props, _stack: str) -> Created:
    _providers[arn].update(
        ClientIDList=new.get("ClientIdList", []),
        ThumbprintList=new.get("ThumbprintList", []),
        Tags=new.get("Tags", []),
    )
    return arn, {"Arn": arn}
