"""Speaks to AWS: the one module here that imports botocore.

`Account` is a `deployer.aws.cloud.Cloud`. Signatures, retries and back-off are botocore's; what it
raises becomes one of our errors, and an answer that never came a UnreachableError. Not boto3: its
resources and transfers, which we do not use, would cost as much time again as what we do.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.request import getproxies

import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import create_credential_resolver
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionError,  # noqa: A004  # botocore's own: no connection at all
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.handlers import json_decode_template_body
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError
from botocore.plugin import PluginContext, reset_plugin_context, set_plugin_context

from deployer.aws import operator_setup
from deployer.aws.cloud import (
    ChangeSet,
    ChangeSetRequest,
    DeployedStack,
    Identity,
    PropertyChange,
    ResourceChange,
    StackEvent,
    StackResource,
    StoredObject,
)
from deployer.errors import ClockError, CloudError, CredentialsError, GuardError, UnreachableError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        OperationEventTypeDef,
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
        StackEventTypeDef,
        StackResourceSummaryTypeDef,
        StackTypeDef,
    )

    from deployer.model import Env

_NO_ANSWER = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)
_NO_LOGIN = (
    ConfigParseError,
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
_TRANSIENT = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_SKEWED = {"RequestTimeTooSkewed", "RequestInTheFuture"}
_SIGNATURES = {"SignatureDoesNotMatch", "InvalidSignatureException"}  # Also of a wrong key.
_SKEW_WORDS = ("Signature expired", "Signature not yet current")
_REQUEST_IDS = ("x-amzn-requestid", "x-amz-request-id")  # Each answer of AWS has one of them.
_DECODING = ("after-call.cloudformation.GetTemplate", json_decode_template_body)
_GOES_ON = "what was started goes on in AWS, the same command follows it"

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


class _Template(TypedDict, total=False):
    """A template, in one of the two ways a call takes it."""

    TemplateURL: str
    TemplateBody: str


class _Nested(TypedDict, total=False):
    """The argument of CreateChangeSet that includes nested stacks."""

    IncludeNestedStacks: bool


class _Role(TypedDict, total=False):
    """What CloudFormation takes, where it shall not have the caller's rights."""

    RoleARN: str


def account(env: Env, environ: Mapping[str, str]) -> Account:
    """Return the AWS account of *env*, with the operator's credentials, after every guard passed.

    Of the operator's AWS setup only credentials, a proxy and a CA bundle are used: service models
    and endpoint rules are botocore's own. Requests are sent only by HTTPS, and only to AWS.
    """
    try:
        with our_errors():
            operator = _operator_session(env.region)
            setup = _setup(operator, environ)
    except (CloudError, ValueError) as error:  # The latter: a setting that is not a number.
        raise _not_logged_in(env, error) from error
    if faults := operator_setup.refusals(setup, env.region):
        raise GuardError(
            operator_setup.message(env.name, faults),
            hint="unset or remove each of them, or correct the config file; for the emulator "
            "use --env=local, without an endpoint",
        )
    session = _account_session(operator)
    profile = operator.profile or ""
    guard(env, Account(session, env.region, _ONE_SHOT, profile=profile))
    return Account(session, env.region, _PATIENT, profile=profile)


