"""Patches of IAM."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "IAM restricts deployments: CloudFormation has the permissions of the caller or of the "
        "service role.",
        source="user guide, Service role",
        ministack="CloudFormation and root keys have all permissions.",
        consequence="Least privilege is tested for run-time roles only, not for deploy roles.",
    ),
    Difference(
        "A policy with an action or principal that does not exist is refused.",
        source="IAM error MalformedPolicyDocument, S3 error MalformedPolicy",
        ministack="Accepted.",
        consequence="cfn-lint (W3037, E3510) and the policy rules find it in the template.",
    ),
    Difference(
        "GetParameters needs the permission for each of its parameters.",
        source="Service Authorization Reference, AWS Systems Manager, GetParameters",
        ministack="It needs the permission for all parameters: a role that may read only some is denied.",
        consequence="tests/stacks/test_pipeline.py tests which parameters the pipeline may read.",
    ),
)
