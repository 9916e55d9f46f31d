import json
import re

import pytest
from msgspec.structs import replace

from stacks.avatars import AVATAR_FOLDER, ROUTE, UPLOAD_FOLDER
from tests.stacks.templates import CODE, config_of, emit, statements, text

FUNCTION = "AWS::Lambda::Function"
HERE = "${AWS::AccountId}-${AWS::Region}-an"  # How the name of every bucket ends.


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
    """The ARN that the uploads bucket will have."""
    return f"arn:${{AWS::Partition}}:s3:::crd-{config.env.name}-uploads-{HERE}"


def with_avatars(**changes):
    """The layer of prod with some of its settings changed."""
    config = config_of("prod")
    return emit(replace(config, avatars=replace(config.avatars, **changes)))["avatars"]


def may(avatars, title):
    """What the function *title* may do, by the name of the statement."""
    (policy,) = avatars.of("AWS::IAM::Role")[f"{title}Role"]["Policies"]
    return statements(policy["PolicyDocument"])


def environment(avatars, title):
    """What the function *title* is told."""
    return avatars.of(FUNCTION)[title]["Environment"]["Variables"]


def test_uploads_leave_calls_for_others(avatars):
    """Where config says how many: a new account has none to reserve."""
    assert {None} == {
        one.get("ReservedConcurrentExecutions") for one in avatars.of(FUNCTION).values()
    }
    reserved = with_avatars(pictures_at_once=20).of(FUNCTION)
    assert 20 == reserved.pop("Thumbnail")["ReservedConcurrentExecutions"]
    assert not any("ReservedConcurrentExecutions" in one for one in reserved.values())


# --- the API ----------------------------------------------------------------------------------


def test_the_one_route_asks_who_you_are(avatars):
    """There is no other, and none for OPTIONS: the API answers those itself (defect 59)."""
    route = avatars.one("AWS::ApiGatewayV2::Route")

    assert ROUTE == route["RouteKey"] == "POST /avatars/key_upload"
    assert "CUSTOM" == route["AuthorizationType"]
    assert {"Ref": "Tokens"} == route["AuthorizerId"]
    assert {"Fn::Sub": "integrations/${UploadUrlIntegration}"} == route["Target"]


def test_every_call_is_checked_anew(avatars):
    """An answer that is remembered would outlive its token (defect 65)."""
    authorizer = avatars.one("AWS::ApiGatewayV2::Authorizer")

    assert 0 == authorizer["AuthorizerResultTtlInSeconds"]
    assert ["$request.header.Authorization"] == authorizer["IdentitySource"]
    assert ("REQUEST", "2.0", True) == (
        authorizer["AuthorizerType"],
        authorizer["AuthorizerPayloadFormatVersion"],
        authorizer["EnableSimpleResponses"],
    )


def test_tokens_are_checked_and_addresses_signed_by_our_functions(avatars):
    """API Gateway knows them by the address that Lambda answers on."""
    path = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        "${%s.Arn}/invocations"
    )

    checked = avatars.one("AWS::ApiGatewayV2::Authorizer")["AuthorizerUri"]
    integration = avatars.one("AWS::ApiGatewayV2::Integration")

    assert {"Fn::Sub": path % "Authorizer"} == checked
    assert {"Fn::Sub": path % "UploadUrl"} == integration["IntegrationUri"]
    assert ("AWS_PROXY", "2.0") == (
        integration["IntegrationType"],
        integration["PayloadFormatVersion"],
    )


def test_pages_of_the_site_may_call_and_no_others(api, uploads, config):
    """Without a slash behind, which would be nobody's origin (defects 63, 72)."""
    site = f"https://{config.env.domain}"
    (rule,) = uploads["CorsConfiguration"]["CorsRules"]

    assert [site] == api["CorsConfiguration"]["AllowOrigins"] == rule["AllowedOrigins"]
    assert ["POST"] == api["CorsConfiguration"]["AllowMethods"]
    assert ["authorization", "content-type"] == api["CorsConfiguration"]["AllowHeaders"]
    assert (["PUT"], ["content-type"]) == (rule["AllowedMethods"], rule["AllowedHeaders"])


@pytest.mark.parametrize("calls", [1, 20])
def test_only_so_many_calls_are_let_in(calls):
    """A setting; twice as many for a moment."""
    stage = with_avatars(calls_per_second=calls).one("AWS::ApiGatewayV2::Stage")

    routes = stage["DefaultRouteSettings"]

    assert (calls, 2 * calls) == (routes["ThrottlingRateLimit"], routes["ThrottlingBurstLimit"])


