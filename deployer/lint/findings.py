"""What a rule says about one place of a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from deployer.model import Line


@dataclass(frozen=True)
class Finding:
    """What a rule says about one place of a template."""

    rule: str
    level: str  # error, warning or informational
    message: str
    path: tuple[str, ...]  # such as Resources, LoadBalancer, Properties, Scheme
    row: int
    column: int
    docs: str
    stack: str = ""
    source: Line | None = None  # the line of a stack file that made the resource
    detail: str = ""  # what of the resource is meant, such as the Sid of a statement

    @property
    def where(self) -> str:
        """The resource's logical id, or what else is meant: Outputs.Vpc; empty for the whole.

        With a detail, that too: ReleaseDescribePolicy/Describe.
        """
        match self.path:
            case ("Resources", title, *_):
                return f"{title}/{self.detail}" if self.detail else title
            case path:
                return ".".join(path[:2])


Answer: TypeAlias = tuple[Finding, ...]  # all that cfn-lint says about one template


def describe(finding: Finding) -> str:
    """One line, such as stacks/cluster.py:88 crd-dev-cluster LoadBalancer: E3002 Additional ….

    Without a line of a stack file, the row of the template stands behind the stack.
    """
    source, stack = finding.source, finding.stack
    place = f"{source} {stack}" if source else f"{stack}:{finding.row}"
    message = " ".join(finding.message.split())
    return f"{f'{place} {finding.where}'.rstrip()}: {finding.rule} {message}"
