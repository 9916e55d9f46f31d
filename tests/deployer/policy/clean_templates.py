"""Small templates without findings: together they have every type of resource that rules check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.model import Line, OutputOf
from deployer.template_yaml import dump

DOMAIN = "cruddur.example"
ZONE = "Z0TESTEXAMPLE"
PARAMETER_PREFIX = "Literal"  # The prefix of parameters that the deployer does not pass.
LOW, HIGH, FAR = "crd-test-low", "crd-test-high", "crd-test-far"  # FAR is in another region.
Templates = Mapping[str, Mapping[str, Mapping[str, Any]]]  # Stack → section → title → definition.


@dataclass(frozen=True)
class Env:
    domain: str = DOMAIN
    hosted_zone: str = ZONE
    protect: bool = True


@dataclass(frozen=True)
class Subject:
    name: str
    text: str
    body: Mapping[str, Any] = field(default_factory=dict)
    region: str = "ca-central-1"
    dependencies: tuple[str, ...] = ()
    parameters: Mapping[str, OutputOf] = field(default_factory=dict)
    artifact_bucket: OutputOf | None = None
    lines: Mapping[str, Line] = field(default_factory=dict)


def subjects(*pieces: Templates) -> list[Subject]:
    """Return the stacks with all resources of *pieces*, dependencies first: HIGH depends on the others."""
    whole: dict[str, dict[str, dict[str, Any]]] = {}
    for piece in pieces:
        for stack, sections in piece.items():
            for section, content in sections.items():
                whole.setdefault(stack, {}).setdefault(section, {}).update(content)
    return [_subject(name, whole[name]) for name in (FAR, LOW, HIGH) if name in whole]


def _subject(name: str, template: dict[str, dict[str, Any]]) -> Subject:
    return Subject(
        name,
        dump(template),
        body=template,
        region="us-east-1" if name == FAR else "ca-central-1",
        dependencies=(LOW, FAR) if name == HIGH else (),
        parameters={
            title: OutputOf(FAR, "us-east-1", title)
            for title in template.get("Parameters", {})
            if not title.startswith(PARAMETER_PREFIX)
        },
        lines={title: Line(f"stacks/{name}.py", 7) for title in template.get("Resources", {})},
    )


# Elements of templates


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties}


def retained(type_: str, **properties: Any) -> dict[str, Any]:
    retained = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {**resource(type_, **properties), **retained}


def ref(title: str) -> dict[str, Any]:
    return {"Ref": title}


def arn(title: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [title, "Arn"]}


def sub(template: str) -> dict[str, Any]:
    return {"Fn::Sub": template}


def own_arn(service: str, rest: str) -> dict[str, Any]:
    return sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}")


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | list[str], on: Any, **more: Any) -> dict[str, Any]:
    return {"Sid": "Allowed", "Effect": "Allow", "Action": action, "Resource": on, **more}


def json_policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy as JSON in Fn::Sub, for properties that are strings."""
    return sub(json.dumps(document(*statements)))


