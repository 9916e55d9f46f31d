"""Rules for S3 buckets: public access, ownership, TLS, lifecycle, names and event loops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.statements import Statement, is_all_resources, statements, statements_of_role
from deployer.policy.values import as_list, get, is_false, is_true, pattern, text

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
# The properties that limit a lifecycle rule to some objects.
_LIFECYCLE_FILTERS = ("Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan")

private = for_each_resource(
    "S3::Bucket",
    is_valid=lambda bucket: all(
        is_true(bucket.get("PublicAccessBlockConfiguration", key)) for key in _BLOCKS
    ),
    message="does not block public access with all four settings of PublicAccessBlockConfiguration",
)
owned = for_each_resource(
    "S3::Bucket",
    # The default of S3, unless the bucket has an ACL.
    is_valid=lambda bucket: (
        not (bucket.get("OwnershipControls") or bucket.get("AccessControl"))
        or any(
            get(rule, "ObjectOwnership") == "BucketOwnerEnforced"
            for rule in as_list(bucket.get("OwnershipControls", "Rules"))
        )
    ),
    message="may have objects of other owners: ObjectOwnership is not BucketOwnerEnforced",
)
aborts_incomplete_uploads = for_each_resource(
    "S3::Bucket",
    is_valid=lambda bucket: any(
        get(rule, "AbortIncompleteMultipartUpload")
        and get(rule, "Status") == "Enabled"
        and not any(get(rule, key) for key in _LIFECYCLE_FILTERS)
        for rule in as_list(bucket.get("LifecycleConfiguration", "Rules"))
    ),
    message="keeps incomplete uploads: no lifecycle rule has AbortIncompleteMultipartUpload for all",
)


def reserved_names(templates: Templates) -> Iterator[Violation]:
    """A bucket name is reserved for the account, so that no other account can create it."""
    for bucket in templates.of_type("S3::Bucket"):
        name = bucket.get("BucketName")
        is_regional = bucket.get("BucketNamespace") == "account-regional"
        has_account = "${AWS::AccountId}" in text(name) or "AWS::AccountId" in str(name)
        if name and not is_regional and not has_account:
            yield bucket.violation(
                "has a name that another account could take: it has no account id"
            )


def only_over_tls(templates: Templates) -> Iterator[Violation]:
    """A bucket policy denies requests without TLS, for the bucket and for its objects."""
    denials = denials_without_tls(templates, "Bucket")
    for bucket in templates.of_type("S3::Bucket"):
        denied = denials.get(bucket, [])
        covers_bucket, covers_objects = (
            any(is_about(statement) and statement.includes_all("s3:*") for statement in denied)
            for is_about in (_is_about_bucket, _is_about_objects)
        )
        if not (covers_bucket and covers_objects):
            yield bucket.violation(WITHOUT_TLS)


WITHOUT_TLS = "allows requests without TLS: no policy denies aws:SecureTransport false"


def denials_without_tls(
    templates: Templates, *properties: str
) -> Mapping[Resource, Sequence[Statement]]:
    """Return the statements that deny requests without TLS, by resource.

    *properties* are those of the policies that name their buckets, topics or queues.
    """
    denials: dict[Resource, list[Statement]] = {}
    for statement in statements(templates, "resource"):
        if _denies_without_tls(statement):
            owner = statement.owner
            named = [owner.get(property_) for property_ in properties]
            for resource in {*templates.referenced(owner.stack, named)}:
                denials.setdefault(resource, []).append(statement)
    return denials


def _denies_without_tls(statement: Statement) -> bool:
    """Return whether *statement* denies all requests without TLS.

    A second condition would exempt some of them.
    """
    denies = statement.body.get("Effect") == "Deny" and statement.is_for_everyone
    match [*statement.conditions.items()]:
        case [(("bool" | "boolifexists", "aws:securetransport"), [value])]:
            return denies and is_false(value)
        case _:
            return False


def _is_about_bucket(statement: Statement) -> bool:
    return any("/" not in name for name in _names(statement))


def _is_about_objects(statement: Statement) -> bool:
    """Return whether an ARN of *statement* ends like bucket/* or bucket*, which match all objects."""
    return any(
        name.endswith("*") and name.removesuffix("/*").count("/") == 0 for name in _names(statement)
    )


def _names(statement: Statement) -> Iterator[str]:
    """Yield the ARNs of *statement*; the policy of a bucket cannot apply to another bucket."""
    for resource in statement.resources:
        name = pattern(resource)
        yield "*" if is_all_resources(resource) else name


def no_loops(templates: Templates) -> Iterator[Violation]:
    """No function has the permission to write objects whose creation invokes it again."""
    for bucket in templates.of_type("S3::Bucket"):
        for invocation in as_list(bucket.get("NotificationConfiguration", "LambdaConfigurations")):
            if not _is_for_new_objects(text(get(invocation, "Event"))):
                continue
            for function in templates.functions(bucket.stack, get(invocation, "Function")):
                if any(
                    _overlap(invocation, key) for key in _written_keys(templates, function, bucket)
                ):
                    yield bucket.violation(
                        f"invokes {function.title}, which may write to the same prefix"
                    )


def _is_for_new_objects(event: str) -> bool:
    return not event or event.startswith("s3:ObjectCreated:") or event == "s3:*"


def _written_keys(
    templates: Templates, function: Resource, bucket: Resource
) -> Iterator[tuple[str, str]]:
    """Yield the beginning and the end of the keys in *bucket* that *function* may write."""
    for role in templates.referenced(function.stack, function.get("Role")):
        for statement in statements_of_role(templates, role):
            if statement.allows and statement.includes("s3:PutObject"):
                for resource in statement.resources:
                    if is_all_resources(resource):
                        yield "", ""
                    elif bucket in templates.referenced(statement.owner.stack, resource):
                        yield _fixed_parts(resource)


def _fixed_parts(resource: Any) -> tuple[str, str]:
    """Return the fixed parts of the key in `${Bucket.Arn}/avatars/*.png`: avatars/ and .png."""
    name = text(resource)
    _, _, key = name.partition("}/") if "}/" in name else name.partition("/")
    return re.split(r"[*?$]", key, maxsplit=1)[0], re.split(r"[*?}]", key)[-1]


def _filter_value(invocation: Any, name: str) -> str:
    """Return the prefix or suffix, whichever *name* is, of the keys that cause the invocation."""
    rules = as_list(get(invocation, "Filter", "S3Key", "Rules"))
    return "".join(
        text(get(rule, "Value")) for rule in rules if text(get(rule, "Name")).lower() == name
    )


def _overlap(invocation: Any, key: tuple[str, str]) -> bool:
    """Return whether an object with the *key*, a beginning and an end, can cause the invocation."""
    prefix, suffix = _filter_value(invocation, "prefix"), _filter_value(invocation, "suffix")
    start, end = key
    return (start.startswith(prefix) or prefix.startswith(start)) and (
        end.endswith(suffix) or suffix.endswith(end)
    )
