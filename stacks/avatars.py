"""Avatar uploads: an API for presigned URLs, an upload bucket, and a thumbnail function."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from awacs import s3 as s3_actions
from awacs.aws import Condition, Statement, StringEquals
from troposphere import AccountId, Sub, apigatewayv2, awslambda, s3, sqs
from troposphere.logs import LogGroup

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.assets import Assets
from stacks.foundation import Foundation
from stacks.monitored_outputs import DeadLetterQueueName, FunctionName
from stacks.parts.buckets import bucket_arn, bucket_name, expire, objects, private_bucket
from stacks.parts.functions import FunctionFactory, Functions, allow_invoke
from stacks.parts.iam import allow
from stacks.parts.names import resource_name
from stacks.parts.queues import RETENTION_DAYS, allow_send, dead_letter_queue
from stacks.parts.retention import retention_policies
from stacks.users import Users

UPLOADS = "uploads"
UPLOAD_FOLDER, AVATAR_FOLDER = "originals/", "avatars/"  # As in lambdas/shared/avatars.py.
ROUTE = "POST /avatars/key_upload"

# Pillow keeps two blocks of 16 MB for the next image: allocating them takes 10 % of its time.
# https://pillow.readthedocs.io/en/stable/reference/block_allocator.html
PILLOW = {"PILLOW_BLOCKS_MAX": "2"}

# The fields of the access log; none identifies the caller.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.message",
    "authorizer": "$context.authorizer.error",
    "integration": "$context.integrationErrorMessage",
}


class Settings(fields.Settings, frozen=True):
    """The `[avatars]` table."""

    upload_limit_mib: Annotated[int, fields.described("1 to 25 MiB", ge=1, le=25)]
    requests_per_second: Annotated[
        int, fields.described("1 to 1000 requests per second", ge=1, le=1000)
    ]
    thumbnail_concurrency: (
        Annotated[int, fields.described("1 to 1000 invocations", ge=1, le=1000)] | None
    ) = None

    @property
    def upload_limit_bytes(self) -> int:
        """The size limit of an upload in bytes."""
        return self.upload_limit_mib * 1024 * 1024


@dataclass(frozen=True)
class Avatars:
    """The API, the upload bucket, the functions, and the thumbnail function's dead-letter queue."""

    api: Value
    api_domain: Value
    upload_bucket: Value
    upload_bucket_domain: Value
    authorizer: FunctionName
    upload_url: FunctionName
    thumbnail: FunctionName
    dead_letter_queue: DeadLetterQueueName


def define(
    t: Template,
    env: Env,
    settings: Settings,
    functions: Functions,
    foundation: Foundation,
    *,
    users: Users,
    assets: Assets,
) -> Avatars:
    """Add an API with one route, a bucket for uploads, and three functions.

    browser → API → authorizer, upload_url → presigned URL → upload bucket → thumbnail →
    avatar bucket. Avatars have a separate bucket, so a thumbnail never triggers the function.
    """
    factory = functions.factory(t, env, foundation)
    queue = dead_letter_queue(t, "ThumbnailDeadLetterQueue", env)
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
        upload_bucket=uploads.ref(),
        upload_bucket_domain=uploads.get_att("RegionalDomainName"),
        authorizer=authorizer.ref(),
        upload_url=upload_url.ref(),
        thumbnail=thumbnail.ref(),
        dead_letter_queue=queue.get_att("QueueName"),
    )


def _thumbnail(
    factory: FunctionFactory, settings: Settings, assets: Assets, queue: sqs.Queue
) -> awslambda.Function:
    """Add the function. It must not depend on the upload bucket, which depends on the function."""
    uploads = bucket_arn(factory.env, UPLOADS)
    thumbnail = factory.function(
        "Thumbnail",
        code="thumbnail",
        timeout_seconds=60,
        memory_mb=1024,
        variables={
            "UPLOADS_BUCKET_NAME": bucket_name(factory.env, UPLOADS),
            "AVATARS_BUCKET_NAME": assets.avatar_bucket,
            "UPLOAD_LIMIT_BYTES": str(settings.upload_limit_bytes),
            **PILLOW,
        },
        statements=[
            _allow("ReadUploads", s3_actions.GetObject, objects(uploads, f"{UPLOAD_FOLDER}*")),
            # Without this permission S3 responds 403 for missing objects.
            _allow("ListUploads", s3_actions.ListBucket, uploads),
            _allow(
                "WriteAvatars",
                s3_actions.PutObject,
                objects(assets.avatar_bucket_arn, f"{AVATAR_FOLDER}*"),
            ),
            allow_send(queue),
        ],
    )
    if settings.thumbnail_concurrency:
        thumbnail.ReservedConcurrentExecutions = settings.thumbnail_concurrency
    factory.t.add_resource(
        awslambda.EventInvokeConfig(
            "ThumbnailInvokeConfig",
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
    """Add the bucket of uploads, which expire after the retention of the dead-letter queue.

    The application uses only the thumbnail. The upload is kept so that the event of a failed
    invocation can be sent again.
    """
    permission = allow_invoke(t, thumbnail, "s3", bucket_arn(env, UPLOADS), SourceAccount=AccountId)
    upload_folder = s3.S3Key(Rules=[s3.Rules(Name="prefix", Value=UPLOAD_FOLDER)])
    bucket, _ = private_bucket(
        t,
        "UploadBucket",
        env=env,
        name=UPLOADS,
        lifecycle=[expire(RETENTION_DAYS, rule="expire-uploads")],
        CorsConfiguration=s3.CorsConfiguration(
            CorsRules=[
                s3.CorsRules(
                    AllowedOrigins=[_site_origin(env)],
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
                    Filter=s3.Filter(S3Key=upload_folder),
                    Function=thumbnail.get_att("Arn"),
                )
            ]
        ),
        DependsOn=permission,  # S3 checks the permission when it creates the notification.
    )
    return bucket


def _upload_url(
    factory: FunctionFactory, settings: Settings, uploads: s3.Bucket
) -> awslambda.Function:
    """Add the function that signs URLs; its role needs the permissions of the presigned request."""
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
            _allow(
                "WriteUploads",
                s3_actions.PutObject,
                objects(uploads.get_att("Arn"), f"{UPLOAD_FOLDER}*"),
            )
        ],
    )


