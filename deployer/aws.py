"""Speaks to AWS: the one module here that imports boto3.

`Account` is a `deployer.cloud.Cloud`. Signatures, retries and back-off are botocore's; what it
raises becomes one of our errors, and an answer that never came a LostError.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError

from deployer.cloud import (
    ChangeSet,
    Found,
    Identity,
    PropertyChange,
    Proposal,
    ResourceChange,
    StackEvent,
)
from deployer.errors import CloudError, DeployError, GuardError, LostError
from deployer.stack import Env

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

class _Template(TypedDict, total=False):
    """A template, in one of the two ways a call takes it."""

    TemplateURL: str
    TemplateBody: str


_TRANSIENT = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_INCOMPLETE = "--include-property-values option can return incomplete ChangeSet data"


def account(env: Env, environ: Mapping[str, str]) -> Account:
    """The AWS account of *env*, with the operator's own credentials, after every guard held.

    Raises GuardError for an endpoint override, no or broken credentials, another region in the
    environment or profile, or credentials of another account; LostError if AWS does not answer.
    """
    try:
        session = boto3.Session()
        _refuse_endpoints(env, environ, session)
        _refuse_regions(env, environ, session)
        found = Account(session, env.region, _ONE_SHOT).identity()
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise GuardError(
            f"{env.name}: no AWS credentials: {error}",
            hint=f"log in to account {env.account} (aws sso login, or AWS_PROFILE) and try again",
        ) from error
    if found.account != env.account:
        raise GuardError(
            f"{env.name}: these are credentials of account {found.account}, not of {env.account}",
            hint=f"they belong to {found.arn}; log in to the right account, or set AWS_PROFILE",
        )
    return Account(session, env.region, _PATIENT)


def endpoint(url: str, region: str, access_key: str, secret_key: str) -> Account:
    """The account behind *url* with these keys; nothing of the user's own AWS setup is read."""
    core = _blank_session()
    core.set_credentials(access_key, secret_key)
    return Account(boto3.Session(botocore_session=core), region, _LOCAL, url)


_ONE_SHOT = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
_PATIENT = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 8}
)
_LOCAL = Config(
    connect_timeout=1,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 2},
    proxies={},
)


