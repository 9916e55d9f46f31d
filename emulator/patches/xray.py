"""Record the groups of X-Ray."""

from __future__ import annotations

import uuid

from emulator.ministack.cloudformation import Props
from emulator.patches.differences import Difference
from emulator.patches.recorded import Data, add_calls, add_recorded_type, arn, resources_of_type

DIFFERENCES = (
    Difference(
        "GetGroups returns the groups of stacks.",
        source="AWS::XRay::Group",
        ministack="Unknown type and service.",
        test="test_recorded.py::test_recorded",
    ),
)

_GROUP = "AWS::XRay::Group"


def install() -> None:
    """Install the patch."""
    add_recorded_type(_GROUP, _group_arn, lambda group: {"GroupARN": group})
    add_calls("xray", {"Groups": _get_groups})


def _group_arn(props: Props, name: str) -> str:
    return arn("xray", f"group/{props.get('GroupName', name)}/{uuid.uuid4().hex[:26].upper()}")


def _get_groups(_data: Data) -> Data:
    return {
        "Groups": [
            {**group.props, "GroupARN": group.physical_id} for group in resources_of_type(_GROUP)
        ]
    }
