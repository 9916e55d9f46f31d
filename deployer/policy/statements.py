"""The statements of every policy document, however it was written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal, TypeAlias

from deployer.policy.model import Resource, Templates, Violation
from deployer.policy.values import get, many, mapping, pattern, text

Kind: TypeAlias = Literal["identity", "trust", "resource", "endpoint"]

# Where documents stand: in a property, or in each element of a list.
_DOCUMENTS: Mapping[str, tuple[Kind, tuple[str, ...]]] = {
    "IAM::ManagedPolicy": ("identity", ("PolicyDocument",)),
    "IAM::Policy": ("identity", ("PolicyDocument",)),
    "IAM::RolePolicy": ("identity", ("PolicyDocument",)),
    "IAM::GroupPolicy": ("identity", ("PolicyDocument",)),
    "IAM::UserPolicy": ("identity", ("PolicyDocument",)),
    "S3::BucketPolicy": ("resource", ("PolicyDocument",)),
    "SNS::TopicPolicy": ("resource", ("PolicyDocument",)),
    "SNS::TopicInlinePolicy": ("resource", ("PolicyDocument",)),
    "SQS::QueuePolicy": ("resource", ("PolicyDocument",)),
    "SQS::QueueInlinePolicy": ("resource", ("PolicyDocument",)),
    "KMS::Key": ("resource", ("KeyPolicy",)),
    "ECR::Repository": ("resource", ("RepositoryPolicyText",)),
    "SecretsManager::ResourcePolicy": ("resource", ("ResourcePolicy",)),
    "DynamoDB::Table": ("resource", ("ResourcePolicy", "PolicyDocument")),
    "EFS::FileSystem": ("resource", ("FileSystemPolicy",)),
    "EC2::VPCEndpoint": ("endpoint", ("PolicyDocument",)),
}
_INLINE = ("IAM::Role", "IAM::Group", "IAM::User")
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_WILDCARDS = re.compile(r"[*?]*\*[*?]*")
_ANY = re.compile(r"[*?/:]*\*[*?/:]*")  # Such as *, ** and */*: whatever there is.


@dataclass(frozen=True)
class Statement:
    """One statement of a document, and the resource whose document it is."""

    owner: Resource
    kind: Kind
    name: str  # its Sid, else the name of its policy, else its number
    body: Mapping[str, Any]

    @property
    def allows(self) -> bool:
        """It gives; what is denied is nobody's gain."""
        return self.body.get("Effect") == "Allow"

    @property
    def actions(self) -> list[str]:
        """The patterns of its actions, in lower case as IAM compares them."""
        actions = (text(one).lower() for one in many(self.body.get("Action")))
        return [_WILDCARDS.sub("*", action) for action in actions]

    @property
    def resources(self) -> list[Any]:
        """What it is about, as the template says it."""
        return many(self.body.get("Resource"))

    @property
    def principals(self) -> list[tuple[str, Any]]:
        """Who it is about: Service, AWS or Federated, and which; everyone is AWS and *."""
        principal = self.body.get("Principal")
        if principal == "*":
            return [("AWS", "*")]
        return [(kind, one) for kind, ones in mapping(principal).items() for one in many(ones)]

    @property
    def everyone(self) -> bool:
        """Whoever asks, of whatever account."""
        return any(one in ("*", "arn:aws:iam::*:root") for _, one in self.principals)

    @cached_property
    def conditions(self) -> Mapping[tuple[str, str], list[Any]]:
        """The values by operator and key, both in lower case."""
        return {
            (str(operator).lower(), str(key).lower()): many(values)
            for operator, keys in mapping(self.body.get("Condition")).items()
            for key, values in mapping(keys).items()
        }

    def does(self, action: str) -> bool:
        """Whether one of its patterns covers *action*, such as iam:PassRole."""
        wanted = action.lower()
        return any(_covers(pattern, wanted) for pattern in self.actions)

    def does_all(self, actions: str) -> bool:
        """Whether one of its patterns is all of *actions*, such as s3:*, or more."""
        return bool({actions, "*", "*:*"} & {*self.actions})

    def found(self, message: str) -> Violation:
        """Something wrong with it."""
        return self.owner.found(message, self.name)


def _covers(pattern: str, action: str) -> bool:
    """Few patterns have wildcards; for one that has, a regular expression is made."""
    wild = "*" in pattern or "?" in pattern
    return fnmatchcase(action, pattern) if wild else pattern == action


def everything(resource: Any) -> bool:
    """Whether *resource* is all there is, or all there is of a service."""
    name = _VARIABLE.sub("x", pattern(resource))
    fixed, *rest = name.split(":", 5)
    if fixed == "arn" and len(rest) == 5:
        return _ANY.fullmatch(rest[-1]) is not None
    return _ANY.fullmatch(name) is not None or _ends_early(name)


def _ends_early(name: str) -> bool:
    """Whether *name* is an ARN that ends with a wildcard before it names a resource: arn:aws:s3*."""
    return name.startswith("ar") and name.endswith("*") and "*" not in name.rstrip("*")


def every_account(name: str) -> bool:
    """Whether *name*, an account or an ARN in a condition, is that of any account."""
    _, *rest = name.split(":", 5)
    if len(rest) < 5:
        return "*" in name
    is_of_any = _ANY.fullmatch(rest[3]) is not None or not rest[3]
    return is_of_any and _ANY.fullmatch(rest[4]) is not None


def statements(templates: Templates, *kinds: Kind) -> Iterator[Statement]:
    """Every statement of documents of these *kinds*."""
    for type_, (kind, path) in _DOCUMENTS.items():
        if kind in kinds:
            for one in templates.of(type_):
                yield from _of(one, kind, one.get(*path))
    if "trust" in kinds:
        for one in templates.of("IAM::Role"):
            yield from _of(one, "trust", one.get("AssumeRolePolicyDocument"))
    if "identity" in kinds:
        for one in templates.of(*_INLINE):
            for policy in many(one.get("Policies")):
                name = text(get(policy, "PolicyName"))
                yield from _of(one, "identity", get(policy, "PolicyDocument"), name)


def of_role(templates: Templates, role: Resource) -> Iterator[Statement]:
    """What *role* may do: its own policies, those it takes, and those that name it."""
    taken = {*templates.reached(role.stack, role.get("ManagedPolicyArns"))}
    for one in statements(templates, "identity"):
        named = (one.owner.get("Roles"), one.owner.get("RoleName"))
        if one.owner in {role, *taken} or role in templates.reached(one.owner.stack, [*named]):
            yield one


def parsed(document: str) -> Any:
    """A policy may be JSON in a string; what is not JSON is for cfn-lint to say."""
    try:
        return json.loads(document)
    except ValueError:
        return None


def _of(owner: Resource, kind: Kind, document: Any, policy: str = "") -> Iterator[Statement]:
    if isinstance(document, str):
        document = parsed(document)
    for number, body in enumerate(many(get(document, "Statement")), 1):
        name = text(get(body, "Sid")) or policy or str(number)
        yield Statement(owner, kind, name, mapping(body))