def origins(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the parts of the operator's AWS setup that a run uses, without a network request.

    Empty for a setup that cannot be read: `account` raises the reason.
    """
    try:
        return operator_setup.origins(_setup(botocore.session.Session(), environ))
    except BotoCoreError:
        return ()


def guard(env: Env, once: Account) -> None:
    """See that *once*, which need not be patient, is the account of *env*, before anything else.

    Raises GuardError for no or broken credentials, or those of another account; UnreachableError if AWS
    does not answer. The only request is GetCallerIdentity.
    """
    try:
        found = once.identity()
    except (CloudError, OSError, ValueError) as error:  # The last two: credential_process.
        if isinstance(error, ClockError):
            raise
        if isinstance(error, UnreachableError) and not isinstance(error, CredentialsError):
            raise UnreachableError(
                f"{env.name}: {error.message}",
                hint="is there a network, and a proxy it may need (HTTPS_PROXY)? nothing was begun",
            ) from error
        raise _not_logged_in(env, error) from error
    _refuse_account(env, found)


def _not_logged_in(env: Env, error: Exception) -> GuardError:
    return GuardError(
        f"{env.name}: not logged in: {getattr(error, 'message', error)}",
        hint=f"log in to account {env.account} (aws sso login, or AWS_PROFILE) and try again",
    )


def emulator(env: Env, url: str, access_key: str, secret_key: str) -> Account:
    """The emulator of *env* at *url*; nothing of the user's own AWS setup is read.

    Raises GuardError if it is another account there.
    """
    there = endpoint(url, env.region, access_key, secret_key)
    _refuse_account(env, there.identity())
    return there


def endpoint(url: str, region: str, access_key: str, secret_key: str) -> Account:
    """The account behind *url* with these keys; nothing of the user's own AWS setup is read."""
    session = _blank_session()
    session.set_credentials(access_key, secret_key)
    return Account(session, region, _LOCAL, url)


@dataclass(frozen=True)
class Account:
    """An AWS account, region by region, as `deployer.aws.cloud.Cloud` describes it."""

    session: botocore.session.Session
    region: str
    config: Config
    url: str | None = None
    profile: str = ""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    def identity(self) -> Identity:
        """See `Cloud`."""
        with our_errors():
            answer = self.client("sts", self.region).get_caller_identity()
        return Identity(answer["Account"], answer["Arn"])

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        """See `Cloud`."""
        with our_errors(region):
            pages = self._cloudformation(region).get_paginator("describe_stacks").paginate()
            return tuple(_found(stack, region) for page in pages for stack in page["Stacks"])

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """See `Cloud`."""
        with our_errors(_short(name)):
            try:
                answer = self._cloudformation(region).describe_stacks(StackName=name)
            except ClientError as error:
                if _says_absent(error):
                    return None
                raise
        found = _found(answer["Stacks"][0], region)
        if found.status == "REVIEW_IN_PROGRESS" and not found.tags:
            return replace(found, tags=self._proposed_tags(region, found.id))
        return found

    def template(self, region: str, name: str) -> str:
        """See `Cloud`."""
        with our_errors(_short(name)):
            client = self._cloudformation(region)
            answer = client.get_template(StackName=name, TemplateStage="Original")
        return cast("str", answer["TemplateBody"])

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        """See `Cloud`."""
        with our_errors(_short(stack_id)):
            paginator = self._cloudformation(region).get_paginator("list_stack_resources")
            return tuple(
                _resource(summary)
                for page in paginator.paginate(StackName=stack_id)
                for summary in page["StackResourceSummaries"]
            )

    def create_change_set(self, proposal: ChangeSetRequest) -> str:
        """See `Cloud`."""
        with our_errors(proposal.stack):
            answer = self._cloudformation(proposal.region).create_change_set(
                StackName=proposal.id or proposal.stack,
                ChangeSetName=proposal.name,
                ChangeSetType=proposal.kind,
                ClientToken=proposal.name,  # Or a repeated call would meet its own change set.
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in proposal.parameters.items()
                ],
                Tags=[{"Key": key, "Value": value} for key, value in proposal.tags.items()],
                Capabilities=cast("list[CapabilityType]", list(proposal.capabilities)),
                **_template(proposal),
                **_role(proposal),
                **_nested(proposal),
            )
        return answer["Id"]

    def change_set(self, region: str, arn: str) -> ChangeSet:
        """See `Cloud`."""
        answer, changes = self._described(region, arn)
        reason = answer.get("StatusReason", "")
        if answer["Status"] == "FAILED" and "DescribeEvents" in reason:
            reason = "\n".join([reason, *self._failures(region, arn)])
        return ChangeSet(
            arn=answer["ChangeSetId"],
            name=answer["ChangeSetName"],
            stack=answer["StackName"],
            stack_id=answer["StackId"],
            region=region,
            status=answer["Status"],
            execution=answer.get("ExecutionStatus", ""),
            reason=reason,
            changes=changes,
        )

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        """See `Cloud`."""
        with our_errors(_short(arn)):
            self._cloudformation(region).execute_change_set(
                ChangeSetName=arn, ClientRequestToken=token
            )

    def delete_change_set(self, region: str, arn: str) -> None:
        """See `Cloud`."""
        with our_errors(_short(arn)):
            self._cloudformation(region).delete_change_set(ChangeSetName=arn)

    def events(self, region: str, stack_id: str, after: str = "") -> tuple[StackEvent, ...]:
        """See `Cloud`."""
        new: list[StackEvent] = []
        with our_errors(_short(stack_id)):
            paginator = self._cloudformation(region).get_paginator("describe_stack_events")
            for page in paginator.paginate(StackName=stack_id):
                for event in page["StackEvents"]:
                    if event["EventId"] == after:
                        return tuple(reversed(new))
                    new.append(_event(event))
                if not after:
                    break
        return tuple(reversed(new))

    def events_since(self, region: str, stack_id: str, at: datetime) -> tuple[StackEvent, ...]:
        """See `Cloud`."""
        new: list[StackEvent] = []
        with our_errors(_short(stack_id)):
            paginator = self._cloudformation(region).get_paginator("describe_stack_events")
            for page in paginator.paginate(StackName=stack_id):
                for event in page["StackEvents"]:
                    if event["Timestamp"] < at:
                        return tuple(reversed(new))
                    new.append(_event(event))
        return tuple(reversed(new))

    def delete(self, region: str, stack_id: str, token: str) -> None:
        """See `Cloud`."""
        with our_errors(_short(stack_id)):
            self._cloudformation(region).delete_stack(StackName=stack_id, ClientRequestToken=token)

    def protect(self, region: str, stack_id: str, *, on: bool) -> None:
        """See `Cloud`."""
        with our_errors(_short(stack_id)):
            self._cloudformation(region).update_termination_protection(
                StackName=stack_id, EnableTerminationProtection=on
            )

    def parameter(self, region: str, name: str) -> str | None:
        """See `Cloud`."""
        with our_errors(name):
            found = self.client("ssm", region).get_parameters(Names=[name])["Parameters"]
        return str(found[0]["Value"]) if found else None

    def stored(self, region: str, bucket: str, key: str) -> StoredObject | None:
        """See `Cloud`."""
        with our_errors(f"s3://{bucket}/{key}"):
            try:
                found = self.client("s3", region).head_object(
                    Bucket=bucket,
                    Key=key,
                    ChecksumMode="ENABLED",
                    ExpectedBucketOwner=self._number,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "404":  # The answer to a HEAD has no body.
                    return None
                raise
        sha256 = _from_base64(found.get("ChecksumSHA256", ""))
        return StoredObject(region, bucket, key, sha256, found.get("VersionId", ""))

    def upload(
        self, region: str, bucket: str, key: str, body: bytes, *, replace: bool = True
    ) -> StoredObject:
        """See `Cloud`."""
        place, sha256 = f"s3://{bucket}/{key}", hashlib.sha256(body)
        only_if_absent = {} if replace else {"IfNoneMatch": "*"}
        with our_errors(place):
            try:
                put = self.client("s3", region).put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=body,
                    ChecksumSHA256=b64encode(sha256.digest()).decode(),
                    ExpectedBucketOwner=self._number,
                    **only_if_absent,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                raise CloudError(
                    f"{place}: the object exists, and a release cannot replace it",
                    hint="deploy the stack as an administrator, without --release",
                ) from error
        return StoredObject(region, bucket, key, sha256.hexdigest(), put.get("VersionId", ""))

    @cached_property
    def _number(self) -> str:
        """The account's number, asked for once."""
        return self.identity().account

    def _proposed_tags(self, region: str, stack_id: str) -> dict[str, str]:
        """Return the tags that all change sets of a stack that was never created have in common.

        AWS shows none of them on the stack itself (localstack/localstack pull request 13117, whose
        test ran on AWS); not verified here.
        """
        client = self._cloudformation(region)
        with our_errors(_short(stack_id)):
            pages = client.get_paginator("list_change_sets").paginate(StackName=stack_id)
            arns = [summary["ChangeSetId"] for page in pages for summary in page["Summaries"]]
            found = [client.describe_change_set(ChangeSetName=arn) for arn in arns]
        tags = [{(tag["Key"], tag["Value"]) for tag in item.get("Tags", [])} for item in found]
        return dict(sorted(set.intersection(*tags))) if tags else {}

    def _described(
        self, region: str, arn: str
    ) -> tuple[DescribeChangeSetOutputTypeDef, tuple[ResourceChange, ...]]:
        """A change set with the values of properties, and where AWS has none of those, without.

        AWS drops a resource whose values it cannot tell, and says so: aws/aws-cdk-cli issue 1780;
        not verified on AWS.
        """
        answer, changes = self._pages(region, arn, values=True)
        if "can return incomplete ChangeSet data" in answer.get("StatusReason", ""):
            _, every = self._pages(region, arn, values=False)
            known = {change.logical_id: change for change in changes}
            changes = tuple(known.get(change.logical_id, change) for change in every)
        return answer, changes

    def _pages(
        self, region: str, arn: str, *, values: bool
    ) -> tuple[DescribeChangeSetOutputTypeDef, tuple[ResourceChange, ...]]:
        paginator = self._cloudformation(region).get_paginator("describe_change_set")
        with our_errors(_short(arn)):
            pages = list(paginator.paginate(ChangeSetName=arn, IncludePropertyValues=values))
        changes = tuple(
            _change(change["ResourceChange"])
            for page in pages
            for change in page.get("Changes", [])
            if "ResourceChange" in change
        )
        return pages[-1], changes

    def _failures(self, region: str, arn: str) -> list[str]:
        """What early validation found wrong with a change set: only DescribeEvents tells.

        Not verified on AWS. Who may not call it learns at least that validation failed.
        """
        paginator = self._cloudformation(region).get_paginator("describe_events")
        try:
            with our_errors(_short(arn)):
                pages = list(paginator.paginate(ChangeSetName=arn, Filters={"FailedEvents": True}))
        except CloudError:
            return []
        return [_failure(event) for page in pages for event in page.get("OperationEvents", [])]

    def _cloudformation(self, region: str) -> CloudFormationClient:
        client = cast("CloudFormationClient", self.client("cloudformation", region))
        # Or a template in JSON would not be the text that was sent, but a dict.
        client.meta.events.unregister(*_DECODING)
        return client

    def client(self, service: str, region: str) -> Any:
        """The botocore client of a service, made once: that costs a second on a slow machine."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self.new_client(service, region, self.config)
        return self._clients[service, region]

    def new_client(self, service: str, region: str, config: Config) -> Any:
        """Create a client with *config*; raise GuardError if its endpoint does not belong to AWS.

        No plugin is loaded, as for the clients that botocore creates inside other clients.
        """
        before = set_plugin_context(PluginContext(plugins="DISABLED"))
        try:
            client = self.session.create_client(
                service, region_name=region, config=config, endpoint_url=self.url
            )
        finally:
            reset_plugin_context(before)
        client.meta.events.register("before-parse", _refuse_unreadable)
        client.meta.events.register_first("needs-retry", cast("Any", _sign_again))
        if self.url is None:
            _refuse_other_hosts(client.meta.endpoint_url)
        return client


def _refuse_account(env: Env, found: Identity) -> None:
    if found.account != env.account:
        raise GuardError(
            f"{env.name}: these are credentials of account {found.account}, not of {env.account}",
            hint=f"they belong to {found.arn}; log in to the right account, or set AWS_PROFILE",
        )


def _operator_session(region: str) -> botocore.session.Session:
    """Create a session that finds credentials by the operator's AWS setup.

    Some credential providers call AWS themselves: STS, IAM Identity Center, the sign-in service.
    Their endpoints are resolved by botocore's own rules, whatever the setup contains.
    """
    session = botocore.session.Session()
    session.register_component("data_loader", _own_models())
    sources = create_credential_resolver(session, region_name=region)
    for obsolete in ("ec2-credentials-file", "boto-config"):  # Of tools before boto3.
        sources.remove(obsolete)
    session.register_component("credential_provider", sources)
    session.set_config_variable("csm_enabled", value=False)
    session.set_config_variable("sts_regional_endpoints", "regional")
    _pin_endpoints(session)
    return session


def _account_session(operator: botocore.session.Session) -> botocore.session.Session:
    """Create a session with only the credentials and the CA bundle of *operator*."""
    session = _blank_session()
    session.register_component("credential_provider", operator.get_component("credential_provider"))
    session.set_config_variable("ca_bundle", operator.get_config_variable("ca_bundle"))
    session.set_config_variable("account_id_endpoint_mode", "disabled")  # That is only a claim.
    _pin_endpoints(session)
    return session


def _pin_endpoints(session: botocore.session.Session) -> None:
    """Restrict requests of *session* to AWS, at the addresses of botocore's own rules."""
    session.set_config_variable("ignore_configured_endpoint_urls", value=True)
    session.register("before-send", _refuse_other_addresses)


def _setup(session: botocore.session.Session, environ: Mapping[str, str]) -> operator_setup.Setup:
    session.get_scoped_config()  # Raises ProfileNotFound.
    return operator_setup.Setup(
        environ,
        session.profile or "default",
        session.full_config["profiles"],
        Path(os.path.expanduser("~/.aws/models")),  # noqa: PTH111  # Path raises without a home.
        session.full_config.get("sso_sessions", {}),
        getproxies(),
    )


def _refuse_other_addresses(**event: Any) -> None:
    """Check, right before a request is sent with its credentials, that it goes to AWS."""
    _refuse_other_hosts(event["request"].url)


def _refuse_unreadable(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    """Raise ResponseParserError for a success that is not of AWS: a proxy may answer in its place.

    Such as the page of a hotel, which botocore would take for an answer without values. It has no
    request id, and a type that no service answers with; S3 has objects of every type, and an
    answer without values to an upload, so there the id alone decides.
    """
    headers = response_dict["headers"]
    if response_dict["status_code"] >= 300 or any(name in headers for name in _REQUEST_IDS):
        return
    kind = headers.get("content-type", "of unknown type")
    if operation_model.service_model.service_name == "s3" or kind.startswith("text/html"):
        raise ResponseParserError(
            f"unreadable, {kind} that is not of AWS; is there a proxy or a log-in page in between?"
        )


def _sign_again(response: Any, attempts: int, **_: Any) -> float | None:
    """Have botocore sign and send a request once more that was signed too long ago.

    It may have waited while the machine slept, or the clock has been set since.
    """
    error = response[1].get("Error", {}) if response else {}
    return 0.0 if attempts == 1 and _is_skewed(error) else None


def _is_skewed(error: Mapping[str, Any]) -> bool:
    """Return whether AWS says that a request was signed at another time than AWS's."""
    code, message = error.get("Code", ""), error.get("Message", "")
    return code in _SKEWED or (code in _SIGNATURES and message.startswith(_SKEW_WORDS))


def _refuse_other_hosts(url: str) -> None:
    if not operator_setup.is_aws(url):
        raise GuardError(
            f"{url.partition('?')[0]}: not the HTTPS address of an AWS service; nothing was sent",
            hint="check the region in the config file",
        )


def _blank_session() -> botocore.session.Session:
    """A botocore session that reads no environment variable, no profile and no file of the user."""
    blank = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        blank[file] = (None, None, os.devnull, None)
    session = botocore.session.Session(session_vars=blank)
    session.get_component("config_store").set_config_variable("s3", {})
    session.register_component("data_loader", _own_models())
    return session


@cache
def _own_models() -> Loader:
    """Reads botocore's descriptions of services, not those a user may have in ~/.aws/models."""
    return Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@contextmanager
def our_errors(place: str = "AWS") -> Iterator[None]:
    """Turn what botocore raises into what an operator is told."""
    try:
        yield
    except ClientError as error:
        raise _refusal(place, error) from error
    except _NO_ANSWER as error:
        raise UnreachableError(f"{place}: no answer: {error}", hint=_GOES_ON) from error
    except _NO_LOGIN as error:
        raise CredentialsError(f"{place}: {error}", hint=f"log in again; {_GOES_ON}") from error
    except BotoCoreError as error:
        raise CloudError(f"{place}: {error}") from error


def _refusal(place: str, error: ClientError) -> CloudError:
    answer = error.response
    code, message = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
    if _is_skewed({"Code": code, "Message": message}):
        sent = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date", "")
        return ClockError(
            f"{place}: {error.operation_name}: {code}: the clock of this machine is {_skew(sent)}",
            hint=f"set the clock (timedatectl set-ntp true); {_GOES_ON}",
        )
    if code in _EXPIRED:
        return CredentialsError(
            f"{place}: the credentials have expired", hint=f"log in again; {_GOES_ON}"
        )
    told = f"{place}: {error.operation_name}: {code}: {message}"
    if code in _TRANSIENT or answer["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
        return UnreachableError(told, hint=_GOES_ON)
    return CloudError(told)


def _skew(date: str) -> str:
    """Return how far this machine's clock is from the *date* of an answer."""
    try:
        theirs = parsedate_to_datetime(date).replace(tzinfo=UTC)  # Of HTTP, it is always in GMT.
        seconds = (datetime.now(UTC) - theirs).total_seconds()
    except ValueError:
        return "wrong"
    minutes = round(abs(seconds) / 60)
    if not minutes:
        return "right now, and was not"
    return f"{minutes} min {'ahead of' if seconds > 0 else 'behind'} AWS"


def _says_absent(error: ClientError) -> bool:
    """DescribeStacks says there is no such stack, rather than no such something else."""
    code, message = error.response["Error"].get("Code"), error.response["Error"].get("Message", "")
    return (
        code == "ValidationError"
        and message.startswith("Stack with id ")
        and message.endswith(" does not exist")
    )


def _from_base64(checksum: str) -> str:
    """Return an S3 *checksum* in hex; empty if it is a checksum of the parts of an object."""
    try:
        return b64decode(checksum, validate=True).hex()
    except ValueError:
        return ""


def _short(arn: str) -> str:
    """The name in the ARN of a stack or change set; a name is itself."""
    return arn.split("/")[1] if "/" in arn else arn


def _role(proposal: ChangeSetRequest) -> _Role:
    return {"RoleARN": proposal.role} if proposal.role else {}


def _nested(proposal: ChangeSetRequest) -> _Nested:
    return {"IncludeNestedStacks": True} if proposal.nested else {}


def _template(proposal: ChangeSetRequest) -> _Template:
    if proposal.url:
        return {"TemplateURL": proposal.url}
    return {"TemplateBody": proposal.text}


def _found(stack: StackTypeDef, region: str) -> DeployedStack:
    return DeployedStack(
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


def _resource(summary: StackResourceSummaryTypeDef) -> StackResource:
    return StackResource(
        logical_id=summary["LogicalResourceId"],
        physical_id=summary.get("PhysicalResourceId", ""),
        type=summary["ResourceType"],
        status=summary["ResourceStatus"],
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
        change_set=change.get("ChangeSetId", ""),
    )


def _properties(details: Iterable[ResourceChangeDetailTypeDef]) -> tuple[PropertyChange, ...]:
    """One change per property: AWS lists a property once for its value, once for its cause."""
    found: dict[str, PropertyChange] = {}
    for detail in details:
        new = _property(detail)
        found[new.path] = _together(found.get(new.path, new), new)
    return tuple(found.values())


def _together(one: PropertyChange, other: PropertyChange) -> PropertyChange:
    return replace(
        one,
        before=other.before if one.before is None else one.before,
        after=other.after if one.after is None else one.after,
        recreation=max(one.recreation, other.recreation, key=lambda each: _SEVERITY.get(each, 2)),
        cause=one.cause or other.cause,
    )


_SEVERITY = {"Never": 0, "Conditionally": 1}  # "Always" is the worst, as is what we do not know.


def _property(detail: ResourceChangeDetailTypeDef) -> PropertyChange:
    target = detail.get("Target", {})
    named = "/".join(filter(None, (target.get("Attribute"), target.get("Name"))))
    return PropertyChange(
        path=target.get("Path") or f"/{named}",
        before=target.get("BeforeValue"),
        after=target.get("AfterValue"),
        recreation=target.get("RequiresRecreation", "Never"),
        cause=detail.get("CausingEntity", ""),
    )


def _failure(event: OperationEventTypeDef) -> str:
    place = event.get("ValidationPath") or event.get("LogicalResourceId", "")
    reason = (
        event.get("ValidationStatusReason")
        or event.get("HookStatusReason")
        or event.get("ResourceStatusReason", "")
    )
    return ": ".join(filter(None, (place, reason)))
