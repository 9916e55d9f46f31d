"""Rules for S3 buckets: public access, ownership, TLS, lifecycle, names and event loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.statements import Statement, is_all_resources, statements, statements_of_role
from deployer.policy.values import as_list, get, is_false, is_true, pattern, text

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

private = for_each_resource(
    "S3::Bucket",
    is_valid=lambda bucket: all(
        is_true(bucket.get("PublicAccessBlockConfiguration", key)) for key in _BLOCKS
    ),
    message="does not block public access with all four settings of PublicAccessBlockConfiguration",
)
owned = for_each_resource(
    "S3::Bucket",
    is_valid=lambda bucket: any(
        get(rule, "ObjectOwnership") == "BucketOwnerEnforced"
        for rule in as_list(bucket.get("OwnershipControls", "Rules"))
    ),
    message="may have objects of other owners: ObjectOwnership is not BucketOwnerEnforced",
)
aborts_incomplete_uploads = for_each_resource(
    "S3::Bucket",
    is_valid=lambda bucket: any(
        get(rule, "AbortIncompleteMultipartUpload") and get(rule, "Status") == "Enabled"
        for rule in as_list(bucket.get("LifecycleConfiguration", "Rules"))
    ),
    message="keeps incomplete uploads: no lifecycle rule has AbortIncompleteMultipartUpload",
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
    templates: Templates, property_: str
) -> Mapping[Resource, Sequence[Statement]]:
    """Return the statements that deny requests without TLS, by resource.

    *property_* is the property of the policy that names its buckets, topics or queues.
    """
    denials: dict[Resource, list[Statement]] = {}
    for statement in statements(templates, "resource"):
        if _denies_without_tls(statement):
            owner = statement.owner
            for resource in {*templates.referenced(owner.stack, owner.get(property_))}:
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
            for function in templates.referenced(bucket.stack, get(invocation, "Function")):
                if any(
                    _overlap(_prefix(invocation), path)
                    for path in _written_prefixes(templates, function, bucket)
                ):
                    yield bucket.violation(
                        f"invokes {function.title}, which may write to the same prefix"
                    )


def _written_prefixes(templates: Templates, function: Resource, bucket: Resource) -> Iterator[str]:
    """Yield the prefixes of *bucket* to which *function* may write."""
    for role in templates.referenced(function.stack, function.get("Role")):
        for statement in statements_of_role(templates, role):
            if statement.allows and statement.includes("s3:PutObject"):
                for resource in statement.resources:
                    if bucket in templates.referenced(statement.owner.stack, resource):
                        yield _path(resource)


def _path(resource: Any) -> str:
    """Return the fixed part of the key in `${Bucket.Arn}/avatars/*`: avatars/."""
    name = text(resource)
    _, _, path = name.rpartition("}/") if "}/" in name else name.partition("/")
    return path.partition("*")[0].partition("$")[0]


def _prefix(invocation: Any) -> str:
    rules = as_list(get(invocation, "Filter", "S3Key", "Rules"))
    return "".join(
        text(get(rule, "Value")) for rule in rules if text(get(rule, "Name")).lower() == "prefix"
    )


def _overlap(first: str, second: str) -> bool:
    return first.startswith(second) or second.startswith(first)
