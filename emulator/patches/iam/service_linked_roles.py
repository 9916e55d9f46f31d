"""Name service-linked roles as AWS does."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A service-linked role has the name that its service documents, such as "
        "AWSServiceRoleForECS.",
        source="the user guides of the services, Service-linked roles",
        ministack="The capitalized prefix of the service, such as AWSServiceRoleForEcs.",
        test="test_names",
    ),
)
UPSTREAM = True

_NAMES = {
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "ecs.application-autoscaling.amazonaws.com": (
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    ),
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "email.cognito-idp.amazonaws.com": "AWSServiceRoleForAmazonCognitoIdpEmailService",
    "rds.amazonaws.com": "AWSServiceRoleForRDS",
}
_roles: Any = lookup.attribute(services.iam, "_roles")  # By name.
_error: Callable[[int, str, str], Response] = lookup.attribute(services.iam, "_error")
_create: Function[[Params], Response] = Function(
    "CreateServiceLinkedRole", lookup.attribute(services.iam, "_IAM_HANDLERS")
)


def install() -> None:
    """Install the patch."""
    _create.around(_with_documented_name)


def exists(service: str) -> bool:
    """Return whether the account in scope has the role of *service*."""
    return _NAMES[service] in _roles


def create(service: str) -> None:
    """Create the role of *service* in the account in scope, as AWS does at the first use."""
    _create({"AWSServiceName": [service]})


def _with_documented_name(create: Callable[[Params], Response], params: Params) -> Response:
    service = str(params.get("AWSServiceName", [""])[0])
    name = _NAMES.get(service)
    if name is None:
        return create(params)
    if name in _roles:
        message = f"Service role name {name} has been taken in this account, please try a different suffix."
        return _error(http.client.BAD_REQUEST, "InvalidInput", message)
    before = {*_roles}
    status, headers, body = create(params)
    for generated in {*_roles} - before:
        role = _roles.pop(generated)
        _roles[name] = role | {
            "RoleName": name,
            "Arn": role["Arn"].removesuffix(generated) + name,
        }
        body = body.replace(generated.encode(), name.encode())
    return status, headers, body
