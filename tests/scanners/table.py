"""All third-party scanners, the slowest first."""

from __future__ import annotations

from tests.scanners import authorization, checkov, guard, include, nag, parliament, workflows

TOOLS = {
    tool.name: tool
    for tool in (
        checkov.TOOL,
        nag.TOOL,
        include.TOOL,
        guard.TOOL,
        parliament.TOOL,
        authorization.TOOL,
        workflows.SCHEMA,
        workflows.AUDIT,
    )
}
