"""Decides whether a role of the templates may make a call, with the evaluator of the emulator.

All names are resolved: an example stands for what AWS would make up.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator as iam

from tests.scanners.policies import ACCOUNT, REGION, World
from tests.stacks.templates import config_of, emit

ENVIRONMENT = "prod"
PREFIX = f"crd-{ENVIRONMENT}"
NESTED = f"{PREFIX}-pipeline-Codebuild"
ARTIFACTS = f"arn:aws:s3:::{PREFIX}-artifacts-{ACCOUNT}-{REGION}-an"
ARTIFACT_STORE = f"arn:aws:s3:::{PREFIX}-pipeline-{ACCOUNT}-{REGION}-an"
MADE = "a role that a release makes"  # With every right that its boundary lets through.
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class NamedWorld(World):
    """The templates with the names that CloudFormation gives: after stack and title."""

    def _attribute(self, title: str, attribute: str, stack: str) -> str:
        properties = self.templates[stack]["Resources"][title].get("Properties", {})
        name = properties.get("RepositoryName", f"{stack}-{title}-1A2B")
        if prefix := properties.get("BucketNamePrefix"):
            name = self.resolved(
                {"Fn::Sub": f"{prefix}-${{AWS::AccountId}}-${{AWS::Region}}-an"}, stack
            )
        return super()._attribute(title, attribute, stack).replace(title.lower(), name)


@functools.cache
def world() -> NamedWorld:
    """Every template of the environment, nested ones too, by the name of its stack."""
    templates = {}
    for emitted in emit(config_of(ENVIRONMENT)).values():
        templates[emitted.stack.name] = emitted.template
        for nested in emitted.stack.template.nested:
            name = f"{emitted.stack.name}-{nested.title}"
            templates[name] = json.loads(nested.template.to_json())
    return NamedWorld(templates)


def arn_of(stack: str, title: str) -> str:
    """The ARN of a resource, or of a managed policy."""
    return str(world().resolved({"Fn::GetAtt": [title, "Arn"]}, stack))


def properties(stack: str, title: str) -> dict[str, Any]:
    """The properties of a resource, resolved."""
    found = world().templates[stack]["Resources"][title]["Properties"]
    return dict(world().resolved(found, stack))


@dataclass(frozen=True)
class Role:
    """A role: its ARN, its policies, and its boundary if it has one."""

    arn: str
    policies: tuple[dict[str, Any], ...]
    boundary: dict[str, Any] | None = None


@functools.cache
def role(name: str) -> Role:
    """The role *name*: a stage such as Test, PipelineRole, ReleaseRole, SitePublisher, or MADE."""
    foundation = f"{PREFIX}-foundation"
    if name == MADE:
        boundary = properties(foundation, "PermissionsBoundary")["PolicyDocument"]
        arn = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-MigrateRole-1A2B"
        return Role(arn, (EVERYTHING,), boundary)
    if name == "ReleaseRole":
        titles = [
            title
            for title in world().templates[foundation]["Resources"]
            if title.startswith("Release")
        ]
        documents = [
            properties(foundation, title)["PolicyDocument"] for title in titles if title != name
        ]
        return Role(arn_of(foundation, name), tuple(documents))
    stack, title = {
        "PipelineRole": (f"{PREFIX}-pipeline", name),
        "SitePublisher": (f"{PREFIX}-site-publisher", name),
    }.get(name, (NESTED, f"{name}Role"))
    inline = properties(stack, title)["Policies"]
    return Role(arn_of(stack, title), tuple(each["PolicyDocument"] for each in inline))


def decide(name: str, action: str, resource: str, **context: Any) -> bool:
    """Whether the role *name* may do *action* to *resource*; *context* has keys of conditions.

    A `__` in the name of a key is its colon, a `_` a hyphen.
    """
    request, policies, limits = _request(name, action, resource, context)
    result = iam.evaluate(request, policies, *limits)
    if bucket_policy := _bucket_policy(resource):
        result = iam.combine_resource_policy(
            result, request, bucket_policy, ACCOUNT, limits=tuple(limits)
        )
    return bool(result.decision == "Allow")


def decide_alone(name: str, action: str, resource: str, **context: Any) -> bool:
    """As `decide`, by the role's own policies: as if buckets had none."""
    request, policies, limits = _request(name, action, resource, context)
    return bool(iam.evaluate(request, policies, *limits).decision == "Allow")


def _request(
    name: str, action: str, resource: str, context: dict[str, Any]
) -> tuple[iam.EvalContext, list[Any], list[Any]]:
    """The request, the policies of the role, and its boundary."""
    found = role(name)
    keys = {
        key.replace("__", ":").replace("_", "-").lower(): value for key, value in context.items()
    }
    request = iam.EvalContext(
        principal_arn=found.arn,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region="ca-central-1",
        secure_transport=True,
        service_context=keys,
    )
    policies = [iam.parse_policy_document(each) for each in found.policies]
    limits = [[iam.parse_policy_document(found.boundary)]] if found.boundary else []
    return request, policies, limits


def trusts(name: str, service: str, source: str) -> bool:
    """Whether AWS's *service* may take the role *name* for the resource *source*."""
    stack = f"{PREFIX}-pipeline" if name == "PipelineRole" else NESTED
    document = properties(stack, name)["AssumeRolePolicyDocument"]
    request = iam.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region=REGION,
        service_context={"aws:sourcearn": source},
    )
    statements = [each | {"Resource": "*"} for each in document["Statement"]]
    policy = {"Statement": statements}
    return bool(iam.evaluate_resource_policy(policy, request, service=service).decision == "Allow")


def _bucket_policy(resource: str) -> dict[str, Any] | None:
    """The policy of the bucket that *resource* is, or is in."""
    for bucket, stack, title in (
        (ARTIFACTS, "foundation", "ArtifactsPolicy"),
        (ARTIFACT_STORE, "pipeline", "ArtifactStorePolicy"),
    ):
        if resource == bucket or resource.startswith(f"{bucket}/"):
            return dict(properties(f"{PREFIX}-{stack}", title)["PolicyDocument"])
    return None
