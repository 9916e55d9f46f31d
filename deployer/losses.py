"""Names what a changed template would do to data, before anything moves.

Predicted from the two templates and CloudFormation's registry, so it is there when the plan is
shown; what the change set says later is AWS's own word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from deployer.registry import PropertyPath, ResourceType, resource_type

Resource: TypeAlias = Mapping[str, Any]
Lookup: TypeAlias = Callable[[str], ResourceType | None]

STATEFUL = frozenset(
    f"AWS::{name}"
    for name in (
        "Cognito::UserPool",
        "DynamoDB::GlobalTable",
        "DynamoDB::Table",
        "EC2::Volume",
        "ECR::Repository",
        "EFS::FileSystem",
        "KMS::Key",
        "Logs::LogGroup",
        "RDS::DBCluster",
        "RDS::DBInstance",
        "Route53::HostedZone",
        "S3::Bucket",
        "SQS::Queue",
        "SSM::Parameter",
        "SecretsManager::Secret",
    )
)
_KEEPING = {"Retain": 2, "RetainExceptOnCreate": 2, "Snapshot": 1}
_GUARDS: Mapping[str, tuple[PropertyPath, ...]] = {
    "AWS::Cognito::UserPool": (("DeletionProtection",),),
    "AWS::DynamoDB::Table": (
        ("DeletionProtectionEnabled",),
        ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
    ),
    "AWS::RDS::DBInstance": (("DeletionProtection",), ("BackupRetentionPeriod",)),
    "AWS::RDS::DBCluster": (("DeletionProtection",), ("BackupRetentionPeriod",)),
    "AWS::S3::Bucket": (("VersioningConfiguration", "Status"),),
}
_STRENGTH = {True: 1, "true": 1, "ACTIVE": 1, "Enabled": 1}


@dataclass(frozen=True)
class Loss:
    """What would happen to one resource that holds data, and what becomes of the data."""

    logical_id: str
    type: str
    what: str
    consequence: str

    def __str__(self) -> str:
        """One line, such as Table (AWS::DynamoDB::Table) is removed: its data is deleted."""
        return f"{self.logical_id} ({self.type}) {self.what}: {self.consequence}"


def losses(
    old: Mapping[str, Any], new: Mapping[str, Any], lookup: Lookup = resource_type
) -> tuple[Loss, ...]:
    """What replacing template *old* by *new* would take from data, in the order of *old*."""
    before, after = _resources(old), _resources(new)
    remade = _remade(before, after, lookup)
    return tuple(
        loss
        for name, resource in before.items()
        if _holds_data(resource)
        for loss in _of(name, resource, after.get(name), remade.get(name, ""))
    )


def _of(name: str, old: Resource, new: Resource | None, remade: str) -> Iterator[Loss]:
    type_ = old["Type"]
    if new is None:
        yield Loss(name, type_, "is removed", _fate(old.get("DeletionPolicy")))
        return
    if new["Type"] != type_:
        what = f"becomes {new['Type']}"
        yield Loss(name, type_, what, _fate(new.get("UpdateReplacePolicy")))
        return
    if remade:
        yield Loss(name, type_, remade, _fate(new.get("UpdateReplacePolicy")))
    for weaker in _weaker(old, new):
        yield Loss(name, type_, weaker, "nothing is lost yet, but a later mistake would be final")


def _fate(policy: str | None) -> str:
    return {
        "Retain": "it stays, and CloudFormation forgets it",
        "RetainExceptOnCreate": "it stays, and CloudFormation forgets it",
        "Snapshot": "a last snapshot stays",
    }.get(policy or "", "its data is deleted")


def _weaker(old: Resource, new: Resource) -> Iterator[str]:
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        was, becomes = old.get(policy), new.get(policy)
        if _KEEPING.get(becomes or "", 0) < _KEEPING.get(was or "", 0):
            yield f"loses {policy} {was}, gets {becomes or 'none'}"
    for path in _GUARDS.get(old["Type"], ()):
        was, becomes = _property(old, path), _property(new, path)
        if _strength(becomes) < _strength(was):
            yield f"loses {'.'.join(path)} {was}, gets {'none' if becomes is None else becomes}"


def _strength(value: Any) -> float:
    """How much a guard guards; a number of days is its own strength."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return _STRENGTH.get(value, 0) if isinstance(value, str | bool) else 0


def _remade(
    before: Mapping[str, Resource], after: Mapping[str, Resource], lookup: Lookup
) -> dict[str, str]:
    """Which resources are made anew, and why; one that refers to such a one may have to follow."""
    remade: dict[str, str] = {}
    while True:
        found = {
            name: reason
            for name, old in before.items()
            if name in after and name not in remade
            if (reason := _reason(old, after[name], lookup, remade))
        }
        if not found:
            return remade
        remade |= found


def _reason(old: Resource, new: Resource, lookup: Lookup, remade: Mapping[str, str]) -> str:
    if old["Type"] != new["Type"]:
        return "changes its type"
    known = lookup(old["Type"])
    if known is None:
        return ""
    for paths, verb in ((known.create_only, "is"), (known.maybe_create_only, "may be")):
        for path in sorted(paths):
            was, becomes = _property(old, path), _property(new, path)
            if was != becomes:
                return f"{verb} replaced, because {'.'.join(path)} changes"
            if moved := next((name for name in _names(becomes) if name in remade), ""):
                return f"{verb} replaced, because {'.'.join(path)} refers to {moved}"
    return ""


def _holds_data(resource: Resource) -> bool:
    return resource["Type"] in STATEFUL or resource.get("DeletionPolicy", "") in _KEEPING


def _resources(template: Mapping[str, Any]) -> dict[str, Resource]:
    return dict(template.get("Resources") or {})


def _property(resource: Resource, path: PropertyPath) -> Any:
    return _at(resource.get("Properties"), path)


def _at(value: Any, path: Sequence[str]) -> Any:
    """What stands at *path* in *value*; for every item of a list on the way there."""
    if not path:
        return value
    match value:
        case dict():
            return _at(value.get(path[0]), path[1:])
        case list():
            return [_at(item, path[1:] if path[0] == "*" else path) for item in value]
        case _:
            return None


def _names(value: Any) -> Iterator[str]:
    """The logical ids that *value* refers to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for inner in value.values():
                yield from _names(inner)
        case list():
            for inner in value:
                yield from _names(inner)
