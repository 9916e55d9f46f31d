"""Examples of requests: ARNs, names and condition keys."""

from __future__ import annotations

from typing import Any

from tests.scanners.policies import ACCOUNT, REGION
from tests.stacks.permissions.access import (
    NESTED,
    PREFIX,
    ROLE_CREATED_BY_RELEASE,
    arn_of,
    resolver,
)
from tests.stacks.pipeline_templates import BUILDS

STACK_REGION = "ca-central-1"  # Other ARNs contain the example region REGION.
CHANGES_STACKS = {"Infrastructure", "UpdateServiceStack"}
STAGES = (*BUILDS, "PipelineRole", "PublisherRole")
ROLES = (*STAGES, "ReleaseRole", ROLE_CREATED_BY_RELEASE)
RELEASE_ROLE = arn_of(f"{PREFIX}-foundation", "ReleaseRole")
BOUNDARY = resolver().resolve({"Ref": "PermissionsBoundary"}, f"{PREFIX}-foundation")
ZIP_KEY = "lambdas/migrate/288fe5ae5880b55047dba3c310698c60.zip"
IF_NEW = {"s3__if_none_match": "*"}
REPOSITORY = arn_of(f"{PREFIX}-registry", "BackendRepository")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-users-Migrate-1A2B"
ZONE = "arn:aws:route53:::hostedzone/Z0PRODEXAMPLE"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{PREFIX}-database"


def stack(name: str, region: str = STACK_REGION) -> str:
    """Return the ARN of a stack of the environment."""
    return f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{PREFIX}-{name}/1a2b"


def parameter(name: str) -> str:
    """Return the ARN of a parameter in Parameter Store."""
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/crd/prod/{name}"


def log_stream(group: str) -> str:
    """Return the ARN of a stream of a log group."""
    return f"{group.removesuffix(':*')}:log-stream:s"


def change_set(name: str = "release-1", role: str = RELEASE_ROLE) -> dict[str, Any]:
    """Return the context of a request to create a change set."""
    return {"cloudformation__ChangeSetName": name, "cloudformation__RoleArn": role}


def logs_of(build: str) -> str:
    """Return the ARN of a log stream of a build project."""
    return log_stream(arn_of(NESTED, f"{build}LogGroup"))
