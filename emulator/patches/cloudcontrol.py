"""Let Cloud Control API find the resources of stacks."""

from __future__ import annotations

import json

from emulator.patches.differences import Difference
from emulator.patches.recorded import Data, Refusal, add_calls, resources_of_type

DIFFERENCES = (
    Difference(
        "GetResource of Cloud Control API returns the resources of stacks.",
        source="Cloud Control API user guide, Reading a resource's current state",
        ministack="Only resources that Cloud Control API created.",
        test="test_cloudcontrol.py::test_a_resource_of_a_stack",
    ),
    Difference(
        "Cloud Control API reads, creates and changes resources, however they were created.",
        source="Cloud Control API user guide, What is Cloud Control API",
        ministack="Only GetResource, of resources of stacks, with the properties of the template.",
        consequence="`./inv preflight` finds here only names that stacks have taken.",
    ),
)


def install() -> None:
    """Install the patch."""
    add_calls("cloudcontrolapi", {"GetResource": _get})


def _get(data: Data) -> Data | Refusal:
    kind, identifier = data["TypeName"], data["Identifier"]
    for resource in resources_of_type(kind):
        if resource.physical_id == identifier:
            return {
                "TypeName": kind,
                "ResourceDescription": {
                    "Identifier": identifier,
                    "Properties": json.dumps(resource.props),
                },
            }
    return (
        "ResourceNotFoundException",
        f"Resource of type '{kind}' with identifier '{identifier}' was not found.",
    )
