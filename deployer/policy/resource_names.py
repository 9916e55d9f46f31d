"""Recognize the names of resources in text: alone, or in an ARN.

A policy may apply to `{"Ref": "Uploads"}`, or to the same bucket by its BucketName.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deployer.policy.values import get, text

# The property with the name, the service in the ARN, and the text before the name in the ARN.
_NAMING: Mapping[str, tuple[str, str, str]] = {
    "AWS::DynamoDB::Table": ("TableName", "dynamodb", "table/"),
    "AWS::ECS::Cluster": ("ClusterName", "ecs", "cluster/"),
    "AWS::IAM::Role": ("RoleName", "iam", "role/"),
    "AWS::Lambda::Function": ("FunctionName", "lambda", "function:"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs", "log-group:"),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier", "rds", "db:"),
    "AWS::S3::Bucket": ("BucketName", "s3", ""),
    "AWS::SNS::Topic": ("TopicName", "sns", ""),
    "AWS::SQS::Queue": ("QueueName", "sqs", ""),
}
_GLOBAL = ("AWS::IAM::Role", "AWS::S3::Bucket")  # Their names are unique in all regions.
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_UNNAMED_REFERENCE = re.compile(r"\$\{[0-9]")  # Equal text may have different values.


def explicit_name(type_: str, properties: Mapping[str, Any]) -> str:
    """Return the name in *properties* of a resource; empty if CloudFormation generates it."""
    property_, _, _ = _NAMING.get(type_, ("", "", ""))
    name = text(get(properties, property_))
    return "" if _UNNAMED_REFERENCE.search(name) else _without_colons(name)


def is_global(type_: str) -> bool:
    """Return whether names of this type are the same resource in every region."""
    return type_ in _GLOBAL


def is_name_of(string: str, type_: str, name: str) -> bool:
    """Return whether *string* is *name*, an `explicit_name`, or an ARN with it."""
    plain = _without_colons(string)
    if plain == name:
        return True
    _, service, before = _NAMING[type_]
    match plain.split(":", 5):
        case ["arn", _, found, _, _, rest] if found == service:
            return any(f"{rest}/".startswith(f"{before}{name}{end}") for end in "/:")
        case _:
            return False


def _without_colons(string: str) -> str:
    """Return *string* without colons in references, such as ${AWS::AccountId}."""
    return _REFERENCE.sub(lambda match: match[0].replace(":", "."), string)
