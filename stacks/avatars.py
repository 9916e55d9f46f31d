"""How a person gets a picture: an address to upload to, and what becomes of what is uploaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from awacs import s3 as storage
from awacs.aws import Condition, Statement, StringEquals
from troposphere import AccountId, Sub, apigatewayv2, awslambda, s3, sqs
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.assets import Assets
from stacks.foundation import Foundation
from stacks.monitored_outputs import DeadLetterQueueName, FunctionName
from stacks.parts.buckets import bucket_arn, bucket_name, objects, private_bucket
from stacks.parts.functions import FunctionFactory, Functions, allow_invoke
from stacks.parts.iam import allow
from stacks.parts.names import resource_name
from stacks.parts.queues import allow_send, dead_letter_queue
from stacks.parts.retention import retention_policies
from stacks.users import Users

UPLOADS = "uploads"
UPLOAD_FOLDER, AVATAR_FOLDER = "originals/", "avatars/"  # As in lambdas/shared/avatars.py.
ROUTE = "POST /avatars/key_upload"

# Of its blocks of 16 MB, Pillow keeps two for the next picture: new ones cost a tenth of its time.
# https://pillow.readthedocs.io/en/stable/reference/block_allocator.html
PILLOW = {"PILLOW_BLOCKS_MAX": "2"}

# What is worth knowing of a call, and nothing of who the caller is.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.messageString",
    "authorizer": "$context.authorizer.error",
    "integration": "$context.integrationErrorMessage",
}


class Settings(fields.Settings, frozen=True):
    """The `[avatars]` table."""

    upload_limit_mib: Annotated[int, fields.described("1 to 25 MiB", ge=1, le=25)]
    calls_per_second: Annotated[int, fields.described("1 to 1000 calls a second", ge=1, le=1000)]
    pictures_at_once: (
        Annotated[int, fields.described("1 to 1000 pictures", ge=1, le=1000)] | None
    ) = None

    @property
    def upload_limit_bytes(self) -> int:
        """The largest upload."""
        return self.upload_limit_mib * 1024 * 1024


@dataclass(frozen=True)
class Avatars:
    """Where pages ask for an address and upload to, and what has to be watched.

    *failures* is the queue of pictures that were given up on.
    """

    api: Value
    api_domain: Value
    uploads: Value
    uploads_domain: Value
    authorizer: FunctionName
    upload_url: FunctionName
    thumbnail: FunctionName
    failures: DeadLetterQueueName


def define(
    t: Template,
    env: Env,
    settings: Settings,
    functions: Functions,
    base: Foundation,
    *,
    users: Users,
    assets: Assets,
) -> Avatars:
    """An API with one route, a bucket for what comes, and three functions.

    browser → API → authorizer, upload_url → signed address → uploads bucket → thumbnail →
    the bucket of avatars, which is another one: what comes out never starts anything here.
    """
    factory = functions.factory(t, env, base)
    queue = dead_letter_queue(t, "Failures", env)
    thumbnail = _thumbnail(factory, settings, assets, queue)
    uploads = _uploads(t, env, thumbnail)
    authorizer = factory.function(
        "Authorizer",
        code="authorizer",
        timeout_seconds=5,
        memory_mb=512,
        variables={"USER_POOL_ID": users.pool, "CLIENT_ID": users.client},
        statements=[],
    )
    upload_url = _upload_url(factory, settings, uploads)
    days = functions.settings.log_retention_days
    api = _api(t, env, settings, authorizer=authorizer, upload_url=upload_url, days=days)
    return Avatars(
        api=api.ref(),
        api_domain=Sub(f"${{{api.title}}}.execute-api.${{AWS::Region}}.amazonaws.com"),
        uploads=uploads.ref(),
        uploads_domain=uploads.get_att("RegionalDomainName"),
        authorizer=authorizer.ref(),
        upload_url=upload_url.ref(),
        thumbnail=thumbnail.ref(),
        failures=queue.get_att("QueueName"),
    )


def _thumbnail(
    factory: FunctionFactory, settings: Settings, assets: Assets, queue: sqs.Queue
) -> awslambda.Function:
    """It waits for no bucket, since the bucket waits for it: see `bucket_arn`."""
    uploads = bucket_arn(factory.env, UPLOADS)
    thumbnail = factory.function(
        "Thumbnail",
        code="thumbnail",
        timeout_seconds=60,
        memory_mb=1024,
        variables={
            "UPLOADS_BUCKET_NAME": bucket_name(factory.env, UPLOADS),
            "AVATARS_BUCKET_NAME": assets.avatars,
            "UPLOAD_LIMIT_BYTES": str(settings.upload_limit_bytes),
            **PILLOW,
        },
        statements=[
            _may("ReadOriginals", storage.GetObject, objects(uploads, f"{UPLOAD_FOLDER}*")),
            _may("SeeWhatIsGone", storage.ListBucket, uploads),  # Else S3 says 403 of it, not 404.
            _may(
                "WritePictures", storage.PutObject, objects(assets.avatars_arn, f"{AVATAR_FOLDER}*")
            ),
            allow_send(queue),
        ],
    )
    if settings.pictures_at_once:
        thumbnail.ReservedConcurrentExecutions = settings.pictures_at_once
    factory.t.add_resource(
        awslambda.EventInvokeConfig(
            "ThumbnailRetries",
            FunctionName=thumbnail.ref(),
            Qualifier="$LATEST",
            MaximumRetryAttempts=2,
            MaximumEventAgeInSeconds=3600,
            DestinationConfig=awslambda.DestinationConfig(
                OnFailure=awslambda.OnFailure(Destination=queue.get_att("Arn"))
            ),
        )
    )
    return thumbnail


def _uploads(t: Template, env: Env, thumbnail: awslambda.Function) -> s3.Bucket:
    """What people upload, for a day: the picture is all that is wanted of it."""
    call = allow_invoke(t, thumbnail, "s3", bucket_arn(env, UPLOADS), SourceAccount=AccountId)
    originals = s3.S3Key(Rules=[s3.Rules(Name="prefix", Value=UPLOAD_FOLDER)])
    bucket, _ = private_bucket(
        t,
        "Uploads",
        env=env,
        name=UPLOADS,
        lifecycle=[s3.LifecycleRule(Id="originals", Status="Enabled", ExpirationInDays=1)],
        CorsConfiguration=s3.CorsConfiguration(
            CorsRules=[
                s3.CorsRules(
                    AllowedOrigins=[_site(env)],
                    AllowedMethods=["PUT"],
                    AllowedHeaders=["content-type"],
                    MaxAge=3600,
                )
            ]
        ),
        NotificationConfiguration=s3.NotificationConfiguration(
            LambdaConfigurations=[
                s3.LambdaConfigurations(
                    Event="s3:ObjectCreated:*",
                    Filter=s3.Filter(S3Key=originals),
                    Function=thumbnail.get_att("Arn"),
                )
            ]
        ),
        DependsOn=call,  # S3 tries the function when it is told of it.
    )
    return bucket


def _upload_url(
    factory: FunctionFactory, settings: Settings, uploads: s3.Bucket
) -> awslambda.Function:
    """What it signs is done with its own rights, so it has the right to upload."""
    return factory.function(
        "UploadUrl",
        code="upload_url",
        timeout_seconds=5,
        memory_mb=256,
        variables={
            "UPLOADS_BUCKET_NAME": uploads.ref(),
            "UPLOAD_LIMIT_BYTES": str(settings.upload_limit_bytes),
        },
        statements=[
            _may("Upload", storage.PutObject, objects(uploads.get_att("Arn"), f"{UPLOAD_FOLDER}*"))
        ],
    )


def _may(sid: str, action: storage.Action, resource: Value) -> Statement:
    ours = Condition(StringEquals({"aws:ResourceAccount": AccountId}))
    return allow(sid, [action], resource, condition=ours)


def _api(
    t: Template,
    env: Env,
    settings: Settings,
    *,
    authorizer: awslambda.Function,
    upload_url: awslambda.Function,
    days: int,
) -> apigatewayv2.Api:
    """Browsers may call from the site only; what they ask before that, the API answers itself."""
    api = t.add_resource(
        apigatewayv2.Api(
            "Api",
            Name=resource_name(env, "avatars"),
            ProtocolType="HTTP",
            CorsConfiguration=apigatewayv2.Cors(
                AllowOrigins=[_site(env)],
                AllowMethods=["POST"],
                AllowHeaders=["authorization", "content-type"],
                MaxAge=3600,
            ),
        )
    )
    t.add_resource(
        apigatewayv2.Route(
            "KeyUpload",
            ApiId=api.ref(),
            RouteKey=ROUTE,
            AuthorizationType="CUSTOM",
            AuthorizerId=_authorizer(t, api, authorizer).ref(),
            Target=Sub(f"integrations/${{{_integration(t, api, upload_url).title}}}"),
        )
    )
    _stage(t, env, settings, api, days=days)
    return api


def _authorizer(
    t: Template, api: apigatewayv2.Api, function: awslambda.Function
) -> apigatewayv2.Authorizer:
    """Asked for every call: an answer that is remembered would outlive a token."""
    authorizer = t.add_resource(
        apigatewayv2.Authorizer(
            "Tokens",
            ApiId=api.ref(),
            Name="tokens",
            AuthorizerType="REQUEST",
            AuthorizerUri=_invocation(function),
            AuthorizerPayloadFormatVersion="2.0",
            EnableSimpleResponses=True,
            IdentitySource=["$request.header.Authorization"],
            AuthorizerResultTtlInSeconds=0,
        )
    )
    source = _execution(api, f"authorizers/${{{authorizer.title}}}")
    allow_invoke(t, function, "apigateway", source)
    return authorizer


def _integration(
    t: Template, api: apigatewayv2.Api, function: awslambda.Function
) -> apigatewayv2.Integration:
    allow_invoke(t, function, "apigateway", _execution(api, f"*/{ROUTE.replace(' ', '')}"))
    return t.add_resource(
        apigatewayv2.Integration(
            "UploadUrlIntegration",
            ApiId=api.ref(),
            IntegrationType="AWS_PROXY",
            IntegrationUri=_invocation(function),
            PayloadFormatVersion="2.0",
        )
    )


def _stage(t: Template, env: Env, settings: Settings, api: apigatewayv2.Api, *, days: int) -> None:
    group = t.add_resource(LogGroup("ApiLogs", RetentionInDays=days, **retention_policies(env)))
    t.add_resource(
        apigatewayv2.Stage(
            "Stage",
            ApiId=api.ref(),
            StageName="$default",
            AutoDeploy=True,
            AccessLogSettings=apigatewayv2.AccessLogSettings(
                DestinationArn=group.get_att("Arn"), Format=json.dumps(ACCESS_LOG)
            ),
            DefaultRouteSettings=apigatewayv2.RouteSettings(
                ThrottlingRateLimit=settings.calls_per_second,
                ThrottlingBurstLimit=2 * settings.calls_per_second,
                DetailedMetricsEnabled=True,
            ),
        )
    )


def _invocation(function: awslambda.Function) -> Sub:
    """How API Gateway names a function that it calls."""
    return Sub(
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"${{{function.title}.Arn}}/invocations"
    )


def _execution(api: apigatewayv2.Api, of: str) -> Sub:
    """The ARN of what an API does when it is called."""
    return Sub(
        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
        f"${{{api.title}}}/{of}"
    )


def _site(env: Env) -> str:
    return f"https://{env.domain}"
