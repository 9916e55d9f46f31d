"""Find the line of the stack file that defines each resource."""

from __future__ import annotations

from collections.abc import Iterable

from deployer.model.desired import DesiredStack
from deployer.model.template_tree import resource_lines
from deployer.preview.propagation import ScopeKey


def resource_sources(desired: Iterable[DesiredStack]) -> dict[tuple[ScopeKey, str], str]:
    """Return the line of each resource, by the key of its template and its logical id."""
    return {
        ((stack.region, stack.name, path[:-1]), path[-1]): str(line)
        for stack in desired
        for path, line in resource_lines(stack).items()
    }
