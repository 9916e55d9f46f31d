"""The distributions of the site and of the assets."""

import re

import pytest
from msgspec.structs import replace

from stacks.cdn import DEFAULT_AVATAR
from stacks.parts.site_function import SITE_FUNCTION
from tests.stacks.templates import config_of, emit, statements, text

DISTRIBUTION = "AWS::CloudFront::Distribution"


@pytest.fixture
def cdn(emitted):
    return emitted["cdn"]


@pytest.fixture
def site(cdn):
    return distribution(cdn, "SiteDistribution")


@pytest.fixture
def assets(cdn):
    return distribution(cdn, "AssetsDistribution")


def with_cdn(**changes):
    """Return the stacks of prod with some settings of the CDN changed."""
    config = config_of("prod")
    return emit(replace(config, cdn=replace(config.cdn, **changes)))


def distribution(cdn, title):
    """Return the configuration of the distribution *title*."""
    return cdn.of(DISTRIBUTION)[title]["DistributionConfig"]


def cache_behaviors(config):
    """Return every cache behavior of a distribution."""
    return [config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])]


def policy(cdn, title):
    """Return the statements of a bucket policy, without the one that requires TLS."""
    by_sid = statements(cdn.of("AWS::S3::BucketPolicy")[title]["PolicyDocument"])
    return {sid: statement for sid, statement in by_sid.items() if sid != "DenyInsecureTransport"}


def security_headers(cdn, title):
    """Return the security headers that the policy *title* adds."""
    headers = cdn.of("AWS::CloudFront::ResponseHeadersPolicy")[title]
    return headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]


def content_policy(cdn, title):
    """Return the sources of a Content-Security-Policy by directive."""
    value = security_headers(cdn, title)["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    value, _ = value["Fn::Sub"] if isinstance(value, dict) else (value, {})
    directives = [directive.split() for directive in value.split("; ")]
    return {name: sources for name, *sources in directives}


# --- both distributions ---------------------------------------------------------------------


def test_each_host_has_records_for_one_distribution(cdn, config):
    """The domain and www. have A and AAAA records for the site, assets. for the assets."""
    records = {
        (record["Name"], record["Type"]): record["AliasTarget"]["DNSName"]["Fn::GetAtt"][0]
        for record in cdn.of("AWS::Route53::RecordSet").values()
    }

    domain = config.env.domain
    site, assets = "SiteDistribution", "AssetsDistribution"
    hosts = {domain: site, f"www.{domain}": site, f"assets.{domain}": assets}
    assert {
        (host, kind): title for host, title in hosts.items() for kind in ("A", "AAAA")
    } == records
    for title in ("SiteDistribution", "AssetsDistribution"):
        aliases = distribution(cdn, title)["Aliases"]
        assert [host for host, target in hosts.items() if target == title] == aliases
        assert distribution(cdn, title)["IPV6Enabled"] is True


def test_the_certificate_comes_from_us_east_1(cdn, config):
    """The deployer fills a parameter with the certificate, and each distribution requires SNI."""
    source = cdn.stack.parameters["EdgeCertificateArn"]

    assert (
        source.stack,
        source.region,
        source.output,
    ) == (f"crd-{config.env.name}-edge-certificate", "us-east-1", "Arn")
    for title in ("SiteDistribution", "AssetsDistribution"):
        assert distribution(cdn, title)["ViewerCertificate"] == {
            "AcmCertificateArn": {"Ref": "EdgeCertificateArn"},
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        }


def test_every_behavior_requires_https_and_adds_headers(site, assets):
    """Every cache behavior redirects to HTTPS, is read-only and adds security headers."""
    for behavior in [*cache_behaviors(site), *cache_behaviors(assets)]:
        assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
        assert behavior["AllowedMethods"] == ["GET", "HEAD"]
        assert behavior["ResponseHeadersPolicyId"]
        assert behavior["Compress"] is True


def test_cache_keys(cdn, site, assets):
    """Cache keys are paths, and the version of an avatar: no headers, cookies or other parameters."""
    managed = "658327ea-f89d-4fab-a63d-7e88639e58f6"
    cache = cdn.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    key = cache["ParametersInCacheKeyAndForwardedToOrigin"]

    assert [managed] == [behavior["CachePolicyId"] for behavior in cache_behaviors(site)]
    assert [managed, {"Ref": "AvatarCachePolicy"}] == [
        behavior["CachePolicyId"] for behavior in cache_behaviors(assets)
    ]
    assert {
        key["CookiesConfig"]["CookieBehavior"],
        key["HeadersConfig"]["HeaderBehavior"],
    } == {"none"}
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "whitelist", "QueryStrings": ["v"]}
    assert "OriginRequestPolicyId" not in text([site, assets])


def test_http_3_is_enabled(site, assets):
    """Distributions support HTTP/2 and HTTP/3."""
    assert "http2and3" == site["HttpVersion"] == assets["HttpVersion"]


