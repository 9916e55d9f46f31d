"""Draws which stack stands on which, as text that Mermaid or Graphviz turns into a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.synth import Wanted


def mermaid(wanted: Sequence[Wanted]) -> str:
    """A Mermaid flowchart, one subgraph per region."""
    lines = ["flowchart BT"]
    for region in _regions(wanted):
        lines.append(f'  subgraph {region}["{region}"]')
        lines += [f"    {each.layer}" for each in wanted if each.region == region]
        lines.append("  end")
    lines += [f"  {above} --> {below}" for above, below in _edges(wanted)]
    return "\n".join(lines) + "\n"


def dot(wanted: Sequence[Wanted]) -> str:
    """A Graphviz digraph."""
    lines = ["digraph layers {", "  rankdir = BT;", "  node [shape = box];"]
    for region in _regions(wanted):
        lines.append(f'  subgraph "cluster_{region}" {{')
        lines.append(f'    label = "{region}";')
        lines += [f'    "{each.layer}";' for each in wanted if each.region == region]
        lines.append("  }")
    lines += [f'  "{above}" -> "{below}";' for above, below in _edges(wanted)]
    return "\n".join([*lines, "}"]) + "\n"


def _regions(wanted: Sequence[Wanted]) -> Iterable[str]:
    return dict.fromkeys(each.region for each in wanted)


def _edges(wanted: Sequence[Wanted]) -> Iterable[tuple[str, str]]:
    layers = {each.name: each.layer for each in wanted}
    return [(each.layer, layers[need]) for each in wanted for need in each.needs]
