"""List the resource types of the registry."""

from __future__ import annotations

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
        "the emulator can create them or not; filters are ignored.",
        test="test_list_types",
    ),
)

_PAGE = 100  # The largest page of the API.


def install() -> None:
    """Install the patch."""
    cloudformation.ACTIONS["ListTypes"] = _list_types


def _list_types(params: Params) -> Response:
    start = int(cloudformation.param(params, "NextToken") or 0)
    names = registry.types(context.region())
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
