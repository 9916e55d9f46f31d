"""A template that names what it does not have is refused before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator import ministack

Template = dict[str, Any]


def close() -> None:
    """Check names where the emulator checks types: whenever it is given a template."""
    ministack.wrap("validate_template_support", _checked)


def _checked(validate: Callable[..., None]) -> Callable[..., None]:
    def validating(template: Template, *args: Any, **kwargs: Any) -> None:
        validate(template, *args, **kwargs)
        for problem in problems(template):
            raise ValueError(problem)

    return validating


def problems(template: Template) -> Iterator[str]:
    """Yield what AWS refuses in *template*, in AWS's words, the first it would name first."""
    resources = template.get("Resources") or {}
    yield from _unresolved(template, "Resources", resources)
    yield from _unresolved(template, "Outputs", template.get("Outputs") or {})
    if cycle := _cycle(resources):
        yield f"Circular dependency between resources: [{', '.join(cycle)}]"
    for name, output in (template.get("Outputs") or {}).items():
        exported = (output.get("Export") or {}).get("Name")
        if _depends_on_resources(exported, resources):
            yield (
                f"Template format error: Output {name} is malformed. The Name field of Export "
                "must not depend on any resources, imported values, or Fn::GetAZs."
            )


def _unresolved(template: Template, block: str, body: dict[str, Any]) -> Iterator[str]:
    resources = set(template.get("Resources") or {})
    known = resources | set(template.get("Parameters") or {})
    used = list(ministack.references(body))
    missing = {name for name, attribute in used if attribute is None} - known
    if block == "Resources":
        missing |= {name for r in body.values() for name in _depends_on(r)} - resources
    missing = {name for name in missing if not name.startswith("AWS::")}
    if missing:
        names = ", ".join(sorted(missing))
        yield (
            f"Template format error: Unresolved resource dependencies [{names}] "
            f"in the {block} block of the template"
        )
    for name in sorted({name for name, attribute in used if attribute} - resources):
        if not name.startswith("AWS::"):
            yield f"Template error: instance of Fn::GetAtt references undefined resource {name}"


def _depends_on(resource: dict[str, Any]) -> list[str]:
    names = resource.get("DependsOn", [])
    return [names] if isinstance(names, str) else list(names)


def _cycle(resources: dict[str, dict[str, Any]]) -> list[str]:
    """Return the resources that wait for each other, if any, by name."""
    waiting = {name: _needs(resource) & set(resources) for name, resource in resources.items()}
    while free := [name for name, needs in waiting.items() if not needs & set(waiting)]:
        for name in free:
            del waiting[name]
    return sorted(waiting)


def _needs(resource: dict[str, Any]) -> set[str]:
    named = {name for name, _ in ministack.references(resource.get("Properties") or {})}
    return named | set(_depends_on(resource))


def _depends_on_resources(value: Any, resources: dict[str, Any]) -> bool:
    if any(name in resources for name, _ in ministack.references(value)):
        return True
    return isinstance(value, dict) and bool({"Fn::ImportValue", "Fn::GetAZs"} & set(value))
