"""Lambda functions, each with what it may do, where it writes, and what becomes of a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from awacs import logs
from awacs import sqs as queueing
from awacs.aws import Statement
from troposphere import awslambda, ec2, sqs
from troposphere.logs import LogGroup

from deployer import artifacts
from deployer.config import fields
from deployer.model import Env, Template, Value, Values
from stacks.foundation import Foundation
from stacks.parts import allow, join_network, keep, role


class Settings(fields.Settings, frozen=True):
    """The `[functions]` table: what all functions share."""

    runtime: Literal["python3.13", "python3.14"]
    architecture: Literal["arm64", "host"]
    log_retention_days: fields.LogRetentionDays


@dataclass(frozen=True)
class Functions:
    """How functions are made in this environment: from what code, and for what they run on."""

    settings: Settings
    code: artifacts.Code

    def artifact(self, name: str) -> artifacts.Artifact:
        """The zip of lambdas/*name*."""
        target = artifacts.target(self.settings.runtime, self.settings.architecture)
        return self.code.artifact(name, target)

    def of(self, t: Template, env: Env, base: Foundation) -> Maker:
        """What makes the functions of the stack *t*."""
        return Maker(t, env, base, self)


@dataclass(frozen=True)
class Inside:
    """A place in the network: subnets, and the firewall around whoever stands in them."""

    subnets: Values
    firewall: ec2.SecurityGroup


@dataclass(frozen=True)
class Maker:
    """Makes the functions of one stack: see `Functions.of`."""

    t: Template
    env: Env
    base: Foundation
    functions: Functions

    def function(
        self,
        title: str,
        *,
        code: str,
        timeout: int,
        memory: int,
        variables: Mapping[str, Value],
        may: Sequence[Statement],
        inside: Inside | None = None,
    ) -> awslambda.Function:
        """Add the function of lambdas/*code*: the one way to make one.

        It has a role of its own, with *may* and with what Lambda itself needs: to write to its
        log group, which is its own too, and to stand *inside* a network. *timeout* is in seconds,
        *memory* in MB.
        """
        settings, artifact = self.functions.settings, self.functions.artifact(code)
        self.t.code.append(artifact)
        group = self._log_group(title)
        own_role = role(
            self.t,
            f"{title}Role",
            service="lambda",
            boundary=self.base.boundary,
            may=[_write_logs(group), *(join_network() if inside else ()), *may],
        )
        return self.t.add_resource(
            awslambda.Function(
                title,
                Runtime=settings.runtime,
                Architectures=[artifact.target.architecture],
                Handler=artifact.handler,
                Code=awslambda.Code(
                    S3Bucket=self.base.artifacts, S3Key=f"{self.t.folder}{artifact.key}"
                ),
                Role=own_role.get_att("Arn"),
                Timeout=timeout,
                MemorySize=memory,
                Environment=awslambda.Environment(Variables=dict(variables)),
                LoggingConfig=awslambda.LoggingConfig(LogGroup=group.ref()),
                **_vpc(inside),
            )
        )

    def _log_group(self, title: str) -> LogGroup:
        days = self.functions.settings.log_retention_days
        return self.t.add_resource(LogGroup(f"{title}Logs", RetentionInDays=days, **keep(self.env)))


def callable_by(
    t: Template, function: awslambda.Function, service: str, source: Value, **more: Any
) -> awslambda.Permission:
    """Let *service* call *function*, for *source* alone."""
    return t.add_resource(
        awslambda.Permission(
            f"{function.title}Call",
            FunctionName=function.get_att("Arn"),
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source,
            **more,
        )
    )


def give_up_to(queue: sqs.Queue) -> Statement:
    """What a function needs to leave its failures in *queue*."""
    return allow("LeaveFailures", [queueing.SendMessage], queue.get_att("Arn"))


def _write_logs(group: LogGroup) -> Statement:
    return allow("WriteLogs", [logs.CreateLogStream, logs.PutLogEvents], group.get_att("Arn"))


def _vpc(inside: Inside | None) -> dict[str, Any]:
    if inside is None:
        return {}
    return {
        "VpcConfig": awslambda.VPCConfig(
            SubnetIds=list(inside.subnets), SecurityGroupIds=[inside.firewall.get_att("GroupId")]
        )
    }
