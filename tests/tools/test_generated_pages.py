"""The generated part of docs/architecture.md is replaced, and nothing else."""

from __future__ import annotations

from tools.generated_pages import with_graph


def test_only_the_first_diagram_is_replaced() -> None:
    """Only the first diagram is replaced; the text around it and other diagrams are unchanged."""
    page = "a\n```mermaid\nold\n```\nb\n```mermaid\nother\n```\n"

    assert (
        with_graph(page, "new \\1\n") == "a\n```mermaid\nnew \\1\n```\nb\n```mermaid\nother\n```\n"
    )
