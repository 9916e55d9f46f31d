"""Report what has to be done for the connection to GitHub, which no command can authorize."""

from __future__ import annotations

from collections.abc import Iterator

from operations.preflight.checks import Finding, Planned

CONNECTION = "AWS::CodeConnections::Connection"


def connection(planned: Planned) -> Iterator[Finding]:
    """Find the connections that an owner of the repository has to authorize after the deploy.

    CloudFormation creates a connection as PENDING (CodePipeline user guide, GitHub connections).
    """
    for resource in planned.of(CONNECTION):
        yield Finding(
            "unknown",
            f"whether GitHub accepts {resource.properties['ConnectionName']}, which starts as PENDING",
            "after the deploy, do step 10 of docs/first-account.md",
        )
