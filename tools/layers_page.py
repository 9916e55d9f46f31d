"""Write docs/layers.md: `python -m tools.layers_page > docs/layers.md`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deployer.model.intrinsics import imports
from operations import project
from tools import prices

if TYPE_CHECKING:
    from deployer.model.desired import DesiredStack

ENVIRONMENT = "prod"
UNUSED_EXPORT = "C001"  # The rule about outputs that no stack imports; exemptions give reasons.

_TOP = f"""\
# The layers

<!-- Generated: `.venv/bin/python -m tools.layers_page > docs/layers.md`.
     Edit stacks/ and tools/prices.py. -->

The stacks of `{ENVIRONMENT}` in dependency order: their resources, outputs, retained data and costs.
Other settings create other resources. The templates are in `build/{ENVIRONMENT}/`; the
[dependency graph](architecture.md#which-stack-stands-on-which) is in architecture.md.

## Costs

The costs without any use, in USD a month. They are on-demand prices of us-east-1 without the free
tier, read in articles that quote AWS's price pages ([prices.py](../tools/prices.py) names them).
They were not compared with a bill. What AWS charges by use, or what has no price here, is listed
with its stack, with a link to AWS's price page. The hosted zone costs extra
([Route 53](https://aws.amazon.com/route53/pricing/)).
"""


@dataclass(frozen=True)
class Cost:
    """The monthly costs of *count* units, at *usd* each."""

    unit: str
    count: float
    usd: float

    @property
    def total(self) -> float:
        """Return the costs of all units."""
        return self.count * self.usd


@dataclass(frozen=True)
class Stack:
    """A stack with its nested stacks, read from its template."""

    desired: DesiredStack

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """Return the template of the stack itself."""
        return self.desired.body

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Return all resources by title; titles in a nested stack have its path as a prefix."""
        resources = dict(self.template["Resources"])
        for nested in self.desired.nested:
            for title, resource in nested.body["Resources"].items():
                resources[".".join([*nested.path, title])] = resource
        return resources

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Return the name of each export, by the title of the output."""
        outputs = self.template.get("Outputs", {})
        return {
            title: output["Export"]["Name"]
            for title, output in outputs.items()
            if "Export" in output
        }

    @cached_property
    def inputs(self) -> frozenset[str]:
        """Return the exports that the stack imports or receives as parameters."""
        parameters = self.desired.parameters.values()
        names = (f"{parameter.stack}-{parameter.output}" for parameter in parameters)
        return frozenset([*imports(self.template), *names])

    @cached_property
    def costs(self) -> list[Cost]:
        """Return the costs without any use, one for each kind of unit."""
        costs: dict[tuple[str, float], float] = {}
        for resource in self.resources.values():
            for price in prices.PRICES:
                if price.type == resource["Type"]:
                    key = price.unit, price.usd_per_month
                    count = price.count(resource.get("Properties", {}), self.resources)
                    costs[key] = costs.get(key, 0) + count
        return [Cost(unit, count, usd) for (unit, usd), count in costs.items() if count]


def markdown(desired: Sequence[DesiredStack]) -> str:
    """Return the page about the *desired* stacks."""
    stacks = [Stack(stack) for stack in desired]
    return "\n".join([_TOP, *_sums(stacks), *(_section(stack, stacks) for stack in stacks)])


def _sums(stacks: Sequence[Stack]) -> Iterator[str]:
    sums = {stack.desired.short_name: sum(cost.total for cost in stack.costs) for stack in stacks}
    yield "| stack | about |\n|---|---|"
    yield from (f"| [{name}](#{name}) | {_usd(usd)} |" for name, usd in sums.items() if usd)
    yield f"| all | {_usd(sum(sums.values()))} |\n"


def _section(stack: Stack, stacks: Sequence[Stack]) -> str:
    parts = [
        f"## {stack.desired.short_name}",
        stack.template["Description"],
        _neighbours(stack, stacks),
        _resources(stack),
        _outputs(stack, stacks),
        _retained(stack),
        _costs(stack),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _neighbours(stack: Stack, stacks: Sequence[Stack]) -> str:
    desired = stack.desired
    dependencies = [
        other.desired.short_name for other in stacks if other.desired.name in desired.dependencies
    ]
    dependents = [
        other.desired.short_name for other in stacks if desired.name in other.desired.dependencies
    ]
    main_region = stacks[0].desired.region
    return (
        f"Depends on: {_linked(dependencies) or 'nothing'}."
        f" Dependents: {_linked(dependents) or 'none'}."
        f"{'' if desired.region == main_region else f' Region: {desired.region}.'}"
    )


def _resources(stack: Stack) -> str:
    titles = defaultdict(list)
    for title, resource in stack.resources.items():
        titles[resource["Type"].removeprefix("AWS::")].append(title)
    rows = [f"| {type_} | {len(names)} | {', '.join(names)} |" for type_, names in titles.items()]
    return "\n".join(["| resource type | count | titles |", "|---|---|---|", *rows])


def _outputs(stack: Stack, stacks: Sequence[Stack]) -> str:
    if not stack.outputs:
        return ""
    rows = [
        f"| {title} | {_linked(_users(export, stacks)) or _reason_unused(stack, title)} |"
        for title, export in stack.outputs.items()
    ]
    return "\n".join(["| output | used by |", "|---|---|", *rows])


def _users(export: str, stacks: Sequence[Stack]) -> list[str]:
    return [stack.desired.short_name for stack in stacks if export in stack.inputs]


def _reason_unused(stack: Stack, title: str) -> str:
    """Return why no stack uses an output: the reason of its lint exemption."""
    from deployer import lint

    reasons = (
        f"no stack. {exemption.reason}"
        for exemption in lint.load_exemptions()
        if exemption.rule == UNUSED_EXPORT
        and fnmatchcase(stack.desired.name, exemption.stack)
        and fnmatchcase(f"Outputs.{title}", exemption.resource)
    )
    return next(reasons, "no stack.")


def _retained(stack: Stack) -> str:
    policies = {
        "RetainExceptOnCreate": "retained",
        "Retain": "retained",
        "Snapshot": "as a snapshot",
    }
    retained = [
        f"`{title}` ({policies[resource['DeletionPolicy']]})"
        for title, resource in stack.resources.items()
        if resource.get("DeletionPolicy") in policies
    ]
    return f"Outlives the stack: {', '.join(retained)}." if retained else ""


def _costs(stack: Stack) -> str:
    types = dict.fromkeys(resource["Type"] for resource in stack.resources.values())
    rows = [
        f"- {cost.count:g} × {cost.unit}, at {_usd(cost.usd)}: {_usd(cost.total)}"
        for cost in stack.costs
    ]
    rows += [
        f"- by use, {type_.removeprefix('AWS::')}: [{usage.units}]({usage.page})"
        for type_ in types
        if (usage := prices.USAGE.get(type_))
    ]
    return "\n".join(["Costs, in USD a month:\n", *rows]) if rows else "Costs nothing."


def _linked(names: Sequence[str]) -> str:
    return ", ".join(f"[{name}](#{name})" for name in names)


def _usd(usd: float) -> str:
    """Return *usd* as text, with cents only for small amounts."""
    return f"{usd:.0f}" if usd >= 10 or usd == round(usd) else f"{usd:.2f}"


if __name__ == "__main__":
    sys.stdout.write(markdown(project.environment(ENVIRONMENT).desired))