@pytest.mark.parametrize("price_class", ["PriceClass_100", "PriceClass_All"])
def test_the_price_class_is_a_setting(price_class):
    """Each distribution has the price class in config."""
    cdn = with_cdn(price_class=price_class)["cdn"]

    assert {price_class} == {
        found["DistributionConfig"]["PriceClass"] for found in cdn.of(DISTRIBUTION).values()
    }


# --- bucket policies ------------------------------------------------------------------


def test_cloudfront_signs_every_request_to_a_bucket(cdn, site, assets):
    """No bucket is public, and none uses the older origin access identity (defect 44)."""
    access = cdn.one("AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]

    assert (
        access["OriginAccessControlOriginType"],
        access["SigningBehavior"],
        access["SigningProtocol"],
    ) == ("s3", "always", "sigv4")
    origins = [*site["Origins"], *assets["Origins"]]
    assert [origin["Id"] for origin in origins] == ["files", "pictures", "avatars"]
    for origin in origins:
        assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["OriginAccessControl", "Id"]}
        assert origin["S3OriginConfig"] == {"OriginAccessIdentity": ""}


@pytest.mark.parametrize(
    ("title", "reader"),
    [
        ("SiteBucketPolicy", "SiteDistribution"),
        ("PictureBucketPolicy", "AssetsDistribution"),
        ("AvatarBucketPolicy", "AssetsDistribution"),
    ],
)
def test_only_its_distribution_reads_a_bucket(cdn, title, reader):
    """No other distribution of this or another account can read the bucket."""
    allowed = policy(cdn, title)

    arn = f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{reader}}}"
    assert allowed["ReadObjects"]["Action"] == ["s3:GetObject"]
    for statement in allowed.values():
        assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
        assert {"StringEquals": {"aws:SourceArn": {"Fn::Sub": arn}}} == statement["Condition"]


def test_bucket_policies_belong_to_imported_buckets(cdn, config):
    """The policies of the asset buckets are in this stack, because they name the distribution."""
    buckets = {title: policy["Bucket"] for title, policy in cdn.of("AWS::S3::BucketPolicy").items()}

    stack = f"crd-{config.env.name}-assets"
    assert buckets == {
        "SiteBucketPolicy": {"Ref": "SiteBucket"},
        "PictureBucketPolicy": {"Fn::ImportValue": f"{stack}-PictureBucket"},
        "AvatarBucketPolicy": {"Fn::ImportValue": f"{stack}-AvatarBucket"},
    }


# --- missing objects ------------------------------------------------------------------------


def test_cloudfront_lists_all_buckets_but_the_avatars(cdn):
    """Only for the avatars, S3 responds with 403 for a missing object instead of 404."""
    lists = {
        title
        for title in ("SiteBucketPolicy", "PictureBucketPolicy", "AvatarBucketPolicy")
        for statement in policy(cdn, title).values()
        if "s3:ListBucket" in statement["Action"]
    }

    assert lists == {"SiteBucketPolicy", "PictureBucketPolicy"}


def test_a_missing_avatar_is_the_default_avatar(assets):
    """A 403 for an avatar becomes the default avatar; a 404 for other objects stays a 404."""
    responses = {response["ErrorCode"]: response for response in assets["CustomErrorResponses"]}
    origins = {
        behavior["PathPattern"]: behavior["TargetOriginId"] for behavior in assets["CacheBehaviors"]
    }

    assert origins == {"/avatars/*": "avatars"}
    assert (
        responses[403]["ResponseCode"],
        responses[403]["ResponsePagePath"],
    ) == (200, DEFAULT_AVATAR)
    assert "ResponsePagePath" not in responses[404]


def test_the_default_avatar_is_in_the_picture_bucket(assets):
    """The path of the default avatar does not match the cache behavior of avatars."""
    assert not any(
        DEFAULT_AVATAR.startswith(behavior["PathPattern"].rstrip("*"))
        for behavior in assets["CacheBehaviors"]
    )
    assert assets["DefaultCacheBehavior"]["TargetOriginId"] == "pictures"


def test_errors_are_cached_for_10_seconds(site, assets):
    """Error responses are cached for seconds only, so that a new avatar appears soon."""
    assert {
        response["ErrorCachingMinTTL"]
        for response in [*site["CustomErrorResponses"], *assets["CustomErrorResponses"]]
    } == {10}


def test_an_avatar_is_cached_for_minutes(cdn, config):
    """The cache policy limits the lifetime of avatars to minutes (defect 75)."""
    cache = cdn.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]

    seconds = config.cdn.avatar_cache_seconds
    assert (0, seconds, seconds) == (cache["MinTTL"], cache["DefaultTTL"], cache["MaxTTL"])
    assert seconds <= 300