def _allow(sid: str, action: s3_actions.Action, resource: Value) -> Statement:
    this_account = Condition(StringEquals({"aws:ResourceAccount": AccountId}))
    return allow(sid, [action], resource, condition=this_account)


def _api(
    t: Template,
    env: Env,
    settings: Settings,
    *,
    authorizer: awslambda.Function,
    upload_url: awslambda.Function,
    days: int,
) -> apigatewayv2.Api:
    """Add the API, with CORS for the site only; API Gateway itself responds to preflight requests."""
    api = t.add_resource(
        apigatewayv2.Api(
            "Api",
            Name=resource_name(env, "avatars"),
            ProtocolType="HTTP",
            CorsConfiguration=apigatewayv2.Cors(
                AllowOrigins=[_site_origin(env)],
                AllowMethods=["POST"],
                AllowHeaders=["authorization", "content-type"],
                MaxAge=3600,
            ),
        )
    )
    t.add_resource(
        apigatewayv2.Route(
            "UploadUrlRoute",
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
    """Add the authorizer without a cache: a cached result could outlast the token's validity."""
    authorizer = t.add_resource(
        apigatewayv2.Authorizer(
            "TokenAuthorizer",
            ApiId=api.ref(),
            Name="tokens",
            AuthorizerType="REQUEST",
            AuthorizerUri=_invocation_uri(function),
            AuthorizerPayloadFormatVersion="2.0",
            EnableSimpleResponses=True,
            IdentitySource=["$request.header.Authorization"],
            AuthorizerResultTtlInSeconds=0,
        )
    )
    source = _execution_arn(api, f"authorizers/${{{authorizer.title}}}")
    allow_invoke(t, function, "apigateway", source)
    return authorizer


def _integration(
    t: Template, api: apigatewayv2.Api, function: awslambda.Function
) -> apigatewayv2.Integration:
    allow_invoke(t, function, "apigateway", _execution_arn(api, f"*/{ROUTE.replace(' ', '')}"))
    return t.add_resource(
        apigatewayv2.Integration(
            "UploadUrlIntegration",
            ApiId=api.ref(),
            IntegrationType="AWS_PROXY",
            IntegrationUri=_invocation_uri(function),
            PayloadFormatVersion="2.0",
        )
    )


def _stage(t: Template, env: Env, settings: Settings, api: apigatewayv2.Api, *, days: int) -> None:
    group = t.add_resource(LogGroup("ApiLogGroup", RetentionInDays=days, **retention_policies(env)))
    t.add_resource(
        apigatewayv2.Stage(
            "ApiStage",
            ApiId=api.ref(),
            StageName="$default",
            AutoDeploy=True,
            AccessLogSettings=apigatewayv2.AccessLogSettings(
                DestinationArn=group.get_att("Arn"), Format=json.dumps(ACCESS_LOG)
            ),
            DefaultRouteSettings=apigatewayv2.RouteSettings(
                ThrottlingRateLimit=settings.requests_per_second,
                ThrottlingBurstLimit=2 * settings.requests_per_second,
                DetailedMetricsEnabled=True,
            ),
        )
    )


def _invocation_uri(function: awslambda.Function) -> Sub:
    """Return the URI with which API Gateway invokes *function*."""
    return Sub(
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"${{{function.title}.Arn}}/invocations"
    )


def _execution_arn(api: apigatewayv2.Api, path: str) -> Sub:
    """Return the ARN of the requests to *path* of *api*."""
    return Sub(
        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
        f"${{{api.title}}}/{path}"
    )


def _site_origin(env: Env) -> str:
    return f"https://{env.domain}"
