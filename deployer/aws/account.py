"""One AWS account: the implementation of `deployer.aws.cloud.Cloud` with botocore.

Signatures, retries and backoff are those of botocore. boto3 would double the import time; its
resources and transfers are not needed here.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypedDict, cast

import botocore.session
from botocore.config import Config
from botocore.handlers import json_decode_template_body

from deployer.aws import clients
from deployer.aws.cloud import (
    ChangeSet,
    ChangeSetRequest,
    ChangeSetSummary,
    DeployedStack,
    DriftDetection,
    Identity,
    ResourceChange,
    ResourceDrift,
    StackEvent,
    StackResource,
    StoredObject,
)
from deployer.aws.descriptions import (
    change_set_summary,
    deployed_stack,
    resource_change,
    resource_drift,
    stack_event,
    stack_resource,
    validation_failure,
    validation_finding,
)
from deployer.errors import CloudError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ResourceToImportTypeDef,
    )

_DECODE_TEMPLATE = ("after-call.cloudformation.GetTemplate", json_decode_template_body)


class _Options(TypedDict, total=False):
    """Parameters of CreateChangeSet that are omitted if they do not apply."""

    TemplateURL: str
    TemplateBody: str
    IncludeNestedStacks: bool
    ResourcesToImport: list[ResourceToImportTypeDef]
    RoleARN: str


@dataclass(frozen=True)
class Account:
    """An AWS account with the methods of `Cloud`, and with botocore clients for everything else.

    The calls of the clients raise DeployError: see `deployer.aws.clients`. *profile* is the name of
    the AWS profile that the credentials are from; empty if there is none.
    """

    session: botocore.session.Session
    region: str
    config: Config
    url: str | None = None
    profile: str = ""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service; it is created once, because that takes up to a second."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self.new_client(service, region, self.config)
        return self._clients[service, region]

    def new_client(self, service: str, region: str, config: Config) -> Any:
        """Create a client with *config*; raise GuardError if its endpoint does not belong to AWS."""
        return clients.create_client(self.session, service, region, config, self.url)

    def identity(self) -> Identity:
        response = self.client("sts", self.region).get_caller_identity()
        return Identity(response["Account"], response["Arn"])

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        pages = self._cloudformation(region).get_paginator("describe_stacks").paginate()
        return tuple(deployed_stack(stack, region) for page in pages for stack in page["Stacks"])

    def stack(self, region: str, name: str) -> DeployedStack | None:
        try:
            response = self._cloudformation(region).describe_stacks(StackName=name)
        except CloudError as error:
            if _is_missing_stack(error):
                return None
            raise
        stack = deployed_stack(response["Stacks"][0], region)
        if stack.status == "REVIEW_IN_PROGRESS" and not stack.tags:
            return replace(stack, tags=self._change_set_tags(region, stack.id))
        return stack

    def template(self, region: str, name: str) -> str:
        client = self._cloudformation(region)
        response = client.get_template(StackName=name, TemplateStage="Original")
        return cast("str", response["TemplateBody"])

    def resources(self, region: str, stack_id: str) -> tuple[StackResource, ...]:
        paginator = self._cloudformation(region).get_paginator("list_stack_resources")
        return tuple(
            stack_resource(summary)
            for page in paginator.paginate(StackName=stack_id)
            for summary in page["StackResourceSummaries"]
        )

    def create_change_set(self, request: ChangeSetRequest) -> str:
        response = self._cloudformation(request.region).create_change_set(
            StackName=request.stack_id or request.stack,
            ChangeSetName=request.name,
            ChangeSetType=request.kind,
            ClientToken=request.name,  # Without it, a retry would fail because the name exists.
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in request.parameters.items()
            ],
            Tags=[{"Key": key, "Value": value} for key, value in request.tags.items()],
            Capabilities=cast("list[CapabilityType]", list(request.capabilities)),
            **_options(request),
        )
        return response["Id"]

    def change_set(self, region: str, arn: str) -> ChangeSet:
        response, changes = self._describe_change_set(region, arn)
        reason = response.get("StatusReason", "")
        if response["Status"] == "FAILED" and "DescribeEvents" in reason:
            reason = "\n".join([reason, *self._validation_failures(region, arn)])
        return ChangeSet(
            arn=response["ChangeSetId"],
            name=response["ChangeSetName"],
            stack=response["StackName"],
            stack_id=response["StackId"],
            region=region,
            status=response["Status"],
            execution=response.get("ExecutionStatus", ""),
            reason=reason,
            changes=changes,
        )

    def stack_change_sets(self, region: str, stack_id: str) -> tuple[ChangeSetSummary, ...]:
        paginator = self._cloudformation(region).get_paginator("list_change_sets")
        return tuple(
            change_set_summary(summary, region)
            for page in paginator.paginate(StackName=stack_id)
            for summary in page["Summaries"]
        )

    def validation_findings(self, region: str, arn: str) -> tuple[str, ...]:
        paginator = self._cloudformation(region).get_paginator("describe_events")
        return tuple(
            validation_finding(event)
            for page in paginator.paginate(ChangeSetName=arn)
            for event in page.get("OperationEvents", [])
            if event.get("EventType") in {"VALIDATION_ERROR", "HOOK_INVOCATION_ERROR"}
        )

    def detect_drift(self, region: str, stack_id: str) -> str:
        response = self._cloudformation(region).detect_stack_drift(StackName=stack_id)
        return response["StackDriftDetectionId"]

    def drift_detection(self, region: str, detection_id: str) -> DriftDetection:
        response = self._cloudformation(region).describe_stack_drift_detection_status(
            StackDriftDetectionId=detection_id
        )
        status = response["DetectionStatus"]
        return DriftDetection(
            status == "DETECTION_IN_PROGRESS",
            status == "DETECTION_FAILED",
            response.get("DetectionStatusReason", ""),
        )

    def resource_drifts(self, region: str, stack_id: str) -> tuple[ResourceDrift, ...]:
        describe = partial(
            self._cloudformation(region).describe_stack_resource_drifts,
            StackName=stack_id,
            StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
        )
        response = describe()
        drifts = response["StackResourceDrifts"]
        while "NextToken" in response:  # Botocore has no paginator for this call.
            response = describe(NextToken=response["NextToken"])
            drifts += response["StackResourceDrifts"]
        return tuple(map(resource_drift, drifts))

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        self._cloudformation(region).execute_change_set(ChangeSetName=arn, ClientRequestToken=token)

    def delete_change_set(self, region: str, arn: str) -> None:
        self._cloudformation(region).delete_change_set(ChangeSetName=arn)

    def events(
        self, region: str, stack_id: str, after: str | None = None
    ) -> tuple[StackEvent, ...]:
        newer: list[StackEvent] = []
        for page in self._event_pages(region, stack_id):
            for event in page:
                if event.id == after:
                    return tuple(reversed(newer))
                newer.append(event)
            if after is None:
                break
        return tuple(reversed(newer))

    def recent_events(self, region: str, stack_id: str, limit: int) -> tuple[StackEvent, ...]:
        newest: list[StackEvent] = []
        for page in self._event_pages(region, stack_id):
            newest += page
            if len(newest) >= limit:
                break
        return tuple(reversed(newest))

    def events_since(self, region: str, stack_id: str, at: datetime) -> tuple[StackEvent, ...]:
        newer: list[StackEvent] = []
        for page in self._event_pages(region, stack_id):
            for event in page:
                if event.at < at:
                    return tuple(reversed(newer))
                newer.append(event)
        return tuple(reversed(newer))

    def delete_stack(self, region: str, stack_id: str, token: str) -> None:
        self._cloudformation(region).delete_stack(StackName=stack_id, ClientRequestToken=token)

    def cancel_update_stack(self, region: str, stack_id: str, token: str) -> None:
        client = self._cloudformation(region)
        client.cancel_update_stack(StackName=stack_id, ClientRequestToken=token)

    def rollback_stack(self, region: str, stack_id: str, token: str) -> None:
        self._cloudformation(region).rollback_stack(StackName=stack_id, ClientRequestToken=token)

    def continue_update_rollback(self, region: str, stack_id: str, token: str) -> None:
        client = self._cloudformation(region)
        client.continue_update_rollback(StackName=stack_id, ClientRequestToken=token)

    def set_termination_protection(self, region: str, stack_id: str, *, enabled: bool) -> None:
        self._cloudformation(region).update_termination_protection(
            StackName=stack_id, EnableTerminationProtection=enabled
        )

    def parameter(self, region: str, name: str) -> str | None:
        parameters = self.client("ssm", region).get_parameters(Names=[name])["Parameters"]
        return str(parameters[0]["Value"]) if parameters else None

    def stored_object(self, region: str, bucket: str, key: str) -> StoredObject | None:
        try:
            response = self.client("s3", region).head_object(
                Bucket=bucket, Key=key, ChecksumMode="ENABLED", ExpectedBucketOwner=self._id
            )
        except CloudError as error:
            if error.aws_code == "404":  # The response to HEAD has no body with another code.
                return None
            raise
        sha256 = _checksum_as_hex(response.get("ChecksumSHA256", ""))
        return StoredObject(region, bucket, key, sha256, response.get("VersionId", ""))

    def upload(
        self, region: str, bucket: str, key: str, body: bytes, *, replace: bool = True
    ) -> StoredObject:
        sha256 = hashlib.sha256(body)
        condition = {} if replace else {"IfNoneMatch": "*"}
        try:
            response = self.client("s3", region).put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ChecksumSHA256=b64encode(sha256.digest()).decode(),
                ExpectedBucketOwner=self._id,
                **condition,
            )
        except CloudError as error:
            if error.aws_code != "PreconditionFailed":
                raise
            raise CloudError(
                f"s3://{bucket}/{key}: the object exists, and a release cannot replace it",
                hint="deploy the stack as an administrator, without --release",
            ) from error
        return StoredObject(region, bucket, key, sha256.hexdigest(), response.get("VersionId", ""))

    @cached_property
    def _id(self) -> str:
        """The account id, requested once."""
        return self.identity().account

    def _change_set_tags(self, region: str, stack_id: str) -> dict[str, str]:
        """Return the tags that all change sets of a stack that was never created have in common.

        AWS does not return the tags with the stack itself, according to a test that ran on AWS
        (localstack/localstack#13117). Not verified on AWS by this project.
        """
        client = self._cloudformation(region)
        change_sets = [
            client.describe_change_set(ChangeSetName=summary.arn)
            for summary in self.stack_change_sets(region, stack_id)
        ]
        tags = [
            {(tag["Key"], tag["Value"]) for tag in change_set.get("Tags", [])}
            for change_set in change_sets
        ]
        return dict(sorted(set.intersection(*tags))) if tags else {}

    def _describe_change_set(
        self, region: str, arn: str
    ) -> tuple[DescribeChangeSetOutputTypeDef, tuple[ResourceChange, ...]]:
        """Describe a change set with property values where AWS has them.

        With property values, AWS omits a resource whose values it cannot determine, and the status
        reason reports incomplete data (aws/aws-cdk-cli#1780; not verified on AWS).
        """
        response, changes = self._change_set_pages(region, arn, values=True)
        if "can return incomplete ChangeSet data" in response.get("StatusReason", ""):
            _, all_changes = self._change_set_pages(region, arn, values=False)
            with_values = {change.logical_id: change for change in changes}
            changes = tuple(with_values.get(change.logical_id, change) for change in all_changes)
        return response, changes

    def _change_set_pages(
        self, region: str, arn: str, *, values: bool
    ) -> tuple[DescribeChangeSetOutputTypeDef, tuple[ResourceChange, ...]]:
        paginator = self._cloudformation(region).get_paginator("describe_change_set")
        pages = list(paginator.paginate(ChangeSetName=arn, IncludePropertyValues=values))
        changes = tuple(
            resource_change(change["ResourceChange"])
            for page in pages
            for change in page.get("Changes", [])
            if "ResourceChange" in change
        )
        return pages[-1], changes

    def _validation_failures(self, region: str, arn: str) -> list[str]:
        """Return the failures of a change set's early validation, which only DescribeEvents has.

        Not verified on AWS. Without permission for the call the result is empty, and the reason of
        the change set still says that validation failed.
        """
        paginator = self._cloudformation(region).get_paginator("describe_events")
        try:
            pages = list(paginator.paginate(ChangeSetName=arn, Filters={"FailedEvents": True}))
        except CloudError:
            return []
        return [
            validation_failure(event) for page in pages for event in page.get("OperationEvents", [])
        ]

    def _event_pages(self, region: str, stack_id: str) -> Iterator[list[StackEvent]]:
        """Yield each page of a stack's events, the newest event first."""
        paginator = self._cloudformation(region).get_paginator("describe_stack_events")
        for page in paginator.paginate(StackName=stack_id):
            yield [stack_event(event) for event in page["StackEvents"]]

    def _cloudformation(self, region: str) -> CloudFormationClient:
        client = cast("CloudFormationClient", self.client("cloudformation", region))
        # Botocore would parse a JSON template into a dict, and its text would be lost.
        client.meta.events.unregister(*_DECODE_TEMPLATE)
        return client


def _options(request: ChangeSetRequest) -> _Options:
    options: _Options = {}
    if request.url:
        options["TemplateURL"] = request.url
    else:
        options["TemplateBody"] = request.text
    if request.role:
        options["RoleARN"] = request.role
    if request.include_nested:
        options["IncludeNestedStacks"] = True
    if request.imports:
        options["ResourcesToImport"] = [
            {
                "ResourceType": resource.type,
                "LogicalResourceId": resource.logical_id,
                "ResourceIdentifier": dict(resource.identifier),
            }
            for resource in request.imports
        ]
    return options


def _is_missing_stack(error: CloudError) -> bool:
    """Return whether *error* is that of DescribeStacks for a stack that does not exist."""
    return (
        error.aws_code == "ValidationError"
        and ": ValidationError: Stack with id " in error.message
        and error.message.endswith(" does not exist")
    )


def _checksum_as_hex(checksum: str) -> str:
    """Return an S3 *checksum* in hex; empty if it is that of a multipart upload (`…-N`)."""
    try:
        return b64decode(checksum, validate=True).hex()
    except ValueError:
        return ""
