"""Rules for the limits of AWS services on names, descriptions, policies and texts.

A size is measured without the parts whose values are unknown before the deployment, such as
references, so it is the smallest possible size. The limits are those of each service's quotas page.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.policy.model import Resource, Stack, Templates, Violation
from deployer.policy.statements import parse_policy
from deployer.policy.values import as_list, as_mapping, get, pattern, text

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_ACCOUNT = "0" * 12

# The maximum number of bytes, by type and property.
_NAMES: Mapping[str, Mapping[str, int]] = {
    "Budgets::Budget": {"Budget.BudgetName": 100},
    "CertificateManager::Certificate": {"DomainName": 64},
    "CloudFront::CachePolicy": {"CachePolicyConfig.Name": 128},
    "CloudFront::Function": {"Name": 64, "FunctionConfig.Comment": 128},
    "CloudFront::OriginAccessControl": {"OriginAccessControlConfig.Name": 64},
    "CloudFront::ResponseHeadersPolicy": {"ResponseHeadersPolicyConfig.Name": 128},
    "CloudWatch::Alarm": {"AlarmName": 255, "AlarmDescription": 1024},
    "CloudWatch::Dashboard": {"DashboardName": 255},
    "CodeConnections::Connection": {"ConnectionName": 32},
    "CodePipeline::Pipeline": {"Name": 100},
    "Cognito::UserPool": {"UserPoolName": 128},
    "DynamoDB::Table": {"TableName": 255},
    "EC2::SecurityGroup": {"GroupName": 255},
    "ECR::Repository": {"RepositoryName": 256},
    "ECS::Cluster": {"ClusterName": 255},
    "ECS::Service": {"ServiceName": 255},
    "ECS::TaskDefinition": {"Family": 255},
    "ElasticLoadBalancingV2::LoadBalancer": {"Name": 32},
    "ElasticLoadBalancingV2::TargetGroup": {"Name": 32},
    "Events::Rule": {"Name": 64},
    "IAM::Group": {"GroupName": 128},
    "IAM::InstanceProfile": {"InstanceProfileName": 128},
    "IAM::ManagedPolicy": {"ManagedPolicyName": 128, "Description": 1000},
    "IAM::Role": {"RoleName": 64, "Description": 1000},
    "IAM::User": {"UserName": 64},
    "Lambda::Function": {"FunctionName": 64, "Description": 256},
    "Logs::DeliveryDestination": {"Name": 60},
    "Logs::DeliverySource": {"Name": 60},
    "Logs::LogGroup": {"LogGroupName": 512},
    "RDS::DBInstance": {"DBInstanceIdentifier": 63},
    "S3::Bucket": {"BucketName": 63},
    "SNS::Topic": {"TopicName": 256, "DisplayName": 100},
    "SQS::Queue": {"QueueName": 80},
    "XRay::Group": {"GroupName": 32},
}
_STACK_NAME, _EXPORT_NAME, _BUCKET_NAME = 128, 255, 63
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_MANAGED_POLICY, _TRUST_POLICY, _BUCKET_POLICY = 6_144, 2_048, 20 * 1024
_INLINE = {"IAM::Role": 10_240, "IAM::Group": 5_120, "IAM::User": 2_048}
_ATTACHED = 10
_PARAMETER_VALUE = {"Advanced": 8_192, "Intelligent-Tiering": 8_192}
_TAGS = 50
_TEXTS: Mapping[str, Mapping[str, int]] = {
    "CloudFront::Function": {"FunctionCode": 10 * 1024},
    "Lambda::Function": {"Code.ZipFile": 4 * 1024 * 1024},
}
_USER_DATA = 16 * 1024
_LAMBDA_VARIABLES = 4 * 1024


def names_fit(templates: Templates) -> Iterator[Violation]:
    """Names have at most the length that AWS accepts; AWS reports longer ones only in a deployment."""
    for stack in templates.stacks:
        yield from _stack_names_fit(stack)
    yield from _lengths_fit(templates, _NAMES)
    for resource in templates.of_type("S3::Bucket"):
        if prefix := shortest(resource.get("BucketNamePrefix")):
            name = f"{prefix}-{_ACCOUNT}-{resource.stack.subject.region}-an"
            if len(name) > _BUCKET_NAME:
                place = "BucketNamePrefix, with account and region,"
                yield resource.violation(_too_long(place, len(name), _BUCKET_NAME))


def _stack_names_fit(stack: Stack) -> Iterator[Violation]:
    if len(stack.name) > _STACK_NAME:
        yield stack.violation((), _too_long("the name of the stack", len(stack.name), _STACK_NAME))
    for title, output in stack.outputs.items():
        size = len(shortest(get(output, "Export", "Name")))
        if size > _EXPORT_NAME:
            place = ("Outputs", title)
            yield stack.violation(place, _too_long("the name of the export", size, _EXPORT_NAME))


def _lengths_fit(
    templates: Templates, table: Mapping[str, Mapping[str, int]]
) -> Iterator[Violation]:
    for type_, limits in table.items():
        for resource in templates.of_type(type_):
            for path, maximum in limits.items():
                size = len(shortest(resource.get(*path.split("."))).encode())
                if size > maximum:
                    yield resource.violation(_too_long(path, size, maximum))


def descriptions_fit(templates: Templates) -> Iterator[Violation]:
    """Descriptions have only characters that EC2 accepts: no apostrophes, brackets or accents."""
    for resource in templates.of_type("EC2::SecurityGroup"):
        yield from _description_fits(resource, "GroupDescription", resource.get("GroupDescription"))
        for key in ("SecurityGroupIngress", "SecurityGroupEgress"):
            for rule in as_list(resource.get(key)):
                yield from _description_fits(
                    resource, f"{key}.Description", get(rule, "Description")
                )
    for resource in templates.of_type("EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress"):
        yield from _description_fits(resource, "Description", resource.get("Description"))


def _description_fits(resource: Resource, place: str, description: Any) -> Iterator[Violation]:
    shortest_text = shortest(description)
    if len(shortest_text) > 255:
        yield resource.violation(_too_long(place, len(shortest_text), 255))
    elif not _DESCRIPTION.fullmatch(shortest_text):
        refused = "".join(
            sorted(
                {character for character in shortest_text if not _DESCRIPTION.fullmatch(character)}
            )
        )
        yield resource.violation(f"{place} has characters that EC2 refuses: {refused!r}")


def policies_fit(templates: Templates) -> Iterator[Violation]:
    """Policies are not larger than IAM or S3 accepts.

    IAM ignores white space, and counts the inline policies of a role, group or user together.
    """
    for resource in templates.of_type("IAM::ManagedPolicy"):
        yield from _fits(
            resource, "PolicyDocument", _size(resource.get("PolicyDocument")), _MANAGED_POLICY
        )
    for resource in templates.of_type("S3::BucketPolicy"):
        yield from _fits(
            resource, "PolicyDocument", _size(resource.get("PolicyDocument")), _BUCKET_POLICY
        )
    for resource in templates.of_type("IAM::Role"):
        trust = resource.get("AssumeRolePolicyDocument")
        yield from _fits(resource, "AssumeRolePolicyDocument", _size(trust), _TRUST_POLICY)
        if len(as_list(resource.get("ManagedPolicyArns"))) > _ATTACHED:
            attached = len(as_list(resource.get("ManagedPolicyArns")))
            yield resource.violation(f"has {attached} managed policies; the maximum is {_ATTACHED}")
    inline = _inline_sizes(templates)
    for type_, maximum in _INLINE.items():
        for resource in templates.of_type(type_):
            yield from _fits(
                resource, "all inline policies together", inline.get(resource, 0), maximum
            )


def _inline_sizes(templates: Templates) -> Mapping[Resource, int]:
    """Return the size of all inline policies of each role, group and user."""
    sizes: dict[Resource, int] = {}
    for resource in templates.of_type(*_INLINE):
        documents = [get(policy, "PolicyDocument") for policy in as_list(resource.get("Policies"))]
        sizes[resource] = sum(map(_size, documents))
    for policy in templates.of_type(
        "IAM::Policy", "IAM::RolePolicy", "IAM::GroupPolicy", "IAM::UserPolicy"
    ):
        keys = ("Roles", "Groups", "Users", "RoleName", "GroupName", "UserName")
        references = [policy.get(key) for key in keys]
        for resource in {*templates.referenced(policy.stack, references)} & sizes.keys():
            sizes[resource] += _size(policy.get("PolicyDocument"))
    return sizes


def _fits(resource: Resource, place: str, size: int, maximum: int) -> Iterator[Violation]:
    if size > maximum:
        yield resource.violation(f"{_too_long(place, size, maximum)}; split it")


def parameters_fit(templates: Templates) -> Iterator[Violation]:
    """Parameter Store accepts the value: it is not too large and does not contain {{."""
    for resource in templates.of_type("SSM::Parameter"):
        value = shortest(resource.get("Value"))
        maximum = _PARAMETER_VALUE.get(text(resource.get("Tier")), 4_096)
        if (size := len(value.encode())) > maximum:
            yield resource.violation(f"Value has {size:,} bytes; the maximum is {maximum:,}")
        if "{{" in value.replace("{{resolve:", ""):
            yield resource.violation("Value has {{, which Parameter Store refuses")


def texts_fit(templates: Templates) -> Iterator[Violation]:
    """Code, user data, environments, tags and dashboards are within the limits of AWS."""
    yield from _lengths_fit(templates, _TEXTS)
    for resource in templates.of_type("EC2::Instance", "EC2::LaunchTemplate"):
        data = resource.get("UserData") or resource.get("LaunchTemplateData", "UserData")
        if (size := _decoded_size(data)) > _USER_DATA:
            yield resource.violation(_too_long("UserData", size, _USER_DATA))
    for resource in templates.of_type("Lambda::Function"):
        variables = as_mapping(resource.get("Environment", "Variables"))
        size = sum(len(f"{name}{shortest(value)}".encode()) for name, value in variables.items())
        if size > _LAMBDA_VARIABLES:
            place = "the environment, names and values,"
            yield resource.violation(_too_long(place, size, _LAMBDA_VARIABLES))
    for resource in templates.resources:
        if isinstance(tags := resource.get("Tags"), list | dict) and len(tags) > _TAGS:
            yield resource.violation(f"has {len(tags)} tags; the maximum is {_TAGS}")
    for resource in templates.of_type("CloudWatch::Dashboard"):
        if (body := resource.get("DashboardBody")) and not as_mapping(parse_policy(shortest(body))):
            yield resource.violation("DashboardBody is not a JSON object")


def shortest(value: Any) -> str:
    """Return the shortest text that *value* can have: references with unknown values are empty."""
    resolved = pattern(value).replace("${AWS::AccountId}", _ACCOUNT)
    return _VARIABLE.sub("", resolved.replace("${!", "$\0{")).replace("$\0{", "${")


def _size(document: Any) -> int:
    """Return the number of characters of a policy, without white space."""
    resolved = _resolved(document)
    is_text = isinstance(resolved, str)
    json_text = resolved if is_text else json.dumps(resolved, separators=(",", ":"))
    return len("".join(json_text.split()))


def _resolved(value: Any) -> Any:
    match value:
        case {"Fn::Sub": _} | {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return shortest(value)
        case dict():
            return {str(key): _resolved(item) for key, item in value.items()}
        case list():
            return [_resolved(item) for item in value]
        case _:
            return value


def _decoded_size(data: Any) -> int:
    """Return the size of user data in bytes, decoded if it is base64."""
    match data:
        case {"Fn::Base64": plain}:
            return len(shortest(plain).encode())
        case str():
            try:
                return len(b64decode(data, validate=True))
            except ValueError:
                return len(data.encode())
        case _:
            return 0


def _too_long(element: str, size: int, maximum: int) -> str:
    return f"{element} has {size:,} characters; the maximum is {maximum:,}"
