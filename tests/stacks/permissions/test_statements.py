"""Each statement pairs actions with resources that they support.

IAM accepts any pair and denies an action on a resource of another type, so a mistake would only be
found by a release. cfn-lint has a copy of AWS's service authorization reference: the resource types
of each action, and the ARN formats of each type.
"""

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.stacks.permissions.access import PREFIX, ROLE_CREATED_BY_RELEASE, role
from tests.stacks.pipeline_templates import BUILDS

REFERENCE = Path(find_spec("cfnlint").origin).parent / "data" / "AdditionalSpecs" / "Policies.json"

# The reference lists stacks only; see `build_roles.change_stacks`.
CHANGE_SETS = "ExecuteChangeSets", ":changeSet/release-*"


@cache
def reference():
    return json.loads(REFERENCE.read_text())


@cache
def formats(action):
    """Return the ARN formats of *action* as patterns; none if it only supports `*`."""
    service, _, name = action.partition(":")
    types = reference()[service]["Actions"][name.lower()].get("Resources", [])
    known = reference()[service]["Resources"]
    return [
        re.sub(r"\$\{\w+\}|\.\*", "*", format_)
        for type_ in types
        for format_ in known[type_.lower()]["ARNFormats"]
    ]


@cache
def overlap(first, second):
    """Return whether two patterns with `*` match a common string."""
    if not first or not second:
        return not (first or second).strip("*")
    if first[0] == "*":
        return overlap(first[1:], second) or overlap(first, second[1:])
    if second[0] == "*":
        return overlap(second, first)
    return first[0] == second[0] and overlap(first[1:], second[1:])


def supports(action, resource):
    """Return whether *resource* matches ARNs of a type that *action* supports."""
    parts = resource.split(":", 5)  # Partition, service, region and account contain no colon.
    return any(all(map(overlap, parts, format_.split(":", 5))) for format_ in formats(action))


def statements(name):
    """Return the statements of a role that allow something, with all names resolved."""
    found = role(name)
    documents = [found.boundary] if found.boundary else found.policies
    return [
        statement
        for document in documents
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
    ]


ROLES = ("ReleaseRole", ROLE_CREATED_BY_RELEASE, "PipelineRole", "PublisherRole", *BUILDS)


@pytest.mark.parametrize("name", ROLES)
def test_every_action_supports_a_resource_of_its_statement(name):
    """Every action supports a resource of its statement; otherwise it would have no effect."""
    without_effect = {
        (statement["Sid"], action)
        for statement in statements(name)
        for action in statement["Action"]
        if "*" not in statement["Resource"]
        and not any(supports(action, resource) for resource in statement["Resource"])
    }

    assert set() == without_effect


@pytest.mark.parametrize("name", ROLES)
def test_every_resource_is_supported_by_an_action_of_its_statement(name):
    """Every resource is supported by an action of its statement; otherwise it would have no effect."""
    without_effect = [
        (statement["Sid"], resource)
        for statement in statements(name)
        for resource in statement["Resource"]
        if resource != "*" and not any(supports(action, resource) for action in statement["Action"])
    ]

    assert [
        (sid, resource)
        for sid, resource in without_effect
        if (sid, resource[-len(CHANGE_SETS[1]) :]) != CHANGE_SETS
    ] == []


def test_a_wrong_pair_is_found():
    """The formats distinguish services and resource types."""
    function = f"arn:aws:lambda:ca-central-1:123456789012:function:{PREFIX}-*"

    assert supports("lambda:GetFunction", function)
    assert not supports("lambda:GetFunction", function.replace(":lambda:", ":lambdax:"))
    assert not supports("lambda:GetFunction", function.replace(":function:", ":layer:"))
    assert not supports("sqs:SendMessage", function)
