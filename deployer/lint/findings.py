"""A finding: a violation of a rule at one place in a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from deployer.model import Line


@dataclass(frozen=True)
class Finding:
    """A violation of a rule at one place in a template.

    *docs* is the page of the rule, a URL or a path in the repository. *solution* is the function or
    class in stacks/ that satisfies the rule; empty if there is none.
    """

    rule: str
    level: str  # error, warning or informational
    message: str
    path: tuple[str, ...]  # such as Resources, LoadBalancer, Properties, Scheme
    row: int
    column: int
    docs: str
    stack: str = ""
    source: Line | None = None  # The line of the stack file that defines the resource.
    detail: str = ""  # The part of the resource, such as the Sid of a statement.
    solution: str = ""
    file: str = ""  # The file of the template, such as build/dev/cluster.yaml.

    @property
    def where(self) -> str:
        """The logical id of the resource, or another element such as Outputs.Vpc; may be empty.

        A detail follows the logical id: ReleaseDescribePolicy/DescribeResources.
        """
        match self.path:
            case ("Resources", title, *_):
                return f"{title}/{self.detail}" if self.detail else title
            case path:
                return ".".join(path[:2])


Findings: TypeAlias = tuple[Finding, ...]


def describe(finding: Finding) -> str:
    """Return a line such as stacks/cluster.py:88 crd-dev-cluster LoadBalancer: E3002 Additional ….

    Without a line of a stack file, it begins with the line of the template.
    """
    message = " ".join(finding.message.split())
    return f"{f'{_place(finding)} {finding.where}'.rstrip()}: {finding.rule} {message}"


def explain(finding: Finding) -> str:
    """Return the line of `describe`, and a second line with the solution and the page of the rule."""
    solution = f"use {finding.solution}" if finding.solution else ""
    page = f"see {finding.docs}" if finding.docs else ""
    advice = ", ".join(filter(None, (solution, page)))
    return f"{describe(finding)}\n  {advice}" if advice else describe(finding)


def _place(finding: Finding) -> str:
    if finding.source:
        return f"{finding.source} {finding.stack}"
    if finding.file:
        return f"{finding.file}:{finding.row} {finding.stack}"
    return f"{finding.stack}:{finding.row}"
