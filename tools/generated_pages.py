"""Write the generated pages of docs/, and the OpenAPI document of the backend: `./inv docs`."""

from __future__ import annotations

import re
import sys

from deployer import dependency_graph, saved_plan, symlinks
from deployer.policy import rules_page
from operations import project
from tools import layers_page


def with_graph(page: str, graph: str) -> str:
    """Return *page*, which is docs/architecture.md, with the dependency *graph* of the stacks."""
    return re.sub(r"(?s)(```mermaid\n).*?(```)", lambda m: m[1] + graph + m[2], page, count=1)


def main() -> None:
    """Write the pages in docs/, the schema of saved plans, and openapi.json."""
    # The roots of imports of the image, as in setup.cfg.
    sys.path += [str(project.ROOT / "backend"), str(project.ROOT / "lambdas")]
    from cruddur import openapi

    docs = project.ROOT / "docs"
    architecture = docs / "architecture.md"
    graph = dependency_graph.mermaid(project.environment("local").desired)
    layers = project.environment(layers_page.ENVIRONMENT).desired
    pages = {
        architecture: with_graph(architecture.read_text("utf-8"), graph),
        docs / "layers.md": layers_page.markdown(layers),
        docs / "policy.md": rules_page.markdown(),
        docs / "plan.schema.json": saved_plan.schema(),
        openapi.FILE: openapi.text(),
    }
    for path, text in pages.items():
        symlinks.refuse(path, project.ROOT).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
