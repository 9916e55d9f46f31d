"""Add regional names, lifecycle rules and owner checks to buckets; keep those with objects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from emulator.ministack import context, lookup, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "The name of a bucket in the account-regional namespace is PREFIX-ACCOUNT-REGION-an.",
        source="S3 user guide, Namespaces for general purpose buckets",
        ministack="Namespace and prefix are ignored.",
        test="test_account_regional_name",
    ),
    Difference(
        "A bucket of a stack has the lifecycle rules of the template.",
        source="AWS::S3::Bucket, LifecycleConfiguration",
        ministack="Dropped.",
        test="test_lifecycle",
    ),
    Difference(
        "A request with another account in x-amz-expected-bucket-owner is denied (403).",
        source="S3 user guide, bucket owner condition",
        ministack="The header is ignored.",
        test="test_expected_owner",
    ),
    Difference(
        "A stack does not delete a bucket with objects: DELETE_FAILED.",
        source="AWS::S3::Bucket",
        ministack="Deleted with its objects.",
        test="test_bucket_with_objects",
    ),
)
UPSTREAM = True

_BUCKET = ResourceType("AWS::S3::Bucket")
_EXPECTED_OWNER = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")

_lifecycle: Any = lookup.attribute(services.s3, "_bucket_lifecycle")
_versions: Any = lookup.attribute(services.s3, "_object_versions")
_handle_request: Function[..., Awaitable[Response]] = Function("handle_request", services.s3)


def install() -> None:
    """Install the patch."""
    _BUCKET.create.around(_create)
    _BUCKET.update.around(_update)
    _BUCKET.after(_set_lifecycle)
    _BUCKET.delete.before(_refuse_deletion_with_objects)
    _handle_request.around(_check_owner)


def _create(create: Callable[..., Created], title: str, props: Props, stack: str) -> Created:
    return create(title, _with_name(props), stack)


def _update(
    update: Callable[..., Created], name: str, old: Props, new: Props, stack: str
) -> Created:
    return update(name, _with_name(old), _with_name(new), stack)


def _with_name(props: Props) -> Props:
    """Add the name of a bucket in the account-regional namespace: PREFIX-ACCOUNT-REGION-an."""
    if props.get("BucketNamespace") != "account-regional":
        return props
    suffix = f"-{context.account()}-{context.region()}-an"
    if prefix := props.get("BucketNamePrefix"):
        return {**props, "BucketName": f"{prefix}{suffix}"}
    if not str(props.get("BucketName", "")).endswith(suffix):
        message = f"a bucket of the account-regional namespace must have a name ending in {suffix}"
        raise ValueError(message)
    return props


def _set_lifecycle(name: str, props: Props) -> None:
    rules = (props.get("LifecycleConfiguration") or {}).get("Rules")
    if rules:
        _lifecycle[name] = [_rule(rule) for rule in rules]
    else:
        _lifecycle.pop(name, None)


def _rule(rule: Props) -> dict[str, Any]:
    """Convert a lifecycle rule of CloudFormation to one of S3's API."""
    converted: dict[str, Any] = {
        "ID": rule.get("Id", ""),
        "Status": rule["Status"],
        "Filter": _filter(rule),
        "Transitions": [
            _transition(transition, "Days") for transition in rule.get("Transitions", [])
        ],
        "NoncurrentVersionTransitions": [
            _transition(transition, "NoncurrentDays")
            for transition in rule.get("NoncurrentVersionTransitions", [])
        ],
        "Expiration": _expiration(rule),
        "NoncurrentVersionExpiration": _noncurrent_expiration(rule),
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    return {key: value for key, value in converted.items() if value or key == "Filter"}


def _filter(rule: Props) -> dict[str, Any]:
    tags = rule.get("TagFilters", [])
    prefix = rule.get("Prefix", "")
    if len(tags) > 1 or (tags and prefix):
        return {"And": {"Prefix": prefix, "Tags": tags}}
    return {"Tag": tags[0]} if tags else {"Prefix": prefix}


def _transition(transition: Props, days: str) -> dict[str, Any]:
    converted = {"StorageClass": transition["StorageClass"]}
    if "TransitionInDays" in transition:
        converted[days] = int(transition["TransitionInDays"])
    return converted


def _expiration(rule: Props) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    if "ExpirationInDays" in rule:
        converted["Days"] = int(rule["ExpirationInDays"])
    if "ExpiredObjectDeleteMarker" in rule:
        converted["ExpiredObjectDeleteMarker"] = (
            str(rule["ExpiredObjectDeleteMarker"]).lower() == "true"
        )
    return converted


def _noncurrent_expiration(rule: Props) -> dict[str, Any]:
    expiration = dict(rule.get("NoncurrentVersionExpiration") or {})
    if "NoncurrentVersionExpirationInDays" in rule:
        expiration["NoncurrentDays"] = rule["NoncurrentVersionExpirationInDays"]
    return {key: int(value) for key, value in expiration.items()}


def _refuse_deletion_with_objects(name: str, _props: Props) -> None:
    bucket = services.buckets.get(name, {})
    has_versions = any(key[0] == name and versions for key, versions in _versions.items())
    if bucket.get("objects") or has_versions:
        message = "The bucket you tried to delete is not empty. You must delete all versions"
        raise services.refusal(f"{message} in the bucket.", "S3", 409)


async def _check_owner(
    handle: Callable[..., Awaitable[Response]],
    method: str,
    path: str,
    headers: dict[str, str],
    *rest: Any,
    **options: Any,
) -> Response:
    """Deny a request whose expected owner differs from that of its bucket or of the copy source."""
    target = path.lstrip("/").split("/", 1)[0]
    source = headers.get("x-amz-copy-source", "").lstrip("/").split("/", 1)[0]
    for header, bucket in zip(_EXPECTED_OWNER, (target, source), strict=True):
        owner = services.bucket_owner(bucket)
        if header in headers and owner and headers[header] != owner:
            return services.s3_error("AccessDenied", "Access Denied", 403)
    return await handle(method, path, headers, *rest, **options)
