"""Predict which changes of a template lose data, or remove its protection.

The prediction needs only the two templates and CloudFormation's registry, so the plan can show it
before a change set exists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from deployer.model.intrinsics import EXPORTS, value_names
from deployer.model.template_tree import RETAINING_POLICIES, LogicalIds, TemplateTree, format_path
from deployer.registry import Lookup, PropertyPath, resource_type, value_at
from deployer.weakened_protections import POLICY_STRENGTH, weakened_protections

Resource: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = Literal["removed", "replaced", "weakened"]

STATEFUL = frozenset(
    f"AWS::{name}"
    for name in (
        "Backup::BackupVault",
        "Cognito::IdentityPool",
        "Cognito::UserPool",
        "DocDB::DBCluster",
        "DynamoDB::GlobalTable",
        "DynamoDB::Table",
        "EC2::Volume",
        "ECR::Repository",
        "EFS::FileSystem",
        "FSx::FileSystem",
        "KMS::Key",
        "Kinesis::Stream",
        "Logs::LogGroup",
        "Neptune::DBCluster",
        "OpenSearchService::Domain",
        "RDS::DBCluster",
        "RDS::DBInstance",
        "Redshift::Cluster",
        "Route53::HostedZone",
        "S3::Bucket",
        "SQS::Queue",
        "SSM::Parameter",
        "SecretsManager::Secret",
    )
)


@dataclass(frozen=True)
class DataLoss:
    """The change of one resource that holds data, and the consequence for the data.

    *path* has the logical ids of the nested stacks around it, outermost first.
    """

    logical_id: str
    type: str
    change: str
    consequence: str
    path: LogicalIds = ()
    kind: Kind = "removed"

    def __str__(self) -> str:
        """Return one line, such as Table (AWS::DynamoDB::Table) is removed: its data is deleted."""
        name = format_path((*self.path, self.logical_id))
        return f"{name} ({self.type}) {self.change}: {self.consequence}"


def find_data_losses(
    old: TemplateTree,
    new: TemplateTree,
    lookup: Lookup = resource_type,
    *,
    parameters: Collection[str] = (),
    exports: Collection[str] = (),
) -> tuple[DataLoss, ...]:
    """Return the data losses of an update from template *old* to *new*, in the order of *old*.

    Nested stacks are included; they are matched by their logical ids. *parameters* are the
    parameters of the outermost template whose values change; those with a changed default need not
    be passed. *exports* are the exports of other stacks whose values change.
    """
    before, after = (_defaults(tree) for tree in (old, new))
    changed = {name for name, value in after.items() if value != before.get(name)} | {*parameters}
    changed |= {f"{EXPORTS}{name}" for name in exports}
    reasons = dict.fromkeys(sorted(changed), "changes")
    return tuple(_data_losses(old, new, _changed_values(old, new, lookup, reasons)))


def _data_losses(
    old: TemplateTree, new: TemplateTree, changed: ChangedValues, path: LogicalIds = ()
) -> Iterator[DataLoss]:
    for name, resource in old.resources.items():
        after = new.resources.get(name)
        removed = _why_removed(resource, after, changed)
        if _is_stateful(resource):
            losses = _losses_of_resource(
                name, resource, after, changed.names.get(name, ""), removed
            )
            yield from (replace(loss, path=path) for loss in losses)
        if name in old.nested:
            why = _why_deleted(name, resource, after, changed.names.get(name, ""), removed)
            if why is not None:
                yield from _losses_of_deleted_stack(old.nested[name], why, (*path, name))
            elif name in changed.nested and name in new.nested:
                yield from _data_losses(
                    old.nested[name], new.nested[name], changed.nested[name], (*path, name)
                )


def _why_removed(old: Resource, new: Resource | None, changed: ChangedValues) -> str:
    """Return why a resource is, or may be, removed; an empty string if it is kept.

    Templates do not say whether a condition is true, so a changed condition may remove resources.
    """
    if new is None:
        return "is removed"
    condition = new.get("Condition")
    if condition is None:
        return ""
    if condition == old.get("Condition") and f"Conditions.{condition}" not in changed.names:
        return ""
    return f"may be removed, because its condition {condition} changes"


def _why_deleted(
    name: str, old: Resource, new: Resource | None, replaced: str, removed: str
) -> str | None:
    """Return why the nested stack *name* is deleted; None if it is kept.

    *replaced* is the reason why the resource of the nested stack is replaced, *removed* why it is
    removed; each is empty if it is not.
    """
    if removed and old.get("DeletionPolicy") not in RETAINING_POLICIES:
        return removed
    if new is None:
        return None
    if new["Type"] == old["Type"] and not replaced:
        return None
    if new.get("UpdateReplacePolicy") in RETAINING_POLICIES:
        return None
    change = replaced if new["Type"] == old["Type"] else f"becomes {new['Type']}"
    return f"is removed, because {name} {change}"


def _losses_of_deleted_stack(tree: TemplateTree, why: str, path: LogicalIds) -> Iterator[DataLoss]:
    """Yield a loss for each resource that holds data in a stack that is deleted."""
    for name, resource in tree.resources.items():
        if _is_stateful(resource):
            yield DataLoss(
                name, resource["Type"], why, consequence(resource.get("DeletionPolicy")), path
            )
        if name in tree.nested and resource.get("DeletionPolicy") not in RETAINING_POLICIES:
            yield from _losses_of_deleted_stack(tree.nested[name], why, (*path, name))


def _losses_of_resource(
    name: str, old: Resource, new: Resource | None, replaced: str, removed: str
) -> Iterator[DataLoss]:
    type_ = old["Type"]
    if removed:
        yield DataLoss(name, type_, removed, consequence(old.get("DeletionPolicy")))
    if new is None:
        return
    of_replacement = consequence(new.get("UpdateReplacePolicy"))
    if new["Type"] != type_:
        change = f"becomes {new['Type']}"
        yield DataLoss(name, type_, change, of_replacement, kind="replaced")
        return
    if replaced:
        yield DataLoss(name, type_, replaced, of_replacement, kind="replaced")
    for fact, effect in weakened_protections(old, new):
        yield DataLoss(name, type_, fact, effect, kind="weakened")


def consequence(policy: str | None) -> str:
    """Return what happens to the data of a removed resource with this DeletionPolicy."""
    return {
        "Retain": "it is kept, outside of CloudFormation",
        "RetainExceptOnCreate": "it is kept, outside of CloudFormation",
        "Snapshot": "a final snapshot is kept",
    }.get(policy or "", "its data is deleted")


@dataclass(frozen=True)
class ChangedValues:
    """The names whose values an update changes, each with the reason.

    *names* are those of `intrinsics.value_names`: replaced resources, parameters, outputs of nested
    stacks, conditions, mappings and exports. *nested* has the changed values of each nested stack
    that is kept.
    """

    names: Mapping[str, str]
    nested: Mapping[str, ChangedValues]


def _changed_values(
    old: TemplateTree, new: TemplateTree, lookup: Lookup, parameters: Mapping[str, str]
) -> ChangedValues:
    """Return the values that change when *old* is replaced by *new*.

    A resource that refers to a changed value may be replaced, too. *parameters* are the parameters
    of the template that change.
    """
    changed = ChangedValues({**parameters, **_changed_mappings(old, new)}, {})
    while True:
        nested = {
            title: _changed_values(
                tree, new.nested[title], lookup, _changed_parameters(title, old, new, changed)
            )
            for title, tree in old.nested.items()
            if title in new.nested
        }
        outputs = {
            f"{title}.Outputs.{name}": why
            for title, values in nested.items()
            for name, why in _changed_outputs(old.nested[title], new.nested[title], values).items()
        }
        replaced = {
            name: reason
            for name, resource in old.resources.items()
            if name in new.resources and name not in changed.names
            if (reason := _replacement_reason(resource, new.resources[name], lookup, changed.names))
        }
        conditions = _changed_conditions(old, new, changed)
        names = {**changed.names, **conditions, **outputs, **replaced}
        if names.keys() == changed.names.keys():
            return ChangedValues(changed.names, nested)
        changed = ChangedValues(names, nested)


def _changed_mappings(old: TemplateTree, new: TemplateTree) -> dict[str, str]:
    before, after = (tree.body.get("Mappings") or {} for tree in (old, new))
    return {
        f"Mappings.{name}": "changes"
        for name, mapping in after.items()
        if mapping != before.get(name)
    }


def _changed_conditions(
    old: TemplateTree, new: TemplateTree, changed: ChangedValues
) -> dict[str, str]:
    """Return the conditions whose text changes, or that use a changed value."""
    before, after = (tree.body.get("Conditions") or {} for tree in (old, new))
    return {
        f"Conditions.{name}": "changes"
        for name, condition in after.items()
        if condition != before.get(name)
        or any(used in changed.names for used in value_names(condition))
    }


def _changed_parameters(
    title: str, old: TemplateTree, new: TemplateTree, changed: ChangedValues
) -> dict[str, str]:
    """Return the parameters of the nested stack *title* whose values change, and changed exports."""
    before, after = (_parameters(tree, title) for tree in (old, new))
    exports = {name: why for name, why in changed.names.items() if name.startswith(EXPORTS)}
    return exports | {
        name: "changes"
        for name, value in after.items()
        if value != before.get(name) or any(used in changed.names for used in value_names(value))
    }


def _parameters(tree: TemplateTree, title: str) -> dict[str, Any]:
    """Return the parameters that are passed to a nested stack, and the defaults of the others."""
    passed = _property(tree.resources[title], ("Parameters",)) or {}
    return _defaults(tree.nested[title]) | dict(passed)


def _defaults(tree: TemplateTree) -> dict[str, Any]:
    declared = tree.body.get("Parameters") or {}
    return {name: parameter.get("Default") for name, parameter in declared.items()}


def _changed_outputs(
    old: TemplateTree, new: TemplateTree, changed: ChangedValues
) -> dict[str, str]:
    before, after = (tree.body.get("Outputs") or {} for tree in (old, new))
    return {
        name: "changes"
        for name, output in after.items()
        if output != before.get(name)
        or any(used in changed.names for used in value_names(output.get("Value")))
    }


def _replacement_reason(
    old: Resource, new: Resource, lookup: Lookup, replaced: Mapping[str, str]
) -> str:
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
            if changed := next((name for name in value_names(becomes) if name in replaced), ""):
                return f"{verb} replaced, because {'.'.join(path)} refers to {_display(changed)}"
    return ""


def _display(name: str) -> str:
    """Return a name of `ChangedValues` for a message: `Exports.x` becomes `export x`."""
    return f"export {name.removeprefix(EXPORTS)}" if name.startswith(EXPORTS) else name


def is_stateful(type_: str, policy: str) -> bool:
    """Return whether resources of *type_* hold data, or *policy* keeps them or a snapshot."""
    return type_ in STATEFUL or policy in POLICY_STRENGTH


def _is_stateful(resource: Resource) -> bool:
    return is_stateful(resource["Type"], resource.get("DeletionPolicy", ""))


def _property(resource: Resource, path: PropertyPath) -> Any:
    return value_at(resource.get("Properties"), path)
