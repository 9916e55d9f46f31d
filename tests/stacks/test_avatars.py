"""The upload API, the bucket of uploads, and the functions that process avatars."""

import json
import re

import pytest
from msgspec.structs import replace

from stacks.avatars import AVATAR_FOLDER, ROUTE, UPLOAD_FOLDER
from tests.stacks.templates import CODE, config_of, emit, statements, text

FUNCTION = "AWS::Lambda::Function"
BUCKET_SUFFIX = "${AWS::AccountId}-${AWS::Region}-an"  # The end of each bucket name.


@pytest.fixture
def avatars(emitted):
    return emitted["avatars"]


@pytest.fixture
def api(avatars):
    return avatars.one("AWS::ApiGatewayV2::Api")


@pytest.fixture
def stage(avatars):
    return avatars.one("AWS::ApiGatewayV2::Stage")


@pytest.fixture
def uploads(avatars):
    return avatars.one("AWS::S3::Bucket")


@pytest.fixture
def bucket_arn(config):
    """Return the ARN that the upload bucket will have."""
    return f"arn:${{AWS::Partition}}:s3:::crd-{config.env.name}-uploads-{BUCKET_SUFFIX}"


def with_avatars(**changes):
    """Return the stack in prod with some of its settings changed."""
    config = config_of("prod")
    return emit(replace(config, avatars=replace(config.avatars, **changes)))["avatars"]


def permissions(avatars, title):
    """Return the statements of the role of the function *title* by statement id."""
    (policy,) = avatars.of("AWS::IAM::Role")[f"{title}Role"]["Policies"]
    return statements(policy["PolicyDocument"])


def environment(avatars, title):
    """Return the environment variables of the function *title*."""
    return avatars.of(FUNCTION)[title]["Environment"]["Variables"]


def test_reserved_concurrency_is_a_setting(avatars):
    """Only the thumbnail function has reserved concurrency, and only if config sets it."""
    assert {
        function.get("ReservedConcurrentExecutions") for function in avatars.of(FUNCTION).values()
    } == {None}
    reserved = with_avatars(thumbnail_concurrency=20).of(FUNCTION)
    assert reserved.pop("Thumbnail")["ReservedConcurrentExecutions"] == 20
    assert not any("ReservedConcurrentExecutions" in function for function in reserved.values())


# --- the API ----------------------------------------------------------------------------------


def test_the_only_route_has_the_authorizer(avatars):
    """The only route has the authorizer; the API itself responds to OPTIONS (defect 59)."""
    route = avatars.one("AWS::ApiGatewayV2::Route")

    assert ROUTE == route["RouteKey"] == "POST /avatars/key_upload"
    assert route["AuthorizationType"] == "CUSTOM"
    assert route["AuthorizerId"] == {"Ref": "TokenAuthorizer"}
    assert route["Target"] == {"Fn::Sub": "integrations/${UploadUrlIntegration}"}


def test_the_authorizer_has_no_cache(avatars):
    """Results are not cached: a cached one would outlive its token (defect 65)."""
    authorizer = avatars.one("AWS::ApiGatewayV2::Authorizer")

    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert (
        authorizer["AuthorizerType"],
        authorizer["AuthorizerPayloadFormatVersion"],
        authorizer["EnableSimpleResponses"],
    ) == ("REQUEST", "2.0", True)


def test_authorizer_and_integration_invoke_their_functions(avatars):
    """API Gateway invokes a function by the URI of its Lambda path."""
    path = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        "${%s.Arn}/invocations"
    )

    authorizer_uri = avatars.one("AWS::ApiGatewayV2::Authorizer")["AuthorizerUri"]
    integration = avatars.one("AWS::ApiGatewayV2::Integration")

    assert {"Fn::Sub": path % "Authorizer"} == authorizer_uri
    assert {"Fn::Sub": path % "UploadUrl"} == integration["IntegrationUri"]
    assert (
        integration["IntegrationType"],
        integration["PayloadFormatVersion"],
    ) == ("AWS_PROXY", "2.0")


def test_cors_allows_the_site_only(api, uploads, config):
    """The origin of the site has no trailing slash (defects 63, 72)."""
    site = f"https://{config.env.domain}"
    (rule,) = uploads["CorsConfiguration"]["CorsRules"]

    assert [site] == api["CorsConfiguration"]["AllowOrigins"] == rule["AllowedOrigins"]
    assert api["CorsConfiguration"]["AllowMethods"] == ["POST"]
    assert api["CorsConfiguration"]["AllowHeaders"] == ["authorization", "content-type"]
    assert (rule["AllowedMethods"], rule["AllowedHeaders"]) == (["PUT"], ["content-type"])


