import json
import re

import pytest
from msgspec.structs import replace

from stacks.cdn import DEFAULT_AVATAR, SITE_FUNCTION
from tests.stacks.templates import config_of, emit, statements, text

DISTRIBUTION = "AWS::CloudFront::Distribution"


@pytest.fixture
def cdn(emitted):
    return emitted["cdn"]


@pytest.fixture
def site(cdn):
    return distribution(cdn, "Site")


@pytest.fixture
def assets(cdn):
    return distribution(cdn, "Assets")


def with_cdn(**changes):
    """The layers of prod with some settings of this one changed."""
    config = config_of("prod")
    return emit(replace(config, cdn=replace(config.cdn, **changes)))


def distribution(cdn, title):
    """What the distribution *title* does."""
    return cdn.of(DISTRIBUTION)[title]["DistributionConfig"]


def behaviours(config):
    """Every behaviour of a distribution."""
    return [config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])]


def policy(cdn, title):
    """The statements of a bucket's policy, but for the one on TLS."""
    named = statements(cdn.of("AWS::S3::BucketPolicy")[title]["PolicyDocument"])
    return {sid: one for sid, one in named.items() if sid != "DenyInsecureTransport"}


def security(cdn, title):
    """The security headers that the policy *title* adds."""
    headers = cdn.of("AWS::CloudFront::ResponseHeadersPolicy")[title]
    return headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]


def content_policy(cdn, title):
    """What a page may load and from where, by directive."""
    said = security(cdn, title)["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    said, _ = said["Fn::Sub"] if isinstance(said, dict) else (said, {})
    return {one.split()[0]: one.split()[1:] for one in said.split("; ")}


# --- both distributions ---------------------------------------------------------------------


def test_each_name_leads_to_one_distribution_over_ipv4_and_ipv6(cdn, config):
    """The domain and www. to the site, assets. to the pictures; all in the hosted zone."""
    records = {
        (one["Name"], one["Type"]): one["AliasTarget"]["DNSName"]["Fn::GetAtt"][0]
        for one in cdn.of("AWS::Route53::RecordSet").values()
    }

    domain = config.env.domain
    hosts = {domain: "Site", f"www.{domain}": "Site", f"assets.{domain}": "Assets"}
    assert {
        (host, type_): title for host, title in hosts.items() for type_ in ("A", "AAAA")
    } == records
    for title in ("Site", "Assets"):
        aliases = distribution(cdn, title)["Aliases"]
        assert [host for host, led in hosts.items() if led == title] == aliases
        assert distribution(cdn, title)["IPV6Enabled"] is True


def test_the_certificate_comes_from_us_east_1(cdn, config):
    """As a parameter: the deployer fills it, and sees when it is replaced."""
    source = cdn.stack.parameters["EdgeCertificateArn"]

    assert (f"crd-{config.env.name}-edge-certificate", "us-east-1", "Arn") == (
        source.stack,
        source.region,
        source.output,
    )
    for title in ("Site", "Assets"):
        assert {
            "AcmCertificateArn": {"Ref": "EdgeCertificateArn"},
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        } == distribution(cdn, title)["ViewerCertificate"]


def test_nothing_is_served_in_the_clear_or_without_headers(site, assets):
    """And nobody sends anything: pictures and files are read."""
    for behaviour in [*behaviours(site), *behaviours(assets)]:
        assert "redirect-to-https" == behaviour["ViewerProtocolPolicy"]
        assert ["GET", "HEAD"] == behaviour["AllowedMethods"]
        assert behaviour["ResponseHeadersPolicyId"]
        assert behaviour["Compress"] is True


def test_queries_headers_and_cookies_do_not_reach_the_cache(cdn, site, assets):
    """Or anyone could fill it, and ask a bucket as often as they like."""
    managed = "658327ea-f89d-4fab-a63d-7e88639e58f6"
    cache = cdn.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    key = cache["ParametersInCacheKeyAndForwardedToOrigin"]

    assert [managed] == [one["CachePolicyId"] for one in behaviours(site)]
    assert [managed, {"Ref": "AvatarCache"}] == [one["CachePolicyId"] for one in behaviours(assets)]
    assert {"none"} == {
        key["CookiesConfig"]["CookieBehavior"],
        key["HeadersConfig"]["HeaderBehavior"],
        key["QueryStringsConfig"]["QueryStringBehavior"],
    }
    assert "OriginRequestPolicyId" not in text([site, assets])


def test_they_speak_the_newest_http(site, assets):
    """Where a browser does."""
    assert "http2and3" == site["HttpVersion"] == assets["HttpVersion"]


@pytest.mark.parametrize("price_class", ["PriceClass_100", "PriceClass_All"])
def test_where_they_are_served_from_is_a_setting(price_class):
    """The same for both."""
    cdn = with_cdn(price_class=price_class)["cdn"]

    assert {price_class} == {
        one["DistributionConfig"]["PriceClass"] for one in cdn.of(DISTRIBUTION).values()
    }


# --- who reads the buckets ------------------------------------------------------------------


def test_cloudfront_signs_all_that_it_asks_of_a_bucket(cdn, site, assets):
    """No bucket is public, none has the older access identity (defect 44)."""
    access = cdn.one("AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]

    assert ("s3", "always", "sigv4") == (
        access["OriginAccessControlOriginType"],
        access["SigningBehavior"],
        access["SigningProtocol"],
    )
    for origin in [*site["Origins"], *assets["Origins"]]:
        assert {"Fn::GetAtt": ["BucketAccess", "Id"]} == origin["OriginAccessControlId"]
        assert {"OriginAccessIdentity": ""} == origin["S3OriginConfig"]


@pytest.mark.parametrize(
    ("title", "reader"),
    [("SiteFilesPolicy", "Site"), ("PicturesPolicy", "Assets"), ("AvatarsPolicy", "Assets")],
)
def test_a_bucket_is_read_by_its_one_distribution(cdn, title, reader):
    """Not by every distribution of the account, nor by one of another."""
    allowed = policy(cdn, title)

    arn = f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{reader}}}"
    assert ["s3:GetObject"] == allowed["Read"]["Action"]
    for statement in allowed.values():
        assert {"Service": "cloudfront.amazonaws.com"} == statement["Principal"]
        assert {"StringEquals": {"aws:SourceArn": {"Fn::Sub": arn}}} == statement["Condition"]


