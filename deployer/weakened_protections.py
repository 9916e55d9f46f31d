"""Find the protections of data that an update weakens, and the retention periods that it shortens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from deployer.model.template_tree import RETAINING_POLICIES
from deployer.registry import PropertyPath, value_at

Resource: TypeAlias = Mapping[str, Any]

POLICY_STRENGTH = {"Retain": 2, "RetainExceptOnCreate": 2, "Snapshot": 1}
_PROTECTIONS: Mapping[str, tuple[PropertyPath, ...]] = {
    "AWS::Cognito::UserPool": (("DeletionProtection",),),
    "AWS::DynamoDB::Table": (
        ("DeletionProtectionEnabled",),
        ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
    ),
    "AWS::RDS::DBInstance": (("DeletionProtection",), ("BackupRetentionPeriod",)),
    "AWS::RDS::DBCluster": (("DeletionProtection",), ("BackupRetentionPeriod",)),
    "AWS::S3::Bucket": (("VersioningConfiguration", "Status"),),
}
# The properties that delete data if they are true, and whether they are true by default.
_DELETIONS: Mapping[str, tuple[str, bool]] = {
    "AWS::ECR::Repository": ("EmptyOnDelete", False),
    "AWS::RDS::DBInstance": ("DeleteAutomatedBackups", True),
    "AWS::RDS::DBCluster": ("DeleteAutomatedBackups", True),
}
# The property with the retention period, and the period if a template does not set it.
_RETENTION: Mapping[str, tuple[PropertyPath, float]] = {
    "AWS::DynamoDB::Table": (("PointInTimeRecoverySpecification", "RecoveryPeriodInDays"), 35),
    "AWS::KMS::Key": (("PendingWindowInDays",), 30),
    "AWS::Logs::LogGroup": (("RetentionInDays",), float("inf")),
    "AWS::SQS::Queue": (("MessageRetentionPeriod",), 345_600),
}
_NO_LOSS_YET = "no data is lost yet, but a later deletion would be final"
_OLDER_IS_DELETED = "data older than that is deleted"
_RULE_DELETES = "the data that it selects is deleted"
_VALUE_STRENGTH = {True: 1, "true": 1, "ACTIVE": 1, "Enabled": 1}


def weakened_protections(old: Resource, new: Resource) -> Iterator[tuple[str, str]]:
    """Yield each protection of the data of a resource that becomes weaker, and the consequence."""
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        was, becomes = old.get(policy), new.get(policy)
        if POLICY_STRENGTH.get(becomes or "", 0) < POLICY_STRENGTH.get(was or "", 0):
            yield f"loses {policy} {was}, gets {becomes or 'none'}", _NO_LOSS_YET
    for path in _PROTECTIONS.get(old["Type"], ()):
        was, becomes = _property(old, path), _property(new, path)
        if _strength(becomes) < _strength(was):
            name = ".".join(path)
            yield f"loses {name} {was}, gets {'none' if becomes is None else becomes}", _NO_LOSS_YET
    name, is_default = _DELETIONS.get(old["Type"], ("", False))
    if name and _is_true(new, name, default=is_default) > _is_true(old, name, default=is_default):
        yield f"gets {name} true", _NO_LOSS_YET
    yield from _shorter_retention(old, new)


def _shorter_retention(old: Resource, new: Resource) -> Iterator[tuple[str, str]]:
    path, default = _RETENTION.get(old["Type"], ((), 0.0))
    if path and old.get("DeletionPolicy") in RETAINING_POLICIES:
        was, becomes = (_property(side, path) for side in (old, new))
        if _days(becomes, default) < _days(was, default):
            texts = ("none" if value is None else value for value in (was, becomes))
            yield "loses {} {}, gets {}".format(".".join(path), *texts), _OLDER_IS_DELETED
    if old["Type"] in _RULES:
        name, read = _RULES[old["Type"]]
        before, after = (dict(read(_property(side, (name,)))) for side in (old, new))
        if any(number < before.get(key, float("inf")) for key, number in after.items()):
            yield f"gets a rule in {name} that deletes earlier", _RULE_DELETES


def _image_rules(value: Any) -> Iterator[tuple[str, float]]:
    """Yield the selection and the number of each rule of an ECR lifecycle policy."""
    try:
        rules = json.loads(value["LifecyclePolicyText"])["rules"]
        for rule in rules:
            selection = dict(rule["selection"])
            number = selection.pop("countNumber")
            yield json.dumps(selection, sort_keys=True), float(number)
    except (KeyError, TypeError, ValueError):
        return  # There is no policy, or its text has references.


def _object_rules(value: Any) -> Iterator[tuple[str, float]]:
    """Yield the selection and the days of each enabled rule of a bucket that deletes objects."""
    for rule in value_at(value, ("Rules",)) or ():
        if not isinstance(rule, dict) or rule.get("Status") != "Enabled":
            continue  # A text is the name of a function that returns the rules.
        selected = {key: rule[key] for key in sorted(rule) if key in _SELECTIONS}
        for path in _EXPIRATIONS:
            days = value_at(rule, path)
            if days is not None:
                # A date, or a reference, is earlier than any number of days.
                yield json.dumps([selected, path], default=str), _days(days, 0)


def _item_rules(value: Any) -> Iterator[tuple[str, float]]:
    """Yield the attribute by whose time the items of a table expire."""
    if value_at(value, ("Enabled",)) in (True, "true"):
        yield json.dumps(value_at(value, ("AttributeName",)), default=str), 0


_SELECTIONS = {"Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"}
_EXPIRATIONS: tuple[PropertyPath, ...] = (
    ("ExpirationInDays",),
    ("ExpirationDate",),
    ("NoncurrentVersionExpirationInDays",),
    ("NoncurrentVersionExpiration", "NoncurrentDays"),
)
_RULES = {
    "AWS::DynamoDB::Table": ("TimeToLiveSpecification", _item_rules),
    "AWS::ECR::Repository": ("LifecyclePolicy", _image_rules),
    "AWS::S3::Bucket": ("LifecycleConfiguration", _object_rules),
}


def _days(value: Any, default: float) -> float:
    """Return a period as a number, or *default* if it is absent or a reference."""
    return float(value) if isinstance(value, int) or str(value).isdigit() else default


def _strength(value: Any) -> float:
    """Return the strength of a protection: the number of days, 1 if it is enabled, else 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return _VALUE_STRENGTH.get(value, 0) if isinstance(value, str | bool) else 0


def _is_true(resource: Resource, name: str, *, default: bool) -> bool:
    value = _property(resource, (name,))
    return default if value is None else value in (True, "true")


def _property(resource: Resource, path: PropertyPath) -> Any:
    return value_at(resource.get("Properties"), path)
