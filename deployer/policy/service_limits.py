"""What AWS refuses when a stack is deployed: names, descriptions, policies and texts too long.

Sizes are those that are certain: a reference to what only AWS knows counts nothing. The limits
are those of each service's own documentation of quotas.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.policy.model import Resource, Stack, Templates, Violation
from deployer.policy.statements import parsed
from deployer.policy.values import get, many, mapping, pattern, text

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_ACCOUNT = "0" * 12

# The most characters of a name, by type and property.
_NAMES: Mapping[str, Mapping[str, int]] = {
    "Budgets::Budget": {"Budget.BudgetName": 100},
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
    "XRay::SamplingRule": {"SamplingRule.RuleName": 32},
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


def names_fit(templates: Templates) -> Iterator[Violation]:
    """AWS says so in the middle of a deployment, when other resources are there already."""
    for stack in templates.stacks:
        yield from _stack_names_fit(stack)
    yield from _lengths_fit(templates, _NAMES)
    for one in templates.of("S3::Bucket"):
        if prefix := shortest(one.get("BucketNamePrefix")):
            name = f"{prefix}-{_ACCOUNT}-{one.stack.subject.region}-an"
            if len(name) > _BUCKET_NAME:
                place = "BucketNamePrefix, with account and region,"
                yield one.found(_too_long(place, len(name), _BUCKET_NAME))


def _stack_names_fit(stack: Stack) -> Iterator[Violation]:
    if len(stack.name) > _STACK_NAME:
        yield stack.found((), _too_long("the name of the stack", len(stack.name), _STACK_NAME))
    for title, output in stack.outputs.items():
        size = len(shortest(get(output, "Export", "Name")))
        if size > _EXPORT_NAME:
            place = ("Outputs", title)
            yield stack.found(place, _too_long("the name of the export", size, _EXPORT_NAME))


def _lengths_fit(
    templates: Templates, table: Mapping[str, Mapping[str, int]]
) -> Iterator[Violation]:
    for type_, limits in table.items():
        for one in templates.of(type_):
            for path, most in limits.items():
                size = len(shortest(one.get(*path.split("."))).encode())
                if size > most:
                    yield one.found(_too_long(path, size, most))


def descriptions_fit(templates: Templates) -> Iterator[Violation]:
    """EC2 refuses apostrophes, angle brackets and letters with accents."""
    for one in templates.of("EC2::SecurityGroup"):
        yield from _described(one, "GroupDescription", one.get("GroupDescription"))
        for key in ("SecurityGroupIngress", "SecurityGroupEgress"):
            for rule in many(one.get(key)):
                yield from _described(one, f"{key}.Description", get(rule, "Description"))
    for one in templates.of("EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress"):
        yield from _described(one, "Description", one.get("Description"))


def _described(one: Resource, place: str, description: Any) -> Iterator[Violation]:
    said = shortest(description)
    if len(said) > 255:
        yield one.found(_too_long(place, len(said), 255))
    elif not _DESCRIPTION.fullmatch(said):
        refused = "".join(sorted({letter for letter in said if not _DESCRIPTION.fullmatch(letter)}))
        yield one.found(f"{place} has characters that EC2 refuses: {refused!r}; leave them out")


def policies_fit(templates: Templates) -> Iterator[Violation]:
    """IAM counts every character but white space, and all inline policies of a role together."""
    for one in templates.of("IAM::ManagedPolicy"):
        yield from _fits(one, "PolicyDocument", _size(one.get("PolicyDocument")), _MANAGED_POLICY)
    for one in templates.of("S3::BucketPolicy"):
        yield from _fits(one, "PolicyDocument", _size(one.get("PolicyDocument")), _BUCKET_POLICY)
    for one in templates.of("IAM::Role"):
        trust = one.get("AssumeRolePolicyDocument")
        yield from _fits(one, "AssumeRolePolicyDocument", _size(trust), _TRUST_POLICY)
        if len(many(one.get("ManagedPolicyArns"))) > _ATTACHED:
            attached = len(many(one.get("ManagedPolicyArns")))
            yield one.found(f"takes {attached} managed policies, and IAM attaches {_ATTACHED}")
    inline = _inline_sizes(templates)
    for type_, most in _INLINE.items():
        for one in templates.of(type_):
            yield from _fits(one, "all inline policies together", inline.get(one, 0), most)


def _inline_sizes(templates: Templates) -> Mapping[Resource, int]:
    """The characters of the policies in each role, group and user, and of those that name it."""
    sizes: dict[Resource, int] = {}
    for one in templates.of(*_INLINE):
        documents = [get(policy, "PolicyDocument") for policy in many(one.get("Policies"))]
        sizes[one] = sum(map(_size, documents))
    for policy in templates.of(
        "IAM::Policy", "IAM::RolePolicy", "IAM::GroupPolicy", "IAM::UserPolicy"
    ):
        keys = ("Roles", "Groups", "Users", "RoleName", "GroupName", "UserName")
        named = [policy.get(key) for key in keys]
        for one in {*templates.reached(policy.stack, named)} & sizes.keys():
            sizes[one] += _size(policy.get("PolicyDocument"))
    return sizes


def _fits(one: Resource, place: str, size: int, most: int) -> Iterator[Violation]:
    if size > most:
        yield one.found(f"{_too_long(place, size, most)}; split it")


def parameters_fit(templates: Templates) -> Iterator[Violation]:
    """Parameter Store takes {{ for a reference of its own."""
    for one in templates.of("SSM::Parameter"):
        value = shortest(one.get("Value"))
        most = _PARAMETER_VALUE.get(text(one.get("Tier")), 4_096)
        if (size := len(value.encode())) > most:
            yield one.found(f"Value has {size:,} bytes, and Parameter Store takes {most:,}")
        if "{{" in value.replace("{{resolve:", ""):
            yield one.found("Value has {{, which Parameter Store refuses")


def texts_fit(templates: Templates) -> Iterator[Violation]:
    """Code, user data, tags and dashboards."""
    yield from _lengths_fit(templates, _TEXTS)
    for one in templates.of("EC2::Instance", "EC2::LaunchTemplate"):
        data = one.get("UserData") or one.get("LaunchTemplateData", "UserData")
        if (size := _decoded_size(data)) > _USER_DATA:
            yield one.found(_too_long("UserData", size, _USER_DATA))
    for one in templates.resources:
        if isinstance(tags := one.get("Tags"), list | dict) and len(tags) > _TAGS:
            yield one.found(f"has {len(tags)} tags, and AWS takes {_TAGS}")
    for one in templates.of("CloudWatch::Dashboard"):
        if (body := one.get("DashboardBody")) and not mapping(parsed(shortest(body))):
            yield one.found("DashboardBody is not a JSON object")


def shortest(value: Any) -> str:
    """*value* as text, without what only AWS knows: as long as it is at least."""
    said = pattern(value).replace("${AWS::AccountId}", _ACCOUNT)
    return _VARIABLE.sub("", said.replace("${!", "$\0{")).replace("$\0{", "${")


def _size(document: Any) -> int:
    """The characters of a policy but white space."""
    if isinstance(document, str):
        return len("".join(document.split()))
    return len("".join(json.dumps(_resolved(document), separators=(",", ":")).split()))


def _resolved(value: Any) -> Any:
    match value:
        case {"Fn::Sub": _} | {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return shortest(value)
        case dict():
            return {str(key): _resolved(one) for key, one in value.items()}
        case list():
            return [_resolved(one) for one in value]
        case _:
            return value


def _decoded_size(data: Any) -> int:
    """The bytes of user data, in plain text or in base64."""
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


def _too_long(what: str, size: int, most: int) -> str:
    return f"{what} has {size:,} characters, and AWS takes {most:,}"
