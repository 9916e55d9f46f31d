"""S3 buckets: names in the account's own namespace, lifecycle, owners, and no loss of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Answer, Props

_BUCKET = "AWS::S3::Bucket"
_EXPECTED = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


def close() -> None:
    """Complete what CloudFormation makes of a bucket, and look at the owner of every request."""
    ministack.wrap_type(_BUCKET, "create", _named_and_aged)
    ministack.wrap_type(_BUCKET, "update", _aged)
    ministack.wrap_type(_BUCKET, "delete", _only_if_empty)
    ministack.guard_s3(_not_the_owner)


def _named_and_aged(create: Callable[..., Any]) -> Callable[..., Any]:
    def creating(title: str, props: Props, stack: str) -> Any:
        name, attributes = create(title, _with_name(props), stack)
        _keep_lifecycle(name, props)
        return name, attributes

    return creating


def _aged(update: Callable[..., Any]) -> Callable[..., Any]:
    def updating(name: str, old: Props, new: Props, stack: str) -> Any:
        name, attributes = update(name, _with_name(old), _with_name(new), stack)
        _keep_lifecycle(name, new)
        return name, attributes

    return updating


def _with_name(props: Props) -> Props:
    """Give a bucket of the account's regional namespace its name: PREFIX-ACCOUNT-REGION-an."""
    if props.get("BucketNamespace") != "account-regional":
        return props
    suffix = f"-{ministack.account()}-{ministack.region()}-an"
    if prefix := props.get("BucketNamePrefix"):
        return {**props, "BucketName": f"{prefix}{suffix}"}
    if not str(props.get("BucketName", "")).endswith(suffix):
        message = f"a bucket of the account-regional namespace must have a name ending in {suffix}"
        raise ValueError(message)
    return props


def _keep_lifecycle(name: str, props: Props) -> None:
    store = ministack.store(ministack.s3, "_bucket_lifecycle")
    rules = (props.get("LifecycleConfiguration") or {}).get("Rules")
    if rules:
        store[name] = [_rule(rule) for rule in rules]
    else:
        store.pop(name, None)


def _rule(rule: Props) -> dict[str, Any]:
    """Turn CloudFormation's words for a lifecycle rule into those of S3's API."""
    kept: dict[str, Any] = {
        "ID": rule.get("Id", ""),
        "Status": rule["Status"],
        "Filter": _filter(rule),
        "Transitions": [_transition(t, "Days") for t in rule.get("Transitions", [])],
        "NoncurrentVersionTransitions": [
            _transition(t, "NoncurrentDays") for t in rule.get("NoncurrentVersionTransitions", [])
        ],
        "Expiration": _expiration(rule),
        "NoncurrentVersionExpiration": _noncurrent(rule),
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    return {key: value for key, value in kept.items() if value or key == "Filter"}


def _filter(rule: Props) -> dict[str, Any]:
    tags = rule.get("TagFilters", [])
    prefix = rule.get("Prefix", "")
    if len(tags) > 1 or (tags and prefix):
        return {"And": {"Prefix": prefix, "Tags": tags}}
    return {"Tag": tags[0]} if tags else {"Prefix": prefix}


def _transition(transition: Props, days: str) -> dict[str, Any]:
    found = {"StorageClass": transition["StorageClass"]}
    if "TransitionInDays" in transition:
        found[days] = int(transition["TransitionInDays"])
    return found


def _expiration(rule: Props) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "ExpirationInDays" in rule:
        found["Days"] = int(rule["ExpirationInDays"])
    if "ExpiredObjectDeleteMarker" in rule:
        found["ExpiredObjectDeleteMarker"] = (
            str(rule["ExpiredObjectDeleteMarker"]).lower() == "true"
        )
    return found


def _noncurrent(rule: Props) -> dict[str, Any]:
    given = dict(rule.get("NoncurrentVersionExpiration") or {})
    if "NoncurrentVersionExpirationInDays" in rule:
        given["NoncurrentDays"] = rule["NoncurrentVersionExpirationInDays"]
    return {key: int(value) for key, value in given.items()}


def _only_if_empty(delete: Callable[..., None]) -> Callable[..., None]:
    def deleting(name: str, props: Props) -> None:
        bucket = ministack.store(ministack.s3, "_buckets").get(name, {})
        versions = ministack.store(ministack.s3, "_object_versions").items()
        if bucket.get("objects") or any(key[0] == name and kept for key, kept in versions):
            message = "The bucket you tried to delete is not empty. You must delete all versions"
            raise ValueError(f"{message} in the bucket. (Service: S3, Status Code: 409)")
        delete(name, props)

    return deleting


def _not_the_owner(path: str, headers: dict[str, str], _query: dict[str, Any]) -> Answer | None:
    owner_of = ministack.store(ministack.s3, "_bucket_owner_account")
    target = path.lstrip("/").split("/", 1)[0]
    source = headers.get("x-amz-copy-source", "").lstrip("/").split("/", 1)[0]
    for header, bucket in zip(_EXPECTED, (target, source), strict=True):
        owner = owner_of(bucket)
        if header in headers and owner and headers[header] != owner:
            return ministack.refuse_s3("AccessDenied", "Access Denied", 403)
    return None
