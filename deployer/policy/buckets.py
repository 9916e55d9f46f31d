"""Buckets: nobody reaches them without meaning to, and nothing in them runs for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.statements import Statement, everything, of_role, statements
from deployer.policy.values import false, get, many, pattern, text, true

_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

private = each(
    "S3::Bucket",
    ok=lambda one: all(true(one.get("PublicAccessBlockConfiguration", key)) for key in _BLOCKS),
    message="does not block public access in all four ways",
)
owned = each(
    "S3::Bucket",
    ok=lambda one: any(
        get(rule, "ObjectOwnership") == "BucketOwnerEnforced"
        for rule in many(one.get("OwnershipControls", "Rules"))
    ),
    message="does not own what is put into it: BucketOwnerEnforced is not said",
)
without_leftovers = each(
    "S3::Bucket",
    ok=lambda one: any(
        get(rule, "AbortIncompleteMultipartUpload") and get(rule, "Status") == "Enabled"
        for rule in many(one.get("LifecycleConfiguration", "Rules"))
    ),
    message="keeps what was half uploaded: no rule aborts multipart uploads",
)


def own_name(templates: Templates) -> Iterator[Violation]:
    """A name that anyone can take before us, or after us, is not ours."""
    for one in templates.of("S3::Bucket"):
        name = one.get("BucketName")
        ours = one.get("BucketNamespace") == "account-regional" or "${AWS::AccountId}" in text(name)
        if name and not ours and "AWS::AccountId" not in str(name):
            yield one.found("has a name that others can take: no account in it")


def only_over_tls(templates: Templates) -> Iterator[Violation]:
    """A policy of the same stack that denies the rest."""
    guarded = denied_without_tls(templates, "Bucket")
    for one in templates.of("S3::Bucket"):
        denied = guarded.get(one, [])
        whole, objects = (
            any(covers(statement) and statement.does_all("s3:*") for statement in denied)
            for covers in (_is_about_bucket, _is_about_objects)
        )
        if not (whole and objects):
            yield one.found(WITHOUT_TLS)


WITHOUT_TLS = "can be reached without TLS: no policy denies aws:SecureTransport false"


def denied_without_tls(templates: Templates, names: str) -> Mapping[Resource, Sequence[Statement]]:
    """The statements that deny everyone without TLS; *names* is the property of the policy."""
    guarded: dict[Resource, list[Statement]] = {}
    for statement in statements(templates, "resource"):
        if _denies_plain(statement):
            owner = statement.owner
            for resource in {*templates.reached(owner.stack, owner.get(names))}:
                guarded.setdefault(resource, []).append(statement)
    return guarded


def _denies_plain(statement: Statement) -> bool:
    """It has no other condition, which would leave some requests without TLS allowed."""
    denies = statement.body.get("Effect") == "Deny" and statement.everyone
    match [*statement.conditions.items()]:
        case [(("bool" | "boolifexists", "aws:securetransport"), [plain])]:
            return denies and false(plain)
        case _:
            return False


def _is_about_bucket(statement: Statement) -> bool:
    return any("/" not in name for name in _names(statement))


def _is_about_objects(statement: Statement) -> bool:
    names = [*_names(statement)]
    return "*" in names or any(name.count("/") == 1 and name.endswith("/*") for name in names)


def _names(statement: Statement) -> Iterator[str]:
    """The ARNs in it; a bucket's policy can be about no other bucket."""
    for resource in statement.resources:
        name = pattern(resource)
        yield "*" if everything(resource) else name


def no_loops(templates: Templates) -> Iterator[Violation]:
    """What a function writes must not call it again: told by its role's rights."""
    for bucket in templates.of("S3::Bucket"):
        for call in many(bucket.get("NotificationConfiguration", "LambdaConfigurations")):
            for function in templates.reached(bucket.stack, get(call, "Function")):
                if any(
                    _meet(_prefix(call), path) for path in _written(templates, function, bucket)
                ):
                    yield bucket.found(f"calls {function.title}, which may write there again")


def _written(templates: Templates, function: Resource, bucket: Resource) -> Iterator[str]:
    """The prefixes of *bucket* that *function* may write to."""
    for role in templates.reached(function.stack, function.get("Role")):
        for statement in of_role(templates, role):
            if statement.allows and statement.does("s3:PutObject"):
                for resource in statement.resources:
                    if bucket in templates.reached(statement.owner.stack, resource):
                        yield _path(resource)


def _path(resource: Any) -> str:
    """The part of `${Bucket.Arn}/avatars/*` that is sure: avatars/."""
    name = text(resource)
    _, _, path = name.rpartition("}/") if "}/" in name else name.partition("/")
    return path.partition("*")[0].partition("$")[0]


def _prefix(call: Any) -> str:
    rules = many(get(call, "Filter", "S3Key", "Rules"))
    return "".join(
        text(get(rule, "Value")) for rule in rules if text(get(rule, "Name")).lower() == "prefix"
    )


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
