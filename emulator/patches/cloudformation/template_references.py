"""Refuse a template with references to names that it does not define, before anything is created."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.ministack import cloudformation
from emulator.patches.differences import Difference

Template = dict[str, Any]

DIFFERENCES = (
    Difference(
        "References to names that a template does not define are refused before anything is "
        "created.",
        source="serverless/serverless#4745, serverless-plugin-split-stacks#150",
        ministack="Accepted.",
        test="test_invalid_template",
    ),
    Difference(
        "A circular dependency is refused before anything is created.",
        source="CloudFormation user guide, Troubleshooting",
        ministack="The operation fails.",
        test="test_invalid_template",
    ),
    Difference(
        "The name of an export must not depend on resources.",
        source="aws-cloudformation/cfn-lint#1632",
        ministack="Accepted.",
        test="test_invalid_template",
    ),
)
UPSTREAM = True


def install() -> None:
    """Install the patch."""
    cloudformation.validate_template.around(_validate)


def _validate(validate: Any, template: Template, *args: Any, **kwargs: Any) -> None:
    validate(template, *args, **kwargs)
    for error in errors(template):
        raise ValueError(error)


def errors(template: Template) -> Iterator[str]:
    """Yield AWS's errors about *template*, in the order in which AWS reports them."""
    resources = template.get("Resources") or {}
    outputs = template.get("Outputs") or {}
    yield from _undefined_references(template, "Resources", resources)
    yield from _undefined_references(template, "Outputs", outputs)
    if cycle := _cycle(resources):
        yield f"Circular dependency between resources: [{', '.join(cycle)}]"
    for name, output in outputs.items():
        export_name = (output.get("Export") or {}).get("Name")
        if _depends_on_resources(export_name, resources):
            yield (
                f"Template format error: Output {name} is malformed. The Name field of Export "
                "must not depend on any resources, imported values, or Fn::GetAZs."
            )


def _undefined_references(template: Template, block: str, body: dict[str, Any]) -> Iterator[str]:
    resources = set(template.get("Resources") or {})
    defined = resources | set(template.get("Parameters") or {})
    references = list(cloudformation.references(body))
    missing = {name for name, attribute in references if attribute is None} - defined
    if block == "Resources":
        missing |= {name for member in body.values() for name in _depends_on(member)} - resources
    missing = {name for name in missing if not name.startswith("AWS::")}
    if missing:
        names = ", ".join(sorted(missing))
        yield (
            f"Template format error: Unresolved resource dependencies [{names}] "
            f"in the {block} block of the template"
        )
    for name in sorted({name for name, attribute in references if attribute} - resources):
        if not name.startswith("AWS::"):
            yield f"Template error: instance of Fn::GetAtt references undefined resource {name}"


def _depends_on(resource: dict[str, Any]) -> list[str]:
    names = resource.get("DependsOn", [])
    return [names] if isinstance(names, str) else list(names)


def _cycle(resources: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of the resources that depend on each other, if any."""
    unresolved = {
        name: _dependencies(resource) & set(resources) for name, resource in resources.items()
    }
    while ready := [name for name, needed in unresolved.items() if not needed & set(unresolved)]:
        for name in ready:
            del unresolved[name]
    return sorted(unresolved)


def _dependencies(resource: dict[str, Any]) -> set[str]:
    references = cloudformation.references(resource.get("Properties") or {})
    return {name for name, _ in references} | set(_depends_on(resource))


def _depends_on_resources(value: Any, resources: dict[str, Any]) -> bool:
    if any(name in resources for name, _ in cloudformation.references(value)):
        return True
    return isinstance(value, dict) and bool({"Fn::ImportValue", "Fn::GetAZs"} & set(value))
