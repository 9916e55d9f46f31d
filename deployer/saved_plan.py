"""A plan in a file: the change sets that were reviewed, and what they were created from.

The file is JSON, which docs/plan.schema.json describes; `./inv docs` writes the schema.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from deployer import plan
from deployer.aws.cloud import DeployedStack, StoredObject
from deployer.errors import StaleError
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import flatten, format_path
from deployer.plan import Key
from deployer.planned_change_sets import PlannedChangeSet
from deployer.preview.announced import announced_action

VERSION = 1
RENEW = "write a new plan with `./inv plan --out=FILE`, and have it reviewed"
_Fields: TypeAlias = Mapping[str, Any]


class SavedChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The change of one resource, as CloudFormation announced it when the plan was saved."""

    resource: str
    type: str
    action: str


class SavedObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An S3 object that the change set reads: code, or a template."""

    region: str
    bucket: str
    key: str
    sha256: str
    version: str


class SavedStack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The change set of one stack; *updated_at* is null for a stack that is created."""

    stack: str
    short_name: str
    region: str
    kind: Literal["CREATE", "UPDATE", "IMPORT"]
    stack_id: str
    updated_at: str | None
    template_digest: str
    parameters_digest: str
    change_set: str
    changes: tuple[SavedChange, ...]
    objects: tuple[SavedObject, ...]


class SkippedStack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stack that changes and has no change set, for *reason*."""

    stack: str
    reason: str


class SavedPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan with the change sets to execute, dependencies first.

    *revision* is the commit of the checkout; empty outside of a repository. *role* is the service
    role of a release. *digest* is the SHA-256 of all other fields.
    """

    version: int
    environment: str
    account: str
    region: str
    revision: str
    role: str
    stacks: tuple[SavedStack, ...]
    skipped: tuple[SkippedStack, ...] = ()
    digest: str = ""


def saved_stack(planned: PlannedChangeSet, known: Mapping[Key, DeployedStack]) -> SavedStack:
    """Return the change set of *planned*; *known* has the stacks as they were planned."""
    desired, change_set = planned.desired, planned.change_set
    if change_set is None:
        raise ValueError(f"{desired.name} has no change set")
    deployed = known.get((desired.region, desired.name))
    return SavedStack(
        stack=desired.name,
        short_name=desired.short_name,
        region=desired.region,
        kind=planned.kind,
        stack_id=change_set.stack_id,
        updated_at=timestamp(deployed.updated_at)
        if deployed and planned.kind == "UPDATE"
        else None,
        template_digest=template_digest(desired),
        parameters_digest=parameters_digest(desired, known),
        change_set=change_set.arn,
        changes=tuple(
            SavedChange(
                format_path((*path, change.logical_id)), change.type, announced_action(change)
            )
            for path, change in flatten(change_set.changes)
        ),
        objects=tuple(map(saved_object, planned.objects)),
    )


def saved_object(stored: StoredObject) -> SavedObject:
    """Return *stored* as a value of the file."""
    return SavedObject(stored.region, stored.bucket, stored.key, stored.sha256, stored.version)


def skipped(planned: Iterable[PlannedChangeSet]) -> tuple[SkippedStack, ...]:
    """Return the stacks of *planned* without a change set."""
    return tuple(
        SkippedStack(item.desired.name, item.reason) for item in planned if item.change_set is None
    )


def encode(saved: SavedPlan) -> str:
    """Return the text of the file, with the digest."""
    fields = msgspec.to_builtins(saved)
    return json.dumps(fields | {"digest": _digest(fields)}, indent=2) + "\n"


def decode(text: str, name: str) -> SavedPlan:
    """Return the plan in *text*, the content of the file *name*.

    Raise StaleError if the file is of another version, is not a plan, or was edited.
    """
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise StaleError(f"{name}: is not JSON: {error}", hint=RENEW) from error
    version = fields.get("version") if isinstance(fields, dict) else None
    if version != VERSION:
        raise StaleError(
            f"{name}: has version {json.dumps(version)}, not {VERSION}",
            hint=f"apply it with the code that wrote it, or {RENEW}",
        )
    try:
        saved = msgspec.convert(fields, SavedPlan)
    except msgspec.ValidationError as error:
        raise StaleError(f"{name}: was edited: {error}", hint=RENEW) from error
    if saved.digest != _digest(fields):
        raise StaleError(f"{name}: was edited: its digest differs", hint=RENEW)
    return saved


def template_digest(desired: DesiredStack) -> str:
    """Return the digest of the template of a stack and of those nested in it."""
    return _sha256([desired.text, *(nested.text for nested in desired.nested)])


def parameters_digest(desired: DesiredStack, known: Mapping[Key, DeployedStack]) -> str:
    """Return the digest of the parameter values, tags, capabilities and protection of a stack."""
    return _sha256(
        [
            plan.parameters(desired, known),
            dict(desired.tags),
            sorted(desired.capabilities),
            desired.protect,
        ]
    )


def timestamp(at: datetime | None) -> str | None:
    """Return a time in ISO 8601, as in the file."""
    return at.isoformat() if at else None


def schema() -> str:
    """Return the JSON Schema of the file."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A saved plan, as `./inv plan --out=FILE` writes it",
        **msgspec.json.schema(SavedPlan),
    }
    return json.dumps(document, indent=2) + "\n"


def _digest(fields: _Fields) -> str:
    return _sha256({name: value for name, value in fields.items() if name != "digest"})


def _sha256(value: Sequence[Any] | _Fields) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
