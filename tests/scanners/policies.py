"""The policies of the templates, with an example value in place of each reference.

    {"Resource": {"Fn::Sub": "${Artifacts.Arn}/*"}}  →  {"Resource": "arn:aws:s3:::artifacts/*"}

A policy without resources, such as a trust policy, receives the ARN of the resource that contains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.template_yaml import load
from tests.scanners.errors import ScannerError
from tests.scanners.tool import Subjects

PARTITION, REGION, ACCOUNT = "aws", "eu-central-1", "123456789012"
PSEUDO = {
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::NoValue": "",
}

# An example ARN for each type of resource in policies; {} is its logical id in lower case.
ARNS = {
    "AWS::CertificateManager::Certificate": "acm:{scope}:certificate/{}",
    "AWS::ApiGatewayV2::Api": "execute-api:{scope}:{}",
    "AWS::CloudFront::Distribution": "cloudfront::{account}:distribution/{}",
    "AWS::CodeBuild::Project": "codebuild:{scope}:project/{}",
    "AWS::CodeConnections::Connection": "codeconnections:{scope}:connection/{}",
    "AWS::CodePipeline::Pipeline": "codepipeline:{scope}:{}",
    "AWS::Cognito::UserPool": "cognito-idp:{scope}:userpool/{}",
    "AWS::DynamoDB::Table": "dynamodb:{scope}:table/{}",
    "AWS::DynamoDB::GlobalTable": "dynamodb:{scope}:table/{}",
    "AWS::ECR::Repository": "ecr:{scope}:repository/{}",
    "AWS::ECS::Cluster": "ecs:{scope}:cluster/{}",
    "AWS::ECS::Service": "ecs:{scope}:service/cluster/{}",
    "AWS::ECS::TaskDefinition": "ecs:{scope}:task-definition/{}:1",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing:{scope}:loadbalancer/app/{}/1",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{}",
    "AWS::IAM::OIDCProvider": "iam::{account}:oidc-provider/{}",
    "AWS::IAM::Role": "iam::{account}:role/{}",
    "AWS::KMS::Key": "kms:{scope}:key/{}",
    "AWS::Lambda::Function": "lambda:{scope}:function:{}",
    "AWS::Logs::LogGroup": "logs:{scope}:log-group:{}:*",
    "AWS::RDS::DBInstance": "rds:{scope}:db:{}",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SecretsManager::Secret": "secretsmanager:{scope}:secret:{}",
    "AWS::ServiceDiscovery::HttpNamespace": "servicediscovery:{scope}:namespace/{}",
    "AWS::SNS::Topic": "sns:{scope}:{}",
    "AWS::SQS::Queue": "sqs:{scope}:{}",
    "AWS::SSM::Parameter": "ssm:{scope}:parameter/{}",
}
# Ref returns the ARN of these types, and a name for others.
REF_IS_ARN = {
    "AWS::CertificateManager::Certificate",
    "AWS::CodeConnections::Connection",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::OIDCProvider",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
}
# Attributes that are ARNs of something else than the resource.
ATTRIBUTES = {
    "MasterUserSecret.SecretArn": "secretsmanager:{scope}:secret:{}",
    "StreamArn": "dynamodb:{scope}:table/{}/stream/label",
}


@dataclass(frozen=True)
class Policy:
    """A policy in a resource of a stack, without references.

    *name* is the property that has the policy, such as AssumeRolePolicyDocument.
    """

    stack: str
    title: str
    name: str
    document: Mapping[str, Any]

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements as a list, even if the document has a single one."""
        statements = self.document["Statement"]
        return statements if isinstance(statements, list) else [statements]


def policies(subjects: Subjects) -> tuple[Policy, ...]:
    """Return all policy documents in the properties of resources."""
    resolver = ReferenceResolver({subject.name: load(subject.text) for subject in subjects})
    return tuple(
        Policy(stack, title, name, _with_resources(resolver.resolve(document, stack), arn))
        for stack, template in resolver.templates.items()
        for title, resource in template["Resources"].items()
        for arn in [_arn_or_wildcard(resource["Type"], title)]
        for name, document in _documents("Properties", resource.get("Properties"))
    )


