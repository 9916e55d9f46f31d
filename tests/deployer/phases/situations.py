"""Situations for tests: stacks before and after a change, with exports and imports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from deployer import plan
from deployer.aws.cloud import DeployedStack
from deployer.model.desired import DIGEST, DesiredStack
from deployer.model.template_tree import TemplateTree
from deployer.phases.situation import Situation
from tests.fakes import OWNER, REGION

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "A topic"}}
VALUES = {"Topic": "topic-1", "Other": "other-1", "Port": "80"}


def topic(name: str) -> dict[str, Any]:
    """Return a topic whose change of *name* replaces it."""
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


def importing(*exports: str) -> dict[str, Any]:
    """Return a parameter whose value has these exports."""
    values = [{"Fn::ImportValue": f"crd-x-{name}"} for name in exports]
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::Join": ["", values]}},
    }


def stack(
    name: str,
    resources: Mapping[str, Any],
    outputs: Mapping[str, Any] | None = None,
    needs: Sequence[str] = (),
) -> DesiredStack:
    """Return a stack that exports its *outputs* as crd-x-NAME-OUTPUT."""
    exported = {
        title: {"Value": value, "Export": {"Name": f"crd-x-{name}-{title}"}}
        for title, value in (outputs or {}).items()
    }
    body: dict[str, Any] = {"Resources": dict(resources), "Outputs": exported}
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32]
    body["Outputs"] = {**exported, DIGEST: {"Value": digest}}
    return DesiredStack(
        short_name=name,
        name=f"crd-x-{name}",
        region=REGION,
        text=json.dumps(body),
        digest=digest,
        body=body,
        dependencies=tuple(f"crd-x-{need}" for need in needs),
        tags=OWNER.tags(f"crd-x-{name}"),
    )


def deployed(desired: DesiredStack, status: str = "UPDATE_COMPLETE") -> DeployedStack:
    """Return *desired* as it is deployed; its outputs have values of VALUES."""
    outputs = {title: VALUES.get(title, title) for title in desired.body["Outputs"]}
    return DeployedStack(
        desired.name,
        f"arn:{desired.name}",
        desired.region,
        status,
        tags=desired.tags,
        outputs={**outputs, DIGEST: desired.digest},
        parameters=dict(desired.known_parameters),
    )


def situation(
    before: Sequence[DesiredStack], after: Sequence[DesiredStack], **changes: Any
) -> Situation:
    """Return the situation in which the stacks *before* are deployed and those *after* are desired."""
    stacks = [deployed(desired) for desired in before]
    steps = plan.plan(after, stacks)
    trees = {
        desired.name: TemplateTree(desired.text, known_body=desired.body) for desired in before
    }
    return Situation(
        steps, stacks, trees, lambda found: {"Topic": f"{found.name}-topic-id"}, **changes
    )
