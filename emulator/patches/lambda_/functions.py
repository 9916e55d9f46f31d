"""Lambda functions are made of code that is there, a runtime that exists and a role they may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Props

Made = tuple[str, dict[str, Any]]

_FUNCTION = "AWS::Lambda::Function"
_LAMBDA = "lambda.amazonaws.com"
_UNZIPPED_BYTES = 262_144_000  # Lambda quotas, Deployment package size.
_KEPT = ("VpcConfig", "DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs")


def close() -> None:
    """Check what Lambda checks, and keep what the emulator drops of a function in a stack."""
    ministack.wrap_type(_FUNCTION, "create", _created)
    ministack.wrap_type(_FUNCTION, "update", _updated)
    ministack.wrap_type(_FUNCTION, "delete", _with_its_workers)
    ministack.swap(ministack.functions, "invalidate_worker", _of_this_account)


def _created(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        _check(props)
        name, attributes = create(title, props, stack)
        _keep(name, props)
        return name, attributes

    return creating


def _updated(update: Callable[..., Made]) -> Callable[..., Made]:
    def updating(made: str, old: Props, new: Props, *rest: Any) -> Made:
        _check(new)
        name, attributes = update(made, old, new, *rest)
        _keep(name, new)
        return name, attributes

    return updating


def _with_its_workers(delete: Callable[..., None]) -> Callable[..., None]:
    def deleting(name: str, props: Props) -> None:
        delete(name, props)
        ministack.store(ministack.functions, "invalidate_worker")(name)

    return deleting


def _of_this_account(invalidate: Callable[..., None]) -> Callable[..., None]:
    """Stop only our own workers: another account's function of the same name goes on."""

    def invalidating(
        name: str, qualifier: str | None = None, account: str = "", region: str = ""
    ) -> None:
        here = (account or ministack.account(), region or ministack.region())
        invalidate(name, qualifier, *here)

    return invalidating


def _check(props: Props) -> None:
    code = props.get("Code", {})
    if "S3Key" in code:
        _find_code(code)
    if not ministack.may_assume(props["Role"], _LAMBDA):
        message = "The role defined for the function cannot be assumed by Lambda."
        raise ValueError(f"{message} (Service: Lambda, Status Code: 400)")
    target = (props.get("DeadLetterConfig") or {}).get("TargetArn", "")
    if target and ":sqs:" not in target and ":sns:" not in target:
        raise ValueError("The TargetArn of DeadLetterConfig is no queue and no topic")


def _find_code(code: Props) -> None:
    bucket, key = code["S3Bucket"], code["S3Key"]
    if bucket not in ministack.store(ministack.s3, "_buckets"):
        problem = ("NoSuchBucket", "The specified bucket does not exist")
    elif (body := ministack.object_body(bucket, key, code.get("S3ObjectVersion"))) is None:
        problem = ("NoSuchKey", "The specified key does not exist.")
    elif ministack.unzipped_bytes(body) > _UNZIPPED_BYTES:
        message = f"Unzipped size must be smaller than {_UNZIPPED_BYTES} bytes"
        raise ValueError(f"{message} (Service: Lambda, Status Code: 400)")
    else:
        return
    error, message = problem
    raise ValueError(
        f"Error occurred while GetObject. S3 Error Code: {error}. S3 Error Message: {message} "
        "(Service: Lambda, Status Code: 400)"
    )


def _keep(name: str, props: Props) -> None:
    """Show and obey what the function has besides its code: network, dead-letter queue, limits."""
    record = ministack.store(ministack.functions, "_functions")[name]
    for key in _KEPT:
        if props.get(key):
            record["config"][key] = props[key]
        else:
            record["config"].pop(key, None)
    limit = props.get("ReservedConcurrentExecutions")
    record["concurrency"] = None if limit is None else int(limit)