@pytest.mark.parametrize("rate", [1, 20])
def test_requests_are_throttled(rate):
    """The rate is a setting, and the burst limit is twice the rate."""
    stage = with_avatars(requests_per_second=rate).one("AWS::ApiGatewayV2::Stage")

    routes = stage["DefaultRouteSettings"]

    assert (rate, 2 * rate) == (routes["ThrottlingRateLimit"], routes["ThrottlingBurstLimit"])


def test_access_logs_are_json_and_expire(avatars, stage, config):
    """Each request is one line of JSON."""
    group = avatars.of("AWS::Logs::LogGroup")["ApiLogGroup"]
    settings = stage["AccessLogSettings"]

    assert settings["DestinationArn"] == {"Fn::GetAtt": ["ApiLogGroup", "Arn"]}
    assert config.functions.log_retention_days == group["RetentionInDays"]
    assert {"requestId", "route", "status"} <= json.loads(settings["Format"]).keys()


def test_access_logs_do_not_identify_callers(stage):
    """A line of the log has no token, user or IP address (defect 62)."""
    fields = set(re.findall(r"\$context\.[\w.]+", stage["AccessLogSettings"]["Format"]))

    assert fields
    assert not [
        field for field in fields if re.search(r"identity|claims|\.sub|header|principal", field)
    ]


def test_the_default_stage_deploys_changes(stage):
    """The URL has no stage, and changes of the API are deployed automatically."""
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)


@pytest.mark.parametrize(
    ("permission", "source"),
    [
        ("AuthorizerInvokePermission", "authorizers/${TokenAuthorizer}"),
        ("UploadUrlInvokePermission", "*/POST/avatars/key_upload"),
    ],
)
def test_only_this_api_invokes_its_functions(avatars, permission, source):
    """The authorizer and the route of the API invoke one function each."""
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"

    properties = avatars.of("AWS::Lambda::Permission")[permission]

    assert properties["SourceArn"] == {"Fn::Sub": f"{api}/{source}"}


# --- the bucket of uploads --------------------------------------------------------------------


def test_uploads_expire_with_the_events_that_need_them(uploads):
    """Uploads are kept as long as the dead-letter queue keeps the event of a failure (defect 72)."""
    rules = {rule["Id"]: rule for rule in uploads["LifecycleConfiguration"]["Rules"]}

    assert set(rules) == {"expire-uploads", "incomplete-uploads"}
    expected = {"Id": "expire-uploads", "Status": "Enabled", "ExpirationInDays": 14}
    assert expected == rules["expire-uploads"]
    assert "VersioningConfiguration" not in uploads


def test_the_bucket_name_is_predictable(uploads, config):
    """The name is known before the bucket exists, for function and permission (defect 71)."""
    assert uploads["BucketNamePrefix"] == f"crd-{config.env.name}-uploads"
    assert uploads["BucketNamespace"] == "account-regional"


