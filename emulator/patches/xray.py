"""Record the sampling rules and groups of X-Ray."""

from __future__ import annotations

import uuid

from emulator.ministack.cloudformation import Props
from emulator.patches.differences import Difference
from emulator.patches.recorded import Data, add_calls, add_recorded_type, arn, resources_of_type

DIFFERENCES = (
    Difference(
        "GetSamplingRules and GetGroups return the rules and groups of stacks.",
        source="AWS::XRay::SamplingRule, AWS::XRay::Group",
        ministack="Unknown types and service.",
        test="test_recorded.py::test_recorded",
    ),
)

_RULE = "AWS::XRay::SamplingRule"
_GROUP = "AWS::XRay::Group"


def install() -> None:
    """Install the patch."""
    add_recorded_type(_RULE, _rule_arn, lambda rule: {"RuleARN": rule})
    add_recorded_type(_GROUP, _group_arn, lambda group: {"GroupARN": group})
    add_calls("xray", {"GetSamplingRules": _get_rules, "Groups": _get_groups})


def _rule_arn(props: Props, name: str) -> str:
    return arn("xray", f"sampling-rule/{props['SamplingRule'].get('RuleName', name)}")


def _group_arn(props: Props, name: str) -> str:
    return arn("xray", f"group/{props.get('GroupName', name)}/{uuid.uuid4().hex[:26].upper()}")


def _get_rules(_data: Data) -> Data:
    rules = [
        {**rule.props["SamplingRule"], "RuleARN": rule.name} for rule in resources_of_type(_RULE)
    ]
    return {"SamplingRuleRecords": [{"SamplingRule": rule} for rule in rules]}


def _get_groups(_data: Data) -> Data:
    return {
        "Groups": [{**group.props, "GroupARN": group.name} for group in resources_of_type(_GROUP)]
    }
