"""List the resource types of the registry."""

from __future__ import annotations

import functools
from xml.sax.saxutils import escape

from deployer import registry
from emulator.ministack import cloudformation, context
from emulator.ministack.context import Params, Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "ListTypes lists the public types of AWS in the region.",
        source="API reference, ListTypes",
        ministack="Unknown action. With the patch, the types of the schemas in cfn-lint, whether "
        "the emulator can create them or not; filters other than ProvisioningType are ignored.",
        test="test_list_types",
    ),
)

_PAGE = 100  # The largest page of the API.


def install() -> None:
    """Install the patch."""
    cloudformation.ACTIONS["ListTypes"] = _list_types


def _list_types(params: Params) -> Response:
    start = int(cloudformation.param(params, "NextToken") or 0)
    wanted = cloudformation.param(params, "ProvisioningType") or "FULLY_MUTABLE"
    names = [
        name for name in registry.types(context.region()) if _provisioning_type(name) == wanted
    ]
    summaries = "".join(
        f"<member><Type>RESOURCE</Type><TypeName>{escape(name)}</TypeName></member>"
        for name in names[start : start + _PAGE]
    )
    following = start + _PAGE
    token = f"<NextToken>{following}</NextToken>" if following < len(names) else ""
    content = (
        f"<ListTypesResult><TypeSummaries>{summaries}</TypeSummaries>{token}</ListTypesResult>"
    )
    return cloudformation.response(200, "ListTypesResponse", content)


@functools.cache
def _provisioning_type(name: str) -> str:
    """Return the value that AWS derives from the handlers of the schema (ListTypes)."""
    handlers = (registry.schema(name) or {}).get("handlers", {})
    if not handlers:
        return "NON_PROVISIONABLE"
    return "FULLY_MUTABLE" if "update" in handlers else "IMMUTABLE"
