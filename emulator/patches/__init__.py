"""Patches of MiniStack, by AWS service, that add behaviour of AWS which MiniStack lacks.

Each module has `install`, which changes MiniStack, and DIFFERENCES, the rows of docs/emulator.md.
Differences without a patch are declared in the module or package of their service.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

# In the order of installation. If two patches hook the same function, the later one runs first.
PATCHES = (
    "cloudformation.replacements",
    "cloudformation.template_references",
    "ec2.availability_zones",
    "cloudformation.exports",
    "cloudformation.imports",
    "cloudformation.cancelled_creations",
    "cloudformation.change_sets",
    "cloudformation.template_urls",
    "cloudformation.resource_events",
    "cloudformation.resource_types",
    "cloudformation.property_values",
    "s3.buckets",
    "ec2.network",
    "ecs.clusters",
    "ecs.service_role",
    "route53",
    "elb",
    "acm",
    "cloudfront.compression",
    "cloudfront.distributions",
    "cloudfront.functions",
    "cloudfront.distribution_checks",
    "s3.bucket_settings",
    "s3.notifications",
    "sns.topic_policies",
    "lambda_.permissions",
    "apigateway.permissions",
    "iam.secure_transport",
    "apigateway.http_apis",
    "lambda_.functions",
    "lambda_.states",
    "cloudformation.resource_properties",
    "cloudformation.resource_names",
    "sns.subscriptions",
    "ses",
    "cognito.confirmation",
    "cognito.attributes",
    "cognito.refresh_tokens",
    "dynamodb",
    "rds.instances",
    "rds.orderable_options",
    "lambda_.workers",
    "codeconnections",
    "codepipeline",
    "application_autoscaling",
    "xray",
    "service_quotas",
    "cloudcontrol",
    "budgets",
    "iam.oidc_providers",
    "iam.service_linked_roles",
    "recorded",
    "cloudformation.nested_stacks",
    "cloudformation.nested_change_sets",
    "iam.conditions",
    "codebuild",
    "ecs.services",
    "ecr",
    "ecr_layers",
    "ecs.tasks",
    "elb_targets",
)


def load() -> list[ModuleType]:
    """Import all patches, and thereby look up the attributes of MiniStack that they use."""
    return [import_module(f"emulator.patches.{name}") for name in PATCHES]


def install() -> None:
    """Install all patches, once, before the first request."""
    for patch in load():
        patch.install()
