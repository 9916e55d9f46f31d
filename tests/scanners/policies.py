"""The policies of the templates, with an example for each reference.

    {"Resource": {"Fn::Sub": "${Artifacts.Arn}/*"}}  →  {"Resource": "arn:aws:s3:::artifacts/*"}

A policy without resources, such as a trust policy, gets the resource that it is attached to.
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

# An example of the ARN of each type that a policy may name; {} is its logical id in small letters.
ARNS = {
    "AWS::CertificateManager::Certificate": "acm:{here}:certificate/{}",
    "AWS::ApiGatewayV2::Api": "execute-api:{here}:{}",
    "AWS::CloudFront::Distribution": "cloudfront::{account}:distribution/{}",
    "AWS::CodeBuild::Project": "codebuild:{here}:project/{}",
    "AWS::CodeConnections::Connection": "codeconnections:{here}:connection/{}",
    "AWS::CodePipeline::Pipeline": "codepipeline:{here}:{}",
    "AWS::Cognito::UserPool": "cognito-idp:{here}:userpool/{}",
    "AWS::DynamoDB::Table": "dynamodb:{here}:table/{}",
    "AWS::DynamoDB::GlobalTable": "dynamodb:{here}:table/{}",
    "AWS::ECR::Repository": "ecr:{here}:repository/{}",
    "AWS::ECS::Cluster": "ecs:{here}:cluster/{}",
    "AWS::ECS::Service": "ecs:{here}:service/cluster/{}",
    "AWS::ECS::TaskDefinition": "ecs:{here}:task-definition/{}:1",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing:{here}:loadbalancer/app/{}/1",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{}",
    "AWS::IAM::OIDCProvider": "iam::{account}:oidc-provider/{}",
    "AWS::IAM::Role": "iam::{account}:role/{}",
    "AWS::KMS::Key": "kms:{here}:key/{}",
    "AWS::Lambda::Function": "lambda:{here}:function:{}",
    "AWS::Logs::LogGroup": "logs:{here}:log-group:{}:*",
    "AWS::RDS::DBInstance": "rds:{here}:db:{}",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SecretsManager::Secret": "secretsmanager:{here}:secret:{}",
    "AWS::ServiceDiscovery::HttpNamespace": "servicediscovery:{here}:namespace/{}",
    "AWS::SNS::Topic": "sns:{here}:{}",
    "AWS::SQS::Queue": "sqs:{here}:{}",
    "AWS::SSM::Parameter": "ssm:{here}:parameter/{}",
}
# Ref of these gives the ARN; of others, a name.
REFERRED = {
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
    "MasterUserSecret.SecretArn": "secretsmanager:{here}:secret:{}",
    "StreamArn": "dynamodb:{here}:table/{}/stream/label",
}


@dataclass(frozen=True)
class Policy:
    """A policy in a resource of a stack, with all references replaced.

    *name* is the property that holds it, such as AssumeRolePolicyDocument.
    """

    stack: str
    title: str
    name: str
    document: Mapping[str, Any]

    @property
    def statements(self) -> list[dict[str, Any]]:
        """Return the statements as a list."""
        found = self.document["Statement"]
        return found if isinstance(found, list) else [found]


def policies(subjects: Subjects) -> tuple[Policy, ...]:
    """Return every policy document in the properties of a resource."""
    world = World({each.name: load(each.text) for each in subjects})
    return tuple(
        Policy(stack, title, name, _complete(world.resolved(document, stack), own))
        for stack, template in world.templates.items()
        for title, resource in template["Resources"].items()
        for own in [_example(resource["Type"], title)]
        for name, document in _documents("Properties", resource.get("Properties"))
    )


def _documents(name: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each policy document in *value* with the name of its property."""
    match value:
        case {"Statement": _}:
            yield name, value
        case dict():
            for key, each in value.items():
                yield from _documents(key, each)
        case list():
            for each in value:
                yield from _documents(name, each)


def _complete(document: dict[str, Any], own: str) -> Mapping[str, Any]:
    """Add the resource *own* to statements with a principal and without a resource."""
    statements = document["Statement"]
    for each in statements if isinstance(statements, list) else [statements]:
        if "Principal" in each and not each.keys() & {"Resource", "NotResource"}:
            each["Resource"] = own
    return document


class World:
    """The templates by the name of their stack, and their exports."""

    def __init__(self, templates: Mapping[str, dict[str, Any]]) -> None:
        self.templates = templates
        self._exports = {
            name: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if isinstance(name := output.get("Export", {}).get("Name"), str)
        }

    def resolved(self, value: Any, stack: str) -> Any:
        """Return *value* of a template of *stack*, with an example for each reference."""
        match value:
            case {"Ref": str(name)}:
                return self._ref(name, stack)
            case {"Fn::GetAtt": [str(title), str(attribute)]}:
                return self._attribute(title, attribute, stack)
            case {"Fn::ImportValue": name}:
                return self._imported(self.resolved(name, stack))
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, {}, stack)
            case {"Fn::Sub": [str(text), dict(values)]}:
                return self._substituted(text, self.resolved(values, stack), stack)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(map(str, self.resolved(parts, stack)))
            case dict() if len(value) == 1 and next(iter(value)).startswith("Fn::"):
                return "example"
            case dict():
                return {key: self.resolved(each, stack) for key, each in value.items()}
            case list():
                return [self.resolved(each, stack) for each in value]
            case _:
                return value

    def _ref(self, name: str, stack: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.templates[stack].get("Parameters", {}):
            return self._passed(name, stack)
        kind = self._type(name, stack)
        return _arn(kind, name) if kind in REFERRED else name.lower()

    def _passed(self, name: str, stack: str) -> Any:
        """Return the parameter that a nested stack gets from its parent."""
        for outer, template in self.templates.items():
            inner = template["Resources"].get(stack.removeprefix(f"{outer}-"), {})
            if inner.get("Type") == "AWS::CloudFormation::Stack":
                return self.resolved(inner["Properties"]["Parameters"][name], outer)
        return name.lower()

    def _attribute(self, title: str, attribute: str, stack: str) -> str:
        if attribute in ATTRIBUTES:
            return _filled(ATTRIBUTES[attribute], title)
        if not attribute.endswith("Arn"):
            return f"{title}-{attribute}".lower()
        return _arn(self._type(title, stack), title)

    def _imported(self, name: str) -> Any:
        if name not in self._exports:
            return "example"  # Of an environment that was not asked for.
        stack, value = self._exports[name]
        return self.resolved(value, stack)

    def _substituted(self, text: str, values: Mapping[str, Any], stack: str) -> str:
        def value(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if name in values:
                return str(values[name])
            return self._attribute(name, attribute, stack) if attribute else self._ref(name, stack)

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def _type(self, title: str, stack: str) -> str:
        """Return the type of a resource; empty for a parameter."""
        return str(self.templates[stack]["Resources"].get(title, {}).get("Type", ""))


def _arn(kind: str, title: str) -> str:
    if kind not in ARNS:
        raise ScannerError(
            f"{title}: no example of an ARN of {kind}: add one to tests/scanners/policies.py"
        )
    return _filled(ARNS[kind], title)


def _example(kind: str, title: str) -> str:
    """Return an example ARN of the resource, or `*` if its type has none."""
    return _filled(ARNS[kind], title) if kind in ARNS else "*"


def _filled(example: str, title: str) -> str:
    here = {"here": f"{REGION}:{ACCOUNT}", "account": ACCOUNT}
    return f"arn:{PARTITION}:{example.format(title.lower(), **here)}"
