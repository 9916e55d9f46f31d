"""CloudFront distributions of the site and its assets, with their DNS records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from awacs import s3 as s3_actions
from awacs.aws import Action, Allow, Condition, Principal, Statement, StringEquals
from troposphere import Sub, cloudfront

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.assets import Assets
from stacks.avatars import Avatars
from stacks.edge_certificate import EdgeCertificate
from stacks.parts import response_headers
from stacks.parts.buckets import bucket_policy, bucket_without_policy, expire_noncurrent, objects
from stacks.parts.dns_records import alias_records
from stacks.parts.names import arn, name_tag, resource_name
from stacks.parts.site_function import site_function

# Ids that are the same in every account: the managed cache policy that uses the cache headers of an
# object and ignores query, headers and cookies of requests, and the hosted zone of distributions.
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CLOUDFRONT_HOSTED_ZONE = "Z2FDTNDATAQYW2"

DEFAULT_AVATAR = "/defaults/avatar.jpg"  # In the picture bucket.
AVATAR_VERSION = "v"  # The query parameter with the version of an avatar, which the API adds.
ERROR_CACHE_SECONDS = 10  # A missing object, such as a new avatar, may soon exist.

WebOrigin = Annotated[
    str,
    fields.described(
        "a scheme and host such as https://api.honeycomb.io, with an optional port or :*",
        pattern=rf"^(https?|wss?)://{fields.LOWER_HOST}(:({fields.PORT}|\*))?$",
    ),
]

TracesUrl = Annotated[
    str,
    fields.described(
        "an OTLP address for traces of browsers, such as https://traces.example/v1/traces, or empty",
        pattern=rf"^(https://{fields.LOWER_HOST}(:{fields.PORT})?(/[A-Za-z0-9._~/-]*)?)?$",
    ),
]


class Settings(fields.Settings, frozen=True):
    """The `[cdn]` table."""

    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"]
    noncurrent_version_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]
    connect_origins: tuple[WebOrigin, ...]
    access_logs: bool
    access_log_retention_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]
    avatar_cache_seconds: Annotated[int, fields.described("0 to 86400 seconds", ge=0, le=86400)] = (
        300
    )
    traces_url: TracesUrl = ""


@dataclass(frozen=True)
class Cdn:
    """The bucket that the site is published to, and the distributions."""

    site_bucket: Value
    site_distribution: Value
    site_distribution_arn: Value
    assets_distribution: Value
    assets_distribution_arn: Value


def define(
    t: Template,
    env: Env,
    settings: Settings,
    certificate: EdgeCertificate,
    assets: Assets,
    *,
    avatars: Avatars,
) -> Cdn:
    """Add the bucket and distribution of the site, and the distribution of the assets."""
    files = bucket_without_policy(
        t,
        "SiteBucket",
        env=env,
        name="site",
        versioned=True,
        lifecycle=[expire_noncurrent(settings.noncurrent_version_days, rule="expire-noncurrent")],
    )
    access = _origin_access_control(t, env)
    files_origin = _origin("files", files.get_att("RegionalDomainName"), access)
    site = _site(t, env, settings, certificate.arn, files=files_origin, avatars=avatars)
    assets_distribution = _assets(
        t,
        env,
        settings,
        certificate.arn,
        pictures=_origin("pictures", assets.picture_bucket_domain, access),
        avatars=_origin("avatars", assets.avatar_bucket_domain, access),
    )
    allow_read = partial(_allow_read, t, env)
    allow_read(
        "SiteBucketPolicy", files.ref(), files.get_att("Arn"), distribution=site, can_list=True
    )
    allow_read(
        "PictureBucketPolicy",
        assets.picture_bucket,
        assets.picture_bucket_arn,
        distribution=assets_distribution,
        can_list=True,
    )
    allow_read(
        "AvatarBucketPolicy",
        assets.avatar_bucket,
        assets.avatar_bucket_arn,
        distribution=assets_distribution,
        can_list=False,
    )
    return Cdn(
        site_bucket=files.ref(),
        site_distribution=site.ref(),
        site_distribution_arn=_arn(site),
        assets_distribution=assets_distribution.ref(),
        assets_distribution_arn=_arn(assets_distribution),
    )


def _origin_access_control(t: Template, env: Env) -> cloudfront.OriginAccessControl:
    """Make CloudFront sign its requests, so that bucket policies can name the distribution."""
    return t.add_resource(
        cloudfront.OriginAccessControl(
            "OriginAccessControl",
            OriginAccessControlConfig=cloudfront.OriginAccessControlConfig(
                Name=resource_name(env, "buckets"),
                OriginAccessControlOriginType="s3",
                SigningBehavior="always",
                SigningProtocol="sigv4",
            ),
        )
    )


def _origin(id_: str, domain: Value, access: cloudfront.OriginAccessControl) -> cloudfront.Origin:
    return cloudfront.Origin(
        Id=id_,
        DomainName=domain,
        OriginAccessControlId=access.get_att("Id"),
        S3OriginConfig=cloudfront.S3OriginConfig(OriginAccessIdentity=""),  # Unused, but required.
    )


def _site(
    t: Template,
    env: Env,
    settings: Settings,
    certificate: Value,
    *,
    files: cloudfront.Origin,
    avatars: Avatars,
) -> cloudfront.Distribution:
    """Add the distribution of the site: paths without a file are pages, missing files are 404."""
    function = site_function(t, env)
    return _distribution(
        t,
        env,
        settings,
        "SiteDistribution",
        certificate,
        hosts={"Site": env.domain, "Www": f"www.{env.domain}"},
        Origins=[files],
        DefaultRootObject="index.html",
        DefaultCacheBehavior=cloudfront.DefaultCacheBehavior(
            **_cache_behavior(
                files, response_headers.site_headers(t, env, avatars, _connect_origins(settings))
            ),
            FunctionAssociations=[
                cloudfront.FunctionAssociation(
                    EventType="viewer-request", FunctionARN=function.get_att("FunctionARN")
                )
            ],
        ),
        CustomErrorResponses=[_error_response(404)],
    )


def _connect_origins(settings: Settings) -> tuple[str, ...]:
    """Return the configured origins, and that of the address for traces."""
    traces = re.match(r"https://[^/]+", settings.traces_url)
    return (*settings.connect_origins, *([traces[0]] if traces else []))


def _assets(
    t: Template,
    env: Env,
    settings: Settings,
    certificate: Value,
    *,
    pictures: cloudfront.Origin,
    avatars: cloudfront.Origin,
) -> cloudfront.Distribution:
    """Serve the default avatar for missing avatars, and 404 for any other missing object.

    A distribution has one custom response per status code for all its paths. So the two cases must
    have different status codes: S3 responds 404 if CloudFront may list the bucket, and 403
    otherwise (see `_allow_read`). The default root object is a name that does not exist: without
    one, a request for the root would return the list of objects.
    """
    headers = response_headers.assets_headers(t, env)
    return _distribution(
        t,
        env,
        settings,
        "AssetsDistribution",
        certificate,
        hosts={"Assets": f"assets.{env.domain}"},
        Origins=[pictures, avatars],
        DefaultRootObject="index.html",
        DefaultCacheBehavior=cloudfront.DefaultCacheBehavior(**_cache_behavior(pictures, headers)),
        CacheBehaviors=[
            cloudfront.CacheBehavior(
                PathPattern="/avatars/*",
                **_cache_behavior(avatars, headers, cache=_avatar_cache(t, env, settings).ref()),
            )
        ],
        CustomErrorResponses=[
            _error_response(403, ResponseCode=200, ResponsePagePath=DEFAULT_AVATAR),
            _error_response(404),
        ],
    )


def _avatar_cache(t: Template, env: Env, settings: Settings) -> cloudfront.CachePolicy:
    """Add a cache policy with path and version as the cache key, and a short lifetime.

    A new avatar has the path of the previous one, and a new version, which the API puts into the
    address. The policy limits the lifetime even if the headers of the object allow a longer one, so
    an address without a version is also up to date within minutes.
    """
    return t.add_resource(
        cloudfront.CachePolicy(
            "AvatarCachePolicy",
            CachePolicyConfig=cloudfront.CachePolicyConfig(
                Name=resource_name(env, "avatars"),
                MinTTL=0,
                DefaultTTL=settings.avatar_cache_seconds,
                MaxTTL=settings.avatar_cache_seconds,
                ParametersInCacheKeyAndForwardedToOrigin=_path_and_version(),
            ),
        )
    )


def _path_and_version() -> cloudfront.ParametersInCacheKeyAndForwardedToOrigin:
    return cloudfront.ParametersInCacheKeyAndForwardedToOrigin(
        CookiesConfig=cloudfront.CacheCookiesConfig(CookieBehavior="none"),
        HeadersConfig=cloudfront.CacheHeadersConfig(HeaderBehavior="none"),
        QueryStringsConfig=cloudfront.CacheQueryStringsConfig(
            QueryStringBehavior="whitelist", QueryStrings=[AVATAR_VERSION]
        ),
        EnableAcceptEncodingBrotli=False,
        EnableAcceptEncodingGzip=False,
    )


def _distribution(
    t: Template,
    env: Env,
    settings: Settings,
    title: str,
    certificate: Value,
    *,
    hosts: Mapping[str, str],
    **config: Any,
) -> cloudfront.Distribution:
    """Add a distribution and the DNS records of its *hosts*."""
    name = title.removesuffix("Distribution")
    distribution = t.add_resource(
        cloudfront.Distribution(
            title,
            DistributionConfig=cloudfront.DistributionConfig(
                Aliases=list(hosts.values()),
                Comment=f"{name} of {env.project} {env.name}",
                Enabled=True,
                HttpVersion="http2and3",
                IPV6Enabled=True,
                PriceClass=settings.price_class,
                ViewerCertificate=cloudfront.ViewerCertificate(
                    AcmCertificateArn=certificate,
                    MinimumProtocolVersion="TLSv1.2_2021",
                    SslSupportMethod="sni-only",
                ),
                **config,
            ),
            Tags=name_tag(env, name.lower()),
        )
    )
    for record, host in hosts.items():
        target = distribution.get_att("DomainName")
        alias_records(
            t, record, env=env, host=host, target=target, hosted_zone=CLOUDFRONT_HOSTED_ZONE
        )
    return distribution


def _cache_behavior(
    origin: cloudfront.Origin,
    policy: cloudfront.ResponseHeadersPolicy,
    *,
    cache: Value = CACHING_OPTIMIZED,
) -> dict[str, Any]:
    return {
        "TargetOriginId": origin.Id,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": ["GET", "HEAD"],
        "Compress": True,
        "CachePolicyId": cache,
        "ResponseHeadersPolicyId": policy.ref(),
    }


def _error_response(status: int, **response: Any) -> cloudfront.CustomErrorResponse:
    return cloudfront.CustomErrorResponse(
        ErrorCode=status, ErrorCachingMinTTL=ERROR_CACHE_SECONDS, **response
    )


def _allow_read(
    t: Template,
    env: Env,
    title: str,
    bucket: Value,
    bucket_arn: Value,
    *,
    distribution: cloudfront.Distribution,
    can_list: bool,
) -> None:
    """Allow one distribution to read a bucket.

    *can_list* also allows it to list the bucket. With that permission S3 responds 404 for a missing
    object, without it 403.
    """
    statements = [_allow("ReadObjects", s3_actions.GetObject, objects(bucket_arn), distribution)]
    if can_list:
        statements.append(_allow("ListObjects", s3_actions.ListBucket, bucket_arn, distribution))
    bucket_policy(t, title, env=env, bucket=bucket, arn=bucket_arn, statements=statements)


def _allow(
    sid: str, action: Action, resource: Value, distribution: cloudfront.Distribution
) -> Statement:
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("Service", "cloudfront.amazonaws.com"),
        Action=[action],
        Resource=[resource],
        Condition=Condition(StringEquals({"aws:SourceArn": _arn(distribution)})),
    )


def _arn(distribution: cloudfront.Distribution) -> Sub:
    return arn("cloudfront", f"distribution/${{{distribution.title}}}")
