"""The rules alone, on small templates that differ from the notation of this project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from deployer import policy
from deployer.policy import RULES
from tests.deployer.policy.clean_templates import (
    BUCKET,
    DOMAIN,
    HIGH,
    LOW,
    ZONE,
    Env,
    Templates,
    allow,
    arn,
    document,
    ingress,
    only,
    ref,
    resource,
    retained,
    role,
    sub,
    subjects,
    tls_only,
    tls_policy,
)

ACCESS_KEY = "AKIA" + "ABCDEFGHIJKLMNOP"
NEVER = {"Never": {"Fn::Equals": ["a", "b"]}}
OWN_ACCOUNT = ref("AWS::AccountId")


def found(rule: str, piece: Templates) -> list[tuple[str, ...]]:
    """Return the places of the findings of *rule*."""
    rules = [known for known in RULES if known.id == rule]
    return [finding.path for finding in policy.check(subjects(piece), Env(), rules=rules)]


def with_output(value: Any, **sections: Any) -> Templates:
    output = {"Outputs": {"Value": {"Value": value}}}
    return {HIGH: {"Resources": {"Cluster": resource("ECS::Cluster")}, **output, **sections}}


def with_parameter(type_: str, default: str, **titles: Any) -> Templates:
    parameter = {"LiteralValue": {"Type": type_, "Default": default}}
    return {HIGH: {"Parameters": parameter, "Resources": titles}}


def exported(name: str, *, stack: str) -> Templates:
    """Return a stack with an export that has a condition, which is false."""
    output = {"Condition": "Never", "Value": "x", "Export": {"Name": name}}
    cluster = {"Cluster": resource("ECS::Cluster")}
    return {stack: {"Conditions": NEVER, "Resources": cluster, "Outputs": {"Value": output}}}


def open_to(condition: Any, type_: str = "SNS::TopicPolicy") -> Templates:
    statement = allow("x:Read", "*", Principal="*", Condition=condition)
    return only(Policy=resource(type_, PolicyDocument=document(statement)))


def passing(on: str, condition: Any = None) -> Templates:
    service = {"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}
    statement = {**allow("iam:PassRole", on), "Condition": condition or service}
    return only(Policy=resource("IAM::ManagedPolicy", PolicyDocument=document(statement)))


def with_lifecycle(**limits: Any) -> Templates:
    abort = {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    rules = {"Rules": [{**abort, **limits}]}
    return only(Assets=retained("S3::Bucket", **{**BUCKET, "LifecycleConfiguration": rules}))


def invoking(written: Any, **invocation: Any) -> Templates:
    """Return a bucket that invokes a function, which may write the keys *written*."""
    calls = {"LambdaConfigurations": [{"Function": ref("Function"), **invocation}]}
    return only(
        Uploads=retained("S3::Bucket", NotificationConfiguration=calls),
        Function=resource("Lambda::Function", Role=arn("Role")),
        Role=role("lambda", allow("s3:PutObject", written)),
        Live=resource("Lambda::Alias", FunctionName=ref("Function"), FunctionVersion="1"),
    )


def filtered(**filters: str) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in filters.items()]
    return {"Event": "s3:ObjectCreated:Put", "Filter": {"S3Key": {"Rules": rules}}}


def called(name: Any, **function: Any) -> Templates:
    """Return a function that S3 invokes by *name*."""
    return only(
        Function=resource("Lambda::Function", **function),
        Live=resource("Lambda::Alias", FunctionName=ref("Function"), FunctionVersion="1"),
        Call=resource("Lambda::Permission", FunctionName=name, Principal="s3.amazonaws.com"),
    )


def public_tasks(type_: str, *path: str) -> Templates:
    """Return a resource that starts tasks with public addresses; *path* leads to their network."""
    value: Any = {"AssignPublicIp": "ENABLED"}
    for key in reversed(path):
        value = [value] if key == "*" else {key: value}
    return only(Starter=resource(type_, **value))


def alarmed(**titles: Any) -> Templates:
    return only(Alerts=resource("SNS::Topic"), **titles)


def web_socket(route_key: str) -> Templates:
    return only(
        Api=resource("ApiGatewayV2::Api", ProtocolType="WEBSOCKET"),
        Route=resource("ApiGatewayV2::Route", ApiId=ref("Api"), RouteKey=route_key),
    )


def measured(
    type_: str, namespace: str, names: str, dimensions: Sequence[str], **properties: Any
) -> Templates:
    """Return a resource with an alarm for each metric of *names*; the first dimension is its own."""
    values = [{"Name": name, "Value": ref("It")} for name in dimensions]
    return only(
        It=resource(type_, **properties),
        **{
            name: resource(
                "CloudWatch::Alarm", Namespace=namespace, MetricName=name, Dimensions=values
            )
            for name in names.split()
        },
    )


def redirecting(config: Any) -> dict[str, Any]:
    action = {"Type": "redirect", "RedirectConfig": config}
    return resource("ElasticLoadBalancingV2::Listener", Protocol="HTTP", DefaultActions=[action])


NAMED_BUCKET = sub("assets-${AWS::AccountId}")

VIOLATIONS: list[tuple[str, Templates]] = [
    # A parameter of every type has its default, unless that is a name in Parameter Store.
    *(
        ("C006", with_parameter(type_, "ca-central-1a", Subnet=resource("EC2::Subnet", Zone=zone)))
        for type_, zone in (
            ("AWS::EC2::AvailabilityZone::Name", ref("LiteralValue")),
            ("List<AWS::EC2::AvailabilityZone::Name>", {"Fn::Select": [0, ref("LiteralValue")]}),
        )
    ),
    (
        "C007",
        with_parameter(
            "AWS::Route53::HostedZone::Id",
            "Z0OTHER",
            Record=resource("Route53::RecordSet", HostedZoneId=ref("LiteralValue")),
        ),
    ),
    # Outputs and other sections
    (
        "C002",
        exported("gone", stack=LOW)
        | only(Cluster=resource("ECS::Cluster", Name={"Fn::ImportValue": "gone"})),
    ),
    (
        "C003",
        with_output(
            sub("x-${LiteralKey}"), Parameters={"LiteralKey": {"Type": "String", "NoEcho": True}}
        ),
    ),
    ("C005", with_output("arn:aws:iam::123456789012:role/x")),
    ("C006", with_output("ca-central-1a")),
    ("C009", with_output(ACCESS_KEY)),
    ("C009", with_parameter("String", ACCESS_KEY)),
    ("C009", with_output("x", Mappings={"Keys": {"dev": {"Id": ACCESS_KEY}}})),
    ("C009", with_output("x", Metadata={"Key": {"Id": ACCESS_KEY}})),
    # Zones and domains
    *(
        (
            rule,
            only(
                Records=resource(
                    "Route53::RecordSetGroup", HostedZoneId=zone, RecordSets=[{"Name": name}]
                )
            ),
        )
        for rule, zone, name in (("C007", "Z0OTHER", DOMAIN), ("C008", ZONE, "api.cruddur.com"))
    ),
    *(
        ("C008", only(It=resource(type_, **properties)))
        for type_, properties in (
            (
                "ElasticLoadBalancingV2::ListenerRule",
                {"Conditions": [{"Field": "host-header", "Values": ["api.cruddur.com"]}]},
            ),
            ("Lambda::Url", {"Cors": {"AllowOrigins": ["https://cruddur.com"]}}),
            (
                "CloudFront::ResponseHeadersPolicy",
                {
                    "ResponseHeadersPolicyConfig": {
                        "CorsConfig": {"AccessControlAllowOrigins": {"Items": ["https://a.com"]}}
                    }
                },
            ),
            ("Cognito::UserPoolClient", {"DefaultRedirectURI": "https://cruddur.com/x"}),
            ("Cognito::UserPoolClient", {"CallbackURLs": [f"https://cruddur.com?.{DOMAIN}"]}),
            ("Cognito::UserPoolClient", {"CallbackURLs": [f"https://cruddur.com#.{DOMAIN}"]}),
        )
    ),
    # Principals and permissions
    ("C201", open_to({"StringEquals": {"aws:ResourceAccount": OWN_ACCOUNT}})),
    *(("C303", passing(f"arn:aws:iam::1:{name}")) for name in ("role*", "r*", "role?*")),
    ("C303", passing("arn:aws:iam::1:role/a", {"StringLike": {"iam:PassedToService": "???.a.b"}})),
    *(
        ("C305", only(Role=resource("IAM::Role", ManagedPolicyArns=[f"arn:aws:iam::aws:{name}"])))
        for name in ("policy/AdministratorAccess-Amplify", "policy/AdministratorAccess-AWS-EB")
    ),
    (
        "C306",
        only(
            Role=resource(
                "IAM::Role",
                PermissionsBoundary=sub(
                    "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"
                ),
            )
        ),
    ),
    # Buckets
    *(
        ("C404", with_lifecycle(**limits))
        for limits in (
            {"Prefix": "tmp/"},
            {"TagFilters": [{"Key": "a", "Value": "b"}]},
            {"ObjectSizeGreaterThan": 1},
        )
    ),
    ("C405", invoking(sub("${Uploads.Arn}/*"), Function=ref("Live"))),
    ("C405", invoking("arn:aws:s3:::*/*")),
    ("C405", invoking(sub("${Uploads.Arn}/*"), Event="s3:ObjectCreated:Copy")),
    ("C405", invoking(sub("${Uploads.Arn}/${AWS::Region}/x.png"), **filtered(suffix=".png"))),
    ("C405", invoking(sub("${Uploads.Arn}/*"), **filtered(prefix="a/", suffix=".png"))),
    # Functions and tasks
    ("C605", only(**{t: resource("Lambda::Function", Role="arn:aws:iam::1:role/x") for t in "AB"})),
    ("C606", called(ref("Live"))),
    ("C606", called("thumbnail", FunctionName="thumbnail")),
    (
        "C606",
        called(
            sub("arn:aws:lambda:ca-central-1:${AWS::AccountId}:function:thumbnail:live"),
            FunctionName="thumbnail",
        ),
    ),
    (
        "C607",
        only(
            Consumer=resource("Kinesis::StreamConsumer"),
            Reader=resource("Lambda::EventSourceMapping", EventSourceArn=ref("Consumer")),
        ),
    ),
    (
        "C615",
        only(
            Role=resource("IAM::Role"),
            Task=resource(
                "ECS::TaskDefinition", TaskRoleArn=ref("Role"), ExecutionRoleArn=arn("Role")
            ),
        ),
    ),
    *(
        ("C617", public_tasks(type_, *path.split(), "NetworkConfiguration", key))
        for type_, path, key in (
            ("ECS::TaskSet", "", "AwsVpcConfiguration"),
            ("Events::Rule", "Targets * EcsParameters", "AwsVpcConfiguration"),
            ("Scheduler::Schedule", "Target EcsParameters", "AwsvpcConfiguration"),
        )
    ),
    # Databases, limits and alarms
    ("C802", only(Database=resource("RDS::DBCluster", PubliclyAccessible=True))),
    (
        "C025",
        only(Function=resource("Lambda::Function", Environment={"Variables": {"A": "x" * 4096}})),
    ),
    (
        "C922",
        alarmed(
            Alarm=resource(
                "CloudWatch::Alarm",
                AlarmActions=[ref("Alerts")],
                TreatMissingData="breaching",
                ActionsEnabled=False,
            )
        ),
    ),
    ("C922", alarmed(All=resource("CloudWatch::CompositeAlarm", AlarmRule="TRUE"))),
    ("C901", web_socket("$connect")),
    ("C513", only(Http=redirecting({"Protocol": "#{protocol}", "Port": "443"}))),
    *(
        ("C921", only(It=resource(type_, **properties)))
        for type_, properties in (
            ("ApiGatewayV2::Api", {"ProtocolType": "WEBSOCKET"}),
            ("ElasticLoadBalancingV2::TargetGroup", {"Protocol": "TCP"}),
            ("RDS::DBInstance", {"DBClusterIdentifier": "x"}),
        )
    ),
    ("C804", only(Replica=resource("RDS::DBInstance", SourceDBInstanceIdentifier="x"))),
    ("C826", only(It=resource("Cognito::UserPoolClient", GenerateSecret=True))),
    (
        "C831",
        only(
            Images=resource("ECR::Repository"),
            Registry=resource(
                "ECR::RegistryScanningConfiguration",
                Rules=[
                    {"ScanFrequency": "SCAN_ON_PUSH", "RepositoryFilters": [{"Filter": "crd-*"}]}
                ],
            ),
        ),
    ),
]

NO_VIOLATIONS: list[tuple[str, Templates]] = [
    ("C901", web_socket("sendMessage")),
    *(
        ("C921", measured(type_, namespace, names, dimensions, **properties))
        for type_, namespace, names, dimensions, properties in (
            (
                "ApiGatewayV2::Api",
                "AWS/ApiGateway",
                "ExecutionError IntegrationError",
                ("ApiId",),
                {"ProtocolType": "WEBSOCKET"},
            ),
            (
                "ElasticLoadBalancingV2::TargetGroup",
                "AWS/NetworkELB",
                "UnHealthyHostCount",
                ("TargetGroup", "LoadBalancer"),
                {"Protocol": "TCP"},
            ),
            (
                "RDS::DBInstance",
                "AWS/RDS",
                "CPUUtilization DatabaseConnections",
                ("DBInstanceIdentifier",),
                {"DBClusterIdentifier": "x"},
            ),
        )
    ),
    ("C921", only(It=resource("ElasticLoadBalancingV2::LoadBalancer", Type="network"))),
    ("C602", only(Logs=resource("Logs::LogGroup", LogGroupClass="DELIVERY"))),
    *(
        (
            rule,
            only(
                It=resource(
                    "Cognito::UserPoolClient",
                    AllowedOAuthFlows=["client_credentials"],
                    GenerateSecret=True,
                )
            ),
        )
        for rule in ("C825", "C826")
    ),
    ("C402", only(Assets=resource("S3::Bucket"))),
    ("C005", only(Text=resource("SNS::Subscription", Protocol="sms", Endpoint="+441234567890"))),
    (
        "C831",
        only(
            Images=resource("ECR::Repository"),
            Registry=resource(
                "ECR::RegistryScanningConfiguration",
                Rules=[
                    {"ScanFrequency": "CONTINUOUS_SCAN", "RepositoryFilters": [{"Filter": "*"}]}
                ],
            ),
        ),
    ),
    ("C513", only(Http=redirecting({"Protocol": "HTTPS", "Port": "443"}))),
    (
        "C006",
        with_parameter(
            "AWS::SSM::Parameter::Value<String>",
            "/zones/ca-central-1a",
            Subnet=resource("EC2::Subnet", Zone=ref("LiteralValue")),
        ),
    ),
    ("C001", exported("unused", stack=HIGH)),
    *(
        ("C201", open_to(condition, "EC2::VPCEndpoint"))
        for condition in (
            {"StringEquals": {"aws:ResourceAccount": OWN_ACCOUNT}},
            {"StringEquals": {"aws:ResourceOrgID": "o-abc"}},
            {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": "o-abc/*"}},
            {"StringEquals": {"s3:ResourceAccount": OWN_ACCOUNT}},
        )
    ),
    *(
        ("C201", open_to(condition))
        for condition in (
            {"StringEquals": {"aws:VpceAccount": OWN_ACCOUNT}},
            {"StringEquals": {"aws:VpceOrgID": "o-abc"}},
            {"ForAnyValue:StringLike": {"aws:VpceOrgPaths": "o-abc/*/ou-abc-1/*"}},
            {"ArnLike": {"aws:SourceVpcArn": "arn:aws:ec2:ca-central-1:1:vpc/vpc-1"}},
        )
    ),
    *(
        ("C303", passing("arn:aws:iam::1:role/a", {operator: {"iam:PassedToService": ["ecs.a.b"]}}))
        for operator in ("ForAnyValue:StringEquals", "StringEqualsIgnoreCase")
    ),
    ("C303", passing("arn:aws:iam::1:role/crd-*")),
    ("C404", with_lifecycle(Prefix="")),
    (
        "C403",
        only(
            Assets=retained("S3::Bucket", BucketName=NAMED_BUCKET),
            Policy=resource(
                "S3::BucketPolicy",
                Bucket=NAMED_BUCKET,
                PolicyDocument=document(
                    tls_only(
                        "s3:*",
                        sub("arn:aws:s3:::assets-${AWS::AccountId}"),
                        sub("arn:aws:s3:::assets-${AWS::AccountId}/*"),
                    )
                ),
            ),
        ),
    ),
    ("C403", only(Assets=retained("S3::Bucket"), Policy=tls_policy("Assets"))),
    *(
        ("C405", invoking(sub("${Uploads.Arn}/*"), Event=event))
        for event in ("s3:ObjectRemoved:*", "s3:ObjectTagging:Put", "s3:LifecycleTransition")
    ),
    ("C405", invoking(sub("${Uploads.Arn}/*.json"), **filtered(suffix=".jpg"))),
    ("C405", invoking(sub("${Uploads.Arn}/small/*"), **filtered(Prefix="large/"))),
    ("C604", only(Call=resource("Lambda::Permission", Principal="*", SourceAccount=OWN_ACCOUNT))),
    ("C616", only(Service=resource("ECS::Service", DeploymentController={"Type": "CODE_DEPLOY"}))),
    *(
        (
            "C702",
            only(
                It=resource(type_),
                Policy=resource(
                    f"{type_}InlinePolicy",
                    **{name: ref("It")},
                    PolicyDocument=document(tls_only(action, ref("It"))),
                ),
            ),
        )
        for type_, name, action in (
            ("SNS::Topic", "TopicArn", "sns:Publish"),
            ("SQS::Queue", "Queue", "sqs:*"),
        )
    ),
    *(
        (rule, only(Replica=resource("RDS::DBInstance", SourceDBInstanceIdentifier="x")))
        for rule in ("C801", "C806")
    ),
    ("C802", only(Database=resource("RDS::DBCluster"))),
    (
        "C102",
        only(
            Member={
                **resource("RDS::DBInstance", DBClusterIdentifier="x"),
                "DeletionPolicy": "Delete",
                "UpdateReplacePolicy": "Delete",
            }
        ),
    ),
    ("C827", only(Client=resource("Cognito::UserPoolClient"))),
    ("C501", only(Group=resource("EC2::SecurityGroup", Ingress=[ingress(1, CidrIp=arn("Vpc"))]))),
    (
        "C922",
        alarmed(
            Alarm=resource("CloudWatch::Alarm", TreatMissingData="breaching"),
            All=resource(
                "CloudWatch::CompositeAlarm",
                AlarmActions=[ref("Alerts")],
                AlarmRule=sub("ALARM(${Alarm})"),
            ),
        ),
    ),
]


@pytest.mark.parametrize(("rule", "piece"), VIOLATIONS)
def test_a_violation_is_found(rule: str, piece: Templates) -> None:
    """A notation, type or section that this project does not use is checked, too."""
    assert len(found(rule, piece)) == 1


@pytest.mark.parametrize(("rule", "piece"), NO_VIOLATIONS)
def test_a_valid_template_has_no_finding(rule: str, piece: Templates) -> None:
    """What AWS documents as valid is accepted in every notation."""
    assert found(rule, piece) == []


def test_backups_are_kept_for_a_day_by_default() -> None:
    """The default of RDS is sufficient in an unprotected environment, and none are not."""
    rules = [rule for rule in RULES if rule.id == "C804"]
    piece = only(
        Default=resource("RDS::DBInstance"),
        Without=resource("RDS::DBInstance", BackupRetentionPeriod=0),
    )

    findings = policy.check(subjects(piece), Env(protect=False), rules=rules)

    assert [finding.path for finding in findings] == [("Resources", "Without")]