def test_calls_are_logged_and_logs_expire(avatars, stage, config):
    """One line of JSON a call."""
    group = avatars.of("AWS::Logs::LogGroup")["ApiLogs"]
    settings = stage["AccessLogSettings"]

    assert {"Fn::GetAtt": ["ApiLogs", "Arn"]} == settings["DestinationArn"]
    assert config.functions.log_retention_days == group["RetentionInDays"]
    assert {"requestId", "route", "status"} <= json.loads(settings["Format"]).keys()


def test_a_log_line_says_nothing_of_who_calls(stage):
    """Neither the token nor the person nor the address (defect 62)."""
    said = set(re.findall(r"\$context\.[\w.]+", stage["AccessLogSettings"]["Format"]))

    assert said
    assert not [one for one in said if re.search(r"identity|claims|\.sub|header|principal", one)]


def test_the_stage_takes_what_the_template_says(stage):
    """The default one, so that the address has no stage in it."""
    assert ("$default", True) == (stage["StageName"], stage["AutoDeploy"])


@pytest.mark.parametrize(
    ("permission", "source"),
    [
        ("AuthorizerInvokePermission", "authorizers/${Tokens}"),
        ("UploadUrlInvokePermission", "*/POST/avatars/key_upload"),
    ],
)
def test_a_function_is_called_for_this_api_only(avatars, permission, source):
    """By its authorizer, and by its route."""
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"

    call = avatars.of("AWS::Lambda::Permission")[permission]

    assert {"Fn::Sub": f"{api}/{source}"} == call["SourceArn"]


# --- the bucket of uploads --------------------------------------------------------------------


def test_an_original_is_gone_after_a_day(uploads):
    """The picture is all that is wanted of it (defect 72)."""
    rules = {rule["Id"]: rule for rule in uploads["LifecycleConfiguration"]["Rules"]}

    assert {"originals", "incomplete-uploads"} == set(rules)
    assert {"Id": "originals", "Status": "Enabled", "ExpirationInDays": 1} == rules["originals"]
    assert "VersioningConfiguration" not in uploads


def test_the_bucket_is_named_before_it_is_there(uploads, config):
    """Function and permission come first: each would wait for the other (defect 71)."""
    assert f"crd-{config.env.name}-uploads" == uploads["BucketNamePrefix"]
    assert "account-regional" == uploads["BucketNamespace"]


def test_each_original_is_told_of_once(uploads):
    """However it was uploaded, and nothing else in the bucket is (defects 70, 73)."""
    (told,) = uploads["NotificationConfiguration"]["LambdaConfigurations"]

    assert {"LambdaConfigurations"} == set(uploads["NotificationConfiguration"])
    assert "s3:ObjectCreated:*" == told["Event"]
    assert {"Fn::GetAtt": ["Thumbnail", "Arn"]} == told["Function"]
    assert [{"Name": "prefix", "Value": "originals/"}] == told["Filter"]["S3Key"]["Rules"]


def test_the_bucket_waits_until_it_may_call(avatars):
    """S3 tries the function when it is told of it."""
    assert "ThumbnailInvokePermission" == avatars.template["Resources"]["Uploads"]["DependsOn"]


def test_only_this_bucket_of_this_account_calls(avatars, bucket_arn):
    """A bucket's ARN has no account in it, and a deleted one can be anyone's tomorrow."""
    call = avatars.of("AWS::Lambda::Permission")["ThumbnailInvokePermission"]

    assert {"Fn::Sub": bucket_arn} == call["SourceArn"]
    assert {"Ref": "AWS::AccountId"} == call["SourceAccount"]


def test_nothing_goes_round(avatars, bucket_arn, config):
    """What the function writes is in another bucket, where nothing calls it (defect 71)."""
    told = environment(avatars, "Thumbnail")
    stack = f"crd-{config.env.name}-assets"

    writes = may(avatars, "Thumbnail")["WritePictures"]

    assert {"Fn::Sub": bucket_arn.rpartition(":::")[2]} == told["UPLOADS_BUCKET_NAME"]
    assert {"Fn::ImportValue": f"{stack}-Avatars"} == told["AVATARS_BUCKET_NAME"]
    assert ["s3:PutObject"] == writes["Action"]
    assert [
        {"Fn::Sub": ["${Bucket}/avatars/*", {"Bucket": {"Fn::ImportValue": f"{stack}-AvatarsArn"}}]}
    ] == writes["Resource"]