def tls_only(action: str, *on: Any) -> dict[str, Any]:
    return {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [action],
        "Resource": list(on),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def role(service: str, *statements: Mapping[str, Any]) -> dict[str, Any]:
    trust = {"Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return resource(
        "IAM::Role",
        AssumeRolePolicyDocument=document({"Effect": "Allow", **trust}),
        PermissionsBoundary=own_arn("iam", "policy/crd-test-boundary"),
        Policies=[{"PolicyName": "Own", "PolicyDocument": document(*statements)}],
    )


def only(**titles: Any) -> Templates:
    """Return templates of a single stack with these resources."""
    return {HIGH: {"Resources": titles}}


def alarms(
    namespace: str, names: str, dimensions_of: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return an alarm for each of *names*, and the topic that they notify."""
    subject = next(iter(dimensions_of.values()))
    dimensions = [{"Name": name, "Value": ref(title)} for name, title in dimensions_of.items()]
    return {
        "Alerts": resource("SNS::Topic"),
        "AlertsPolicy": resource(
            "SNS::TopicPolicy",
            Topics=[ref("Alerts")],
            PolicyDocument=document(tls_only("sns:Publish", ref("Alerts"))),
        ),
    } | {
        f"{subject}{name}": resource(
            "CloudWatch::Alarm",
            Namespace=namespace,
            MetricName=name,
            Dimensions=dimensions,
            TreatMissingData="notBreaching",
            AlarmActions=[ref("Alerts")],
        )
        for name in names.split()
    }


# Templates without findings

BLOCKED = {
    f"{verb}Public{subject}": True
    for verb, subject in (
        ("Block", "Acls"),
        ("Block", "Policy"),
        ("Ignore", "Acls"),
        ("Restrict", "Buckets"),
    )
}
BUCKET = {
    "BucketNamePrefix": "crd-test-assets",
    "BucketNamespace": "account-regional",
    "PublicAccessBlockConfiguration": BLOCKED,
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "LifecycleConfiguration": {
        "Rules": [
            {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
        ]
    },
    "CorsConfiguration": {"CorsRules": [{"AllowedOrigins": [f"https://{DOMAIN}"]}]},
}


def tls_policy(bucket: str, *more: Mapping[str, Any]) -> dict[str, Any]:
    deny = tls_only("s3:*", arn(bucket), sub(f"${{{bucket}.Arn}}/*"))
    return resource("S3::BucketPolicy", Bucket=ref(bucket), PolicyDocument=document(deny, *more))


bucket = only(
    Assets=retained("S3::Bucket", **BUCKET),
    AssetsPolicy=tls_policy(
        "Assets",
        allow(
            "s3:GetObject",
            sub("${Assets.Arn}/*"),
            Principal={"Service": "cloudfront.amazonaws.com"},
            Condition={"StringEquals": {"AWS:SourceArn": own_arn("cloudfront", "distribution/E1")}},
        ),
    ),
)
calls = {
    "Event": "s3:ObjectCreated:*",
    "Function": arn("Thumbnail"),
    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "originals/"}]}},
}
function = only(
    Uploads=retained(
        "S3::Bucket", **BUCKET, NotificationConfiguration={"LambdaConfigurations": [calls]}
    ),
    UploadsPolicy=tls_policy("Uploads"),
    Thumbnail=resource(
        "Lambda::Function",
        Role=arn("ThumbnailRole"),
        Timeout=30,
        MemorySize=1024,
        LoggingConfig={"LogGroup": ref("ThumbnailLogs")},
        DeadLetterConfig={"TargetArn": own_arn("sqs", "crd-test-dead")},
        Environment={"Variables": {"BUCKET": ref("Uploads"), "TOKEN_TABLE": "tokens"}},
    ),
    ThumbnailLogs=retained("Logs::LogGroup", RetentionInDays=30),
    ThumbnailRole=role("lambda", allow(["s3:PutObject"], sub("${Uploads.Arn}/avatars/*"))),
    ThumbnailCalled=resource(
        "Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName=ref("Thumbnail"),
        Principal="s3.amazonaws.com",
        SourceArn=own_arn("s3", "uploads"),
        SourceAccount=ref("AWS::AccountId"),
    ),
    **alarms("AWS/Lambda", "Errors Throttles", {"FunctionName": "Thumbnail"}),
)
stream = only(
    Messages=retained(
        "DynamoDB::Table",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        DeletionProtectionEnabled=True,
    ),
    MessagesRead=resource(
        "Lambda::EventSourceMapping",
        EventSourceArn={"Fn::GetAtt": ["Messages", "StreamArn"]},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=3,
        DestinationConfig={"OnFailure": {"Destination": own_arn("sqs", "crd-test-dead")}},
    ),
    **alarms("AWS/DynamoDB", "ReadThrottleEvents WriteThrottleEvents", {"TableName": "Messages"}),
)
topic = only(
    Avatars=resource("SNS::Topic", SignatureVersion="2"),
    AvatarsPolicy=resource(
        "SNS::TopicPolicy",
        Topics=[ref("Avatars")],
        PolicyDocument=document(
            allow(
                "sns:Publish",
                ref("Avatars"),
                Principal={"Service": "s3.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}},
            ),
            tls_only("sns:Publish", ref("Avatars")),
        ),
    ),
    Webhook=resource(
        "SNS::Subscription",
        TopicArn=ref("Avatars"),
        Protocol="https",
        RedrivePolicy={"deadLetterTargetArn": arn("Dead")},
    ),
    Dead=retained("SQS::Queue", SqsManagedSseEnabled=True),
    DeadPolicy=resource(
        "SQS::QueuePolicy",
        Queues=[ref("Dead")],
        PolicyDocument=document(tls_only("sqs:*", arn("Dead"))),
    ),
    LogsPolicy=resource(
        "Logs::ResourcePolicy",
        PolicyDocument=json_policy(
            allow(
                "logs:PutLogEvents",
                "${AWS::AccountId}",
                Principal="*",
                Condition={"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}},
            )
        ),
    ),
    **alarms(
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible ApproximateAgeOfOldestMessage",
        {"QueueName": "Dead"},
    ),
)
redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS"}}


def ingress(port: int, **source: Any) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "Description": "Because",
        **source,
    }


balancer = only(
    LoadBalancerSecurityGroup=resource(
        "EC2::SecurityGroup",
        SecurityGroupIngress=[ingress(80, CidrIp="0.0.0.0/0"), ingress(443, CidrIpv6="::/0")],
    ),
    Balancer=resource(
        "ElasticLoadBalancingV2::LoadBalancer",
        SecurityGroups=[{"Fn::GetAtt": ["LoadBalancerSecurityGroup", "GroupId"]}],
        LoadBalancerAttributes=[
            {"Key": "deletion_protection.enabled", "Value": "true"},
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        ],
    ),
    Http=resource(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Balancer"),
        Protocol="HTTP",
        DefaultActions=[redirect],
    ),
    Https=resource(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=ref("Balancer"),
        Protocol="HTTPS",
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        DefaultActions=[redirect],
    ),
    Rule=resource(
        "ElasticLoadBalancingV2::ListenerRule",
        ListenerArn=ref("Https"),
        Conditions=[{"HostHeaderConfig": {"Values": [f"api.{DOMAIN}"]}}],
        Actions=[{"Type": "forward"}],
    ),
    Targets=resource("ElasticLoadBalancingV2::TargetGroup"),
    **alarms("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", {"LoadBalancer": "Balancer"})
    | alarms(
        "AWS/ApplicationELB",
        "UnHealthyHostCount HTTPCode_Target_5XX_Count TargetResponseTime",
        {"TargetGroup": "Targets", "LoadBalancer": "Balancer"},
    ),
)


def exported(title: str, value: Any, *, stack: str = LOW) -> dict[str, Any]:
    return {title: {"Value": value, "Export": {"Name": f"{stack}-{title}"}}}


def import_value(title: str, *, stack: str = LOW) -> dict[str, Any]:
    return {"Fn::ImportValue": f"{stack}-{title}"}


database: Templates = {
    LOW: {
        "Resources": {
            "Internet": resource("EC2::InternetGateway"),
            "Out": resource("EC2::Route", RouteTableId=ref("Routes"), GatewayId=ref("Internet")),
            "Routes": resource("EC2::RouteTable"),
            "PrivateRoutes": resource("EC2::RouteTable"),
            "PrivateSubnet": resource("EC2::Subnet", MapPublicIpOnLaunch=False),
            "PrivateSubnetRoutes": resource(
                "EC2::SubnetRouteTableAssociation",
                SubnetId=ref("PrivateSubnet"),
                RouteTableId=ref("PrivateRoutes"),
            ),
            "BackendSecurityGroup": resource("EC2::SecurityGroup"),
        },
        "Outputs": exported("PrivateSubnet", ref("PrivateSubnet"))
        | exported("BackendSecurityGroup", {"Fn::GetAtt": ["BackendSecurityGroup", "GroupId"]}),
    },
    HIGH: {
        "Resources": {
            "DatabaseSubnets": resource(
                "RDS::DBSubnetGroup", SubnetIds=[import_value("PrivateSubnet")]
            ),
            "DatabaseSecurityGroup": resource(
                "EC2::SecurityGroup",
                SecurityGroupIngress=[
                    ingress(5432, SourceSecurityGroupId=import_value("BackendSecurityGroup"))
                ],
            ),
            "DatabaseParameters": resource(
                "RDS::DBParameterGroup", Parameters={"rds.force_ssl": "1"}
            ),
            "Database": retained(
                "RDS::DBInstance",
                DBParameterGroupName=ref("DatabaseParameters"),
                DBSubnetGroupName=ref("DatabaseSubnets"),
                VPCSecurityGroups=[ref("DatabaseSecurityGroup")],
                StorageEncrypted=True,
                PubliclyAccessible=False,
                DeletionProtection=True,
                BackupRetentionPeriod=7,
                ManageMasterUserPassword=True,
                EnableIAMDatabaseAuthentication=True,
                CopyTagsToSnapshot=True,
            ),
            **alarms(
                "AWS/RDS",
                "FreeStorageSpace CPUUtilization DatabaseConnections",
                {"DBInstanceIdentifier": "Database"},
            ),
        }
    },
}
container = {
    "Name": "backend",
    "Image": sub("${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/backend@sha256:0"),
    "User": "1000",
    "ReadonlyRootFilesystem": True,
    "Environment": [{"Name": "FRONTEND_URL", "Value": f"https://{DOMAIN}"}],
    "LogConfiguration": {
        "LogDriver": "awslogs",
        "Options": {"awslogs-group": ref("TaskLogs")},
    },
}
task = only(
    Task=resource(
        "ECS::TaskDefinition",
        ContainerDefinitions=[container],
        TaskRoleArn=own_arn("iam", "role/task"),
        ExecutionRoleArn=own_arn("iam", "role/execution"),
    ),
    TaskLogs=retained("Logs::LogGroup", RetentionInDays=30),
    Service=resource(
        "ECS::Service",
        TaskDefinition=ref("Task"),
        EnableExecuteCommand=False,
        DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
        NetworkConfiguration={"AwsvpcConfiguration": {"AssignPublicIp": "DISABLED"}},
    ),
    Cluster=resource("ECS::Cluster"),
    **alarms("AWS/ECS", "CPUUtilization", {"ServiceName": "Service", "ClusterName": "Cluster"}),
)
pool = only(
    Users=retained(
        "Cognito::UserPool",
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 12,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": True,
                "RequireUppercase": True,
            }
        },
        AutoVerifiedAttributes=["email"],
        DeletionProtection="ACTIVE",
    ),
    Browser=resource(
        "Cognito::UserPoolClient",
        PreventUserExistenceErrors="ENABLED",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
        GenerateSecret=False,
        EnableTokenRevocation=True,
        CallbackURLs=[f"https://{DOMAIN}/signed-in"],
    ),
)
IMAGES = {
    "ImageScanningConfiguration": {"ScanOnPush": True},
    "ImageTagMutability": "IMMUTABLE",
    "LifecyclePolicy": {"LifecyclePolicyText": "{}"},
}
images = only(Images=retained("ECR::Repository", **IMAGES))
api = only(
    Api=resource("ApiGatewayV2::Api", CorsConfiguration={"AllowOrigins": [f"https://{DOMAIN}"]}),
    Upload=resource(
        "ApiGatewayV2::Route",
        RouteKey="POST /avatars/key_upload",
        AuthorizationType="CUSTOM",
        AuthorizerId=ref("Authorizer"),
    ),
    Preflight=resource("ApiGatewayV2::Route", RouteKey="OPTIONS /avatars/key_upload"),
    Authorizer=resource(
        "ApiGatewayV2::Authorizer",
        AuthorizerType="REQUEST",
        AuthorizerResultTtlInSeconds=0,
        IdentitySource=["$request.header.Authorization"],
    ),
    Stage=resource(
        "ApiGatewayV2::Stage",
        AccessLogSettings={"DestinationArn": own_arn("logs", "log-group:api"), "Format": "{}"},
        DefaultRouteSettings={"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20},
    ),
    **alarms("AWS/ApiGateway", "5xx Latency", {"ApiId": "Api"}),
)
behaviour = {
    "ViewerProtocolPolicy": "redirect-to-https",
    "ResponseHeadersPolicyId": ref("Headers"),
}
cdn = only(
    Site=resource(
        "CloudFront::Distribution",
        DistributionConfig={
            "Aliases": [DOMAIN, f"www.{DOMAIN}"],
            "Origins": [
                {
                    "Id": "site",
                    "DomainName": "site.s3.ca-central-1.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                    "OriginAccessControlId": ref("Signed"),
                }
            ],
            "DefaultCacheBehavior": behaviour,
            "CacheBehaviors": [{"PathPattern": "/avatars/*", **behaviour}],
            "ViewerCertificate": {
                "MinimumProtocolVersion": "TLSv1.2_2021",
                "SslSupportMethod": "sni-only",
            },
        },
    ),
    Signed=resource(
        "CloudFront::OriginAccessControl",
        OriginAccessControlConfig={"SigningBehavior": "always"},
    ),
    Headers=resource(
        "CloudFront::ResponseHeadersPolicy",
        ResponseHeadersPolicyConfig={
            "SecurityHeadersConfig": {
                "ContentTypeOptions": {"Override": True},
                "StrictTransportSecurity": {"Override": True},
            }
        },
    ),
)
names = only(
    Record=resource(
        "Route53::RecordSet",
        HostedZoneId=ZONE,
        Name=f"api.{DOMAIN}.",
        AliasTarget={"HostedZoneId": "Z2FDTNDATAQYW2"},
    ),
    Certificate=resource(
        "CertificateManager::Certificate",
        DomainName=DOMAIN,
        DomainValidationOptions=[{"DomainName": DOMAIN, "HostedZoneId": ZONE}],
    ),
)
workflow = only(
    Publisher=resource(
        "IAM::Role",
        PermissionsBoundary=own_arn("iam", "policy/crd-test-boundary"),
        AssumeRolePolicyDocument=document(
            {
                "Sid": "Workflow",
                "Effect": "Allow",
                "Principal": {"Federated": own_arn("iam", "oidc-provider/github")},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                        "token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/prod",
                    }
                },
            }
        ),
    ),
)
permissions = only(
    Permissions=resource(
        "IAM::ManagedPolicy",
        PolicyDocument=document(
            allow("dynamodb:*", own_arn("dynamodb", "table/crd-test-*")),
            {
                **allow("iam:PassRole", sub("arn:${AWS::Partition}:iam::1:role/crd-test-*")),
                "Sid": "Pass",
                "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            },
        ),
    ),
)
in_own_account = {"StringEquals": {"aws:ResourceAccount": ref("AWS::AccountId")}}
endpoint = only(
    Endpoint=resource(
        "EC2::VPCEndpoint",
        PolicyDocument=document(
            allow("s3:*", "*", Principal="*", Condition=in_own_account),
            {**allow("s3:GetObject", "arn:aws:s3:::layers/*", Principal="*"), "Sid": "Layers"},
        ),
    ),
)
references: Templates = {
    FAR: {
        "Resources": {"Afar": resource("SNS::TopicInlinePolicy")},
        "Outputs": exported("Far", ref("Afar"), stack=FAR),
    },
    LOW: {
        "Resources": {"Below": resource("ServiceDiscovery::HttpNamespace")},
        "Outputs": exported("Below", ref("Below")),
    },
    HIGH: {
        "Parameters": {"Far": {"Type": "String"}},
        "Resources": {
            "Above": resource(
                "ECS::Cluster", Namespace=import_value("Below"), Certificate=ref("Far")
            )
        },
        "Outputs": {"Name": {"Value": ref("Above")}},
    },
}
CLEAN_TEMPLATES: Mapping[str, Templates] = {
    "bucket": bucket,
    "function": function,
    "stream": stream,
    "topic": topic,
    "balancer": balancer,
    "database": database,
    "task": task,
    "pool": pool,
    "images": images,
    "api": api,
    "cdn": cdn,
    "names": names,
    "workflow": workflow,
    "permissions": permissions,
    "endpoint": endpoint,
    "references": references,
}