def test_the_policies_are_of_the_buckets_of_the_assets(cdn, config):
    """Which stand in the stack below, and have no other policy."""
    buckets = {title: one["Bucket"] for title, one in cdn.of("AWS::S3::BucketPolicy").items()}

    stack = f"crd-{config.env.name}-assets"
    assert {
        "SiteFilesPolicy": {"Ref": "SiteFiles"},
        "PicturesPolicy": {"Fn::ImportValue": f"{stack}-Pictures"},
        "AvatarsPolicy": {"Fn::ImportValue": f"{stack}-Avatars"},
    } == buckets


# --- what is missing ------------------------------------------------------------------------


def test_s3_says_404_of_files_and_pictures_and_403_of_avatars(cdn):
    """404 is only for those who may list a bucket: that is how the two are told apart."""
    lists = {
        title
        for title in ("SiteFilesPolicy", "PicturesPolicy", "AvatarsPolicy")
        for statement in policy(cdn, title).values()
        if "s3:ListBucket" in statement["Action"]
    }

    assert {"SiteFilesPolicy", "PicturesPolicy"} == lists


def test_a_missing_avatar_is_the_default_one(assets):
    """And no other picture is: only avatars are answered with 403."""
    answers = {one["ErrorCode"]: one for one in assets["CustomErrorResponses"]}
    origins = {one["PathPattern"]: one["TargetOriginId"] for one in assets["CacheBehaviors"]}

    assert {"/avatars/*": "avatars"} == origins
    assert (200, DEFAULT_AVATAR) == (answers[403]["ResponseCode"], answers[403]["ResponsePagePath"])
    assert "ResponsePagePath" not in answers[404]


def test_the_default_avatar_is_not_an_avatar(assets):
    """It is read as our own pictures are, or it would be missing itself."""
    assert not any(
        DEFAULT_AVATAR.startswith(one["PathPattern"].rstrip("*"))
        for one in assets["CacheBehaviors"]
    )
    assert "pictures" == assets["DefaultCacheBehavior"]["TargetOriginId"]


def test_what_is_missing_is_looked_for_again_soon(site, assets):
    """A person who has just sent an avatar wants to see it."""
    assert {10} == {
        one["ErrorCachingMinTTL"]
        for one in [*site["CustomErrorResponses"], *assets["CustomErrorResponses"]]
    }


def test_an_avatar_is_kept_for_minutes(cdn, config):
    """Whatever headers it has: a new one has the same name (defect 75)."""
    cache = cdn.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]

    seconds = config.cdn.avatar_cache_seconds
    assert (0, seconds, seconds) == (cache["MinTTL"], cache["DefaultTTL"], cache["MaxTTL"])
    assert seconds <= 300


def test_nobody_is_shown_a_list_of_a_bucket(site, assets):
    """The root has a name: asked for the bucket itself, S3 would answer with what is in it."""
    assert "index.html" == site["DefaultRootObject"] == assets["DefaultRootObject"]


def test_a_missing_file_of_the_site_stays_missing(site):
    """The application is no answer to it (defect 46)."""
    (answer,) = site["CustomErrorResponses"]

    assert {"ErrorCode": 404, "ErrorCachingMinTTL": 10} == answer


# --- pages of the site ----------------------------------------------------------------------


def test_the_function_runs_before_the_cache(cdn, site):
    """Published by the stack, and small enough for CloudFront."""
    function = cdn.one("AWS::CloudFront::Function")

    assert [
        {
            "EventType": "viewer-request",
            "FunctionARN": {"Fn::GetAtt": ["SiteFunction", "FunctionARN"]},
        }
    ] == site["DefaultCacheBehavior"]["FunctionAssociations"]
    assert SITE_FUNCTION == function["FunctionCode"]
    assert function["AutoPublish"] is True
    assert "cloudfront-js-2.0" == function["FunctionConfig"]["Runtime"]
    assert len(SITE_FUNCTION.encode()) < 10_240


