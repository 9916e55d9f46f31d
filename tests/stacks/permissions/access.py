"""Decide whether a role of the templates may make a call, with MiniStack's policy evaluator.

All references are resolved; names that AWS generates are examples.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator as iam

from tests.scanners.policies import ACCOUNT, REGION, ReferenceResolver
from tests.stacks.templates import config_of, emit

ENVIRONMENT = "prod"
PREFIX = f"crd-{ENVIRONMENT}"
NESTED = f"{PREFIX}-pipeline-CodeBuild"
ARTIFACTS = f"arn:aws:s3:::{PREFIX}-artifacts-{ACCOUNT}-{REGION}-an"
ARTIFACT_STORE = f"arn:aws:s3:::{PREFIX}-pipeline-{ACCOUNT}-{REGION}-an"
ROLE_CREATED_BY_RELEASE = "a role that a release creates"  # With all permissions of the boundary.
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class NamedReferenceResolver(ReferenceResolver):
    """The templates with the names that CloudFormation generates from stack and title."""

    def _attribute(self, title: str, attribute: str, stack: str) -> str:
        properties = self.templates[stack]["Resources"][title].get("Properties", {})
        name = properties.get("RepositoryName", f"{stack}-{title}-1A2B")
        if prefix := properties.get("BucketNamePrefix"):
            name = self.resolve(
                {"Fn::Sub": f"{prefix}-${{AWS::AccountId}}-${{AWS::Region}}-an"}, stack
            )
        # The last occurrence: an ARN such as that of a user pool also has the type of the resource.
        before, _, after = super()._attribute(title, attribute, stack).rpartition(title.lower())
        return f"{before}{name}{after}"

    def _ref(self, name: str, stack: str) -> str:
        """Return the value of a reference; that of a topic is its ARN, with the generated name."""
        found = super()._ref(name, stack)
        generated = f"{stack}-{name}-1A2B"
        return found.replace(name.lower(), generated) if found.startswith("arn:aws:sns:") else found


@functools.cache
def resolver() -> NamedReferenceResolver:
    """Return all templates of the environment by stack name, including nested stacks."""
    templates = {}
    for emitted in emit(config_of(ENVIRONMENT)).values():
        templates[emitted.stack.name] = emitted.template
        for nested in emitted.stack.template.nested:
            name = f"{emitted.stack.name}-{nested.title}"
            templates[name] = json.loads(nested.template.to_json())
    return NamedReferenceResolver(templates)


def arn_of(stack: str, title: str) -> str:
    """Return the ARN of a resource."""
    return str(resolver().resolve({"Fn::GetAtt": [title, "Arn"]}, stack))


def properties(stack: str, title: str) -> dict[str, Any]:
    """Return the properties of a resource without references."""
    found = resolver().templates[stack]["Resources"][title]["Properties"]
    return dict(resolver().resolve(found, stack))


@dataclass(frozen=True)
class Role:
    """A role with its ARN, policies and permissions boundary."""

    arn: str
    policies: tuple[dict[str, Any], ...]
    boundary: dict[str, Any] | None = None


@functools.cache
def role(name: str) -> Role:
    """Return the role of a project such as Test, or one of the other roles by its title.

    The role of a function or task has the name of its stack: `messages/MessagingStreamRole`.
    """
    foundation = f"{PREFIX}-foundation"
    if name == ROLE_CREATED_BY_RELEASE:
        boundary = properties(foundation, "PermissionsBoundary")["PolicyDocument"]
        arn = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-users-MigrateRole-1A2B"
        return Role(arn, (EVERYTHING,), boundary)
    if name == "ReleaseRole":
        titles = [
            title
            for title in resolver().templates[foundation]["Resources"]
            if title.startswith("Release")
        ]
        documents = [
            properties(foundation, title)["PolicyDocument"] for title in titles if title != name
        ]
        return Role(arn_of(foundation, name), tuple(documents))
    stack, title = {
        "PipelineRole": (f"{PREFIX}-pipeline", name),
        "PublisherRole": (f"{PREFIX}-site-publisher", name),
    }.get(name, (NESTED, f"{name}Role"))
    if "/" in name:
        stack_name, _, title = name.partition("/")
        stack = f"{PREFIX}-{stack_name}"
    inline = properties(stack, title)["Policies"]
    return Role(arn_of(stack, title), tuple(policy["PolicyDocument"] for policy in inline))


def without(found: Role, sid: str) -> Role:
    """Return a role without the protection of its statements *sid*: a denial, or a condition."""

    def weakened(document: dict[str, Any]) -> dict[str, Any]:
        statements = [
            {key: value for key, value in statement.items() if key != "Condition"}
            if statement.get("Sid") == sid
            else statement
            for statement in document["Statement"]
            if (statement.get("Sid"), statement["Effect"]) != (sid, "Deny")
        ]
        return {**document, "Statement": statements}

    policies = tuple(weakened(document) for document in found.policies)
    return Role(found.arn, policies, weakened(found.boundary) if found.boundary else None)


def is_denial(found: Role, sid: str) -> bool:
    """Return whether the statements *sid* deny."""
    return any(
        (statement.get("Sid"), statement["Effect"]) == (sid, "Deny")
        for statement in _statements(found)
    )


def with_everything(found: Role) -> Role:
    """Return a role that is also allowed everything, so that only its denials limit it."""
    boundary = found.boundary and {
        **found.boundary,
        "Statement": [*found.boundary["Statement"], *EVERYTHING["Statement"]],
    }
    return Role(found.arn, (*found.policies, EVERYTHING), boundary)


def protections(found: Role) -> set[str]:
    """Return the ids of the statements that deny, or that have a condition."""
    return {
        statement["Sid"]
        for statement in _statements(found)
        if statement["Effect"] == "Deny" or "Condition" in statement
    }


def _statements(found: Role) -> Iterator[dict[str, Any]]:
    for document in [*found.policies, *([found.boundary] if found.boundary else [])]:
        yield from document["Statement"]


def decide(name: str, action: str, resource: str, **context: Any) -> bool:
    """Return whether the role *name* is allowed *action* on *resource*.

    *context* contains condition keys, with `__` for a colon and `_` for a hyphen.
    """
    request, policies, limits = _request(name, action, resource, context)
    result = iam.evaluate(request, policies, *limits)
    if bucket_policy := _bucket_policy(resource):
        result = iam.combine_resource_policy(
            result, request, bucket_policy, ACCOUNT, limits=tuple(limits)
        )
    return bool(result.decision == "Allow")


def decide_alone(name: str, action: str, resource: str, **context: Any) -> bool:
    """Return the decision of the role's own policies: like `decide`, but without bucket policies."""
    request, policies, limits = _request(name, action, resource, context)
    return bool(iam.evaluate(request, policies, *limits).decision == "Allow")


