"""What each layer holds, gives and costs, as a page: `python -m tools.layers_page`."""

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
UNUSED_EXPORT = "C001"  # The rule whose exemptions say for whom an output is that no stack takes.

_TOP = f"""\
# The layers

<!-- Generated: `.venv/bin/python -m tools.layers_page > docs/layers.md`.
     Edit stacks/ and tools/prices.py. -->

Each stack of `{ENVIRONMENT}`, lowest first: what it makes, what it gives to others, what it keeps
and what it costs. [How they stand on each other](architecture.md#which-stack-stands-on-which) is a
picture; the whole of each stands in `build/{ENVIRONMENT}/`. Other settings make other resources.

## What it costs

USD a month, of {prices.AS_OF}, from memory of AWS's price lists for ca-central-1 and us-east-1 and
compared with no bill: good for seeing what is dear, not for a budget. Before any use, and without
what AWS gives for nothing; what is paid for by use stands with its layer. Besides, made by hand:
0.50 for the hosted zone.
"""


@dataclass(frozen=True)
class Cost:
    """*count* of *what*, at *usd* each."""

    what: str
    count: float
    usd: float

    @property
    def total(self) -> float:
        """A month, in USD."""
        return self.count * self.usd


@dataclass(frozen=True)
class Layer:
    """A stack, and all that is nested in it, read from its template."""

    desired: DesiredStack

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """As CloudFormation gets it."""
        return self.desired.body

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """By title; that of a nested stack stands before the titles in it."""
        found = dict(self.template["Resources"])
        for part in self.desired.nested:
            inner = part.body["Resources"]
            found |= {".".join([*part.path, title]): one for title, one in inner.items()}
        return found

    @cached_property
    def outputs(self) -> dict[str, str]:
        """What it gives to others, and the name of each as an export."""
        outputs = self.template.get("Outputs", {})
        return {title: one["Export"]["Name"] for title, one in outputs.items() if "Export" in one}

    @cached_property
    def takes(self) -> frozenset[str]:
        """The names of what it is given, whether imported or filled in by the deployer."""
        given = self.desired.parameters.values()
        return frozenset([*imports(self.template), *(f"{one.stack}-{one.output}" for one in given)])

    @cached_property
    def costs(self) -> list[Cost]:
        """What is paid for although nobody uses it."""
        found = [
            Cost(price.what, price.count(one.get("Properties", {}), self.resources), price.usd)
            for one in self.resources.values()
            for price in prices.PRICES
            if price.type == one["Type"]
        ]
        each = dict.fromkeys((cost.what, cost.usd) for cost in found if cost.count)
        return [
            Cost(what, sum(one.count for one in found if (one.what, one.usd) == (what, usd)), usd)
            for what, usd in each
        ]


def markdown(desired: Sequence[DesiredStack]) -> str:
    """The whole page."""
    layers = [Layer(one) for one in desired]
    return "\n".join([_TOP, *_sums(layers), *(_section(one, layers) for one in layers)])


def _sums(layers: Sequence[Layer]) -> Iterator[str]:
    sums = {one.desired.short_name: sum(cost.total for cost in one.costs) for one in layers}
    yield "| layer | about |\n|---|---|"
    yield from (f"| [{name}](#{name}) | {_usd(usd)} |" for name, usd in sums.items() if usd)
    yield f"| all | {_usd(sum(sums.values()))} |\n"


def _section(layer: Layer, layers: Sequence[Layer]) -> str:
    parts = [
        f"## {layer.desired.short_name}",
        layer.template["Description"],
        _neighbours(layer, layers),
        _resources(layer),
        _outputs(layer, layers),
        _kept(layer),
        _costs(layer),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _neighbours(layer: Layer, layers: Sequence[Layer]) -> str:
    desired = layer.desired
    below = [one.desired.short_name for one in layers if one.desired.name in desired.dependencies]
    above = [one.desired.short_name for one in layers if desired.name in one.desired.dependencies]
    home = layers[0].desired.region
    return (
        f"Stands on: {_linked(below) or 'nothing'}."
        f" Carries: {_linked(above) or 'nothing'}."
        f"{'' if desired.region == home else f' In {desired.region}.'}"
    )


def _resources(layer: Layer) -> str:
    titles = defaultdict(list)
    for title, resource in layer.resources.items():
        titles[resource["Type"].removeprefix("AWS::")].append(title)
    rows = [f"| {type_} | {len(some)} | {', '.join(some)} |" for type_, some in titles.items()]
    return "\n".join(["| resources | | called |", "|---|---|---|", *rows])


def _outputs(layer: Layer, layers: Sequence[Layer]) -> str:
    if not layer.outputs:
        return ""
    rows = [
        f"| {title} | {_linked(_takers(name, layers)) or _for_whom(layer, title)} |"
        for title, name in layer.outputs.items()
    ]
    return "\n".join(["| outputs | taken by |", "|---|---|", *rows])


def _takers(name: str, layers: Sequence[Layer]) -> list[str]:
    return [one.desired.short_name for one in layers if name in one.takes]


def _for_whom(layer: Layer, title: str) -> str:
    """Why there is an output that no stack takes, in the words of the exemption that lets it be."""
    from deployer import lint

    reasons = (
        f"no stack. {one.reason}"
        for one in lint.load_exemptions()
        if one.rule == UNUSED_EXPORT
        and fnmatchcase(layer.desired.name, one.stack)
        and fnmatchcase(f"Outputs.{title}", one.resource)
    )
    return next(reasons, "no stack.")


def _kept(layer: Layer) -> str:
    fates = {"RetainExceptOnCreate": "kept", "Retain": "kept", "Snapshot": "kept as a snapshot"}
    kept = [
        f"`{title}` ({fates[one['DeletionPolicy']]})"
        for title, one in layer.resources.items()
        if one.get("DeletionPolicy") in fates
    ]
    return f"Outlives the stack: {', '.join(kept)}." if kept else ""


def _costs(layer: Layer) -> str:
    types = dict.fromkeys(one["Type"] for one in layer.resources.values())
    rows = [
        f"- {_number(one.count)} × {one.what}, at {_usd(one.usd)}: {_usd(one.total)}"
        for one in layer.costs
    ]
    rows += [
        f"- by use, {type_.removeprefix('AWS::')}: {prices.BY_USE[type_]}"
        for type_ in types
        if type_ in prices.BY_USE
    ]
    return "\n".join(["Costs, in USD a month:\n", *rows]) if rows else "Costs nothing."


def _linked(names: Sequence[str]) -> str:
    return ", ".join(f"[{name}](#{name})" for name in names)


def _usd(usd: float) -> str:
    """Cents matter only where there are no dollars."""
    return f"{usd:.0f}" if usd >= 10 or usd == round(usd) else f"{usd:.2f}"


def _number(count: float) -> str:
    return f"{count:g}"


if __name__ == "__main__":
    sys.stdout.write(markdown(project.environment(ENVIRONMENT).desired))