def ask_site(uri, host="cruddur.example", **query):
    """What the function makes of a request."""
    quickjs = pytest.importorskip("quickjs")
    request = {
        "method": "GET",
        "uri": uri,
        "headers": {"host": {"value": host}},
        "querystring": query,
    }
    context = quickjs.Context()
    context.eval(SITE_FUNCTION)
    event = json.dumps({"request": request})
    return json.loads(context.eval(f"JSON.stringify(handler({event}))"))


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("/", "/index.html"),
        ("/messages/new/bayko", "/index.html"),
        ("/@andrew.brown", "/index.html"),
        ("/@andrew.brown/status/4711", "/index.html"),
        ("/signin/", "/index.html"),
        ("/index.html", "/index.html"),
        ("/favicon.ico", "/favicon.ico"),
        ("/assets/index-4711.js", "/assets/index-4711.js"),
        ("/assets/@gone.js/main.css", "/assets/@gone.js/main.css"),
    ],
)
def test_pages_are_the_application_and_files_are_files(uri, asked):
    """A handle may have a dot in it; its page starts with @."""
    assert asked == ask_site(uri)["uri"]


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({}, "https://cruddur.example/search"),
        ({"term": {"value": "a%20b%26c"}}, "https://cruddur.example/search?term=a%20b%26c"),
        (
            {
                "a": {"value": "1", "multiValue": [{"value": "1"}, {"value": "2"}]},
                "b": {"value": ""},
            },
            "https://cruddur.example/search?a=1&a=2&b",
        ),
    ],
)
def test_www_leads_to_the_domain_and_keeps_path_and_query(query, location):
    """For ever (defect 45)."""
    answer = ask_site("/search", "www.cruddur.example", **query)

    assert 301 == answer["statusCode"]
    assert {"location": {"value": location}} == answer["headers"]


# --- what browsers are told -----------------------------------------------------------------


@pytest.mark.parametrize("title", ["SiteHeaders", "PictureHeaders"])
def test_browsers_stay_with_https_and_guess_nothing(cdn, title):
    """And show neither in a frame of others."""
    headers = security(cdn, title)

    assert 365 * 24 * 60 * 60 == headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"]
    assert "DENY" == headers["FrameOptions"]["FrameOption"]
    assert "strict-origin-when-cross-origin" == headers["ReferrerPolicy"]["ReferrerPolicy"]
    assert headers["ContentTypeOptions"]["Override"] is True
    assert ["'none'"] == content_policy(cdn, title)["frame-ancestors"]


def test_the_site_runs_its_own_scripts_only(cdn):
    """None that stands in the page itself, none of others."""
    content = content_policy(cdn, "SiteHeaders")

    assert ["'none'"] == content["default-src"]
    assert ["'self'"] == content["script-src"] == content["style-src"]
    assert not re.search("unsafe|[^:]\\*", text(content))


def test_the_site_talks_to_the_apis_to_cognito_and_to_its_uploads(cdn, config):
    """And to whom the configuration names besides; pictures are those of assets."""
    content = content_policy(cdn, "SiteHeaders")

    assert [
        "'self'",
        f"api.{config.env.domain}:*",
        "https://cognito-idp.${AWS::Region}.amazonaws.com",
        "https://${AvatarApi}",
        "https://${Uploads}",
        *config.cdn.also_connects_to,
    ] == content["connect-src"]
    assert ["'self'", "data:", "blob:", f"assets.{config.env.domain}:*"] == content["img-src"]


def test_where_to_upload_is_what_the_avatars_say(cdn, config):
    """AWS names both: they are known when they are there (defect 78)."""
    said = security(cdn, "SiteHeaders")["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    _, hosts = said["Fn::Sub"]

    stack = f"crd-{config.env.name}-avatars"
    assert {
        "AvatarApi": {"Fn::ImportValue": f"{stack}-ApiDomain"},
        "Uploads": {"Fn::ImportValue": f"{stack}-UploadsDomain"},
    } == hosts


def test_a_picture_does_nothing(cdn):
    """Even one that is a page in disguise."""
    content = content_policy(cdn, "PictureHeaders")

    assert {"default-src": ["'none'"], "frame-ancestors": ["'none'"], "sandbox": []} == content


# --- what others need -----------------------------------------------------------------------


def test_the_release_of_the_site_has_what_it_needs(cdn):
    """A bucket, and what has to hear that something changed (defect 49)."""
    assert {
        "SiteBucket",
        "SiteDistribution",
        "SiteDistributionArn",
        "AssetsDistribution",
        "AssetsDistributionArn",
    } == set(cdn.template["Outputs"])


def test_a_file_that_was_replaced_can_be_brought_back(cdn, config):
    """For as long as the setting says."""
    bucket = cdn.one("AWS::S3::Bucket")
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert {"Status": "Enabled"} == bucket["VersioningConfiguration"]
    assert {"NoncurrentDays": config.cdn.replaced_file_days} == rules["replaced-files"][
        "NoncurrentVersionExpiration"
    ]
