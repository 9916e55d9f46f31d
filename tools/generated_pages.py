"""Write the pages of docs/ that show the stacks: `python -m tools.generated_pages`."""

from __future__ import annotations

import re

from deployer import dependency_graph, symlinks
from operations import project
from tools import layers_page


def with_graph(page: str, graph: str) -> str:
    """Return docs/architecture.md with the dependency *graph* of the stacks."""
    return re.sub(r"(?s)(```mermaid\n).*?(```)", lambda m: m[1] + graph + m[2], page, count=1)


def main() -> None:
    """Write docs/layers.md, and the graph in docs/architecture.md."""
    docs = project.ROOT / "docs"
    architecture = symlinks.refuse(docs / "architecture.md", project.ROOT)
    layers = symlinks.refuse(docs / "layers.md", project.ROOT)
    graph = dependency_graph.mermaid(project.environment("local").desired)
    architecture.write_text(with_graph(architecture.read_text("utf-8"), graph), "utf-8")
    desired = project.environment(layers_page.ENVIRONMENT).desired
    layers.write_text(layers_page.markdown(desired), "utf-8")


if __name__ == "__main__":
    main()
