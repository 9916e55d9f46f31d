"""Draw the dependencies of the stacks, as source text for Mermaid or Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.model.desired import DesiredStack


def mermaid(desired: Sequence[DesiredStack]) -> str:
    """Return a Mermaid flowchart with a subgraph for each region."""
    lines = ["flowchart BT"]
    for region in _regions(desired):
        lines.append(f'  subgraph {region}["{region}"]')
        lines += [f"    {stack.short_name}" for stack in desired if stack.region == region]
        lines.append("  end")
    lines += [f"  {dependent} --> {dependency}" for dependent, dependency in _edges(desired)]
    return "\n".join(lines) + "\n"


def dot(desired: Sequence[DesiredStack]) -> str:
    """Return a Graphviz digraph."""
    lines = ["digraph layers {", "  rankdir = BT;", "  node [shape = box];"]
    for region in _regions(desired):
        lines.append(f'  subgraph "cluster_{region}" {{')
        lines.append(f'    label = "{region}";')
        lines += [f'    "{stack.short_name}";' for stack in desired if stack.region == region]
        lines.append("  }")
    lines += [f'  "{dependent}" -> "{dependency}";' for dependent, dependency in _edges(desired)]
    return "\n".join([*lines, "}"]) + "\n"


def _regions(desired: Sequence[DesiredStack]) -> Iterable[str]:
    return dict.fromkeys(stack.region for stack in desired)


def _edges(desired: Sequence[DesiredStack]) -> Iterable[tuple[str, str]]:
    short_names = {stack.name: stack.short_name for stack in desired}
    return [
        (stack.short_name, short_names[name]) for stack in desired for name in stack.dependencies
    ]