def test_the_root_is_not_a_bucket_listing(site, assets):
    """A default root object prevents S3 from responding with the list of objects."""
    assert "index.html" == site["DefaultRootObject"] == assets["DefaultRootObject"]


def test_a_missing_file_of_the_site_is_a_404(site):
    """A missing file is not replaced with the application (defect 46)."""
    (response,) = site["CustomErrorResponses"]

    assert response == {"ErrorCode": 404, "ErrorCachingMinTTL": 10}


# --- pages of the site ----------------------------------------------------------------------


def test_the_function_runs_before_the_cache(cdn, site):
    """The stack publishes the function, whose size is below the limit of CloudFront."""
    function = cdn.one("AWS::CloudFront::Function")

    assert site["DefaultCacheBehavior"]["FunctionAssociations"] == [
        {
            "EventType": "viewer-request",
            "FunctionARN": {"Fn::GetAtt": ["SiteFunction", "FunctionARN"]},
        }
    ]
    assert function["FunctionCode"] == SITE_FUNCTION
    assert function["AutoPublish"] is True
    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"
    assert len(SITE_FUNCTION.encode()) < 10_240


# --- security headers -----------------------------------------------------------------


@pytest.mark.parametrize("title", ["SiteResponseHeadersPolicy", "AssetsResponseHeadersPolicy"])
def test_browsers_require_https_and_sniff_no_types(cdn, title):
    """Each distribution sends HSTS and forbids content sniffing and frames."""
    headers = security_headers(cdn, title)

    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 365 * 24 * 60 * 60
    assert headers["FrameOptions"]["FrameOption"] == "DENY"
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "strict-origin-when-cross-origin"
    assert headers["ContentTypeOptions"]["Override"] is True
    assert content_policy(cdn, title)["frame-ancestors"] == ["'none'"]


def test_the_site_allows_its_own_scripts_only(cdn):
    """The content security policy allows no inline scripts and no scripts of other origins."""
    content = content_policy(cdn, "SiteResponseHeadersPolicy")

    assert content["default-src"] == ["'none'"]
    assert ["'self'"] == content["script-src"] == content["style-src"]
    assert not re.search("unsafe|[^:]\\*", text(content))


def test_the_site_connects_to_known_origins_only(cdn, config):
    """Pages connect to the APIs, Cognito, the upload bucket and configured origins."""
    content = content_policy(cdn, "SiteResponseHeadersPolicy")

    assert [
        "'self'",
        f"api.{config.env.domain}:*",
        "https://cognito-idp.${AWS::Region}.amazonaws.com",
        "https://${AvatarApi}",
        "https://${Uploads}",
        *config.cdn.connect_origins,
    ] == content["connect-src"]
    assert content["img-src"] == ["'self'", "data:", "blob:", f"assets.{config.env.domain}:*"]


def test_browsers_may_send_traces_to_the_configured_address():
    """The origin of the address for traces is added to the content security policy."""
    changed = with_cdn(
        connect_origins=("https://a.example",), traces_url="https://b.example:1/v1/traces"
    )
    content = content_policy(changed["cdn"], "SiteResponseHeadersPolicy")

    assert content["connect-src"][-2:] == ["https://a.example", "https://b.example:1"]


def test_upload_origins_are_imports(cdn, config):
    """The generated host names of the API and the upload bucket are imports (defect 78)."""
    value = security_headers(cdn, "SiteResponseHeadersPolicy")["ContentSecurityPolicy"][
        "ContentSecurityPolicy"
    ]
    _, hosts = value["Fn::Sub"]

    stack = f"crd-{config.env.name}-avatars"
    assert hosts == {
        "AvatarApi": {"Fn::ImportValue": f"{stack}-ApiDomain"},
        "Uploads": {"Fn::ImportValue": f"{stack}-UploadBucketDomain"},
    }


def test_images_cannot_run_scripts(cdn):
    """The sandbox also applies to an SVG or HTML file with scripts."""
    content = content_policy(cdn, "AssetsResponseHeadersPolicy")

    assert content == {"default-src": ["'none'"], "frame-ancestors": ["'none'"], "sandbox": []}


# --- outputs and retention -----------------------------------------------------------------------


def test_outputs(cdn):
    """Publishing needs the bucket, and the distribution for invalidations (defect 49)."""
    assert set(cdn.template["Outputs"]) == {
        "SiteBucket",
        "SiteDistribution",
        "SiteDistributionArn",
        "AssetsDistribution",
        "AssetsDistributionArn",
    }


def test_noncurrent_versions_of_files_expire(cdn, config):
    """A replaced file can be restored for as many days as the setting."""
    bucket = cdn.one("AWS::S3::Bucket")
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert {"NoncurrentDays": config.cdn.noncurrent_version_days} == rules["expire-noncurrent"][
        "NoncurrentVersionExpiration"
    ]