@dataclass(frozen=True)
class Account:
    """An AWS account, region by region, as `deployer.cloud.Cloud` describes it."""

    session: boto3.Session
    region: str
    config: Config
    url: str | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    def identity(self) -> Identity:
        """See `Cloud`."""
        with _our_errors():
            answer = self._client("sts", self.region).get_caller_identity()
        return Identity(answer["Account"], answer["Arn"])

    def stacks(self, region: str) -> tuple[Found, ...]:
        """See `Cloud`."""
        with _our_errors():
            pages = self._cloudformation(region).get_paginator("describe_stacks").paginate()
            return tuple(_found(stack, region) for page in pages for stack in page["Stacks"])

    def stack(self, region: str, name: str) -> Found | None:
        """See `Cloud`."""
        try:
            with _our_errors():
                answer = self._cloudformation(region).describe_stacks(StackName=name)
        except CloudError as error:
            if "does not exist" in error.message:
                return None
            raise
        return _found(answer["Stacks"][0], region)

    def template(self, region: str, name: str) -> str:
        """See `Cloud`."""
        with _our_errors():
            client = self._cloudformation(region)
            answer = client.get_template(StackName=name, TemplateStage="Original")
        return cast("str", answer["TemplateBody"])

    def propose(self, proposal: Proposal) -> str:
        """See `Cloud`."""
        with _our_errors(proposal.stack):
            answer = self._cloudformation(proposal.region).create_change_set(
                StackName=proposal.stack,
                ChangeSetName=proposal.name,
                ChangeSetType=proposal.kind,
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in proposal.parameters.items()
                ],
                Tags=[{"Key": key, "Value": value} for key, value in proposal.tags.items()],
                Capabilities=cast("list[CapabilityType]", list(proposal.capabilities)),
                **_template(proposal),
            )
        return answer["Id"]

    def change_set(self, region: str, arn: str) -> ChangeSet:
        """See `Cloud`. Described with values; where AWS warns that those are not all, without too.

        The warning is quoted from aws/aws-cdk-cli issue 1780; not verified on AWS.
        """
        answer, changes = self._described(region, arn, values=True)
        if _INCOMPLETE in answer.get("StatusReason", ""):
            _, every = self._described(region, arn, values=False)
            known = {change.logical_id for change in changes}
            changes += tuple(change for change in every if change.logical_id not in known)
        return ChangeSet(
            arn=answer["ChangeSetId"],
            name=answer["ChangeSetName"],
            stack=answer["StackName"],
            stack_id=answer["StackId"],
            region=region,
            status=answer["Status"],
            execution=answer.get("ExecutionStatus", ""),
            reason=answer.get("StatusReason", ""),
            changes=changes,
        )

    def apply(self, region: str, arn: str, token: str) -> None:
        """See `Cloud`."""
        with _our_errors():
            self._cloudformation(region).execute_change_set(
                ChangeSetName=arn, ClientRequestToken=token
            )

    def discard(self, region: str, arn: str) -> None:
        """See `Cloud`."""
        with _our_errors():
            self._cloudformation(region).delete_change_set(ChangeSetName=arn)

    def events(self, region: str, stack_id: str, after: str = "") -> tuple[StackEvent, ...]:
        """See `Cloud`."""
        new: list[StackEvent] = []
        with _our_errors():
            paginator = self._cloudformation(region).get_paginator("describe_stack_events")
            for page in paginator.paginate(StackName=stack_id):
                for event in page["StackEvents"]:
                    if event["EventId"] == after:
                        return tuple(reversed(new))
                    new.append(_event(event))
                if not after:
                    break
        return tuple(reversed(new))

    def delete(self, region: str, stack_id: str, token: str) -> None:
        """See `Cloud`."""
        with _our_errors():
            self._cloudformation(region).delete_stack(StackName=stack_id, ClientRequestToken=token)

    def protect(self, region: str, name: str, *, on: bool) -> None:
        """See `Cloud`."""
        with _our_errors(name):
            self._cloudformation(region).update_termination_protection(
                StackName=name, EnableTerminationProtection=on
            )

    def upload(self, region: str, bucket: str, key: str, body: bytes) -> str:
        """See `Cloud`."""
        with _our_errors(f"s3://{bucket}/{key}"):
            self._client("s3", region).put_object(
                Bucket=bucket, Key=key, Body=body, ExpectedBucketOwner=self.identity().account
            )
        return f"https://{bucket}.s3.{region}.amazonaws.com/{key}"

    def _described(
        self, region: str, arn: str, *, values: bool
    ) -> tuple[DescribeChangeSetOutputTypeDef, tuple[ResourceChange, ...]]:
        client, changes, token = self._cloudformation(region), [], ""
        while True:
            with _our_errors():
                answer = client.describe_change_set(
                    ChangeSetName=arn,
                    IncludePropertyValues=values,
                    **({"NextToken": token} if token else {}),
                )
            changes += [
                _change(change["ResourceChange"])
                for change in answer.get("Changes", [])
                if "ResourceChange" in change
            ]
            token = answer.get("NextToken", "")
            if not token:
                return answer, tuple(changes)

    def _cloudformation(self, region: str) -> CloudFormationClient:
        return cast("CloudFormationClient", self._client("cloudformation", region))

    def _client(self, service: Literal["cloudformation", "s3", "sts"], region: str) -> Any:
        """A client, made once: that costs a second on a slow machine."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self.session.client(
                service, region_name=region, config=self.config, endpoint_url=self.url
            )
        return self._clients[service, region]


def _refuse_endpoints(env: Env, environ: Mapping[str, str], session: boto3.Session) -> None:
    """Account credentials go to AWS and nowhere else."""
    names = [name for name in sorted(environ) if name.startswith("AWS_ENDPOINT_URL")]
    profile = session._session.get_scoped_config()  # noqa: SLF001  # boto3 does not show it
    names += [f"{key} in the AWS profile" for key in ("endpoint_url", "services") if key in profile]
    if names:
        raise GuardError(
            f"{env.name} is an AWS account, but its endpoint is overridden by {', '.join(names)}",
            hint="unset it; the embedded AWS is --env=local and needs no endpoint",
        )


def _refuse_regions(env: Env, environ: Mapping[str, str], session: boto3.Session) -> None:
    """A region set elsewhere means that somebody expects it to be used."""
    for place, region in (
        ("AWS_REGION", environ.get("AWS_REGION")),
        ("AWS_DEFAULT_REGION or the AWS profile", session.region_name),
    ):
        if region and region != env.region:
            raise GuardError(
                f"{env.name}: {place} says {region}, config says {env.region}",
                hint="unset it, or correct region in the [env] table of the config file",
            )


def _blank_session() -> botocore.session.Session:
    """A botocore session that reads no environment variable, no profile and no file."""
    blank = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        blank[file] = (None, None, os.devnull, None)
    return botocore.session.Session(session_vars=blank)


@contextmanager
def _our_errors(place: str = "AWS") -> Iterator[None]:
    """Turn what botocore raises into what an operator is told; missing credentials pass."""
    try:
        yield
    except ClientError as error:
        raise _refusal(place, error) from error
    except (HTTPClientError, ResponseParserError) as error:
        raise LostError(f"{place}: no answer: {error}") from error
    except (NoCredentialsError, PartialCredentialsError):
        raise
    except BotoCoreError as error:
        raise CloudError(f"{place}: {error}") from error


def _refusal(place: str, error: ClientError) -> DeployError:
    answer = error.response
    code, message = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
    status = answer["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code in _EXPIRED:
        return LostError(
            f"{place}: the credentials have expired",
            hint="log in again; what was started goes on in AWS, the same command follows it",
        )
    if code in _TRANSIENT or status >= 500:
        return LostError(f"{place}: {error.operation_name}: {code}: {message}")
    return CloudError(f"{place}: {error.operation_name}: {code}: {message}")


def _template(proposal: Proposal) -> _Template:
    if proposal.url:
        return {"TemplateURL": proposal.url}
    return {"TemplateBody": proposal.text}


def _found(stack: StackTypeDef, region: str) -> Found:
    return Found(
        name=stack["StackName"],
        id=stack.get("StackId", ""),
        region=region,
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
        parameters={
            each.get("ParameterKey", ""): each.get("ParameterValue", "")
            for each in stack.get("Parameters", [])
        },
        outputs={
            each.get("OutputKey", ""): each.get("OutputValue", "")
            for each in stack.get("Outputs", [])
        },
        protected=stack.get("EnableTerminationProtection", False),
        nested="ParentId" in stack,
    )


def _event(event: StackEventTypeDef) -> StackEvent:
    return StackEvent(
        id=event["EventId"],
        stack_id=event["StackId"],
        logical_id=event.get("LogicalResourceId", ""),
        physical_id=event.get("PhysicalResourceId", ""),
        type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
        at=event["Timestamp"],
    )


def _change(change: ResourceChangeTypeDef) -> ResourceChange:
    return ResourceChange(
        action=change.get("Action", ""),
        logical_id=change.get("LogicalResourceId", ""),
        type=change.get("ResourceType", ""),
        physical_id=change.get("PhysicalResourceId", ""),
        replacement=change.get("Replacement", ""),
        policy=change.get("PolicyAction", ""),
        properties=_properties(change.get("Details", [])),
    )


def _properties(details: Sequence[ResourceChangeDetailTypeDef]) -> tuple[PropertyChange, ...]:
    """One change per property: AWS lists a property twice, with its value and with its cause."""
    found: dict[str, PropertyChange] = {}
    for detail in details:
        new = _property(detail)
        old = found.get(new.path)
        if old is None or (old.before, old.after) == (None, None):
            found[new.path] = new
    return tuple(found.values())


def _property(detail: ResourceChangeDetailTypeDef) -> PropertyChange:
    target = detail.get("Target", {})
    named = ".".join(filter(None, (target.get("Attribute"), target.get("Name"))))
    return PropertyChange(
        path=target.get("Path") or named,
        before=target.get("BeforeValue"),
        after=target.get("AfterValue"),
        recreation=target.get("RequiresRecreation", "Never"),
        cause=detail.get("CausingEntity", ""),
    )
