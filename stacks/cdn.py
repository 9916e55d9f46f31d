"""How the world sees the site and its pictures: two distributions, and the names they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import s3 as storage
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

# The same in every account: AWS's policy to cache as an object's own headers say, whatever the
# query, headers and cookies of a request; and the zone that every distribution has its name in.
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"

DEFAULT_AVATAR = "/defaults/avatar.jpg"  # In the bucket of pictures.
FORGET_ERRORS_SECONDS = 10  # What was missing may be there in a moment, as a new avatar is.

# Pages of the application have no file of their own, files have an extension. A handle may have
# a dot in it, but its page starts with @.
SITE_FUNCTION = """\
function handler(event) {
  const request = event.request;
  const host = request.headers.host.value;
  if (host.startsWith('www.')) {
    const location = 'https://' + host.slice(4) + request.uri + query(request.querystring);
    return {
      statusCode: 301,
      statusDescription: 'Moved Permanently',
      headers: { location: { value: location } }
    };
  }
  const last = request.uri.split('/').pop();
  if (!last.includes('.') || last.startsWith('@')) {
    request.uri = '/index.html';
  }
  return request;
}

// As it came: keys and values are still encoded here.
function query(parameters) {
  const pairs = [];
  Object.keys(parameters).forEach((key) => {
    (parameters[key].multiValue || [parameters[key]]).forEach((each) => {
      pairs.push(each.value === '' ? key : key + '=' + each.value);
    });
  });
  return pairs.length ? '?' + pairs.join('&') : '';
}
"""

WebOrigin = Annotated[
    str,
    fields.described(
        "a scheme and host such as https://api.honeycomb.io, with a port or :* if need be",
        pattern=r"^(https?|wss?)://[a-z0-9.-]+(:([0-9]{1,5}|\*))?$",
    ),
]


class Settings(fields.Settings, frozen=True):
    """The `[cdn]` table."""

    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"]
    replaced_file_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]
    also_connects_to: tuple[WebOrigin, ...]
    access_logs: bool
    access_log_days: Annotated[int, fields.described("a number of days", ge=1, le=3650)]
    avatar_cache_seconds: Annotated[int, fields.described("0 to 86400 seconds", ge=0, le=86400)] = (
        300
    )


@dataclass(frozen=True)
class Cdn:
    """Where the site is published to, and what has to hear of it."""

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
    """The bucket and distribution of the site, and the distribution of the pictures."""
    files = bucket_without_policy(
        t,
        "SiteFiles",
        env=env,
        name="site",
        versioned=True,
        lifecycle=[expire_noncurrent(settings.replaced_file_days, rule="replaced-files")],
    )
    access = _access(t, env)
    files_origin = _origin("files", files.get_att("RegionalDomainName"), access)
    site = _site(t, env, settings, certificate.arn, files=files_origin, avatars=avatars)
    pictures = _pictures(
        t,
        env,
        settings,
        certificate.arn,
        pictures=_origin("pictures", assets.pictures_domain, access),
        avatars=_origin("avatars", assets.avatars_domain, access),
    )
    _readable(t, env, "SiteFilesPolicy", files.ref(), files.get_att("Arn"), by=site)
    _readable(t, env, "PicturesPolicy", assets.pictures, assets.pictures_arn, by=pictures)
    _readable(t, env, "AvatarsPolicy", assets.avatars, assets.avatars_arn, by=pictures, hides=True)
    return Cdn(
        site_bucket=files.ref(),
        site_distribution=site.ref(),
        site_distribution_arn=_arn(site),
        assets_distribution=pictures.ref(),
        assets_distribution_arn=_arn(pictures),
    )


def _access(t: Template, env: Env) -> cloudfront.OriginAccessControl:
    """CloudFront signs what it asks of a bucket, so the bucket knows which distribution asks."""
    return t.add_resource(
        cloudfront.OriginAccessControl(
            "BucketAccess",
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
        S3OriginConfig=cloudfront.S3OriginConfig(OriginAccessIdentity=""),  # None, but required.
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
    """A path without a file is a page of the application, and a file that is missing is a 404."""
    function = _site_function(t, env)
    return _distribution(
        t,
        env,
        settings,
        "Site",
        certificate,
        hosts={"Site": env.domain, "Www": f"www.{env.domain}"},
        Origins=[files],
        DefaultRootObject="index.html",
        DefaultCacheBehavior=cloudfront.DefaultCacheBehavior(
            **_behaviour(
                files, response_headers.of_site(t, env, avatars, settings.also_connects_to)
            ),
            FunctionAssociations=[
                cloudfront.FunctionAssociation(
                    EventType="viewer-request", FunctionARN=function.get_att("FunctionARN")
                )
            ],
        ),
        CustomErrorResponses=[_forgotten_soon(404)],
    )


def _site_function(t: Template, env: Env) -> cloudfront.Function:
    return t.add_resource(
        cloudfront.Function(
            "SiteFunction",
            Name=resource_name(env, "site"),
            AutoPublish=True,
            FunctionCode=SITE_FUNCTION,
            FunctionConfig=cloudfront.FunctionConfig(
                Comment="www. to the domain, pages to the application",
                Runtime="cloudfront-js-2.0",
            ),
        )
    )


def _pictures(
    t: Template,
    env: Env,
    settings: Settings,
    certificate: Value,
    *,
    pictures: cloudfront.Origin,
    avatars: cloudfront.Origin,
) -> cloudfront.Distribution:
    """Who has no avatar has the default one; any other picture that is missing is a 404.

    A distribution has one answer to an error for all its paths. So the two are different errors:
    S3 says 404 only to whoever may list a bucket, and 403 otherwise (see `_readable`). The root
    names a file, though there is none: without one, S3 would answer with the list.
    """
    shown = response_headers.of_pictures(t, env)
    return _distribution(
        t,
        env,
        settings,
        "Assets",
        certificate,
        hosts={"Assets": f"assets.{env.domain}"},
        Origins=[pictures, avatars],
        DefaultRootObject="index.html",
        DefaultCacheBehavior=cloudfront.DefaultCacheBehavior(**_behaviour(pictures, shown)),
        CacheBehaviors=[
            cloudfront.CacheBehavior(
                PathPattern="/avatars/*",
                **_behaviour(avatars, shown, cache=_avatar_cache(t, env, settings).ref()),
            )
        ],
        CustomErrorResponses=[
            _forgotten_soon(403, ResponseCode=200, ResponsePagePath=DEFAULT_AVATAR),
            _forgotten_soon(404),
        ],
    )


def _avatar_cache(t: Template, env: Env, settings: Settings) -> cloudfront.CachePolicy:
    """Nothing of a request tells one avatar from another, and none is kept for long.

    It has the same name when it changes, so the limit stands here, whatever its headers say.
    """
    return t.add_resource(
        cloudfront.CachePolicy(
            "AvatarCache",
            CachePolicyConfig=cloudfront.CachePolicyConfig(
                Name=resource_name(env, "avatars"),
                MinTTL=0,
                DefaultTTL=settings.avatar_cache_seconds,
                MaxTTL=settings.avatar_cache_seconds,
                ParametersInCacheKeyAndForwardedToOrigin=_nothing(),
            ),
        )
    )


def _nothing() -> cloudfront.ParametersInCacheKeyAndForwardedToOrigin:
    return cloudfront.ParametersInCacheKeyAndForwardedToOrigin(
        CookiesConfig=cloudfront.CacheCookiesConfig(CookieBehavior="none"),
        HeadersConfig=cloudfront.CacheHeadersConfig(HeaderBehavior="none"),
        QueryStringsConfig=cloudfront.CacheQueryStringsConfig(QueryStringBehavior="none"),
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
    """What all distributions have in common, and the records of their *hosts*."""
    distribution = t.add_resource(
        cloudfront.Distribution(
            title,
            DistributionConfig=cloudfront.DistributionConfig(
                Aliases=list(hosts.values()),
                Comment=f"{title} of {env.project} {env.name}",
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
            Tags=name_tag(env, title.lower()),
        )
    )
    for name, host in hosts.items():
        target = distribution.get_att("DomainName")
        alias_records(t, name, env=env, host=host, target=target, zone=CLOUDFRONT_ZONE)
    return distribution


def _behaviour(
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


def _forgotten_soon(status: int, **answer: Any) -> cloudfront.CustomErrorResponse:
    return cloudfront.CustomErrorResponse(
        ErrorCode=status, ErrorCachingMinTTL=FORGET_ERRORS_SECONDS, **answer
    )


def _readable(
    t: Template,
    env: Env,
    title: str,
    bucket: Value,
    bucket_arn: Value,
    *,
    by: cloudfront.Distribution,
    hides: bool = False,
) -> None:
    """One distribution reads a bucket, and nobody else outside.

    The right to list it makes S3 say 404 of what is missing. Where the bucket *hides* that, it
    says 403, which is not told from a file that must not be read.
    """
    statements = [_allow("Read", storage.GetObject, objects(bucket_arn), by)]
    if not hides:
        statements.append(_allow("KnowWhatIsMissing", storage.ListBucket, bucket_arn, by))
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
