"""Resources that always come together, and the few words that every stack says the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awacs.aws
from awacs import ec2 as networking
from awacs import sns as publishing
from awacs.aws import Allow, Bool, Condition, Deny, Null, PolicyDocument, Principal, Statement
from troposphere import Sub, Tags, ec2, iam, route53, sns, sqs
from troposphere.validators.route53 import AliasTarget

from deployer.model import Env, Template, Value


def own(env: Env, name: str) -> str:
    """The name of something this environment owns: the pipeline may touch nothing else."""
    return env.stack_name(name)


def image_parameter(env: Env, image: str) -> str:
    """Where in Parameter Store the digest lies of the *image* that was released last."""
    return f"/{env.prefix}/{env.name}/{image}/image"


def named(env: Env, name: str) -> Tags:
    """The tag that the console shows as the name; all other tags are those of the stack."""
    return Tags(Name=own(env, name))


def keep(env: Env) -> dict[str, Any]:
    """What holds data outlives its stack where the environment protects it.

    Nothing can have been stored in what a failed creation made, so that goes: a retained bucket
    or repository would stand in the way of the next attempt, since it has the same name.
    """
    if not env.protect:
        return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def arn(service: str, resource: str) -> Sub:
    """An ARN of this account and region; those of CloudFront and IAM have no region."""
    region = "" if service in {"cloudfront", "iam"} else "${AWS::Region}"
    return Sub(f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}")


def trust(service: str, condition: Condition | None = None) -> PolicyDocument:
    """Who may take a role: one AWS service, on *condition*."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", f"{service}.amazonaws.com"),
                Action=[awacs.aws.Action("sts", "AssumeRole")],
                **({"Condition": condition} if condition else {}),
            )
        ],
    )


def allow(
    sid: str,
    actions: Sequence[awacs.aws.Action],
    *resources: Value,
    condition: Condition | None = None,
) -> Statement:
    """The right to do *actions* to *resources*, on *condition*."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Action=list(actions),
        Resource=list(resources),
        **({"Condition": condition} if condition else {}),
    )


def join_network() -> list[Statement]:
    """Lambda gives a function an address in a network, as the function's role.

    The function itself may not: of what its code asks, AWS knows lambda:SourceFunctionArn; of what
    Lambda asks to connect it, AWS does not (Lambda developer guide, Using source function ARN).
    The actions are those of AWS's own policy AWSLambdaVPCAccessExecutionRole; Lambda wants to
    delete any interface before it takes a function into a network, so none can be named.
    """
    by_lambda = Condition(Null({"lambda:SourceFunctionArn": "true"}))
    return [
        allow(
            "JoinNetwork",
            [
                networking.AssignPrivateIpAddresses,
                networking.CreateNetworkInterface,
                networking.DeleteNetworkInterface,
                networking.UnassignPrivateIpAddresses,
            ],
            arn("ec2", "*/*"),
            condition=by_lambda,
        ),
        allow(
            "LookAtNetwork",
            [networking.DescribeNetworkInterfaces, networking.DescribeSubnets],
            "*",  # They take no narrower one.
            condition=by_lambda,
        ),
    ]


def role(
    t: Template,
    title: str,
    *,
    service: str,
    boundary: Value,
    may: Sequence[Statement],
    condition: Condition | None = None,
) -> iam.Role:
    """A role that one AWS *service* takes, with *may* as its only policy, under the *boundary*."""
    return t.add_resource(
        iam.Role(
            title,
            AssumeRolePolicyDocument=trust(service, condition),
            PermissionsBoundary=boundary,
            Policies=[
                iam.Policy(
                    PolicyName=title.removesuffix("Role"),
                    PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=list(may)),
                )
            ],
        )
    )


def let_in(
    t: Template, title: str, *, at: Value, source: Value, port: Value | int, description: str
) -> None:
    """Let who stands behind the firewall *source* through the firewall *at*, on one TCP *port*."""
    t.add_resource(
        ec2.SecurityGroupIngress(
            title,
            GroupId=at,
            SourceSecurityGroupId=source,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=description,
        )
    )


def alias_records(
    t: Template,
    title: str,
    *,
    env: Env,
    host: str,
    target: Value,
    zone: Value,
    types: Sequence[str] = ("A", "AAAA"),
) -> None:
    """Make *host* another name of *target*, which lies in AWS's own hosted *zone*."""
    for type_ in types:
        t.add_resource(
            route53.RecordSetType(
                f"{title}Record{type_}",
                HostedZoneId=env.hosted_zone,
                Name=host,
                Type=type_,
                AliasTarget=AliasTarget(  # type: ignore[no-untyped-call]  # no annotations there
                    DNSName=target, HostedZoneId=zone, EvaluateTargetHealth=False
                ),
            )
        )


def topic_policy(t: Template, topic: sns.Topic, publisher: Statement) -> sns.TopicPolicy:
    """The policy of *topic*: TLS only, and one *publisher*."""
    return t.add_resource(
        sns.TopicPolicy(
            f"{topic.title}Policy",
            Topics=[topic.ref()],
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[publisher, only_over_tls(publishing.Publish, topic.ref())],
            ),
        )
    )


def failures(t: Template, title: str, env: Env, statements: Sequence[Statement] = ()) -> sqs.Queue:
    """A queue for what was given up on: two weeks to look at it and send it again.

    Of a stream it has where the records are, not what they say: those are gone after a day.

    Its policy is TLS only, and *statements*; a function has the right to send in its own role.
    """
    queue = t.add_resource(
        sqs.Queue(
            title, MessageRetentionPeriod=14 * 24 * 3600, SqsManagedSseEnabled=True, **keep(env)
        )
    )
    over_tls = only_over_tls(awacs.aws.Action("sqs", "*"), queue.get_att("Arn"))
    t.add_resource(
        sqs.QueuePolicy(
            f"{queue.title}Policy",
            Queues=[queue.ref()],
            PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=[over_tls, *statements]),
        )
    )
    return queue


def only_over_tls(action: awacs.aws.Action, *resources: Value) -> Statement:
    """Nobody at all without TLS: it stands in the policy of whatever has one."""
    return Statement(
        Sid="OnlyOverTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[action],
        Resource=list(resources),
        Condition=Condition(Bool({"aws:SecureTransport": "false"})),
    )
