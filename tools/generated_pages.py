"""Write the generated pages of docs/: `./inv docs`."""

from __future__ import annotations

import re

from deployer import dependency_graph, symlinks
from deployer.policy import rules_page
from operations import project
from tools import layers_page


def with_graph(page: str, graph: str) -> str:
    """Return *page*, which is docs/architecture.md, with the dependency *graph* of the stacks."""
    return re.sub(r"(?s)(```mermaid\n).*?(```)", lambda m: m[1] + graph + m[2], page, count=1)


def main() -> None:
    """Write docs/layers.md, docs/policy.md, and the graph in docs/architecture.md."""
    docs = project.ROOT / "docs"
    architecture = docs / "architecture.md"
    graph = dependency_graph.mermaid(project.environment("local").desired)
    layers = project.environment(layers_page.ENVIRONMENT).desired
    pages = {
        architecture: with_graph(architecture.read_text("utf-8"), graph),
        docs / "layers.md": layers_page.markdown(layers),
        docs / "policy.md": rules_page.markdown(),
    }
    for path, text in pages.items():
        symlinks.refuse(path, project.ROOT).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