def _request(
    name: str, action: str, resource: str, context: dict[str, Any]
) -> tuple[iam.EvalContext, list[Any], list[Any]]:
    """Return the request, the policies of the role, and its boundary."""
    found = role(name)
    keys = {
        key.replace("__", ":").replace("_", "-").lower(): value for key, value in context.items()
    }
    request = iam.EvalContext(
        principal_arn=found.arn,
        principal_type="AssumedRole",
        # MiniStack takes the account of a resource without one in its ARN from the principal.
        principal_account=keys.pop("aws:resourceaccount", ACCOUNT),
        action=action,
        resource_arn=resource,
        region=keys.pop("aws:requestedregion", "ca-central-1"),
        secure_transport=True,
        service_context=keys,
    )
    policies = [iam.parse_policy_document(policy) for policy in found.policies]
    limits = [[iam.parse_policy_document(found.boundary)]] if found.boundary else []
    return request, policies, limits


def trusts(name: str, service: str, source: str) -> bool:
    """Return whether an AWS *service* may assume the role *name* for the resource *source*."""
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
    statements = [statement | {"Resource": "*"} for statement in document["Statement"]]
    policy = {"Statement": statements}
    return bool(iam.evaluate_resource_policy(policy, request, service=service).decision == "Allow")


def _bucket_policy(resource: str) -> dict[str, Any] | None:
    """Return the policy of the bucket that is or contains *resource*."""
    for bucket, stack, title in (
        (ARTIFACTS, "foundation", "ArtifactsPolicy"),
        (ARTIFACT_STORE, "pipeline", "ArtifactStorePolicy"),
    ):
        if resource == bucket or resource.startswith(f"{bucket}/"):
            return dict(properties(f"{PREFIX}-{stack}", title)["PolicyDocument"])
    return None
