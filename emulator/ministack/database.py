"""MiniStack's RDS and the secrets that it manages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import lookup
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function
from emulator.ministack.services import rds, rds_actions, secretsmanager

instances: Any = lookup.attribute(rds, "_instances")
parameter_groups: Any = lookup.attribute(rds, "_param_groups")
subnet_groups: Any = lookup.attribute(rds, "_subnet_groups")
rds_error: Callable[[str, str, int], Response] = lookup.attribute(rds, "_error")
find_instance: Callable[[str], dict[str, Any] | None] = lookup.attribute(rds, "_resolve_instance")
new_password: Callable[[], str] = lookup.attribute(rds, "_generate_master_user_password")
delete_secret: Callable[[str], bool] = lookup.attribute(secretsmanager, "delete_secret_in_process")
_create_secret: Callable[[str, str], str] = lookup.attribute(
    secretsmanager, "create_secret_in_process"
)
_secrets: Any = lookup.attribute(secretsmanager, "_secrets")
_single_instance: Callable[..., Response] = lookup.attribute(rds, "_single_instance_response")
_parse_members: Callable[..., Any] = lookup.attribute(rds, "_parse_member_list")
_resolve_members: Callable[..., Any] = lookup.attribute(rds, "_resolve_subnet_group_members")


def action(name: str) -> Function[[Params], Response]:
    """Return an action of RDS's API; a change of it also applies to calls of CloudFormation."""
    function: Function[[Params], Response] = Function(name, rds_actions)
    return function.copied_to(rds, rds_actions[name].__name__) if name in rds_actions else function


def instance_response(action: str, instance: dict[str, Any]) -> Response:
    """Return the response to *action*, with the current state of a DB instance."""
    return _single_instance(f"{action}Response", f"{action}Result", instance)


def subnets_of(params: Any) -> list[dict[str, Any]]:
    """Return the subnets in a call for a subnet group; an empty list if one does not exist."""
    subnet_ids = _parse_members(params, "SubnetIds")
    members = _resolve_members(subnet_ids) if subnet_ids else None
    return list(members[0]) if members else []


def create_secret(name: str, value: str, *, owner: str, tags: dict[str, str]) -> str:
    """Create a secret that another service owns; return its ARN."""
    arn = _create_secret(name, value)
    pairs = [{"Key": key, "Value": text} for key, text in tags.items()]
    _secrets[name].update(OwningService=owner, Tags=pairs)
    return arn