def test_each_upload_invokes_the_function_once(uploads):
    """Only new objects below originals/ invoke the function (defects 70, 73)."""
    (notification,) = uploads["NotificationConfiguration"]["LambdaConfigurations"]

    assert set(uploads["NotificationConfiguration"]) == {"LambdaConfigurations"}
    assert notification["Event"] == "s3:ObjectCreated:*"
    assert notification["Function"] == {"Fn::GetAtt": ["Thumbnail", "Arn"]}
    assert notification["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "originals/"}]


def test_the_bucket_depends_on_the_invoke_permission(avatars):
    """The bucket is created after the permission, which S3 checks."""
    assert avatars.template["Resources"]["UploadBucket"]["DependsOn"] == "ThumbnailInvokePermission"


def test_only_the_upload_bucket_invokes_the_thumbnail(avatars, bucket_arn):
    """The permission names bucket and account: the ARN of a bucket has no account."""
    permission = avatars.of("AWS::Lambda::Permission")["ThumbnailInvokePermission"]

    assert {"Fn::Sub": bucket_arn} == permission["SourceArn"]
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_thumbnails_are_written_to_another_bucket(avatars, bucket_arn, config):
    """Function and trigger have different buckets, so it does not invoke itself (defect 71)."""
    variables = environment(avatars, "Thumbnail")
    stack = f"crd-{config.env.name}-assets"

    writes = permissions(avatars, "Thumbnail")["WriteAvatars"]

    assert {"Fn::Sub": bucket_arn.rpartition(":::")[2]} == variables["UPLOADS_BUCKET_NAME"]
    assert variables["AVATARS_BUCKET_NAME"] == {"Fn::ImportValue": f"{stack}-AvatarBucket"}
    assert writes["Action"] == ["s3:PutObject"]
    assert writes["Resource"] == [
        {
            "Fn::Sub": [
                "${Bucket}/avatars/*",
                {"Bucket": {"Fn::ImportValue": f"{stack}-AvatarBucketArn"}},
            ]
        }
    ]


def test_folders_match_the_code_of_the_functions():
    """The role and the code use the same folders (defect 67)."""
    source = (CODE.root / "lambdas/shared/avatars.py").read_text()

    assert f'UPLOADS, AVATARS = "{UPLOAD_FOLDER}", "{AVATAR_FOLDER}"' in source


# --- the functions ----------------------------------------------------------------------------


def test_the_thumbnail_reads_and_lists_uploads(avatars, bucket_arn):
    """The function may list uploads; otherwise a missing one would be 403 instead of 404."""
    allowed = permissions(avatars, "Thumbnail")
    bucket = {"Fn::Sub": bucket_arn}

    reads, lists = allowed["ReadUploads"], allowed["ListUploads"]

    assert [{"Fn::Sub": ["${Bucket}/originals/*", {"Bucket": bucket}]}] == reads["Resource"]
    assert (["s3:ListBucket"], [bucket]) == (lists["Action"], lists["Resource"])


def test_a_presigned_url_can_only_write_uploads(avatars):
    """A presigned request has the permissions of the function that signed it (defect 60)."""
    upload = permissions(avatars, "UploadUrl")["WriteUploads"]

    bucket = {"Fn::GetAtt": ["UploadBucket", "Arn"]}
    assert upload["Action"] == ["s3:PutObject"]
    assert [{"Fn::Sub": ["${Bucket}/originals/*", {"Bucket": bucket}]}] == upload["Resource"]


@pytest.mark.parametrize("title", ["Thumbnail", "UploadUrl"])
def test_buckets_are_those_of_this_account(avatars, title):
    """Access to buckets of other accounts is not allowed, whatever their names are."""
    condition = {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}

    conditions = [
        statement.get("Condition")
        for statement in permissions(avatars, title).values()
        if any(action.startswith("s3:") for action in statement["Action"])
    ]

    assert conditions
    assert [condition] * len(conditions) == conditions


def test_the_authorizer_has_pool_and_client(avatars, config):
    """The authorizer accepts only tokens of this user pool and client (defects 31, 59)."""
    stack = f"crd-{config.env.name}-users"

    assert environment(avatars, "Authorizer") == {
        "USER_POOL_ID": {"Fn::ImportValue": f"{stack}-Pool"},
        "CLIENT_ID": {"Fn::ImportValue": f"{stack}-Client"},
    }


@pytest.mark.parametrize("mib", [1, 25])
def test_the_upload_limit_is_a_setting(mib):
    """The functions for upload URLs and thumbnails have the limit in config (defect 61)."""
    avatars = with_avatars(upload_limit_mib=mib)

    limits = {
        title: environment(avatars, title)["UPLOAD_LIMIT_BYTES"]
        for title in ("Thumbnail", "UploadUrl")
    }

    assert {"Thumbnail": str(mib * 1024**2), "UploadUrl": str(mib * 1024**2)} == limits


def test_a_failed_thumbnail_is_retried_twice(avatars):
    """A failed invocation is retried twice, within an hour (defect 70)."""
    retries = avatars.one("AWS::Lambda::EventInvokeConfig")

    assert (
        retries["MaximumRetryAttempts"],
        retries["MaximumEventAgeInSeconds"],
        retries["Qualifier"],
    ) == (2, 3600, "$LATEST")


# --- outputs -------------------------------------------------------------------------


def test_outputs(avatars):
    """The outputs are those that pages, operators and alarms use (defect 78)."""
    outputs = {name: output["Value"] for name, output in avatars.template["Outputs"].items()}

    assert outputs == {
        "Api": {"Ref": "Api"},
        "ApiDomain": {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.amazonaws.com"},
        "UploadBucket": {"Ref": "UploadBucket"},
        "UploadBucketDomain": {"Fn::GetAtt": ["UploadBucket", "RegionalDomainName"]},
        "Authorizer": {"Ref": "Authorizer"},
        "UploadUrl": {"Ref": "UploadUrl"},
        "Thumbnail": {"Ref": "Thumbnail"},
        "DeadLetterQueue": {"Fn::GetAtt": ["ThumbnailDeadLetterQueue", "QueueName"]},
    }


def test_templates_do_not_contain_user_ids(avatars):
    """Functions derive avatar ids from `sub`, so no template contains a `sub`."""
    assert "sub}" not in text(avatars.template)