def _documents(name: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the policy documents in *value*, each with the name of its property."""
    match value:
        case {"Statement": _}:
            yield name, value
        case dict():
            for key, nested in value.items():
                yield from _documents(key, nested)
        case list():
            for item in value:
                yield from _documents(name, item)


def _with_resources(document: dict[str, Any], arn: str) -> Mapping[str, Any]:
    """Add *arn* as the resource of statements that have a principal but no resource."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Principal" in statement and not statement.keys() & {"Resource", "NotResource"}:
            statement["Resource"] = arn
    return document


class ReferenceResolver:
    """Replaces references in *templates*, by stack name, by example values."""

    def __init__(self, templates: Mapping[str, dict[str, Any]]) -> None:
        self.templates = templates
        self._exports = {
            name: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if isinstance(name := output.get("Export", {}).get("Name"), str)
        }

    def resolve(self, value: Any, stack: str) -> Any:
        """Replace each reference in *value*, a part of the template of *stack*, by an example."""
        match value:
            case {"Ref": str(name)}:
                return self._ref(name, stack)
            case {"Fn::GetAtt": [str(title), str(attribute)]}:
                return self._attribute(title, attribute, stack)
            case {"Fn::ImportValue": name}:
                return self._imported(self.resolve(name, stack))
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, {}, stack)
            case {"Fn::Sub": [str(text), dict(values)]}:
                return self._substituted(text, self.resolve(values, stack), stack)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(map(str, self.resolve(parts, stack)))
            case dict() if len(value) == 1 and next(iter(value)).startswith("Fn::"):
                return "example"
            case dict():
                return {key: self.resolve(nested, stack) for key, nested in value.items()}
            case list():
                return [self.resolve(item, stack) for item in value]
            case _:
                return value

    def _ref(self, name: str, stack: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.templates[stack].get("Parameters", {}):
            return self._parameter(name, stack)
        kind = self._type(name, stack)
        return _arn(kind, name) if kind in REF_IS_ARN else name.lower()

    def _parameter(self, name: str, stack: str) -> Any:
        """Return the value of a parameter of a nested stack, which its parent passes."""
        for outer, template in self.templates.items():
            inner = template["Resources"].get(stack.removeprefix(f"{outer}-"), {})
            if inner.get("Type") == "AWS::CloudFormation::Stack":
                return self.resolve(inner["Properties"]["Parameters"][name], outer)
        return name.lower()

    def _attribute(self, title: str, attribute: str, stack: str) -> str:
        if attribute in ATTRIBUTES:
            return _format_arn(ATTRIBUTES[attribute], title)
        if not attribute.endswith("Arn"):
            return f"{title}-{attribute}".lower()
        return _arn(self._type(title, stack), title)

    def _imported(self, name: str) -> Any:
        if name not in self._exports:
            return "example"  # An export of an environment that is not scanned.
        stack, value = self._exports[name]
        return self.resolve(value, stack)

    def _substituted(self, text: str, values: Mapping[str, Any], stack: str) -> str:
        def value(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if name in values:
                return str(values[name])
            return self._attribute(name, attribute, stack) if attribute else self._ref(name, stack)

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def _type(self, title: str, stack: str) -> str:
        """Return the type of a resource, empty for a parameter."""
        return str(self.templates[stack]["Resources"].get(title, {}).get("Type", ""))


def _arn(kind: str, title: str) -> str:
    if kind not in ARNS:
        raise ScannerError(
            f"{title}: no example of an ARN of {kind}: add one to tests/scanners/policies.py"
        )
    return _format_arn(ARNS[kind], title)


def _arn_or_wildcard(kind: str, title: str) -> str:
    """Return an example ARN of the resource that contains a policy, or `*` for other types."""
    return _format_arn(ARNS[kind], title) if kind in ARNS else "*"


def _format_arn(example: str, title: str) -> str:
    text = example.format(title.lower(), scope=f"{REGION}:{ACCOUNT}", account=ACCOUNT)
    return f"arn:{PARTITION}:{text}"
