"""An account in memory whose stacks have templates, exports, imports and physical resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deployer.aws.cloud import STACK, ChangeSet, ChangeSetRequest, DeployedStack, StackResource
from deployer.model.intrinsics import imports
from deployer.template_yaml import load
from tests.fakes import FakeCloud


@dataclass(frozen=True)
class Resource:
    """A physical resource with its resolved properties."""

    id: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Deployed:
    """A deployed template, its resources by logical id, its outputs and its exports."""

    text: str
    resources: Mapping[str, Resource] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ExportingCloud(FakeCloud):
    """An account that resolves templates; a topic is replaced if its name changes.

    *refused* has the updates that were rolled back because of exports in use. *broken* has the
    resources that were deleted although a resource of another stack used them.
    """

    states: dict[str, Deployed] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    existing: set[str] = field(default_factory=set)

    def change_set(self, region: str, arn: str) -> ChangeSet:
        """Return a change set; an import is never empty, although it changes no output."""
        found = super().change_set(region, arn)
        if found.is_empty and self.change_sets[arn][0].imports:
            return replace(found, status="CREATE_COMPLETE", execution="AVAILABLE", reason="")
        return found

    def template(self, region: str, name: str) -> str:
        self._call("template", name)
        return self._state(name).text

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        self._call("resources", stack_id)
        found = self._state(stack_id).resources
        return tuple(
            StackResource(title, resource.id, resource.type, "UPDATE_COMPLETE")
            for title, resource in found.items()
        )

    def _state(self, name: str) -> Deployed:
        names = {stack.id: stack.name for stack in self.deployed.values()}
        return self.states[names.get(name, name)]

    def _after_change(self, request: ChangeSetRequest, stack: DeployedStack) -> DeployedStack:
        outputs = self._resolve(request).outputs
        return replace(
            stack, outputs=outputs, tags=request.tags, parameters=dict(request.parameters)
        )

    def _finish(self, request: ChangeSetRequest, now: DeployedStack, before: DeployedStack) -> None:
        old, new = self.states.get(request.stack, Deployed("")), self._resolve(request)
        if changed := self._changed_imports(request.stack, old, new):
            self.refused.append(f"{request.stack}: {changed}")
            self.add_event(now, now.name, STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "in use")
            done = replace(before, status="UPDATE_ROLLBACK_COMPLETE")
        else:
            self.states[request.stack] = new
            self._delete_unused(old, new, request.stack)
            done = replace(self._after_change(request, now), status=f"{request.kind}_COMPLETE")
        self.put(done)
        self.add_event(done, done.name, STACK, done.status)

    def _changed_imports(self, stack: str, old: Deployed, new: Deployed) -> list[str]:
        used = {
            name
            for other, state in self.states.items()
            if other != stack
            for name in imports(load(state.text))
        }
        return [
            name for name in used & old.exports.keys() if new.exports.get(name) != old.exports[name]
        ]

    def _delete_unused(self, old: Deployed, new: Deployed, stack: str) -> None:
        """Delete the replaced and removed resources of a stack, unless they are retained."""
        self.existing |= {resource.id for resource in new.resources.values()}
        definitions = load(new.text)["Resources"]
        for title, resource in old.resources.items():
            if new.resources.get(title, Resource("", "", {})).id == resource.id:
                continue
            if definitions.get(title, {}).get("UpdateReplacePolicy") == "Retain":
                continue
            self.existing.discard(resource.id)
            users = [
                other
                for other, state in self.states.items()
                if other != stack and resource.id in str(state.resources)
            ]
            self.broken += [f"{resource.id} is used by {user}" for user in users]

    def _resolve(self, request: ChangeSetRequest) -> Deployed:
        body = load(request.text)
        old = self.states.get(request.stack, Deployed(""))
        imported = {
            item.logical_id: next(iter(item.identifier.values())) for item in request.imports
        }
        resolver = _Resolver(request.stack, body, old, self._exports, imported)
        resources = {title: resolver.resource(title) for title in body["Resources"]}
        outputs = {
            title: resolver.value(output["Value"]) for title, output in body["Outputs"].items()
        }
        exports = {
            output["Export"]["Name"]: outputs[title]
            for title, output in body["Outputs"].items()
            if "Export" in output
        }
        return Deployed(request.text, resources, outputs, exports)

    @property
    def _exports(self) -> dict[str, str]:
        return {
            name: value for state in self.states.values() for name, value in state.exports.items()
        }


@dataclass(frozen=True)
class _Resolver:
    """The values of one template."""

    stack: str
    body: Mapping[str, Any]
    old: Deployed
    exports: Mapping[str, str]
    imported: Mapping[str, str]

    def resource(self, title: str) -> Resource:
        """Return a resource; it keeps its id unless its name changes."""
        definition = self.body["Resources"][title]
        properties = self.value(definition["Properties"])
        before = self.old.resources.get(title)
        if title in self.imported:
            id_ = self.imported[title]
        elif before and before.properties.get("TopicName") == properties.get("TopicName"):
            id_ = before.id
        else:
            id_ = f"<{self.stack}/{title}/{properties.get('TopicName', '')}>"
        return Resource(id_, definition["Type"], properties)

    def value(self, value: Any) -> Any:
        """Return a value with resolved functions."""
        match value:
            case {"Ref": str(title)}:
                return self.resource(title).id
            case {"Fn::ImportValue": str(name)}:
                return self.exports[name]
            case {"Fn::FindInMap": [mapping, key, name]}:
                return self.body["Mappings"][mapping][key][name]
            case {"Fn::Join": [str(delimiter), list(parts)]}:
                return delimiter.join(map(self.value, parts))
            case dict():
                return {key: self.value(item) for key, item in value.items()}
            case list():
                return [self.value(item) for item in value]
            case _:
                return value