def test_keys_are_those_of_the_functions():
    """What a role may write and what the code writes stand in two places (defect 67)."""
    source = (CODE.root / "lambdas/shared/avatars.py").read_text()

    assert f'UPLOADS, AVATARS = "{UPLOAD_FOLDER}", "{AVATAR_FOLDER}"' in source


# --- the functions ----------------------------------------------------------------------------


def test_the_thumbnail_reads_originals(avatars, bucket_arn):
    """And may list them, or S3 would not say that one is gone, but that it is forbidden."""
    allowed = may(avatars, "Thumbnail")
    bucket = {"Fn::Sub": bucket_arn}

    reads, lists = allowed["ReadOriginals"], allowed["SeeWhatIsGone"]

    assert [{"Fn::Sub": ["${Bucket}/originals/*", {"Bucket": bucket}]}] == reads["Resource"]
    assert (["s3:ListBucket"], [bucket]) == (lists["Action"], lists["Resource"])


def test_an_address_is_good_for_an_original_only(avatars):
    """Whoever has it puts with the rights of the function that signed it (defect 60)."""
    upload = may(avatars, "UploadUrl")["Upload"]

    bucket = {"Fn::GetAtt": ["Uploads", "Arn"]}
    assert ["s3:PutObject"] == upload["Action"]
    assert [{"Fn::Sub": ["${Bucket}/originals/*", {"Bucket": bucket}]}] == upload["Resource"]


@pytest.mark.parametrize("title", ["Thumbnail", "UploadUrl"])
def test_buckets_are_those_of_this_account(avatars, title):
    """Whatever their names."""
    for statement in may(avatars, title).values():
        if any(action.startswith("s3:") for action in statement["Action"]):
            assert {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}} == (
                statement["Condition"]
            )


def test_the_authorizer_knows_whose_tokens_to_believe(avatars, config):
    """Those of the pool below, for its client (defects 31, 59)."""
    stack = f"crd-{config.env.name}-users"

    assert {
        "USER_POOL_ID": {"Fn::ImportValue": f"{stack}-Pool"},
        "CLIENT_ID": {"Fn::ImportValue": f"{stack}-Client"},
    } == environment(avatars, "Authorizer")


@pytest.mark.parametrize("mib", [1, 25])
def test_the_largest_upload_is_a_setting(mib):
    """Who signs an address and who reads the picture know the same one (defect 61)."""
    avatars = with_avatars(upload_limit_mib=mib)

    told = {
        title: environment(avatars, title)["UPLOAD_LIMIT_BYTES"]
        for title in ("Thumbnail", "UploadUrl")
    }

    assert {"Thumbnail": str(mib * 1024**2), "UploadUrl": str(mib * 1024**2)} == told


def test_a_picture_that_fails_is_tried_twice_again(avatars):
    """For an hour at most: by then the person has sent another one (defect 70)."""
    retries = avatars.one("AWS::Lambda::EventInvokeConfig")

    assert (2, 3600, "$LATEST") == (
        retries["MaximumRetryAttempts"],
        retries["MaximumEventAgeInSeconds"],
        retries["Qualifier"],
    )


# --- what others need -------------------------------------------------------------------------


def test_pages_learn_where_to_call_and_where_to_upload(avatars):
    """And what an operator uploads to, and the alarms watch (defect 78)."""
    outputs = {name: one["Value"] for name, one in avatars.template["Outputs"].items()}

    assert {
        "Api": {"Ref": "Api"},
        "ApiDomain": {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.amazonaws.com"},
        "Uploads": {"Ref": "Uploads"},
        "UploadsDomain": {"Fn::GetAtt": ["Uploads", "RegionalDomainName"]},
        "Authorizer": {"Ref": "Authorizer"},
        "UploadUrl": {"Ref": "UploadUrl"},
        "Thumbnail": {"Ref": "Thumbnail"},
        "Failures": {"Fn::GetAtt": ["Failures", "QueueName"]},
    } == outputs


def test_nothing_says_who_a_person_is(avatars):
    """Keys are avatar ids, which functions derive: no template has a pattern with `sub` in it."""
    assert "sub}" not in text(avatars.template)
