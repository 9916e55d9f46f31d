"""Behaviour of AWS that would hinder daily work, and that a test can ask for.

It applies to one account until the emulator stops.
"""

from __future__ import annotations

from typing import Any

from emulator.ministack import context, lookup, services

_strict: set[str] = set()
_functions: Any = lookup.attribute(services.lambda_, "_functions")
_topics: Any = lookup.attribute(services.sns, "_topics")


def set_strict(request: dict[str, Any]) -> None:
    """Let the account of *request* lack what AWS creates at the first use: see the patches that call `is_strict`."""
    change = _strict.add if request["strict"] else _strict.discard
    change(request["account"])


def is_strict() -> bool:
    """Return whether the account in scope is strict."""
    return context.account() in _strict


def let_weeks_pass(request: dict[str, Any]) -> None:
    """Change what AWS changes in two weeks without use, in the account of *request*.

    SNS deletes subscriptions that are not confirmed within 48 hours (SNS developer guide, message
    delivery), and Lambda disconnects idle functions from their VPC (Lambda developer guide, Lambda
    function states).
    """
    for (account, *_), topic in context.items_of_all_accounts(_topics):
        if account == request["account"]:
            topic["subscriptions"] = [
                item for item in topic["subscriptions"] if item.get("confirmed", True)
            ]
    for (account, *_), function in context.items_of_all_accounts(_functions):
        config = function["config"]
        if account == request["account"] and (config.get("VpcConfig") or {}).get("SubnetIds"):
            config.update(State="Inactive", StateReasonCode="Idle")
