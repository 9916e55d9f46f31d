"""Draws which stack stands on which, as text that Mermaid or Graphviz turns into a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.model.desired import DesiredStack


def mermaid(desired: Sequence[DesiredStack]) -> str:
    """A Mermaid flowchart, one subgraph per region."""
    lines = ["flowchart BT"]
    for region in _regions(desired):
        lines.append(f'  subgraph {region}["{region}"]')
        lines += [f"    {each.short_name}" for each in desired if each.region == region]
        lines.append("  end")
    lines += [f"  {above} --> {below}" for above, below in _edges(desired)]
    return "\n".join(lines) + "\n"


def dot(desired: Sequence[DesiredStack]) -> str:
    """A Graphviz digraph."""
    lines = ["digraph layers {", "  rankdir = BT;", "  node [shape = box];"]
    for region in _regions(desired):
        lines.append(f'  subgraph "cluster_{region}" {{')
        lines.append(f'    label = "{region}";')
        lines += [f'    "{each.short_name}";' for each in desired if each.region == region]
        lines.append("  }")
    lines += [f'  "{above}" -> "{below}";' for above, below in _edges(desired)]
    return "\n".join([*lines, "}"]) + "\n"


def _regions(desired: Sequence[DesiredStack]) -> Iterable[str]:
    return dict.fromkeys(each.region for each in desired)


def _edges(desired: Sequence[DesiredStack]) -> Iterable[tuple[str, str]]:
    layers = {each.name: each.short_name for each in desired}
    return [(each.short_name, layers[need]) for each in desired for need in each.dependencies]
