"""Violations to plant in the clean templates: at least one for each rule."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.deployer.policy.clean_templates import (
    BLOCKED,
    CLEAN_TEMPLATES,
    DOMAIN,
    FAR,
    HIGH,
    IMAGES,
    LOW,
    Templates,
    alarms,
    allow,
    arn,
    container,
    document,
    import_value,
    in_own_account,
    ingress,
    json_policy,
    own_arn,
    ref,
    resource,
    retained,
    sub,
)

Change = Callable[[Any], None]


@dataclass(frozen=True)
class PlantedViolation:
    """Changes of clean templates that violate one rule, and the place of the finding."""

    rule: str
    piece: str
    where: str
    changes: tuple[Change, ...]

    def templates(self) -> Templates:
        """Return a copy of the clean templates with the violation."""
        piece = copy.deepcopy(CLEAN_TEMPLATES[self.piece])
        for change in self.changes:
            change(piece)
        return piece

    def __str__(self) -> str:
        return f"{self.rule}-{self.where}"


def set_(path: str, value: Any, *, stack: str = HIGH) -> Change:
    """Set *value* at *path*: "Title Property 0 Property", "Title @DeletionPolicy", "Title"."""

    def change(piece: Any) -> None:
        place, last = _locate(piece[stack], path)
        if isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value

    return change


def delete(path: str, *, stack: str = HIGH) -> Change:
    """Delete the value at *path*."""

    def change(piece: Any) -> None:
        place, last = _locate(piece[stack], path)
        del place[last]

    return change


def _locate(template: Any, path: str) -> tuple[Any, Any]:
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


def violation(rule: str, piece: str, where: str, *changes: Change) -> PlantedViolation:
    """Return a violation of *rule* in the clean templates *piece*, found at *where*."""
    return PlantedViolation(rule, piece, where, changes)


_TRUST = "Publisher AssumeRolePolicyDocument Statement 0 Condition"
_GITHUB = "token.actions.githubusercontent.com"
_LOCK = "UploadsPolicy PolicyDocument Statement 0"
_FROM_INTERNET = ingress(5432, CidrIp="0.0.0.0/0")
_WITHOUT_PORTS = {"IpProtocol": "tcp", "Description": "All", "SourceSecurityGroupId": "sg"}
_GIVEN = "Permissions PolicyDocument Statement 0"
_PASSED = "Permissions PolicyDocument Statement 1"
_ORIGIN = "Site DistributionConfig Origins 0"
_LOGS = {"Principal": {"Service": "logs.amazonaws.com"}}
_WITHOUT_RESOURCE = {"Sid": "Allowed", "Effect": "Allow", "Action": "ecr:BatchGetImage", **_LOGS}
_PUBLIC = allow("x:Read", "*", Principal="*")
_PUBLIC_DOCUMENT = document(_PUBLIC)


def _custom_origin(domain: Any) -> dict[str, Any]:
    """Return an origin that CloudFront reads without signing its requests."""
    config = {"OriginProtocolPolicy": "https-only"}
    return {"Id": "files", "DomainName": domain, "CustomOriginConfig": config}


def _global_table(incomplete: str) -> dict[str, Any]:
    """Return a global table with two replicas; one does not have the property *incomplete*."""
    replica = {
        "Region": ref("AWS::Region"),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "DeletionProtectionEnabled": True,
    }
    lacking = {key: value for key, value in replica.items() if key != incomplete}
    return retained("DynamoDB::GlobalTable", Replicas=[replica, lacking])


PLANTED_VIOLATIONS = (
    # Exports, imports, parameters and hardcoded values
    violation("C001", "references", "Outputs.Below", set_("Above Namespace", "gone")),
    violation("C001", "references", "Outputs.Far", delete("Parameters Far")),
    violation("C002", "references", "", set_("Above More", import_value("Gone"))),
    violation("C002", "references", "", set_("Above More", import_value("Far", stack=FAR))),
    violation(
        "C002",
        "references",
        "",
        set_("Outputs Up", {"Value": "up", "Export": {"Name": "up"}}),
        set_("Below Up", {"Fn::ImportValue": "up"}, stack=LOW),
    ),
    violation(
        "C002",
        "references",
        "Parameters.Far",
        set_("Parameters Far", {"Type": "String"}, stack=LOW),
    ),
    violation("C002", "references", "Parameters.Gone", set_("Parameters Gone", {"Type": "String"})),
    violation(
        "C003", "references", "Outputs.Name", set_("Outputs Name Value", "{{resolve:ssm:/a/b}}")
    ),
    violation(
        "C003",
        "references",
        "Outputs.Name",
        set_("Outputs Name Value", sub("x{{resolve:ssm-secure:/a}}")),
    ),
    violation(
        "C004",
        "references",
        "Parameters.Far",
        set_("Parameters Far", {"NoEcho": True, "Default": ""}),
    ),
    violation("C005", "task", "Task", set_("Task TaskRoleArn", "arn:aws:iam::123456789012:role/x")),
    violation(
        "C005", "task", "Task", set_("Task TaskRoleArn", sub("arn:aws:iam::123456789012:role/${X}"))
    ),
    violation(
        "C006",
        "database",
        "PrivateSubnet",
        set_("PrivateSubnet AvailabilityZone", "ca-central-1a", stack=LOW),
    ),
    violation("C007", "names", "Record", set_("Record HostedZoneId", "Z0OTHER")),
    violation(
        "C007",
        "names",
        "Certificate",
        set_("Certificate DomainValidationOptions 0 HostedZoneId", "Z1"),
    ),
    violation("C008", "names", "Record", set_("Record Name", "api.cruddur.com")),
    violation("C008", "names", "Record", set_("Record Name", f"evil{DOMAIN}")),
    violation("C008", "cdn", "Site", set_("Site DistributionConfig Aliases", ["cruddur.com"])),
    violation(
        "C008",
        "bucket",
        "Assets",
        set_("Assets CorsConfiguration CorsRules 0 AllowedOrigins", ["https://evil.com"]),
    ),
    violation(
        "C008", "api", "Api", set_("Api CorsConfiguration AllowOrigins", ["http://localhost:3000"])
    ),
    violation(
        "C008",
        "balancer",
        "Rule",
        set_("Rule Conditions 0 HostHeaderConfig Values", ["api.cruddur.com"]),
    ),
    violation("C009", "references", "Above", set_("Above Note", "AKIA" + "ABCDEFGHIJKLMNOP")),
    violation(
        "C009", "references", "Above", set_("Above Url", sub("postgres://crud:${Password}@host/db"))
    ),
    violation(
        "C010",
        "function",
        "Thumbnail/DB_PASSWORD",
        set_("Thumbnail Environment Variables DB_PASSWORD", "hunter2"),
    ),
    violation(
        "C010",
        "function",
        "Thumbnail/KEY",
        set_("Thumbnail Environment Variables KEY", "{{resolve:ssm-secure:/a}}"),
    ),
    violation(
        "C010",
        "function",
        "Thumbnail/dbPassword",
        set_("Thumbnail Environment Variables dbPassword", "hunter2"),
    ),
    violation(
        "C010",
        "function",
        "Thumbnail/DB_PWD",
        set_("Thumbnail Environment Variables DB_PWD", sub("hunter${AWS::AccountId}")),
    ),
    violation(
        "C010",
        "function",
        "Thumbnail/SIGNER",
        set_(
            "Thumbnail Environment Variables SIGNER",
            "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
        ),
    ),
    violation(
        "C010",
        "task",
        "Task/ROLLBAR_ACCESS_TOKEN",
        set_(
            "Task ContainerDefinitions 0 Environment",
            [{"Name": "ROLLBAR_ACCESS_TOKEN", "Value": ref("Given")}],
        ),
    ),
    violation(
        "C010",
        "permissions",
        "Build/GITHUB_TOKEN",
        set_(
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
    violation("C008", "names", "Record", set_("Record Name", "*.cruddur.com")),
    violation("C008", "pool", "Browser", set_("Browser CallbackURLs", ["https://cruddur.com/x"])),
    # Data retention
    violation("C101", "bucket", "Assets", delete("Assets @DeletionPolicy")),
    violation("C101", "pool", "Users", delete("Users @UpdateReplacePolicy")),
    violation(
        "C101",
        "topic",
        "Dead",
        delete("Dead @DeletionPolicy"),
        delete("Dead @UpdateReplacePolicy"),
    ),
    violation("C102", "stream", "Messages", set_("Messages @DeletionPolicy", "Delete")),
    violation(
        "C102", "function", "ThumbnailLogs", set_("ThumbnailLogs @UpdateReplacePolicy", "Delete")
    ),
    # Principals
    violation(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        set_(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow("sns:Publish", ref("Avatars"), Principal="*"),
        ),
    ),
    violation(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        set_(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow(
                "sns:Publish",
                ref("Avatars"),
                Principal={"AWS": ["*"]},
                Condition={"StringLike": {"aws:SourceArn": "*"}},
            ),
        ),
    ),
    violation(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        set_(
            "AvatarsPolicy PolicyDocument Statement 0",
            allow("sns:Publish", ref("Avatars"), NotPrincipal={"AWS": "1"}),
        ),
    ),
    violation(
        "C201",
        "endpoint",
        "Endpoint/Allowed",
        delete("Endpoint PolicyDocument Statement 0 Condition"),
    ),
    violation(
        "C201",
        "endpoint",
        "Endpoint/Allowed",
        set_(
            "Endpoint PolicyDocument Statement 0 Condition",
            {"StringEqualsIfExists": in_own_account["StringEquals"]},
        ),
    ),
    violation(
        "C202",
        "topic",
        "AvatarsPolicy/Allowed",
        delete("AvatarsPolicy PolicyDocument Statement 0 Condition"),
    ),
    violation(
        "C202",
        "bucket",
        "AssetsPolicy/Allowed",
        delete("AssetsPolicy PolicyDocument Statement 1 Condition"),
    ),
    violation(
        "C202",
        "permissions",
        "Key/Allowed",
        set_("Key", retained("KMS::Key", KeyPolicy=document(allow("kms:Encrypt", "*", **_LOGS)))),
    ),
    violation(
        "C202",
        "permissions",
        "Key/Allowed",
        set_(
            "Key",
            retained(
                "KMS::Key",
                KeyPolicy=document(
                    allow(
                        "kms:Encrypt",
                        "*",
                        Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:*"}},
                        **_LOGS,
                    )
                ),
            ),
        ),
    ),
    violation(
        "C202",
        "images",
        "Images/Allowed",
        set_("Images RepositoryPolicyText", document(_WITHOUT_RESOURCE)),
    ),
    violation(
        "C203", "workflow", "Publisher/Workflow", delete(f"{_TRUST} StringEquals {_GITHUB}:aud")
    ),
    violation(
        "C203",
        "workflow",
        "Publisher/Workflow",
        set_(f"{_TRUST} StringEquals {_GITHUB}:sub", "repo:o/r:pull_request"),
    ),
    violation(
        "C203",
        "workflow",
        "Publisher/Workflow",
        set_(
            _TRUST,
            {
                "StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{_GITHUB}:sub": "repo:o/r:*"},
            },
        ),
    ),
    # Permissions
    violation("C301", "permissions", "Permissions/Allowed", set_(_GIVEN, allow(["s3:*"], "*"))),
    violation(
        "C302",
        "permissions",
        "Permissions/Allowed",
        delete(f"{_GIVEN} Action"),
        set_(f"{_GIVEN} NotAction", "iam:*"),
    ),
    violation("C303", "permissions", "Permissions/Pass", delete(f"{_PASSED} Condition")),
    violation(
        "C303",
        "permissions",
        "Permissions/Pass",
        set_(f"{_PASSED} Condition", {"StringLike": {"iam:PassedToService": "*"}}),
    ),
    violation(
        "C303",
        "permissions",
        "Permissions/Pass",
        set_(f"{_PASSED} Resource", own_arn("iam", "role/*")),
    ),
    violation("C303", "permissions", "Permissions/Allowed", set_(f"{_GIVEN} Action", "iam:Pass*")),
    violation(
        "C304", "permissions", "Permissions/Allowed", set_(_GIVEN, allow("ec2:DescribeVpcs", "*"))
    ),
    violation(
        "C304",
        "permissions",
        "Permissions/Allowed",
        set_(_GIVEN, allow("s3:GetObject", sub("arn:${AWS::Partition}:s3:::*"))),
    ),
    violation(
        "C305",
        "workflow",
        "Publisher",
        set_("Publisher ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    violation(
        "C305",
        "workflow",
        "Publisher",
        set_("Publisher ManagedPolicyArns", ["arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"]),
    ),
    violation(
        "C305",
        "workflow",
        "Publisher",
        set_(
            "Publisher ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess_v2"]
        ),
    ),
    violation(
        "C305",
        "workflow",
        "Administrators",
        set_(
            "Administrators",
            resource(
                "SSO::PermissionSet",
                ManagedPolicies=["arn:aws:iam::aws:policy/AdministratorAccess"],
            ),
        ),
    ),
    violation("C306", "workflow", "Publisher", delete("Publisher PermissionsBoundary")),
    violation("C307", "permissions", "Instance", set_("Instance", resource("IAM::User"))),
    # Buckets
    *(
        violation(
            "C401",
            "bucket",
            "Assets",
            set_(f"Assets PublicAccessBlockConfiguration {key}", value=False),
        )
        for key in BLOCKED
    ),
    violation(
        "C402",
        "bucket",
        "Assets",
        set_("Assets OwnershipControls Rules 0 ObjectOwnership", "ObjectWriter"),
    ),
    violation(
        "C402",
        "bucket",
        "Assets",
        delete("Assets OwnershipControls"),
        set_("Assets AccessControl", "Private"),
    ),
    violation("C403", "function", "Uploads", delete("UploadsPolicy")),
    violation(
        "C403", "function", "Uploads", set_(f"{_LOCK} Condition Bool aws:SecureTransport", "true")
    ),
    violation(
        "C403", "function", "Uploads", set_(f"{_LOCK} Principal", {"AWS": own_arn("iam", "root")})
    ),
    violation(
        "C404", "bucket", "Assets", set_("Assets LifecycleConfiguration Rules 0 Status", "Disabled")
    ),
    violation(
        "C405",
        "function",
        "Uploads",
        delete("Uploads NotificationConfiguration LambdaConfigurations 0 Filter"),
    ),
    violation(
        "C405",
        "function",
        "Uploads",
        set_(
            "ThumbnailRole Policies 0 PolicyDocument Statement 0 Resource", sub("${Uploads.Arn}/*")
        ),
    ),
    violation(
        "C406",
        "bucket",
        "Assets",
        delete("Assets BucketNamespace"),
        set_("Assets BucketName", "assets"),
    ),
    # Networks and load balancers
    violation(
        "C501",
        "database",
        "BackendSecurityGroup",
        set_("BackendSecurityGroup SecurityGroupIngress", [_FROM_INTERNET], stack=LOW),
    ),
    violation(
        "C501",
        "balancer",
        "LoadBalancerSecurityGroup",
        set_("LoadBalancerSecurityGroup SecurityGroupIngress 0", ingress(22, CidrIp="0.0.0.0/0")),
    ),
    violation(
        "C501",
        "database",
        "OpenIngress",
        set_(
            "OpenIngress",
            resource(
                "EC2::SecurityGroupIngress", GroupId=ref("BackendSecurityGroup"), **_FROM_INTERNET
            ),
            stack=LOW,
        ),
    ),
    violation(
        "C502",
        "database",
        "BackendSecurityGroup",
        set_(
            "BackendSecurityGroup SecurityGroupIngress",
            [{"IpProtocol": "-1", "Description": "All", "SourceSecurityGroupId": "sg"}],
            stack=LOW,
        ),
    ),
    violation(
        "C502",
        "database",
        "BackendSecurityGroup",
        set_(
            "BackendSecurityGroup SecurityGroupIngress",
            [ingress(0, SourceSecurityGroupId="sg") | {"ToPort": 65535}],
            stack=LOW,
        ),
    ),
    violation(
        "C503",
        "balancer",
        "LoadBalancerSecurityGroup",
        delete("LoadBalancerSecurityGroup SecurityGroupIngress 1 Description"),
    ),
    violation(
        "C504",
        "database",
        "DatabaseSecurityGroup",
        set_("DatabaseSecurityGroup SecurityGroupIngress", [ingress(5432, CidrIp="10.0.0.0/16")]),
        set_("DatabaseSecurityGroup More", import_value("BackendSecurityGroup")),
    ),
    violation(
        "C505",
        "database",
        "DatabaseSubnets",
        set_("PrivateSubnetRoutes RouteTableId", ref("Routes"), stack=LOW),
    ),
    violation(
        "C506",
        "database",
        "PrivateSubnet",
        set_("PrivateSubnet MapPublicIpOnLaunch", value=True, stack=LOW),
    ),
    violation("C511", "balancer", "Https", delete("Https SslPolicy")),
    violation(
        "C511",
        "balancer",
        "Https",
        set_("Https SslPolicy", "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06"),
    ),
    violation("C512", "balancer", "Balancer", delete("Balancer LoadBalancerAttributes 1")),
    violation("C513", "balancer", "Http", set_("Http DefaultActions", [{"Type": "forward"}])),
    violation("C513", "balancer", "Rule", set_("Rule ListenerArn", ref("Http"))),
    violation(
        "C514", "balancer", "Balancer", set_("Balancer LoadBalancerAttributes 0 Value", "false")
    ),
    # Functions and containers
    violation("C601", "function", "Thumbnail", delete("Thumbnail LoggingConfig")),
    violation("C602", "function", "ThumbnailLogs", delete("ThumbnailLogs RetentionInDays")),
    violation("C603", "function", "ThumbnailCalled", delete("ThumbnailCalled SourceAccount")),
    violation("C603", "function", "ThumbnailCalled", delete("ThumbnailCalled SourceArn")),
    violation("C603", "function", "ThumbnailCalled", set_("ThumbnailCalled SourceAccount", "*")),
    *(
        violation("C603", "function", "ThumbnailCalled", set_("ThumbnailCalled SourceArn", source))
        for source in ("*", "arn:aws:s3:::*", sub("arn:${AWS::Partition}:events:*:*:rule/*"))
    ),
    violation(
        "C603",
        "function",
        "More",
        set_("More", resource("Lambda::Permission", Principal="apigateway.amazonaws.com")),
    ),
    violation(
        "C604", "function", "More", set_("More", resource("Lambda::Permission", Principal="*"))
    ),
    violation("C604", "function", "More", set_("More", resource("Lambda::Url", AuthType="NONE"))),
    violation(
        "C604",
        "function",
        "More",
        set_("More", resource("Lambda::LayerVersionPermission", Principal="*")),
    ),
    violation(
        "C605",
        "function",
        "Twin",
        set_(
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
            set_(title, alarm)
            for title, alarm in alarms(
                "AWS/Lambda", "Errors Throttles", {"FunctionName": "Twin"}
            ).items()
        ),
    ),
    violation("C606", "function", "Thumbnail", delete("Thumbnail DeadLetterConfig")),
    violation(
        "C606",
        "function",
        "Thumbnail",
        delete("Thumbnail DeadLetterConfig"),
        set_("ThumbnailCalled Principal", sub("logs.${AWS::Region}.amazonaws.com")),
    ),
    violation("C607", "stream", "MessagesRead", delete("MessagesRead FunctionResponseTypes")),
    violation("C607", "stream", "MessagesRead", delete("MessagesRead BisectBatchOnFunctionError")),
    violation("C607", "stream", "MessagesRead", set_("MessagesRead MaximumRetryAttempts", -1)),
    violation("C607", "stream", "MessagesRead", delete("MessagesRead DestinationConfig")),
    violation("C608", "function", "Thumbnail", delete("Thumbnail MemorySize")),
    violation(
        "C611",
        "task",
        "Task/backend",
        delete("Task ContainerDefinitions 0 ReadonlyRootFilesystem"),
    ),
    violation("C612", "task", "Task/backend", delete("Task ContainerDefinitions 0 User")),
    violation(
        "C612", "task", "Task/backend", set_("Task ContainerDefinitions 0 Privileged", value=True)
    ),
    violation(
        "C613", "task", "Task/backend", delete("Task ContainerDefinitions 0 LogConfiguration")
    ),
    violation(
        "C613",
        "task",
        "Task/backend",
        set_("Task ContainerDefinitions 0 LogConfiguration Options awslogs-group", "cruddur"),
    ),
    violation(
        "C614",
        "task",
        "Task/backend",
        set_("Task ContainerDefinitions 0 Image", "public.ecr.aws/x/collector"),
    ),
    violation(
        "C614",
        "task",
        "Task/backend",
        set_("Task ContainerDefinitions 0 Image", sub("${Repository}:latest")),
    ),
    violation("C615", "task", "Task", set_("Task TaskRoleArn", own_arn("iam", "role/execution"))),
    violation(
        "C616",
        "task",
        "Service",
        set_("Service DeploymentConfiguration DeploymentCircuitBreaker Rollback", value=False),
    ),
    violation(
        "C617",
        "task",
        "Service",
        set_("Service NetworkConfiguration AwsvpcConfiguration AssignPublicIp", "ENABLED"),
    ),
    violation("C618", "task", "Service", set_("Service EnableExecuteCommand", value=True)),
    # Topics and queues
    violation("C701", "topic", "Dead", set_("Dead SqsManagedSseEnabled", value=False)),
    violation("C702", "topic", "Dead", delete("DeadPolicy")),
    violation("C702", "topic", "Avatars", delete("AvatarsPolicy PolicyDocument Statement 1")),
    violation("C703", "topic", "Avatars", set_("Avatars SignatureVersion", "1")),
    violation("C704", "topic", "Webhook", set_("Webhook Protocol", "http")),
    violation("C705", "topic", "Webhook", delete("Webhook RedrivePolicy")),
    violation("C705", "topic", "Avatars", set_("Avatars Subscription", [{"Protocol": "https"}])),
    # Databases, user pools, images
    violation("C801", "database", "Database", delete("Database StorageEncrypted")),
    violation("C802", "database", "Database", delete("Database PubliclyAccessible")),
    violation("C803", "database", "Database", delete("Database DeletionProtection")),
    violation("C804", "database", "Database", set_("Database BackupRetentionPeriod", 1)),
    violation(
        "C805", "database", "Database", set_("DatabaseParameters Parameters rds.force_ssl", "0")
    ),
    violation("C805", "database", "Database", delete("Database DBParameterGroupName")),
    violation("C806", "database", "Database", delete("Database ManageMasterUserPassword")),
    violation("C807", "database", "Database", delete("Database EnableIAMDatabaseAuthentication")),
    violation("C808", "database", "Database", delete("Database CopyTagsToSnapshot")),
    violation("C811", "stream", "Messages", delete("Messages PointInTimeRecoverySpecification")),
    violation(
        "C812", "stream", "Messages", set_("Messages DeletionProtectionEnabled", value=False)
    ),
    *(
        violation(rule, "stream", "More", set_("More", _global_table(without)))
        for rule, without in (
            ("C811", "PointInTimeRecoverySpecification"),
            ("C812", "DeletionProtectionEnabled"),
        )
    ),
    violation("C821", "pool", "Users", set_("Users Policies PasswordPolicy MinimumLength", 8)),
    violation("C821", "pool", "Users", delete("Users Policies PasswordPolicy RequireSymbols")),
    violation("C822", "pool", "Users", delete("Users AutoVerifiedAttributes")),
    violation("C823", "pool", "Users", delete("Users DeletionProtection")),
    violation("C824", "pool", "Browser", delete("Browser PreventUserExistenceErrors")),
    violation(
        "C825",
        "pool",
        "Browser",
        set_("Browser ExplicitAuthFlows", ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]),
    ),
    violation("C825", "pool", "Browser", delete("Browser ExplicitAuthFlows")),
    violation("C826", "pool", "Browser", set_("Browser GenerateSecret", value=True)),
    violation("C827", "pool", "Browser", set_("Browser EnableTokenRevocation", value=False)),
    violation("C831", "images", "Images", delete("Images ImageScanningConfiguration")),
    violation("C832", "images", "Images", set_("Images ImageTagMutability", "MUTABLE")),
    violation("C833", "images", "Images", delete("Images LifecyclePolicy")),
    # HTTP APIs and distributions
    violation("C901", "api", "Upload", delete("Upload AuthorizerId")),
    violation("C901", "api", "Upload", set_("Upload AuthorizationType", "NONE")),
    violation("C901", "api", "Api", set_("Api Target", "arn")),
    violation("C902", "api", "Authorizer", set_("Authorizer AuthorizerResultTtlInSeconds", 3600)),
    violation("C902", "api", "Authorizer", delete("Authorizer IdentitySource")),
    violation("C903", "api", "Stage", delete("Stage AccessLogSettings")),
    violation("C904", "api", "Stage", delete("Stage DefaultRouteSettings ThrottlingRateLimit")),
    violation("C905", "api", "Api", set_("Api CorsConfiguration AllowOrigins", ["*"])),
    violation(
        "C905",
        "bucket",
        "Assets",
        set_("Assets CorsConfiguration CorsRules 0 AllowedOrigins", ["https://*"]),
    ),
    violation(
        "C905",
        "cdn",
        "Headers",
        set_(
            "Headers ResponseHeadersPolicyConfig CorsConfig",
            {"AccessControlAllowOrigins": {"Items": ["*"]}},
        ),
    ),
    violation(
        "C905",
        "cdn",
        "Site/default",
        set_(
            "Site DistributionConfig DefaultCacheBehavior ResponseHeadersPolicyId",
            "e61eb60c-9c35-4d20-a928-2b84e02af89c",
        ),
    ),
    violation("C911", "cdn", "Site/site", delete(f"{_ORIGIN} OriginAccessControlId")),
    *(
        violation("C911", "cdn", "Site/files", set_("Site DistributionConfig Origins 1", origin))
        for origin in map(
            _custom_origin,
            (
                "files.s3.amazonaws.com",
                "files.s3-website-eu-west-1.amazonaws.com",
                sub("files.s3.${AWS::Region}.amazonaws.com"),
            ),
        )
    ),
    violation(
        "C912",
        "cdn",
        "Signed",
        set_("Signed OriginAccessControlConfig SigningBehavior", "no-override"),
    ),
    violation(
        "C913",
        "cdn",
        "Site",
        set_("Site DistributionConfig ViewerCertificate MinimumProtocolVersion", "TLSv1"),
    ),
    violation("C913", "cdn", "Site", delete("Site DistributionConfig ViewerCertificate")),
    violation(
        "C913",
        "cdn",
        "Site",
        set_("Site DistributionConfig ViewerCertificate CloudFrontDefaultCertificate", value=True),
    ),
    violation(
        "C913",
        "cdn",
        "Site",
        set_("Site DistributionConfig ViewerCertificate SslSupportMethod", "vip"),
    ),
    violation(
        "C914",
        "cdn",
        "Site/default",
        set_("Site DistributionConfig DefaultCacheBehavior ViewerProtocolPolicy", "allow-all"),
    ),
    violation(
        "C915",
        "cdn",
        "Site//avatars/*",
        delete("Site DistributionConfig CacheBehaviors 0 ResponseHeadersPolicyId"),
    ),
    violation(
        "C916",
        "cdn",
        "Headers",
        delete("Headers ResponseHeadersPolicyConfig SecurityHeadersConfig StrictTransportSecurity"),
    ),
    violation(
        "C916",
        "cdn",
        "Headers",
        set_(
            "Headers ResponseHeadersPolicyConfig SecurityHeadersConfig StrictTransportSecurity"
            " AccessControlMaxAgeSec",
            0,
        ),
    ),
    # Alarms
    violation("C921", "function", "Thumbnail", delete("ThumbnailErrors")),
    violation("C921", "function", "Thumbnail", delete("ThumbnailThrottles")),
    violation(
        "C921", "function", "Thumbnail", set_("ThumbnailErrors Dimensions 0 Name", "Function")
    ),
    violation(
        "C921", "function", "Thumbnail", set_("ThumbnailErrors Dimensions 0 Value", "Thumbnail")
    ),
    violation("C921", "stream", "Messages", delete("MessagesReadThrottleEvents")),
    violation(
        "C921",
        "stream",
        "Messages",
        set_(
            "MessagesWriteThrottleEvents Dimensions",
            [
                {"Name": "TableName", "Value": ref("Messages")},
                {"Name": "GlobalSecondaryIndexName", "Value": "by-person"},
            ],
        ),
    ),
    violation("C921", "topic", "Dead", delete("DeadApproximateAgeOfOldestMessage")),
    violation("C921", "balancer", "Balancer", delete("BalancerHTTPCode_ELB_5XX_Count")),
    violation("C921", "balancer", "Targets", delete("TargetsUnHealthyHostCount")),
    violation("C921", "database", "Database", set_("DatabaseCPUUtilization Namespace", "AWS/ECS")),
    violation("C921", "task", "Service", delete("ServiceCPUUtilization")),
    violation("C921", "api", "Api", set_("ApiLatency MetricName", "latency")),
    violation("C922", "function", "ThumbnailErrors", delete("ThumbnailErrors AlarmActions")),
    violation("C922", "function", "ThumbnailErrors", set_("ThumbnailErrors AlarmActions", ["arn"])),
    violation("C922", "function", "ThumbnailErrors", delete("ThumbnailErrors TreatMissingData")),
    # Other notations of a violation
    violation("C005", "task", "Task", set_("Task Family", "crd-123456789012-backend")),
    violation("C005", "task", "Task", set_("Task Family", "logs123456789012")),
    violation(
        "C006",
        "database",
        "PrivateSubnet",
        set_("PrivateSubnet AvailabilityZone", sub("${AWS::Region}a"), stack=LOW),
    ),
    *(
        violation(
            "C006",
            "database",
            "PrivateSubnet",
            set_("PrivateSubnet AvailabilityZone", zone, stack=LOW),
        )
        for zone in ("us-west-2-lax-1a", "us-east-1-wl1-bos-wlz-1", "cac1-az1", "usw2-lax1-az1")
    ),
    violation(
        "C006",
        "database",
        "PrivateSubnet",
        set_("PrivateSubnet Name", "inner-ca-central-1a", stack=LOW),
    ),
    violation("C008", "names", "Record", set_("Record Name", sub("api.cruddur.com"))),
    violation(
        "C201",
        "topic",
        "AvatarsPolicy/Allowed",
        set_(
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
        violation(
            "C201",
            "topic",
            "AvatarsPolicy/Allowed",
            set_(
                "AvatarsPolicy PolicyDocument Statement 0",
                allow("sns:Publish", ref("Avatars"), Principal="*", Condition=condition),
            ),
        )
        for condition in (
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}},
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::12*:role/admin"}},
            {"StringLike": {"aws:SourceAccount": "????????????"}},
            {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-abc"}},
        )
    ),
    *(
        violation("C201", "topic", "Foreign/Allowed", set_("Foreign", foreign))
        for foreign in (
            resource("ECR::RegistryPolicy", PolicyText=_PUBLIC_DOCUMENT),
            resource("Logs::ResourcePolicy", PolicyDocument=json.dumps(_PUBLIC_DOCUMENT)),
            resource(
                "Logs::ResourcePolicy",
                PolicyDocument=json_policy(allow("x:Read", "${AWS::AccountId}", Principal="*")),
            ),
            resource("Events::EventBusPolicy", StatementId="a", Statement=_PUBLIC),
            resource("Events::EventBusPolicy", StatementId="a", Statement=json.dumps(_PUBLIC)),
        )
    ),
    violation(
        "C302",
        "topic",
        "AvatarsPolicy/Allowed",
        delete("AvatarsPolicy PolicyDocument Statement 0 Action"),
        set_("AvatarsPolicy PolicyDocument Statement 0 NotAction", "sns:DeleteTopic"),
    ),
    *(
        violation(
            "C301",
            "permissions",
            "Permissions/Allowed",
            set_(
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
        violation(
            "C304",
            "permissions",
            "Permissions/Allowed",
            set_(_GIVEN, allow("s3:GetObject", resource)),
        )
        for resource in ("arn:aws:s3:::*/*", "arn:aws:s3:::**", "arn:aws:s3:*", "**")
    ),
    violation(
        "C303",
        "permissions",
        "Permissions/Pass",
        set_(f"{_PASSED} Resource", own_arn("iam", "role/*/*")),
    ),
    *(
        violation("C403", "function", "Uploads", set_(f"{_LOCK} {key}", value))
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
    violation(
        "C702",
        "topic",
        "Dead",
        set_("DeadPolicy PolicyDocument Statement 0 Action", "sqs:GetQueueUrl"),
    ),
    *(
        violation(
            "C501",
            "database",
            "BackendSecurityGroup",
            set_("BackendSecurityGroup SecurityGroupIngress", [ingress(5432, **source)], stack=LOW),
        )
        for source in (
            {"CidrIp": "0.0.0.0/1"},
            {"CidrIp": "1.2.3.4/0"},
            {"CidrIp": "128.0.0.0/2"},
            {"CidrIpv6": "2000::/3"},
            {"CidrIpv6": "0::/0"},
        )
    ),
    violation(
        "C501",
        "database",
        "BackendSecurityGroup",
        set_(
            "BackendSecurityGroup SecurityGroupIngress",
            [ingress(5432, CidrIp=f"{first}.0.0.0/8") for first in (3, 5, 7)],
            stack=LOW,
        ),
    ),
    violation(
        "C501",
        "database",
        "OpenIngress",
        set_("World", resource("EC2::PrefixList", Entries=[{"Cidr": "0.0.0.0/0"}]), stack=LOW),
        set_(
            "OpenIngress",
            resource(
                "EC2::SecurityGroupIngress",
                GroupId=ref("BackendSecurityGroup"),
                **ingress(5432, SourcePrefixListId=ref("World")),
            ),
            stack=LOW,
        ),
    ),
    violation(
        "C501",
        "balancer",
        "LoadBalancerSecurityGroup",
        set_(
            "LoadBalancerSecurityGroup SecurityGroupIngress 0",
            ingress(80, CidrIp="0.0.0.0/0") | {"IpProtocol": "icmp", "ToPort": -1},
        ),
    ),
    *(
        violation(
            "C502",
            "database",
            "BackendSecurityGroup",
            set_(
                "BackendSecurityGroup SecurityGroupIngress",
                [ingress(first, SourceSecurityGroupId="sg") | {"ToPort": last} | more],
                stack=LOW,
            ),
        )
        for first, last, more in (
            (1, 65535, {}),
            (1024, 65535, {}),
            (443, 443, {"IpProtocol": -1}),
            (443, 443, {"IpProtocol": 50}),
        )
    ),
    violation(
        "C502",
        "database",
        "BackendSecurityGroup",
        set_("BackendSecurityGroup SecurityGroupIngress", [_WITHOUT_PORTS], stack=LOW),
    ),
    *(
        violation("C614", "task", "Task/backend", set_("Task ContainerDefinitions 0 Image", image))
        for image in (
            sub("public.ecr.aws/${AWS::AccountId}/collector"),
            {"Fn::Join": ["/", ["public.ecr.aws", "x", "collector"]]},
        )
    ),
    violation(
        "C614",
        "task",
        "Task/backend",
        set_("Images", retained("ECR::Repository", **IMAGES)),
        set_("Task ContainerDefinitions 0 Image", {"Fn::GetAtt": ["Images", "RepositoryUri"]}),
    ),
    violation(
        "C612",
        "task",
        "Task/sidecar",
        set_(
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
    violation(
        "C602",
        "function",
        "ThumbnailLogs",
        set_("ThumbnailLogs RetentionInDays", ref("AWS::NoValue")),
    ),
    # Limits of AWS
    *(
        violation("C021", piece, title, set_(f"{title} {key}", value))
        for piece, title, key, value in (
            ("bucket", "Assets", "BucketNamePrefix", "a" * 35),
            ("workflow", "Publisher", "RoleName", sub("a" * 56 + "-${AWS::Region}")),
            ("function", "Thumbnail", "FunctionName", "a" * 65),
            ("function", "ThumbnailLogs", "LogGroupName", "a" * 513),
            ("function", "ThumbnailErrors", "AlarmName", "a" * 256),
            ("balancer", "Targets", "Name", "a" * 33),
            ("balancer", "Balancer", "Name", "a" * 33),
            ("topic", "Dead", "QueueName", "a" * 81),
            ("names", "Certificate", "DomainName", f"{'a' * 60}.{DOMAIN}"),
        )
    ),
    violation(
        "C021",
        "references",
        "Outputs.Below",
        set_("Outputs Below Export Name", "a" * 256, stack=LOW),
        set_("Above Namespace", {"Fn::ImportValue": "a" * 256}),
    ),
    *(
        violation(
            "C022",
            "balancer",
            "LoadBalancerSecurityGroup",
            set_(f"LoadBalancerSecurityGroup {key}", value),
        )
        for key, value in (
            ("SecurityGroupIngress 0 Description", "It's for browsers"),
            ("SecurityGroupIngress 0 Description", "<all>"),
            ("SecurityGroupIngress 0 Description", "a" * 256),
            ("GroupDescription", "Entrée"),
        )
    ),
    violation(
        "C023",
        "permissions",
        "Permissions",
        set_(f"{_GIVEN} Resource", [f"arn:aws:s3:::{n}/{'x' * 200}" for n in range(30)]),
    ),
    violation(
        "C023",
        "function",
        "ThumbnailRole",
        set_(
            "ThumbnailRole Policies 0 PolicyDocument Statement 0 Resource",
            [sub(f"${{Uploads.Arn}}/avatars/{number}{'a' * 200}/*") for number in range(50)],
        ),
    ),
    violation(
        "C023",
        "workflow",
        "Publisher",
        set_("Publisher ManagedPolicyArns", [f"arn:aws:iam::aws:policy/P{n}" for n in range(11)]),
    ),
    *(
        violation("C024", "task", "Value", set_("Value", retained("SSM::Parameter", Value=value)))
        for value in ("a" * 4097, "€" * 1400, "Hello {{name}}", sub("{{${Task}}}"))
    ),
    violation(
        "C025",
        "cdn",
        "Edge",
        set_("Edge", resource("CloudFront::Function", FunctionCode="a" * 10241)),
    ),
    violation(
        "C025",
        "task",
        "Instance",
        set_("Instance", resource("EC2::Instance", UserData={"Fn::Base64": "a" * 16385})),
    ),
    violation(
        "C025",
        "topic",
        "Dead",
        set_("Dead Tags", [{"Key": f"k{n}", "Value": "v"} for n in range(51)]),
    ),
    violation(
        "C025",
        "task",
        "Dashboard",
        set_("Dashboard", resource("CloudWatch::Dashboard", DashboardBody="{")),
    ),
)
