"""Rules for Lambda functions: logs, permissions, failure destinations and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.statements import is_any_account
from deployer.policy.values import as_int, as_list, get, is_true, pattern, text

# Services that invoke asynchronously: without a failure destination, a failed event is lost. The
# service principals of some of them may contain a region.
_ASYNCHRONOUS = re.compile(
    r"(s3|sns|events|scheduler|logs|ses|iot|codecommit)(\.[\w-]+)?\.amazonaws\.com"
)
_STREAMS = ("dynamodb", "kinesis")
_STREAM_TYPES = {
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::Kinesis::StreamConsumer",
}

log_retention = for_each_resource(
    "Logs::LogGroup",
    is_valid=lambda group: (
        # Log groups of the class DELIVERY have a fixed retention period.
        group.get("LogGroupClass") == "DELIVERY" or group.get("RetentionInDays") not in (None, "0")
    ),
    message="keeps logs forever: no RetentionInDays",
)
explicit_limits = for_each_resource(
    "Lambda::Function",
    is_valid=lambda function: bool(function.get("Timeout") and function.get("MemorySize")),
    message="has no Timeout or no MemorySize; the defaults are 3 seconds and 128 MB",
)


def own_log_group(templates: Templates) -> Iterator[Violation]:
    """A function has a log group in its stack: a log group that Lambda creates never expires."""
    for function in templates.of_type("Lambda::Function"):
        configured = {
            *templates.referenced(function.stack, function.get("LoggingConfig", "LogGroup"))
        }
        if not any(
            _is_log_group(resource)
            and (resource in configured or _has_default_name(resource, function))
            for resource in function.stack.resources.values()
        ):
            yield function.violation("has no log group in its stack")


def _is_log_group(resource: Resource) -> bool:
    return resource.type == "AWS::Logs::LogGroup"


def _has_default_name(group: Resource, function: Resource) -> bool:
    """Return whether *group* has the default name of the log group of *function*."""
    names = {f"/aws/lambda/{name}" for name in (f"${{{function.title}}}", _name(function))}
    return text(group.get("LogGroupName")) in names


def _name(function: Resource) -> str:
    return pattern(function.get("FunctionName"))


def permissions_by_source(templates: Templates) -> Iterator[Violation]:
    """A permission for a service names one source; for S3 also the account, because bucket ARNs have none."""
    for permission in templates.of_type("Lambda::Permission"):
        service = text(permission.get("Principal"))
        required = ["SourceArn"] if service.endswith(".amazonaws.com") else []
        required += ["SourceAccount"] if service == "s3.amazonaws.com" else []
        if missing := [key for key in required if not _is_specific(permission.get(key))]:
            yield permission.violation(
                f"allows {service} to invoke for any source: no specific {' or '.join(missing)}"
            )


def _is_specific(source: Any) -> bool:
    return bool(source) and not is_any_account(pattern(source))


def not_public(templates: Templates) -> Iterator[Violation]:
    """No permission of a function or layer allows everyone, and every function URL requires IAM."""
    for resource in templates.of_type("Lambda::Permission"):
        if resource.get("Principal") == "*" and not _is_limited_permission(resource):
            yield resource.violation("allows everyone to invoke")
    for resource in templates.of_type("Lambda::LayerVersionPermission"):
        if resource.get("Principal") == "*" and not resource.get("OrganizationId"):
            yield resource.violation("allows everyone to read the code of a layer")
    for resource in templates.of_type("Lambda::Url"):
        if resource.get("AuthType") != "AWS_IAM":
            yield resource.violation("is a function URL without IAM authentication")


def _is_limited_permission(permission: Resource) -> bool:
    """Return whether *permission* is for an organization, or for services on behalf of a source."""
    sources = (permission.get(key) for key in ("SourceAccount", "SourceArn"))
    return bool(permission.get("PrincipalOrgID")) or any(map(_is_specific, sources))


def own_role(templates: Templates) -> Iterator[Violation]:
    """No two functions share a role, because each would have the permissions of the other."""
    first_function: dict[Resource | str, str] = {}
    for function in templates.of_type("Lambda::Function"):
        references = {*templates.referenced(function.stack, function.get("Role"))}
        for role in references or filter(None, [text(function.get("Role"))]):
            if role in first_function:
                yield function.violation(
                    f"shares the role of {first_function[role]}, and so its permissions"
                )
            first_function.setdefault(role, function.title)


def failure_destinations(templates: Templates) -> Iterator[Violation]:
    """A function that is invoked asynchronously has a dead-letter queue or an OnFailure destination."""
    with_destination = {
        function
        for config in templates.of_type("Lambda::EventInvokeConfig")
        if config.get("DestinationConfig", "OnFailure", "Destination")
        for function in templates.functions(config.stack, config.get("FunctionName"))
    }
    asynchronous = {
        function
        for permission in templates.of_type("Lambda::Permission")
        if _ASYNCHRONOUS.fullmatch(text(permission.get("Principal")))
        for function in templates.functions(permission.stack, permission.get("FunctionName"))
    }
    for function in templates.of_type("Lambda::Function"):
        has_queue = bool(function.get("DeadLetterConfig", "TargetArn"))
        if function in asynchronous - with_destination and not has_queue:
            yield function.violation(
                "loses failed events: no dead-letter queue, no OnFailure destination"
            )


def stream_failure_handling(templates: Templates) -> Iterator[Violation]:
    """A stream's event source mapping isolates failed records, limits retries, has a destination.

    Otherwise one failed record blocks its shard until the record expires.
    """
    for reader in templates.of_type("Lambda::EventSourceMapping"):
        if _is_stream(templates, reader) and (missing := [*_missing_settings(reader)]):
            yield reader.violation(
                f"lets one failed record block its shard: no {', no '.join(missing)}"
            )


def _is_stream(templates: Templates, reader: Resource) -> bool:
    source = reader.get("EventSourceArn")
    types = {target.type for target in templates.referenced(reader.stack, source)}
    return bool(types & _STREAM_TYPES) or any(f":{name}:" in text(source) for name in _STREAMS)


def _missing_settings(reader: Resource) -> Iterator[str]:
    if "ReportBatchItemFailures" not in as_list(reader.get("FunctionResponseTypes")):
        yield "ReportBatchItemFailures"
    if not is_true(reader.get("BisectBatchOnFunctionError")):
        yield "BisectBatchOnFunctionError"
    if not _is_limited(reader.get("MaximumRetryAttempts")):
        yield "MaximumRetryAttempts"
    if not get(reader.get("DestinationConfig"), "OnFailure", "Destination"):
        yield "OnFailure destination"


def _is_limited(retries: Any) -> bool:
    value = as_int(retries)
    return value is not None and value >= 0
