"""Compare the quotas for concurrent builds of CodeBuild with the environments of the projects.

Each kind and size of environment has its own quota, which is 0 or 1 in some new accounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.preflight.checks import Finding, Planned

PROJECT = "AWS::CodeBuild::Project"
# In names of quotas, by the type of an environment (CodeBuild user guide, Quotas).
_KINDS = {"ARM_CONTAINER": "ARM", "LINUX_CONTAINER": "Linux"}


def builds(planned: Planned) -> Iterator[Finding]:
    """Find each environment of a planned project in which CodeBuild starts no build.

    One build at a time is enough: the others wait in the queue.
    """
    projects = planned.of(PROJECT)
    if not projects:
        return
    region = planned.target.env.region
    client = planned.target.account.client("service-quotas", region)
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="codebuild")
    found = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    for name in sorted({quota_name(project.properties["Environment"]) for project in projects}):
        quota = found.get(name)
        if quota is None:
            fact = f"{name}: Service Quotas does not list it"
            yield Finding("unknown", fact, "start a build in the CodeBuild console")
        elif quota["Value"] < 1:
            yield Finding(
                "command",
                f"{name}: the quota is {quota['Value']:g}, and a pipeline needs 1",
                "aws service-quotas request-service-quota-increase --service-code codebuild"
                f" --quota-code {quota['QuotaCode']} --desired-value 1 --region {region}",
            )


def quota_name(environment: Mapping[str, Any]) -> str:
    """Return the name of the quota for builds in the *environment* of a project."""
    kind = _KINDS.get(environment["Type"], environment["Type"])
    size = environment["ComputeType"].rpartition("_")[2].capitalize()
    return f"Concurrently running builds for {kind}/{size} environment"
