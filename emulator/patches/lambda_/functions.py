"""Create functions only with existing code and a role that Lambda can assume; store their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.ministack import context, lookup, policies, services
from emulator.ministack.cloudformation import Props, ResourceType
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A function without its code object, or with a role that Lambda cannot assume, fails.",
        source="API reference of CreateFunction, InvalidParameterValueException; the messages are "
        "those of aws/serverless-application-model#1089 and of many reports",
        ministack="Created; its response is “Mock response”.",
        test="test_invalid_function",
    ),
    Difference(
        "A function has its VPC, dead-letter queue, KMS key and reserved concurrency.",
        source="AWS::Lambda::Function",
        ministack="Dropped.",
        test="test_configuration",
    ),
    Difference(
        "A function has separate processes, which end when it is deleted.",
        source="Lambda developer guide, Lambda execution environment",
        ministack="A function of the same name in another account ends them; those of deleted "
        "functions continue.",
        test="test_workers",
    ),
    Difference(
        "A zip of more than 250 MB unzipped is refused.",
        source="Lambda quotas, Deployment package size",
        ministack="Unzipped, if a stack uses it.",
        test="test_zip_bomb",
    ),
)
UPSTREAM = True

_FUNCTION = ResourceType("AWS::Lambda::Function")
_SERVICE = "lambda.amazonaws.com"
_MAX_UNZIPPED_BYTES = 262_144_000  # Lambda quotas, Deployment package size.
_STORED_PROPERTIES = ("VpcConfig", "DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs")

_functions: Any = lookup.attribute(services.lambda_, "_functions")
_unzipped_bytes: Callable[[bytes | None], int] = lookup.attribute(
    services.lambda_, "_unzipped_size"
)
_end_workers: Function[..., None] = Function("invalidate_worker", services.lambda_)


def install() -> None:
    """Install the patch."""
    _FUNCTION.before(_check)
    _FUNCTION.after(_set_configuration)
    _FUNCTION.delete.after(_after_delete)
    _end_workers.around(_end_workers_in_account)


def _after_delete(_result: None, name: str, _props: Props) -> None:
    _end_workers(name)


def _end_workers_in_account(
    end: Callable[..., None],
    name: str,
    qualifier: str | None = None,
    account: str = "",
    region: str = "",
) -> None:
    """End only the workers of one account: another account can have a function with that name."""
    end(name, qualifier, account or context.account(), region or context.region())


def _check(props: Props) -> None:
    code = props.get("Code", {})
    if "S3Key" in code:
        _check_code(code)
    if not policies.can_assume(props["Role"], _SERVICE):
        message = "The role defined for the function cannot be assumed by Lambda."
        raise services.refusal(message, "Lambda")
    target = (props.get("DeadLetterConfig") or {}).get("TargetArn", "")
    if target and ":sqs:" not in target and ":sns:" not in target:
        raise ValueError("The TargetArn of DeadLetterConfig is neither a queue nor a topic")


def _check_code(code: Props) -> None:
    bucket, key = code["S3Bucket"], code["S3Key"]
    if bucket not in services.buckets:
        error = ("NoSuchBucket", "The specified bucket does not exist")
    elif (body := services.object_body(bucket, key, code.get("S3ObjectVersion"))) is None:
        error = ("NoSuchKey", "The specified key does not exist.")
    elif _unzipped_bytes(body) > _MAX_UNZIPPED_BYTES:
        message = f"Unzipped size must be smaller than {_MAX_UNZIPPED_BYTES} bytes"
        raise services.refusal(message, "Lambda")
    else:
        return
    code_, message = error
    raise services.refusal(
        f"Error occurred while GetObject. S3 Error Code: {code_}. S3 Error Message: {message}",
        "Lambda",
    )


def _set_configuration(name: str, props: Props) -> None:
    """Set the properties that MiniStack drops: VPC, dead-letter queue, KMS key, concurrency."""
    record = _functions[name]
    for key in _STORED_PROPERTIES:
        if props.get(key):
            record["config"][key] = props[key]
        else:
            record["config"].pop(key, None)
    limit = props.get("ReservedConcurrentExecutions")
    record["concurrency"] = None if limit is None else int(limit)
