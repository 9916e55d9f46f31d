"""Check that a request names one operation, so that policies are evaluated for that operation.

For policies MiniStack takes the operation's name from the query, the form or X-Amz-Target, in this
order. Then it performs the operation that the protocol of the service names. With two names a
policy could allow one operation, and MiniStack could perform the other.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import botocore.session

from emulator.access import admin_requests
from emulator.access.errors import AwsRefusalError
from emulator.ministack import credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.access.request import Request

_RPC = re.compile(r"/service/.*/operation/", re.IGNORECASE)  # The paths of Smithy's RPC protocols.
_STREAMING = "/response-streaming-invocations"
_UNKNOWN = (
    "UnknownOperation"  # Only a policy that allows SERVICE:* allows SERVICE:UnknownOperation.
)


def check(request: Request, body: bytes) -> None:
    """Raise AwsRefusalError if *request* names more operations than its service's protocol allows."""
    service = credentials.service_of(request, body)
    is_rest = credentials.is_rest(service)
    named = [value for name, value in request.query if name == "Action"]
    named += [value for name, value in request.headers if name == "x-amz-target"]
    named += _form_actions(request, body)
    if not is_rest and _RPC.search(request.path):
        named.append(request.path)
    if len(named) > (0 if is_rest else 1):
        message = "The request names more than one operation"
        raise AwsRefusalError("InvalidAction", message, service=service)


def _form_actions(request: Request, body: bytes) -> list[str]:
    """Return the names in a form; a compressed form counts as one name, since it cannot be read."""
    if "x-www-form-urlencoded" not in request.header("content-type"):
        return []
    if request.header("content-encoding"):
        return ["compressed"]
    form = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    return [value for name, value in form if name == "Action"]


def install() -> None:
    """Evaluate policies for every operation, also for those without a permission in MiniStack."""
    credentials.operation_name.around(_permission)
    credentials.is_service_name.around(_is_aws_service)


def _permission(
    find: Callable[..., str | None], service: str, method: str, path: str, *rest: Any
) -> str:
    """Return the permission that MiniStack finds for an operation, or SERVICE:UnknownOperation."""
    if service == "lambda" and path.rstrip("/").endswith(_STREAMING):
        return "lambda:InvokeFunction"
    name = find(service, method, path, *rest)
    return name or f"{credentials.permission_prefix(service)}:{_UNKNOWN}"


def _is_aws_service(is_aws_service: Callable[[str], bool], name: str) -> bool:
    """Return whether *name* is an AWS service; False for the admin API, without calling MiniStack.

    For an unknown name MiniStack reads the models of all AWS services, which takes 2 s of CPU
    time at the first request to a server. The signing name of most services is the name of their
    model, so the names of the models are looked up first.
    """
    if name == admin_requests.SERVICE:
        return False
    return name in _model_names() or is_aws_service(name)


@functools.cache
def _model_names() -> frozenset[str]:
    """Return the names of the service models that are installed with botocore."""
    return frozenset(botocore.session.get_session().get_available_services())
