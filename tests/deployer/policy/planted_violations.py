"""Faults that can be planted in the clean pieces: for each rule one, or more."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.deployer.policy.clean_templates import (
    BLOCKED,
    DOMAIN,
    FAR,
    HIGH,
    IMAGES,
    LOW,
    PIECES,
    Piece,
    alarms,
    allow,
    arn,
    container,
    kept,
    knock,
    ours,
    own,
    ref,
    resource,
    sub,
    taken,
)

Change = Callable[[Any], None]


@dataclass(frozen=True)
class Fault:
    """A change of a piece that breaks one rule, where it is seen."""

    rule: str
    piece: str
    where: str
    changes: tuple[Change, ...]

    def planted(self) -> Piece:
        piece = copy.deepcopy(PIECES[self.piece])
        for change in self.changes:
            change(piece)
        return piece

    def __str__(self) -> str:
        return f"{self.rule}-{self.where}"


def to(path: str, value: Any, *, stack: str = HIGH) -> Change:
    """Put *value* at *path*: "Title Property 0 Property", "Title @DeletionPolicy", "Title"."""

    def change(piece: Any) -> None:
        place, last = _place(piece[stack], path)
        if isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value

    return change


def without(path: str, *, stack: str = HIGH) -> Change:
    """Take away what stands at *path*."""

    def change(piece: Any) -> None:
        place, last = _place(piece[stack], path)
        del place[last]

    return change


def _place(template: Any, path: str) -> tuple[Any, Any]:
    first, *rest = path.split()
    if first in {"Outputs", "Parameters"}:
        template.setdefault(first, {})
        keys = [first, *rest]
    elif not rest or rest[0].startswith("@"):
        keys = ["Resources", first, *(key.removeprefix("@") for key in rest)]
    else:
        keys = ["Resources", first, "Properties", *rest]
    *parents, last = [int(key) if key.isdigit() else key for key in keys]
    for key in parents:
        template = template[key]
    return template, last


def fault(rule: str, piece: str, where: str, *changes: Change) -> Fault:
    """A fault of *piece* that *rule* sees at *where*."""
    return Fault(rule, piece, where, changes)


_TRUST = "Publisher AssumeRolePolicyDocument Statement 0 Condition"
_GITHUB = "token.actions.githubusercontent.com"
_LOCK = "UploadsPolicy PolicyDocument Statement 0"
_WORLD = knock(5432, CidrIp="0.0.0.0/0")
_WITHOUT_PORTS = {"IpProtocol": "tcp", "Description": "All", "SourceSecurityGroupId": "sg"}
_GIVEN = "Rights PolicyDocument Statement 0"
_PASSED = "Rights PolicyDocument Statement 1"
_ORIGIN = "Site DistributionConfig Origins 0"

FAULTS = (
    # What passes between stacks
    fault("C001", "wires", "Outputs.Below", to("Above Namespace", "gone")),
    fault("C001", "wires", "Outputs.Far", without("Parameters Far")),
    fault("C002", "wires", "", to("Above More", taken("Gone"))),
    fault("C002", "wires", "", to("Above More", taken("Far", stack=FAR))),
    fault(
        "C002",
        "wires",
        "",
        to("Outputs Up", {"Value": "up", "Export": {"Name": "up"}}),
        to("Below Up", {"Fn::ImportValue": "up"}, stack=LOW),
    ),
    fault("C002", "wires", "Parameters.Far", to("Parameters Far", {"Type": "String"}, stack=LOW)),
    fault("C002", "wires", "Parameters.Gone", to("Parameters Gone", {"Type": "String"})),
    fault("C003", "wires", "Outputs.Name", to("Outputs Name Value", "{{resolve:ssm:/a/b}}")),
    fault(
        "C003", "wires", "Outputs.Name", to("Outputs Name Value", sub("x{{resolve:ssm-secure:/a}}"))
    ),
    fault("C004", "wires", "Parameters.Far", to("Parameters Far", {"NoEcho": True, "Default": ""})),
    fault("C005", "task", "Task", to("Task TaskRoleArn", "arn:aws:iam::123456789012:role/x")),
    fault(
        "C005", "task", "Task", to("Task TaskRoleArn", sub("arn:aws:iam::123456789012:role/${X}"))
    ),
    fault("C006", "database", "Inner", to("Inner AvailabilityZone", "ca-central-1a", stack=LOW)),
    fault("C007", "names", "Record", to("Record HostedZoneId", "Z0OTHER")),
    fault(
        "C007",
        "names",
        "Certificate",
        to("Certificate DomainValidationOptions 0 HostedZoneId", "Z1"),
    ),
    fault("C008", "names", "Record", to("Record Name", "api.cruddur.com")),
    fault("C008", "names", "Record", to("Record Name", f"evil{DOMAIN}")),
    fault("C008", "cdn", "Site", to("Site DistributionConfig Aliases", ["cruddur.com"])),
    fault(
        "C008",
        "bucket",
        "Assets",
        to("Assets CorsConfiguration CorsRules 0 AllowedOrigins", ["https://evil.com"]),
    ),
    fault(
        "C008", "api", "Api", to("Api CorsConfiguration AllowOrigins", ["http://localhost:3000"])
    ),
    fault(
        "C008",
        "balancer",
        "Rule",
        to("Rule Conditions 0 HostHeaderConfig Values", ["api.cruddur.com"]),
    ),
    fault("C009", "wires", "Above", to("Above Note", "AKIA" + "ABCDEFGHIJKLMNOP")),
    fault("C009", "wires", "Above", to("Above Url", sub("postgres://crud:${Password}@host/db"))),
    fault(
        "C010",
        "function",
        "Thumbnail/DB_PASSWORD",
        to("Thumbnail Environment Variables DB_PASSWORD", "hunter2"),
    ),
    fault(
        "C010",
        "function",
        "Thumbnail/KEY",
        to("Thumbnail Environment Variables KEY", "{{resolve:ssm-secure:/a}}"),
    ),
    fault(
        "C010",
        "task",
        "Task/ROLLBAR_ACCESS_TOKEN",
        to(
            "Task ContainerDefinitions 0 Environment",
            [{"Name": "ROLLBAR_ACCESS_TOKEN", "Value": ref("Given")}],
        ),
    ),
    fault(
        "C010",
        "rights",
        "Build/GITHUB_TOKEN",
        to(
            "Build",
            resource(
                "CodeBuild::Project",
                Environment={
                    "EnvironmentVariables": [
                        {"Name": "GITHUB_TOKEN", "Value": "x"},
                        {"Name": "ROLLBAR_TOKEN", "Value": "/crd/x", "Type": "PARAMETER_STORE"},
                    ]
                },
            ),
        ),
    ),
    fault("C008", "names", "Record", to("Record Name", "*.cruddur.com")),
    fault("C008", "pool", "Browser", to("Browser CallbackURLs", ["https://cruddur.com/x"])),
    # What holds data
    fault("C101", "bucket", "Assets", without("Assets @DeletionPolicy")),
    fault("C101", "pool", "People", without("People @UpdateReplacePolicy")),
    fault(
        "C101",
        "topic",
        "Dead",
        without("Dead @DeletionPolicy"),
        without("Dead @UpdateReplacePolicy"),
    ),
    fault("C102", "stream", "Messages", to("Messages @DeletionPolicy", "Delete")),
    fault("C102", "function", "ThumbnailLogs", to("ThumbnailLogs @UpdateReplacePolicy", "Delete")),
    # Who may
    fault(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        to(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow("sns:Publish", ref("Avatars"), Principal="*"),
        ),
    ),
    fault(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        to(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow(
                "sns:Publish",
                ref("Avatars"),
                Principal={"AWS": ["*"]},
                Condition={"StringLike": {"aws:SourceArn": "*"}},
            ),
        ),
    ),
    fault(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        to(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow("sns:Publish", ref("Avatars"), NotPrincipal={"AWS": "1"}),
        ),
    ),
    fault(
        "C201",
        "endpoint",
        "Endpoint/Allowed",
        without("Endpoint PolicyDocument Statement 0 Condition"),
    ),
    fault(
        "C201",
        "endpoint",
        "Endpoint/Allowed",
        to(
            "Endpoint PolicyDocument Statement 0 Condition",
            {"StringEqualsIfExists": ours["StringEquals"]},
        ),
    ),
    fault(
        "C202",
        "topic",
        "AvatarsPolicy/Allowed",
        without("AvatarsPolicy PolicyDocument Statement 0 Condition"),
    ),
    fault(
        "C202",
        "bucket",
        "AssetsPolicy/Allowed",
        without("AssetsPolicy PolicyDocument Statement 1 Condition"),
    ),
    fault(
        "C203", "workflow", "Publisher/Workflow", without(f"{_TRUST} StringEquals {_GITHUB}:aud")
    ),
    fault(
        "C203",
        "workflow",
        "Publisher/Workflow",
        to(f"{_TRUST} StringEquals {_GITHUB}:sub", "repo:o/r:pull_request"),
    ),
    fault(
        "C203",
        "workflow",
        "Publisher/Workflow",
        to(
            _TRUST,
            {
                "StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{_GITHUB}:sub": "repo:o/r:*"},
            },
        ),
    ),
    # What they may
    fault("C301", "rights", "Rights/Allowed", to(_GIVEN, allow(["s3:*"], "*"))),
    fault(
        "C302",
        "rights",
        "Rights/Allowed",
        without(f"{_GIVEN} Action"),
        to(f"{_GIVEN} NotAction", "iam:*"),
    ),
    fault("C303", "rights", "Rights/Pass", without(f"{_PASSED} Condition")),
    fault(
        "C303",
        "rights",
        "Rights/Pass",
        to(f"{_PASSED} Condition", {"StringLike": {"iam:PassedToService": "*"}}),
    ),
    fault("C303", "rights", "Rights/Pass", to(f"{_PASSED} Resource", own("iam", "role/*"))),
    fault("C303", "rights", "Rights/Allowed", to(f"{_GIVEN} Action", "iam:Pass*")),
    fault("C304", "rights", "Rights/Allowed", to(_GIVEN, allow("ec2:DescribeVpcs", "*"))),
    fault(
        "C304",
        "rights",
        "Rights/Allowed",
        to(_GIVEN, allow("s3:GetObject", sub("arn:${AWS::Partition}:s3:::*"))),
    ),
    fault(
        "C305",
        "workflow",
        "Publisher",
        to("Publisher ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    fault(
        "C305",
        "workflow",
        "Publisher",
        to("Publisher ManagedPolicyArns", ["arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"]),
    ),
    fault("C306", "workflow", "Publisher", without("Publisher PermissionsBoundary")),
    fault("C307", "rights", "Machine", to("Machine", resource("IAM::User"))),
    # Buckets
    *(
        fault(
            "C401",
            "bucket",
            "Assets",
            to(f"Assets PublicAccessBlockConfiguration {key}", value=False),
        )
        for key in BLOCKED
    ),
    fault("C402", "bucket", "Assets", without("Assets OwnershipControls")),
    fault("C403", "function", "Uploads", without("UploadsPolicy")),
    fault("C403", "function", "Uploads", to(f"{_LOCK} Condition Bool aws:SecureTransport", "true")),
    fault("C403", "function", "Uploads", to(f"{_LOCK} Principal", {"AWS": own("iam", "root")})),
    fault(
        "C404", "bucket", "Assets", to("Assets LifecycleConfiguration Rules 0 Status", "Disabled")
    ),
    fault(
        "C405",
        "function",
        "Uploads",
        without("Uploads NotificationConfiguration LambdaConfigurations 0 Filter"),
    ),
    fault(
        "C405",
        "function",
        "Uploads",
        to("ThumbnailRole Policies 0 PolicyDocument Statement 0 Resource", sub("${Uploads.Arn}/*")),
    ),
    fault(
        "C406",
        "bucket",
        "Assets",
        without("Assets BucketNamespace"),
        to("Assets BucketName", "assets"),
    ),
    # Networks and load balancers
    fault("C501", "database", "Callers", to("Callers SecurityGroupIngress", [_WORLD], stack=LOW)),
    fault(
        "C501",
        "balancer",
        "Front",
        to("Front SecurityGroupIngress 0", knock(22, CidrIp="0.0.0.0/0")),
    ),
    fault(
        "C501",
        "database",
        "Hole",
        to(
            "Hole",
            resource("EC2::SecurityGroupIngress", GroupId=ref("Callers"), **_WORLD),
            stack=LOW,
        ),
    ),
    fault(
        "C502",
        "database",
        "Callers",
        to(
            "Callers SecurityGroupIngress",
            [{"IpProtocol": "-1", "Description": "All", "SourceSecurityGroupId": "sg"}],
            stack=LOW,
        ),
    ),
    fault(
        "C502",
        "database",
        "Callers",
        to(
            "Callers SecurityGroupIngress",
            [knock(0, SourceSecurityGroupId="sg") | {"ToPort": 65535}],
            stack=LOW,
        ),
    ),
    fault("C503", "balancer", "Front", without("Front SecurityGroupIngress 1 Description")),
    fault(
        "C504",
        "database",
        "Wall",
        to("Wall SecurityGroupIngress", [knock(5432, CidrIp="10.0.0.0/16")]),
        to("Wall More", taken("Callers")),
    ),
    fault("C505", "database", "Away", to("InnerWay RouteTableId", ref("Routes"), stack=LOW)),
    fault("C506", "database", "Inner", to("Inner MapPublicIpOnLaunch", value=True, stack=LOW)),
    fault("C511", "balancer", "Https", without("Https SslPolicy")),
    fault(
        "C511",
        "balancer",
        "Https",
        to("Https SslPolicy", "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06"),
    ),
    fault("C512", "balancer", "Balancer", without("Balancer LoadBalancerAttributes 1")),
    fault("C513", "balancer", "Http", to("Http DefaultActions", [{"Type": "forward"}])),
    fault("C513", "balancer", "Rule", to("Rule ListenerArn", ref("Http"))),
    fault("C514", "balancer", "Balancer", to("Balancer LoadBalancerAttributes 0 Value", "false")),
    # Functions and containers
    fault("C601", "function", "Thumbnail", without("Thumbnail LoggingConfig")),
    fault("C602", "function", "ThumbnailLogs", without("ThumbnailLogs RetentionInDays")),
    fault("C603", "function", "ThumbnailCalled", without("ThumbnailCalled SourceAccount")),
    fault("C603", "function", "ThumbnailCalled", without("ThumbnailCalled SourceArn")),
    fault(
        "C603",
        "function",
        "More",
        to("More", resource("Lambda::Permission", Principal="apigateway.amazonaws.com")),
    ),
    fault("C604", "function", "More", to("More", resource("Lambda::Permission", Principal="*"))),
    fault("C604", "function", "More", to("More", resource("Lambda::Url", AuthType="NONE"))),
    fault(
        "C605",
        "function",
        "Twin",
        to(
            "Twin",
            resource(
                "Lambda::Function",
                Role=arn("ThumbnailRole"),
                Timeout=3,
                MemorySize=128,
                LoggingConfig={"LogGroup": ref("ThumbnailLogs")},
            ),
        ),
        *(
            to(title, one)
            for title, one in alarms(
                "AWS/Lambda", "Errors Throttles", {"FunctionName": "Twin"}
            ).items()
        ),
    ),
    fault("C606", "function", "Thumbnail", without("Thumbnail DeadLetterConfig")),
    fault("C607", "stream", "MessagesRead", without("MessagesRead FunctionResponseTypes")),
    fault("C607", "stream", "MessagesRead", without("MessagesRead BisectBatchOnFunctionError")),
    fault("C607", "stream", "MessagesRead", to("MessagesRead MaximumRetryAttempts", -1)),
    fault("C607", "stream", "MessagesRead", without("MessagesRead DestinationConfig")),
    fault("C608", "function", "Thumbnail", without("Thumbnail MemorySize")),
    fault(
        "C611",
        "task",
        "Task/backend",
        without("Task ContainerDefinitions 0 ReadonlyRootFilesystem"),
    ),
    fault("C612", "task", "Task/backend", without("Task ContainerDefinitions 0 User")),
    fault("C612", "task", "Task/backend", to("Task ContainerDefinitions 0 Privileged", value=True)),
    fault("C613", "task", "Task/backend", without("Task ContainerDefinitions 0 LogConfiguration")),
    fault(
        "C613",
        "task",
        "Task/backend",
        to("Task ContainerDefinitions 0 LogConfiguration Options awslogs-group", "cruddur"),
    ),
    fault(
        "C614",
        "task",
        "Task/backend",
        to("Task ContainerDefinitions 0 Image", "public.ecr.aws/x/collector"),
    ),
    fault(
        "C614",
        "task",
        "Task/backend",
        to("Task ContainerDefinitions 0 Image", sub("${Repository}:latest")),
    ),
    fault("C615", "task", "Task", to("Task TaskRoleArn", own("iam", "role/execution"))),
    fault(
        "C616",
        "task",
        "Service",
        to("Service DeploymentConfiguration DeploymentCircuitBreaker Rollback", value=False),
    ),
    fault(
        "C617",
        "task",
        "Service",
        to("Service NetworkConfiguration AwsvpcConfiguration AssignPublicIp", "ENABLED"),
    ),
    fault("C618", "task", "Service", to("Service EnableExecuteCommand", value=True)),
    # Topics and queues
    fault("C701", "topic", "Dead", without("Dead SqsManagedSseEnabled")),
    fault("C702", "topic", "Dead", without("DeadPolicy")),
    fault("C702", "topic", "Avatars", without("AvatarsPolicy PolicyDocument Statement 1")),
    fault("C703", "topic", "Avatars", to("Avatars SignatureVersion", "1")),
    fault("C704", "topic", "Webhook", to("Webhook Protocol", "http")),
    fault("C705", "topic", "Webhook", without("Webhook RedrivePolicy")),
    # Databases, people, images
    fault("C801", "database", "Database", without("Database StorageEncrypted")),
    fault("C802", "database", "Database", without("Database PubliclyAccessible")),
    fault("C803", "database", "Database", without("Database DeletionProtection")),
    fault("C804", "database", "Database", to("Database BackupRetentionPeriod", 1)),
    fault("C805", "database", "Database", to("Forced Parameters rds.force_ssl", "0")),
    fault("C805", "database", "Database", without("Database DBParameterGroupName")),
    fault("C806", "database", "Database", without("Database ManageMasterUserPassword")),
    fault("C807", "database", "Database", without("Database EnableIAMDatabaseAuthentication")),
    fault("C808", "database", "Database", without("Database CopyTagsToSnapshot")),
    fault("C811", "stream", "Messages", without("Messages PointInTimeRecoverySpecification")),
    fault("C812", "stream", "Messages", to("Messages DeletionProtectionEnabled", value=False)),
    fault("C821", "pool", "People", to("People Policies PasswordPolicy MinimumLength", 8)),
    fault("C821", "pool", "People", without("People Policies PasswordPolicy RequireSymbols")),
    fault("C822", "pool", "People", without("People AutoVerifiedAttributes")),
    fault("C823", "pool", "People", without("People DeletionProtection")),
    fault("C824", "pool", "Browser", without("Browser PreventUserExistenceErrors")),
    fault(
        "C825",
        "pool",
        "Browser",
        to("Browser ExplicitAuthFlows", ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]),
    ),
    fault("C825", "pool", "Browser", without("Browser ExplicitAuthFlows")),
    fault("C826", "pool", "Browser", to("Browser GenerateSecret", value=True)),
    fault("C827", "pool", "Browser", without("Browser EnableTokenRevocation")),
    fault("C831", "images", "Images", without("Images ImageScanningConfiguration")),
    fault("C832", "images", "Images", to("Images ImageTagMutability", "MUTABLE")),
    fault("C833", "images", "Images", without("Images LifecyclePolicy")),
    # HTTP APIs and CDNs
    fault("C901", "api", "Upload", without("Upload AuthorizerId")),
    fault("C901", "api", "Upload", to("Upload AuthorizationType", "NONE")),
    fault("C901", "api", "Api", to("Api Target", "arn")),
    fault("C902", "api", "Authorizer", to("Authorizer AuthorizerResultTtlInSeconds", 3600)),
    fault("C902", "api", "Authorizer", without("Authorizer IdentitySource")),
    fault("C903", "api", "Stage", without("Stage AccessLogSettings")),
    fault("C904", "api", "Stage", without("Stage DefaultRouteSettings ThrottlingRateLimit")),
    fault("C905", "api", "Api", to("Api CorsConfiguration AllowOrigins", ["*"])),
    fault(
        "C905",
        "bucket",
        "Assets",
        to("Assets CorsConfiguration CorsRules 0 AllowedOrigins", ["https://*"]),
    ),
    fault(
        "C905",
        "cdn",
        "Headers",
        to(
            "Headers ResponseHeadersPolicyConfig CorsConfig",
            {"AccessControlAllowOrigins": {"Items": ["*"]}},
        ),
    ),
    fault("C911", "cdn", "Site/site", without(f"{_ORIGIN} OriginAccessControlId")),
    fault(
        "C912",
        "cdn",
        "Signed",
        to("Signed OriginAccessControlConfig SigningBehavior", "no-override"),
    ),
    fault(
        "C913",
        "cdn",
        "Site",
        to("Site DistributionConfig ViewerCertificate MinimumProtocolVersion", "TLSv1"),
    ),
    fault("C913", "cdn", "Site", without("Site DistributionConfig ViewerCertificate")),
    fault(
        "C913",
        "cdn",
        "Site",
        to("Site DistributionConfig ViewerCertificate SslSupportMethod", "vip"),
    ),
    fault(
        "C914",
        "cdn",
        "Site/default",
        to("Site DistributionConfig DefaultCacheBehavior ViewerProtocolPolicy", "allow-all"),
    ),
    fault(
        "C915",
        "cdn",
        "Site//avatars/*",
        without("Site DistributionConfig CacheBehaviors 0 ResponseHeadersPolicyId"),
    ),
    fault(
        "C916",
        "cdn",
        "Headers",
        without(
            "Headers ResponseHeadersPolicyConfig SecurityHeadersConfig StrictTransportSecurity"
        ),
    ),
    # Alarms
    fault("C921", "function", "Thumbnail", without("ThumbnailErrors")),
    fault("C921", "function", "Thumbnail", without("ThumbnailThrottles")),
    fault("C921", "function", "Thumbnail", to("ThumbnailErrors Dimensions 0 Name", "Function")),
    fault("C921", "function", "Thumbnail", to("ThumbnailErrors Dimensions 0 Value", "Thumbnail")),
    fault("C921", "stream", "Messages", without("MessagesReadThrottleEvents")),
    fault(
        "C921",
        "stream",
        "Messages",
        to(
            "MessagesWriteThrottleEvents Dimensions",
            [
                {"Name": "TableName", "Value": ref("Messages")},
                {"Name": "GlobalSecondaryIndexName", "Value": "by-person"},
            ],
        ),
    ),
    fault("C921", "topic", "Dead", without("DeadApproximateAgeOfOldestMessage")),
    fault("C921", "balancer", "Balancer", without("BalancerHTTPCode_ELB_5XX_Count")),
    fault("C921", "balancer", "Targets", without("TargetsUnHealthyHostCount")),
    fault("C921", "database", "Database", to("DatabaseCPUUtilization Namespace", "AWS/ECS")),
    fault("C921", "task", "Service", without("ServiceCPUUtilization")),
    fault("C921", "api", "Api", to("ApiLatency MetricName", "latency")),
    fault("C922", "function", "ThumbnailErrors", without("ThumbnailErrors AlarmActions")),
    fault("C922", "function", "ThumbnailErrors", to("ThumbnailErrors AlarmActions", ["arn"])),
    fault("C922", "function", "ThumbnailErrors", without("ThumbnailErrors TreatMissingData")),
    # Other spellings of a fault
    fault("C005", "task", "Task", to("Task Family", "crd-123456789012-backend")),
    fault("C005", "task", "Task", to("Task Family", "logs123456789012")),
    fault(
        "C006", "database", "Inner", to("Inner AvailabilityZone", sub("${AWS::Region}a"), stack=LOW)
    ),
    *(
        fault("C006", "database", "Inner", to("Inner AvailabilityZone", zone, stack=LOW))
        for zone in ("us-west-2-lax-1a", "us-east-1-wl1-bos-wlz-1", "cac1-az1", "usw2-lax1-az1")
    ),
    fault("C006", "database", "Inner", to("Inner Name", "inner-ca-central-1a", stack=LOW)),
    fault("C008", "names", "Record", to("Record Name", sub("api.cruddur.com"))),
    fault(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        to(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow(
                "sns:Publish",
                ref("Avatars"),
                Principal={"AWS": "*"},
                Condition={"ArnLike": {"aws:SourceArn": "arn:*:*:*:*:*"}},
            ),
        ),
    ),
    *(
        fault(
            "C301",
            "rights",
            "Rights/Allowed",
            to(
                _GIVEN,
                allow(
                    action,
                    resource,
                    Condition={"StringEquals": {"iam:PassedToService": "a.amazonaws.com"}},
                ),
            ),
        )
        for action, resource in (
            ("*:*", "arn:aws:s3:::a"),
            ("**", "arn:aws:s3:::a"),
            ("S3:*", "*"),
            ("s3:**", "arn:aws:s3:::*/*"),
            ("s3:*", ["arn:aws:s3:::*/*"]),
            ("s3:*", "arn:aws:s3*"),
        )
    ),
    *(
        fault("C304", "rights", "Rights/Allowed", to(_GIVEN, allow("s3:GetObject", resource)))
        for resource in ("arn:aws:s3:::*/*", "arn:aws:s3:::**", "arn:aws:s3:*", "**")
    ),
    fault("C303", "rights", "Rights/Pass", to(f"{_PASSED} Resource", own("iam", "role/*/*"))),
    *(
        fault("C403", "function", "Uploads", to(f"{_LOCK} {key}", value))
        for key, value in (
            ("Action", ["s3:GetObject"]),
            ("Resource", [arn("Uploads")]),
            ("Resource", [sub("${Uploads.Arn}/*")]),
            ("Resource", [arn("Uploads"), sub("${Uploads.Arn}/avatars/*")]),
            (
                "Condition",
                {
                    "Bool": {"aws:SecureTransport": "false"},
                    "StringEquals": {"aws:PrincipalTag/a": "b"},
                },
            ),
        )
    ),
    fault(
        "C702",
        "topic",
        "Dead",
        to("DeadPolicy PolicyDocument Statement 0 Action", "sqs:GetQueueUrl"),
    ),
    *(
        fault(
            "C501",
            "database",
            "Callers",
            to("Callers SecurityGroupIngress", [knock(5432, **source)], stack=LOW),
        )
        for source in (
            {"CidrIp": "0.0.0.0/1"},
            {"CidrIp": "1.2.3.4/0"},
            {"CidrIp": "128.0.0.0/2"},
            {"CidrIpv6": "2000::/3"},
            {"CidrIpv6": "0::/0"},
        )
    ),
    fault(
        "C501",
        "database",
        "Callers",
        to(
            "Callers SecurityGroupIngress",
            [knock(5432, CidrIp=f"{first}.0.0.0/8") for first in (3, 5, 7)],
            stack=LOW,
        ),
    ),
    fault(
        "C501",
        "database",
        "Hole",
        to("World", resource("EC2::PrefixList", Entries=[{"Cidr": "0.0.0.0/0"}]), stack=LOW),
        to(
            "Hole",
            resource(
                "EC2::SecurityGroupIngress",
                GroupId=ref("Callers"),
                **knock(5432, SourcePrefixListId=ref("World")),
            ),
            stack=LOW,
        ),
    ),
    *(
        fault(
            "C502",
            "database",
            "Callers",
            to(
                "Callers SecurityGroupIngress",
                [knock(first, SourceSecurityGroupId="sg") | {"ToPort": last} | more],
                stack=LOW,
            ),
        )
        for first, last, more in (
            (1, 65535, {}),
            (1024, 65535, {}),
            (443, 443, {"IpProtocol": -1}),
        )
    ),
    fault(
        "C502",
        "database",
        "Callers",
        to("Callers SecurityGroupIngress", [_WITHOUT_PORTS], stack=LOW),
    ),
    *(
        fault("C614", "task", "Task/backend", to("Task ContainerDefinitions 0 Image", image))
        for image in (
            sub("public.ecr.aws/${AWS::AccountId}/collector"),
            {"Fn::Join": ["/", ["public.ecr.aws", "x", "collector"]]},
        )
    ),
    fault(
        "C614",
        "task",
        "Task/backend",
        to("Images", kept("ECR::Repository", **IMAGES)),
        to("Task ContainerDefinitions 0 Image", {"Fn::GetAtt": ["Images", "RepositoryUri"]}),
    ),
    fault(
        "C612",
        "task",
        "Task/sidecar",
        to(
            "Task ContainerDefinitions 1",
            {
                "Fn::If": [
                    "Unknown",
                    {**container, "Name": "sidecar", "User": "00:0"},
                    {"Ref": "AWS::NoValue"},
                ]
            },
        ),
    ),
    fault(
        "C602",
        "function",
        "ThumbnailLogs",
        to("ThumbnailLogs RetentionInDays", ref("AWS::NoValue")),
    ),
    # What AWS refuses
    *(
        fault("C021", piece, title, to(f"{title} {key}", value))
        for piece, title, key, value in (
            ("bucket", "Assets", "BucketNamePrefix", "a" * 35),
            ("workflow", "Publisher", "RoleName", sub("a" * 56 + "-${AWS::Region}")),
            ("function", "Thumbnail", "FunctionName", "a" * 65),
            ("function", "ThumbnailLogs", "LogGroupName", "a" * 513),
            ("function", "ThumbnailErrors", "AlarmName", "a" * 256),
            ("balancer", "Targets", "Name", "a" * 33),
            ("balancer", "Balancer", "Name", "a" * 33),
            ("topic", "Dead", "QueueName", "a" * 81),
        )
    ),
    fault(
        "C021",
        "wires",
        "Outputs.Below",
        to("Outputs Below Export Name", "a" * 256, stack=LOW),
        to("Above Namespace", {"Fn::ImportValue": "a" * 256}),
    ),
    *(
        fault("C022", "balancer", "Front", to(f"Front {key}", value))
        for key, value in (
            ("SecurityGroupIngress 0 Description", "It's for browsers"),
            ("SecurityGroupIngress 0 Description", "<all>"),
            ("SecurityGroupIngress 0 Description", "a" * 256),
            ("GroupDescription", "Entrée"),
        )
    ),
    fault(
        "C023",
        "rights",
        "Rights",
        to(f"{_GIVEN} Resource", [f"arn:aws:s3:::{n}/{'x' * 200}" for n in range(30)]),
    ),
    fault(
        "C023",
        "function",
        "ThumbnailRole",
        to(
            "ThumbnailRole Policies 0 PolicyDocument Statement 0 Resource",
            [sub(f"${{Uploads.Arn}}/avatars/{number}{'a' * 200}/*") for number in range(50)],
        ),
    ),
    fault(
        "C023",
        "workflow",
        "Publisher",
        to("Publisher ManagedPolicyArns", [f"arn:aws:iam::aws:policy/P{n}" for n in range(11)]),
    ),
    *(
        fault("C024", "task", "Value", to("Value", kept("SSM::Parameter", Value=value)))
        for value in ("a" * 4097, "€" * 1400, "Hello {{name}}", sub("{{${Task}}}"))
    ),
    fault(
        "C025",
        "cdn",
        "Edge",
        to("Edge", resource("CloudFront::Function", FunctionCode="a" * 10241)),
    ),
    fault(
        "C025",
        "task",
        "Machine",
        to("Machine", resource("EC2::Instance", UserData={"Fn::Base64": "a" * 16385})),
    ),
    fault(
        "C025",
        "topic",
        "Dead",
        to("Dead Tags", [{"Key": f"k{n}", "Value": "v"} for n in range(51)]),
    ),
    fault(
        "C025", "task", "Board", to("Board", resource("CloudWatch::Dashboard", DashboardBody="{"))
    ),
)
