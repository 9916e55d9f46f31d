"""Lambda functions, each with an execution role and a log group of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from awacs import logs
from awacs.aws import Statement
from troposphere import awslambda, ec2
from troposphere.logs import LogGroup

from deployer import artifacts
from deployer.config import fields
from deployer.model import Env, Template, Value, Values
from stacks.foundation import Foundation
from stacks.parts.iam import allow, role, vpc_access
from stacks.parts.retention import retention_policies


class Settings(fields.Settings, frozen=True):
    """The `[functions]` table: settings that all functions share."""

    runtime: Literal["python3.13", "python3.14"]
    architecture: Literal["arm64", "host"]
    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class Functions:
    """The settings and the code of all functions of an environment."""

    settings: Settings
    code: artifacts.Code

    def artifact(self, name: str) -> artifacts.Artifact:
        """Return the zip of lambdas/*name*."""
        target = artifacts.target(self.settings.runtime, self.settings.architecture)
        return self.code.artifact(name, target)

    def factory(self, t: Template, env: Env, foundation: Foundation) -> FunctionFactory:
        """Return a factory that adds functions to the stack *t*."""
        return FunctionFactory(t, env, foundation, self)


@dataclass(frozen=True)
class VpcPlacement:
    """The subnets and the security group of a function that is attached to the VPC."""

    subnets: Values
    security_group: ec2.SecurityGroup


@dataclass(frozen=True)
class FunctionFactory:
    """Adds functions to one stack: see `Functions.factory`."""

    t: Template
    env: Env
    foundation: Foundation
    functions: Functions

    def function(
        self,
        title: str,
        *,
        code: str,
        timeout_seconds: int,
        memory_mb: int,
        variables: Mapping[str, Value],
        statements: Sequence[Statement],
        placement: VpcPlacement | None = None,
    ) -> awslambda.Function:
        """Add the function of lambdas/*code*, with a role and a log group of its own.

        The role has *statements*, and the permissions that Lambda needs to write logs and to
        attach the function to the VPC of *placement*.
        """
        settings, artifact = self.functions.settings, self.functions.artifact(code)
        self.t.artifacts.append(artifact)
        log_group = self._log_group(title)
        execution_role = role(
            self.t,
            f"{title}Role",
            service="lambda",
            boundary=self.foundation.boundary,
            statements=[_write_logs(log_group), *(vpc_access() if placement else ()), *statements],
        )
        return self.t.add_resource(
            awslambda.Function(
                title,
                Runtime=settings.runtime,
                Architectures=[artifact.target.architecture],
                Handler=artifact.handler,
                Code=awslambda.Code(
                    S3Bucket=self.foundation.artifacts, S3Key=f"{self.t.key_prefix}{artifact.key}"
                ),
                Role=execution_role.get_att("Arn"),
                Timeout=timeout_seconds,
                MemorySize=memory_mb,
                Environment=awslambda.Environment(Variables=dict(variables)),
                LoggingConfig=awslambda.LoggingConfig(LogGroup=log_group.ref()),
                **_vpc_config(placement),
            )
        )

    def _log_group(self, title: str) -> LogGroup:
        days = self.functions.settings.log_retention_days
        return self.t.add_resource(
            LogGroup(f"{title}LogGroup", RetentionInDays=days, **retention_policies(self.env))
        )


def allow_invoke(
    t: Template, function: awslambda.Function, service: str, source: Value, **properties: Any
) -> awslambda.Permission:
    """Allow *service* to invoke *function*, only on behalf of the resource *source*."""
    return t.add_resource(
        awslambda.Permission(
            f"{function.title}InvokePermission",
            FunctionName=function.get_att("Arn"),
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source,
            **properties,
        )
    )


def _write_logs(log_group: LogGroup) -> Statement:
    return allow("WriteLogs", [logs.CreateLogStream, logs.PutLogEvents], log_group.get_att("Arn"))


def _vpc_config(placement: VpcPlacement | None) -> dict[str, Any]:
    if placement is None:
        return {}
    security_group = placement.security_group.get_att("GroupId")
    return {
        "VpcConfig": awslambda.VPCConfig(
            SubnetIds=list(placement.subnets), SecurityGroupIds=[security_group]
        )
    }
