"""Lambda functions: who may call them, what becomes of a failure, and where they write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, number, pattern, text, true

# Services that call and do not wait: what fails is lost, unless it goes somewhere.
_ASYNCHRONOUS = tuple(
    f"{service}.amazonaws.com"
    for service in ("s3", "sns", "events", "scheduler", "logs", "ses", "iot", "codecommit")
)
_STREAMS = ("dynamodb", "kinesis")

retention = each(
    "Logs::LogGroup",
    ok=lambda one: one.get("RetentionInDays") not in (None, "0"),
    message="keeps logs for ever: no RetentionInDays",
)
sized = each(
    "Lambda::Function",
    ok=lambda one: bool(one.get("Timeout") and one.get("MemorySize")),
    message="leaves Timeout or MemorySize to 3 seconds and 128 MB",
)


def own_log_group(templates: Templates) -> Iterator[Violation]:
    """Lambda makes one for itself else, which nothing ever expires or deletes."""
    for one in templates.of("Lambda::Function"):
        named = {*templates.reached(one.stack, one.get("LoggingConfig", "LogGroup"))}
        groups = one.stack.resources.values()
        if not any(
            _is_log_group(group) and (group in named or _is_of(group, one)) for group in groups
        ):
            yield one.found("has no log group of its own")


def _is_log_group(one: Resource) -> bool:
    return one.type == "AWS::Logs::LogGroup"


def _is_of(group: Resource, function: Resource) -> bool:
    """Whether *group* has the name that Lambda would give it."""
    names = {f"/aws/lambda/{name}" for name in (f"${{{function.title}}}", _name(function))}
    return text(group.get("LogGroupName")) in names


def _name(function: Resource) -> str:
    return pattern(function.get("FunctionName"))


def called_by_source(templates: Templates) -> Iterator[Violation]:
    """A bucket's ARN has no account in it, and a deleted one can be anyone's tomorrow."""
    for one in templates.of("Lambda::Permission"):
        service = text(one.get("Principal"))
        wanted = ["SourceArn"] if service.endswith(".amazonaws.com") else []
        wanted += ["SourceAccount"] if service == "s3.amazonaws.com" else []
        if missing := [key for key in wanted if not one.get(key)]:
            yield one.found(f"lets {service} call for anyone: no {', no '.join(missing)}")


def not_public(templates: Templates) -> Iterator[Violation]:
    """Neither by a permission for everyone, nor by an address without IAM."""
    for one in templates.of("Lambda::Permission"):
        if one.get("Principal") == "*" and not one.get("PrincipalOrgID"):
            yield one.found("lets everyone call")
    for one in templates.of("Lambda::Url"):
        if one.get("AuthType") != "AWS_IAM":
            yield one.found("is an address that anyone can call")


def own_role(templates: Templates) -> Iterator[Violation]:
    """Two functions of one role have each other's rights."""
    seen: dict[Resource, str] = {}
    for one in templates.of("Lambda::Function"):
        for role in templates.reached(one.stack, one.get("Role")):
            if role in seen:
                yield one.found(f"has the role of {seen[role]}, and so its rights")
            seen.setdefault(role, one.title)


def failures_land(templates: Templates) -> Iterator[Violation]:
    """Of what nobody waits for: an API or Cognito hears of a failure itself."""
    landing = {
        function
        for config in templates.of("Lambda::EventInvokeConfig")
        if config.get("DestinationConfig", "OnFailure", "Destination")
        for function in templates.reached(config.stack, config.get("FunctionName"))
    }
    called = {
        function
        for permission in templates.of("Lambda::Permission")
        if permission.get("Principal") in _ASYNCHRONOUS
        for function in templates.reached(permission.stack, permission.get("FunctionName"))
    }
    for one in templates.of("Lambda::Function"):
        if one in called - landing and not one.get("DeadLetterConfig", "TargetArn"):
            yield one.found("loses what it fails at: no dead-letter queue, no OnFailure")


def careful_streams(templates: Templates) -> Iterator[Violation]:
    """One bad record else holds up its shard for a day, and is then lost with its neighbours."""
    for one in templates.of("Lambda::EventSourceMapping"):
        if _is_stream(templates, one) and (missing := [*_missing(one)]):
            yield one.found(f"lets one bad record block its shard: no {', no '.join(missing)}")


def _is_stream(templates: Templates, one: Resource) -> bool:
    source = one.get("EventSourceArn")
    types = {each.type for each in templates.reached(one.stack, source)}
    streams = {"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Kinesis::Stream"}
    return bool(types & streams) or any(f":{name}:" in text(source) for name in _STREAMS)


def _missing(mapping: Resource) -> Iterator[str]:
    if "ReportBatchItemFailures" not in many(mapping.get("FunctionResponseTypes")):
        yield "ReportBatchItemFailures"
    if not true(mapping.get("BisectBatchOnFunctionError")):
        yield "BisectBatchOnFunctionError"
    if not _limited(mapping.get("MaximumRetryAttempts")):
        yield "MaximumRetryAttempts"
    if not get(mapping.get("DestinationConfig"), "OnFailure", "Destination"):
        yield "OnFailure destination"


def _limited(retries: Any) -> bool:
    known = number(retries)
    return known is not None and known >= 0
