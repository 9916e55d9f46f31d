"""The calls of an account, against the emulator and against defined responses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

import emulator
from deployer.aws import connect
from deployer.aws.account import Account
from deployer.aws.cloud import (
    ChangeSetRequest,
    ChangeSetSummary,
    DriftDetection,
    Identity,
    PropertyChange,
    PropertyDrift,
    ResourceDrift,
    StackResource,
)
from deployer.data_guard import change_set_losses
from deployer.errors import CloudError
from tests.deployer.aws.responses import (
    ARN,
    ENV,
    OWN_IDENTITY,
    REGION,
    STACK_ID,
    change,
    create_change_set,
    deploy,
    described,
    detail,
    event,
    stack,
    valid_response,
    wait_for_operations,
)
from tests.emulator.templates import att, parameter, ref, resource, template, topic
from tests.loopback import CLOSE_CONNECTION, Loopback, Response, error, response

TOO_EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. "
    "To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure "
    "information."
)


class TestCalls:
    """Calls of an account, with the emulator as AWS."""

    def test_identity(self, account: Account, endpoint: emulator.Endpoint) -> None:
        """The account is that of the keys."""
        identity = account.identity()

        assert Identity(endpoint.account, f"arn:aws:iam::{endpoint.account}:root") == identity

    def test_a_stack_has_all_values(self, account: Account) -> None:
        """One DescribeStacks call returns all values that a plan compares."""
        body = template(A=parameter(ref("P"))) | {
            "Parameters": {"P": {"Type": "String"}},
            "Outputs": {"Name": {"Value": ref("A")}},
        }

        found = deploy(account, body, parameters={"P": "1"}, tags={"env": "x"})

        assert (found.name, found.region, found.status) == ("s", REGION, "CREATE_COMPLETE")
        assert found.parameters == {"P": "1"}
        assert found.tags == {"env": "x"}
        assert found.outputs.keys() == {"Name"}
        assert (found.is_protected, found.is_nested) == (False, False)
        assert (found,) == account.stacks(REGION)

    def test_a_region_has_its_own_stacks(self, account: Account) -> None:
        """A stack is in one region and in no other."""
        change_set = create_change_set(
            account, template(A=topic()), kind="CREATE", region="us-east-1"
        )

        assert change_set.region == "us-east-1"
        assert [found.region for found in account.stacks("us-east-1")] == ["us-east-1"]
        assert account.stacks(REGION) == ()
        assert account.stack(REGION, "s") is None

    def test_a_missing_stack_is_none(self, account: Account) -> None:
        """The result is None by name and by id; a deleted stack is found by its id."""
        deleted = deploy(account, template(A=topic()))
        account.delete_stack(REGION, deleted.id, "token")
        deleted_stack = wait_for_operations(account, deleted.id)

        assert deleted_stack.status == "DELETE_COMPLETE"
        assert account.stack(REGION, "s") is None
        assert account.stack(REGION, deleted.id.replace("stack/s/", "stack/t/")) is None
        assert account.stacks(REGION) == ()

    @pytest.mark.parametrize(
        "text",
        [
            "# Generated: a comment – é.\nResources:\n  A:\n    Type: AWS::SNS::Topic\n",
            '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}\n',
            "Resources: {A: {Type: AWS::SNS::Topic}}   # no line end",
        ],
    )
    def test_a_template_is_returned_unchanged(self, account: Account, text: str) -> None:
        """A template is returned with its comments, spaces and line ends, which --verify compares."""
        deploy(account, text)

        assert text == account.template(REGION, "s")

    def test_a_template_can_be_read_from_a_url(self, account: Account) -> None:
        """A template too long for a call is read from its bucket."""
        deploy(account, template(B=resource("AWS::S3::Bucket", BucketName="store")), stack="store")
        text = json.dumps(template(A=topic())) + " " * 60_000
        put = account.upload(REGION, "store", "templates/s.json", text.encode())

        deploy(account, text, url=put.url)

        assert put.url == f"https://store.s3.{REGION}.amazonaws.com/templates/s.json"
        assert text == account.template(REGION, "s")

    def test_an_object_has_its_checksum_and_version(self, account: Account) -> None:
        """An uploaded object is found under its key, and under no other."""
        bucket = resource(
            "AWS::S3::Bucket", BucketName="store-1", VersioningConfiguration={"Status": "Enabled"}
        )
        deploy(account, template(B=bucket), stack="store")

        put = account.upload(REGION, "store-1", "a/key", b"content")
        replaced = account.upload(REGION, "store-1", "a/key", b"other")

        assert hashlib.sha256(b"content").hexdigest() == put.sha256
        assert put.version_url == f"{put.url}?versionId={put.version}"
        assert replaced == account.stored_object(REGION, "store-1", "a/key")
        assert replaced.version not in {put.version, ""}
        assert account.stored_object(REGION, "store-1", "a/ke") is None

    def test_an_object_from_other_tools_has_no_checksum(self, account: Account) -> None:
        """An object of another tool has no SHA-256 of its content: S3 stores what the client chose."""
        deploy(
            account, template(B=resource("AWS::S3::Bucket", BucketName="store-2")), stack="store"
        )
        client = account.client("s3", REGION)
        client.put_object(Bucket="store-2", Key="plain", Body=b"content")
        parts = {"Bucket": "store-2", "Key": "parts"}
        upload = client.create_multipart_upload(**parts, ChecksumAlgorithm="SHA256")["UploadId"]
        part = client.upload_part(
            **parts, UploadId=upload, PartNumber=1, Body=b"content", ChecksumAlgorithm="SHA256"
        )
        done = [{"PartNumber": 1} | {key: part[key] for key in ("ETag", "ChecksumSHA256")}]
        client.complete_multipart_upload(**parts, UploadId=upload, MultipartUpload={"Parts": done})

        found = [account.stored_object(REGION, "store-2", key) for key in ("plain", "parts")]

        assert [stored.sha256 for stored in found if stored] == ["", ""]

    def test_an_existing_object_is_not_replaced(self, account: Account) -> None:
        """Without *replace*, an existing object is an error."""
        deploy(
            account, template(B=resource("AWS::S3::Bucket", BucketName="store-3")), stack="store"
        )
        account.upload(REGION, "store-3", "key", b"content", replace=False)

        with pytest.raises(CloudError) as refused:
            account.upload(REGION, "store-3", "key", b"content", replace=False)

        assert (
            str(refused.value.message)
            == "s3://store-3/key: the object exists, and a release cannot replace it"
        )

    def test_a_change_set_has_the_change_of_each_property(self, account: Account) -> None:
        """A change has the values before and after, the replacement and the cause."""
        body = template(
            Old=topic("old"), A=topic("one"), B=parameter(ref("A")), C=parameter(ref("P"))
        )
        body |= {"Parameters": {"P": {"Type": "String"}}}
        deploy(account, body, parameters={"P": "1"})
        del body["Resources"]["Old"]
        body["Resources"] |= {"New": parameter("x"), "A": topic("two")}

        change_set = create_change_set(account, body, parameters={"P": "2"})

        changes = {change.logical_id: change for change in change_set.changes}
        actions = {name: (change.action, change.replacement) for name, change in changes.items()}
        assert actions == {
            "Old": ("Remove", ""),
            "New": ("Add", ""),
            "A": ("Modify", "True"),
            "B": ("Modify", "False"),
            "C": ("Modify", "False"),
        }
        assert changes["Old"].policy == "Delete"
        assert changes["A"].policy == "ReplaceAndDelete"
        assert changes["A"].physical_id.endswith(":one")
        assert (PropertyChange("/Properties/TopicName", "one", "two", "Always"),) == changes[
            "A"
        ].properties
        [because_of_a] = changes["B"].properties
        assert because_of_a.cause == "A"
        assert (PropertyChange("/Properties/Value", "1", "2", cause="P"),) == changes[
            "C"
        ].properties

    def test_a_stack_in_review_has_the_common_tags_of_its_change_sets(
        self, account: Account
    ) -> None:
        """A stack in REVIEW_IN_PROGRESS has the tags that all of its change sets have.

        CloudFormation adds tags to a stack only when a change set is executed.
        """
        body, tags = template(A=topic()), {"project": "cruddur", "env": "dev"}
        first = create_change_set(account, body, kind="CREATE", name="first", tags=tags)
        alone = account.stack(REGION, first.stack_id)
        others = tags | {"env": "dev-two"}
        second = create_change_set(account, body, kind="CREATE", name="second", tags=others)
        both = account.stack(REGION, first.stack_id)
        for change_set in (first, second):
            account.delete_change_set(REGION, change_set.arn)
        none = account.stack(REGION, first.stack_id)

        assert alone
        assert both
        assert none
        assert (tags, {"project": "cruddur"}, {}) == (alone.tags, both.tags, none.tags)
        assert [stack.tags for stack in account.stacks(REGION)] == [{}]

    def test_an_update_of_a_deleted_stack_is_refused(self, account: Account) -> None:
        """A change set is created for the id of a stack, not for its name."""
        deleted = deploy(account, template(A=topic()))
        account.delete_stack(REGION, deleted.id, "deletion")
        wait_for_operations(account, deleted.id)
        recreated = deploy(account, template(A=topic()))

        with pytest.raises(CloudError):
            create_change_set(account, template(A=topic("two")), stack_id=deleted.id)

        assert recreated.id != deleted.id
        assert recreated == account.stack(REGION, recreated.id)

    def test_the_first_change_set_creates_a_stack_in_review(self, account: Account) -> None:
        """The stack exists before the execution, under the id that it keeps."""
        change_set = create_change_set(account, template(A=topic()), kind="CREATE")

        found = account.stack(REGION, change_set.stack_id)
        assert found
        assert (found.name, found.status) == ("s", "REVIEW_IN_PROGRESS")
        assert (
            change_set.name,
            change_set.stack,
            change_set.status,
            change_set.execution,
        ) == ("change", "s", "CREATE_COMPLETE", "AVAILABLE")

    @pytest.mark.parametrize(
        ("more", "tags"),
        [({"Outputs": {"Said": {"Value": "x"}}}, {"env": "x"}), ({}, {"env": "y"})],
        ids=["outputs", "tags"],
    )
    def test_changes_without_resources_are_not_empty(
        self, account: Account, more: Any, tags: dict[str, str]
    ) -> None:
        """Changes of outputs alone or tags alone are executed."""
        body = template(A=topic())
        deploy(account, body, tags={"env": "x"})

        change_set = create_change_set(account, body | more, tags=tags)
        account.execute_change_set(REGION, change_set.arn, "token")
        found = wait_for_operations(account, change_set.stack_id)

        assert (change_set.is_empty, change_set.execution) == (False, "AVAILABLE")
        assert (tags, len(more)) == (found.tags, len(found.outputs))

    def test_an_empty_change_set(self, account: Account) -> None:
        """An empty change set has failed, and can be deleted."""
        deploy(account, template(A=topic()))

        change_set = create_change_set(account, template(A=topic()))
        account.delete_change_set(REGION, change_set.arn)

        assert (
            change_set.status,
            change_set.execution,
            change_set.is_empty,
        ) == ("FAILED", "UNAVAILABLE", True)
        with pytest.raises(CloudError, match="change: DescribeChangeSet: ChangeSetNotFound"):
            account.change_set(REGION, change_set.arn)

    def test_events_after_an_earlier_one(self, account: Account) -> None:
        """Without an id all events are returned, otherwise the newer ones, oldest first."""
        found = deploy(account, template(A=parameter("1")))
        history = account.events(REGION, found.id)
        deploy(account, template(A=parameter("2")), kind="UPDATE")

        new = account.events(REGION, found.id, history[-1].id)

        assert (history[0].logical_id, history[0].status) == ("s", "REVIEW_IN_PROGRESS")
        assert [(event.logical_id, event.status) for event in new[:3]] == [
            ("s", "UPDATE_IN_PROGRESS"),
            ("A", "UPDATE_IN_PROGRESS"),
            ("A", "UPDATE_COMPLETE"),
        ]
        assert new[0].of_stack
        assert not new[1].of_stack
        assert (*history, *new) == account.events(REGION, found.id)
        assert account.events(REGION, found.id, new[-1].id) == ()

    def test_a_protected_stack_is_not_deleted(self, account: Account) -> None:
        """Termination protection can be enabled and disabled."""
        found = deploy(account, template(A=topic()))

        account.set_termination_protection(REGION, "s", enabled=True)
        protected = account.stack(REGION, found.id)
        with pytest.raises(CloudError, match=r"DeleteStack: ValidationError: .*Termination"):
            account.delete_stack(REGION, found.id, "token")
        account.set_termination_protection(REGION, "s", enabled=False)

        assert replace(found, is_protected=True) == protected
        assert found == account.stack(REGION, found.id)

    def test_an_error_has_stack_and_call(self, account: Account) -> None:
        """The error has the stack, the call and the message of AWS."""
        with pytest.raises(CloudError) as refused:
            create_change_set(account, template(A=parameter(att("Gone", "Arn"))), kind="CREATE")

        assert refused.value.message.startswith("s: CreateChangeSet: ValidationError: ")

    def test_an_upload_without_replacement(self, account: Account) -> None:
        """Without *replace* the existing object is kept, and the hint names the role that may replace it."""
        deploy(
            account, template(B=resource("AWS::S3::Bucket", BucketName="adding")), stack="adding"
        )

        account.upload(REGION, "adding", "releases/a", b"1", replace=False)
        with pytest.raises(CloudError) as refused:
            account.upload(REGION, "adding", "releases/a", b"2", replace=False)
        account.upload(REGION, "adding", "releases/a", b"3")

        assert (
            refused.value.message
        ) == "s3://adding/releases/a: the object exists, and a release cannot replace it"
        assert "without --release" in refused.value.hint

    def test_an_upload_to_a_missing_bucket(self, account: Account) -> None:
        """The error has the URL of the object."""
        with pytest.raises(CloudError) as refused:
            account.upload(REGION, "nobodys", "key", b"")

        assert refused.value.message.startswith("s3://nobodys/key: PutObject: NoSuchBucket: ")


class TestPages:
    """Responses with several pages."""

    def test_stacks(self, fake_account: Account, fake_aws: Loopback) -> None:
        """The next page is requested with the token of the last one."""
        fake_aws.on(
            "DescribeStacks",
            response(Stacks=[stack("a"), stack("b")], NextToken="2"),
            response(Stacks=[], NextToken="3"),
            response(Stacks=[stack("c") | {"ParentId": STACK_ID}]),
        )

        found = fake_account.stacks(REGION)

        assert [stack.name for stack in found] == ["a", "b", "c"]
        assert [stack.is_nested for stack in found] == [False, False, True]
        assert [request.form.get("NextToken") for request in fake_aws.requests] == [None, "2", "3"]

    def test_the_last_page_of_events(self, fake_account: Account, fake_aws: Loopback) -> None:
        """Without an earlier event, the newest page is enough."""
        fake_aws.on(
            "DescribeStackEvents", response(StackEvents=[event(9), event(8)], NextToken="2")
        )

        events = fake_account.events(REGION, STACK_ID)

        assert [event.id for event in events] == ["8", "9"]
        assert len(fake_aws.requests) == 1

    def test_all_events(self, fake_account: Account, fake_aws: Loopback) -> None:
        """All pages are read if no earlier event is known: the cause of a failure may be the oldest."""
        fake_aws.on(
            "DescribeStackEvents",
            response(StackEvents=[event(9), event(8)], NextToken="2"),
            response(StackEvents=[event(7)]),
        )

        events = fake_account.events(REGION, STACK_ID, "")

        assert [event.id for event in events] == ["7", "8", "9"]

    @pytest.mark.parametrize(("after", "new", "calls"), [(8, "9", 1), (7, "89", 2), (6, "789", 2)])
    def test_pages_of_events_after_an_earlier_one(
        self, fake_account: Account, fake_aws: Loopback, after: int, new: str, calls: int
    ) -> None:
        """Pages are read up to the earlier event, and no further."""
        fake_aws.on(
            "DescribeStackEvents",
            response(StackEvents=[event(9), event(8)], NextToken="2"),
            response(StackEvents=[event(7), event(6)], NextToken="3"),
        )

        events = fake_account.events(REGION, STACK_ID, str(after))

        assert list(new) == [event.id for event in events]
        assert calls == len(fake_aws.requests)

    def test_changes(self, fake_account: Account, fake_aws: Loopback) -> None:
        """All pages of changes are read: an omitted change would not be approved."""
        fake_aws.on(
            "DescribeChangeSet",
            described([change("A")], NextToken="2"),
            described([], NextToken="3"),
            described([change("B"), change("C")]),
        )

        change_set = fake_account.change_set(REGION, ARN)

        assert [change.logical_id for change in change_set.changes] == ["A", "B", "C"]
        assert [request.form.get("NextToken") for request in fake_aws.requests] == [None, "2", "3"]

    def test_a_loss_on_the_second_page(self, fake_account: Account, fake_aws: Loopback) -> None:
        """The guard checks the changes of every page: by policy, or by type if there is none."""
        bucket = {"Action": "Remove", "ResourceType": "AWS::S3::Bucket", "PolicyAction": "Retain"}
        log = {"ResourceType": "AWS::X::Y", "PolicyAction": "ReplaceAndSnapshot"}
        table = {"ResourceType": "AWS::DynamoDB::Table", "Replacement": "Conditional"}
        fake_aws.on(
            "DescribeChangeSet",
            described([change("Topic", ResourceType="AWS::SNS::Topic")], NextToken="2"),
            described(
                [
                    change("Bucket", **bucket),
                    change("Log", **log, Replacement="True"),
                    change("Table", **table),
                    change("Kept", **table | {"Replacement": "False"}),
                ]
            ),
        )

        losses = change_set_losses(fake_account.change_set(REGION, ARN), "network")

        assert [str(loss) for loss in losses] == [
            "network: Bucket (AWS::S3::Bucket) is removed: it is kept, outside of CloudFormation",
            "network: Log (AWS::X::Y) is replaced: a final snapshot is kept",
            "network: Table (AWS::DynamoDB::Table) may be replaced: its data is deleted",
        ]

    @pytest.mark.parametrize(
        ("since", "new", "calls"), [(8, "89", 2), (7, "789", 2), (0, "6789", 2)]
    )
    def test_events_since_a_time(
        self, fake_account: Account, fake_aws: Loopback, since: int, new: str, calls: int
    ) -> None:
        """Pages are read up to an older event, or to the end."""
        fake_aws.on(
            "DescribeStackEvents",
            response(StackEvents=[event(9), event(8)], NextToken="2"),
            response(StackEvents=[event(7), event(6)]),
        )

        events = fake_account.events_since(
            REGION, STACK_ID, datetime(2026, 11, 21, 0, 0, since, tzinfo=UTC)
        )

        assert list(new) == [event.id for event in events]
        assert calls == len(fake_aws.requests)

    def test_resources(self, fake_account: Account, fake_aws: Loopback) -> None:
        """A resource that was not created yet has no physical id."""
        common = {"ResourceType": "AWS::SNS::Topic", "ResourceStatus": "CREATE_COMPLETE"}
        first = common | {"LogicalResourceId": "A", "PhysicalResourceId": "arn:a"}
        fake_aws.on(
            "ListStackResources",
            response(StackResourceSummaries=[first], NextToken="2"),
            response(StackResourceSummaries=[common | {"LogicalResourceId": "B"}]),
        )

        assert fake_account.resources(REGION, STACK_ID) == (
            StackResource("A", "arn:a", "AWS::SNS::Topic", "CREATE_COMPLETE"),
            StackResource("B", "", "AWS::SNS::Topic", "CREATE_COMPLETE"),
        )


class TestChangeSets:
    """Descriptions of change sets, and the parameters of calls."""

    def test_resources_without_values_are_described(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """If AWS omits resources from a description with values, it is requested without values.

        The warning is quoted in aws/aws-cdk-cli pull request 1785; not verified on AWS.
        """
        warning = (
            "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
            "ChangeSet creation failed for resource [B] because: no schema"
        )
        valued = change("C", Details=[detail(BeforeValue="1", AfterValue="2")])
        fake_aws.on(
            "DescribeChangeSet",
            described([change("A"), valued], StatusReason=warning),
            described([change("A")], StatusReason=warning, NextToken="2"),
            described([change("B", Replacement="True"), change("C")], StatusReason=warning),
        )

        change_set = fake_account.change_set(REGION, ARN)

        changes = {change.logical_id: change for change in change_set.changes}
        assert list(changes) == ["A", "B", "C"]
        assert changes["B"].replaces
        assert (PropertyChange("/Properties/P", "1", "2"),) == changes["C"].properties
        values = [request.form["IncludePropertyValues"] for request in fake_aws.requests]
        assert values == ["true", "false", "false"]

    @pytest.mark.parametrize(
        ("details", "expected"),
        [
            (
                [detail(BeforeValue="1", AfterValue="2"), detail(cause="P")],
                PropertyChange("/Properties/P", "1", "2", cause="P"),
            ),
            (
                [detail(cause="P"), detail(BeforeValue="1", AfterValue="2")],
                PropertyChange("/Properties/P", "1", "2", cause="P"),
            ),
            (
                [detail("Conditionally"), detail("Always"), detail("Never")],
                PropertyChange("/Properties/P", None, None, "Always"),
            ),
            (
                [detail("Conditionally"), detail("Tomorrow")],
                PropertyChange("/Properties/P", None, None, "Tomorrow"),
            ),
            ([detail(AfterValue=""), detail()], PropertyChange("/Properties/P", None, "")),
            ([{"Target": {"Attribute": "Tags"}}], PropertyChange("/Tags", None, None)),
            (
                [{"Target": {"Attribute": "Properties", "Name": "P"}}, detail(cause="Q")],
                PropertyChange("/Properties/P", None, None, cause="Q"),
            ),
        ],
        ids=["value first", "cause first", "worst", "unknown", "empty", "tags", "without a path"],
    )
    def test_a_property_has_one_change(
        self,
        fake_account: Account,
        fake_aws: Loopback,
        details: list[Any],
        expected: PropertyChange,
    ) -> None:
        """A property that AWS lists twice, for its value and for its cause, has one change."""
        fake_aws.on("DescribeChangeSet", described([change("A", Details=details)]))

        change_set = fake_account.change_set(REGION, ARN)

        assert (expected,) == change_set.changes[0].properties

    def test_a_failed_early_validation_has_its_reasons(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """The reasons of a failed early validation are read by DescribeEvents. Not verified on AWS."""
        fake_aws.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=TOO_EARLY))
        failure = {
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": "Bucket",
            "ValidationStatusReason": "Bucket 'x' already exists.",
        }
        fake_aws.on(
            "DescribeEvents",
            response(OperationEvents=[failure | {"ValidationPath": "/Resources/B"}], NextToken="2"),
            response(OperationEvents=[failure]),
        )

        change_set = fake_account.change_set(REGION, ARN)

        assert change_set.reason.splitlines() == [
            TOO_EARLY,
            "/Resources/B: Bucket 'x' already exists.",
            "Bucket: Bucket 'x' already exists.",
        ]
        form = fake_aws.requests[1].form
        assert (form["ChangeSetName"], form["Filters.FailedEvents"]) == (ARN, "true")

    def test_a_failed_early_validation_without_permission(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """Without permission for DescribeEvents the reason still says that validation failed."""
        fake_aws.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=TOO_EARLY))
        fake_aws.on("DescribeEvents", error("AccessDenied", "not you", 403))

        change_set = fake_account.change_set(REGION, ARN)

        assert change_set.reason == TOO_EARLY

    def test_other_failures_need_no_further_call(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """Other failures, such as an empty change set, need one call only."""
        nothing = "The submitted information didn't contain changes."
        fake_aws.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=nothing))

        change_set = fake_account.change_set(REGION, ARN)

        assert change_set.is_empty
        assert fake_aws.actions == ["DescribeChangeSet"]

    def test_writes_have_a_token(self, fake_aws: Loopback) -> None:
        """After a lost response the call is repeated, and AWS recognises it by the token."""
        account = connect.connect_endpoint(fake_aws.url, REGION, ENV.account, "secret")
        fake_aws.on("CreateChangeSet", CLOSE_CONNECTION, response(Id=ARN, StackId=STACK_ID))
        fake_aws.on("ExecuteChangeSet", response())
        fake_aws.on("DeleteStack", response())

        account.create_change_set(ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}"))
        account.execute_change_set(REGION, ARN, "run-2")
        account.delete_stack(REGION, STACK_ID, "run-3")

        tokens = [
            (
                request.action,
                request.form.get("ClientToken") or request.form.get("ClientRequestToken"),
            )
            for request in fake_aws.requests
        ]
        assert tokens == [
            ("CreateChangeSet", "run-1"),
            ("CreateChangeSet", "run-1"),
            ("ExecuteChangeSet", "run-2"),
            ("DeleteStack", "run-3"),
        ]

    @pytest.mark.parametrize(("nested", "nested_flag"), [(True, "true"), (False, None)])
    def test_nested_stacks_are_included_on_request(
        self, fake_account: Account, fake_aws: Loopback, nested: bool, nested_flag: str | None
    ) -> None:
        """Nested stacks are included in a change set only on request, as by default in AWS."""
        fake_aws.on("CreateChangeSet", response(Id=ARN, StackId=STACK_ID))

        fake_account.create_change_set(
            ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}", include_nested=nested)
        )

        assert nested_flag == fake_aws.requests[0].form.get("IncludeNestedStacks")

    def test_a_nested_stack_has_its_change_set(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """A nested stack in a change set has the id of its own change set; other resources have none."""
        fake_aws.on("DescribeChangeSet", described([change("A", ChangeSetId=ARN), change("B")]))

        found = fake_account.change_set(REGION, ARN).changes

        assert [change.change_set for change in found] == [ARN, ""]

    def test_an_upload_requires_a_bucket_of_the_account(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """S3 refuses a bucket of another account; the account id is requested once."""
        fake_aws.on("GetCallerIdentity", response(**OWN_IDENTITY))
        fake_aws.on("PUT", Response())

        fake_account.upload(REGION, "store", "a", b"1")
        fake_account.upload(REGION, "store", "b", b"2")

        assert fake_aws.actions == ["GetCallerIdentity", "PUT", "PUT"]
        assert [ENV.account] * 2 == [
            request.headers["x-amz-expected-bucket-owner"] for request in fake_aws.requests[1:]
        ]

    def test_an_object_is_read_only_from_a_bucket_of_the_account(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """The checksum is requested; a refusal is not treated as absence."""
        fake_aws.on("GetCallerIdentity", response(**OWN_IDENTITY))
        fake_aws.on("HEAD", Response(status=404), Response(status=403))

        absent = fake_account.stored_object(REGION, "store", "a")
        with pytest.raises(CloudError, match="s3://store/a: HeadObject: 403"):
            fake_account.stored_object(REGION, "store", "a")

        headers = fake_aws.requests[1].headers
        assert absent is None
        assert headers["x-amz-expected-bucket-owner"] == ENV.account
        assert headers["x-amz-checksum-mode"] == "ENABLED"


class TestReviewAndDrift:
    """Lists of change sets, findings of validation, and drift, from responses of botocore's model."""

    def test_every_page_of_change_sets(self, fake_account: Account, fake_aws: Loopback) -> None:
        """A change set that is executed or is being created is not available."""

        def summary(name: str, execution: str) -> dict[str, str]:
            return {
                "StackId": STACK_ID,
                "StackName": "crd-dev-network",
                "ChangeSetId": f"arn:{name}",
                "ChangeSetName": name,
                "ExecutionStatus": execution,
            }

        fake_aws.on(
            "ListChangeSets",
            valid_response("ListChangeSets", Summaries=[summary("a", "AVAILABLE")], NextToken="2"),
            valid_response("ListChangeSets", Summaries=[summary("b", "OBSOLETE")]),
        )

        found = fake_account.stack_change_sets(REGION, STACK_ID)

        network = "crd-dev-network"
        assert found == (
            ChangeSetSummary("arn:a", "a", network, STACK_ID, REGION, is_available=True),
            ChangeSetSummary("arn:b", "b", network, STACK_ID, REGION, is_available=False),
        )

    def test_findings_of_the_validation(self, fake_account: Account, fake_aws: Loopback) -> None:
        """Warnings are findings, too; other events of the operation are not."""
        warning = {
            "EventType": "VALIDATION_ERROR",
            "ValidationFailureMode": "WARN",
            "ValidationPath": "/Resources/Bucket",
            "ValidationStatusReason": "The bucket is not empty.",
        }
        events = [{"EventType": "STACK_EVENT"}, warning]
        fake_aws.on("DescribeEvents", valid_response("DescribeEvents", OperationEvents=events))

        findings = fake_account.validation_findings(REGION, ARN)

        assert findings == ("WARN /Resources/Bucket: The bucket is not empty.",)
        assert fake_aws.requests[0].form["ChangeSetName"] == ARN

    def test_a_drift_detection(self, fake_account: Account, fake_aws: Loopback) -> None:
        """A detection has an id, and is running, complete or failed."""
        known = {
            "StackId": STACK_ID,
            "StackDriftDetectionId": "d-1",
            "Timestamp": "2026-12-01T00:00:00Z",
        }
        status, failed = "DescribeStackDriftDetectionStatus", "DETECTION_FAILED"
        fake_aws.on(
            "DetectStackDrift", valid_response("DetectStackDrift", StackDriftDetectionId="d-1")
        )
        fake_aws.on(
            status,
            valid_response(status, **known, DetectionStatus="DETECTION_IN_PROGRESS"),
            valid_response(status, **known, DetectionStatus="DETECTION_COMPLETE"),
            valid_response(status, **known, DetectionStatus=failed, DetectionStatusReason="no"),
        )

        detection_id = fake_account.detect_drift(REGION, STACK_ID)
        found = [fake_account.drift_detection(REGION, detection_id) for _ in range(3)]

        assert found == [
            DriftDetection(is_running=True),
            DriftDetection(is_running=False),
            DriftDetection(is_running=False, has_failed=True, reason="no"),
        ]

    def test_every_page_of_drifts(self, fake_account: Account, fake_aws: Loopback) -> None:
        """An added property has no expected value, a removed one no actual value."""

        def drift(name: str, status: str, *differences: tuple[str, str, str]) -> dict[str, Any]:
            keys = ("DifferenceType", "ExpectedValue", "ActualValue")
            return {
                "StackId": STACK_ID,
                "LogicalResourceId": name,
                "PhysicalResourceId": f"{name}-1",
                "ResourceType": "AWS::SQS::Queue",
                "StackResourceDriftStatus": status,
                "Timestamp": "2026-12-01T00:00:00Z",
                "PropertyDifferences": [
                    {"PropertyPath": "/P"} | dict(zip(keys, difference, strict=True))
                    for difference in differences
                ],
            }

        values = [("ADD", "null", "a"), ("REMOVE", "b", "null"), ("NOT_EQUAL", "b", "c")]
        name = "DescribeStackResourceDrifts"
        fake_aws.on(
            name,
            valid_response(
                name, StackResourceDrifts=[drift("A", "MODIFIED", *values)], NextToken="2"
            ),
            valid_response(name, StackResourceDrifts=[drift("B", "DELETED")]),
        )

        found = fake_account.resource_drifts(REGION, STACK_ID)

        expected = [("/P", None, "a"), ("/P", "b", None), ("/P", "b", "c")]
        properties = tuple(PropertyDrift(*item) for item in expected)
        queue = "AWS::SQS::Queue"
        assert found == (
            ResourceDrift("A", queue, "A-1", properties=properties),
            ResourceDrift("B", queue, "B-1", is_deleted=True),
        )
        form = fake_aws.requests[1].form
        assert (form["NextToken"], form["StackResourceDriftStatusFilters.member.1"]) == (
            "2",
            "MODIFIED",
        )
