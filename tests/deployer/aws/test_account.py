"""What `deployer.aws` makes of AWS's answers, and what it refuses to ask."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
import msgspec
import pytest
from botocore.config import Config
from troposphere import ec2, s3

import emulator
from deployer import execute, plan, synth
from deployer.aws import clients, connect
from deployer.aws.account import Account
from deployer.aws.cloud import (
    ChangeSet,
    ChangeSetRequest,
    DeployedStack,
    Identity,
    PropertyChange,
    StackResource,
)
from deployer.errors import ClockError, CloudError, GuardError, UnreachableError
from deployer.events import Finished, Outcome
from deployer.follow import Watch
from deployer.model import Env, Layers, Template, Value
from deployer.model.desired import DesiredStack
from deployer.run import LatestStacks, Run
from tests import emulator_server
from tests.emulator.templates import att, parameter, ref, resource, template, topic
from tests.loopback import HANG_UP, Answer, Loopback, answer, error

REGION = emulator_server.REGION
ROOT = Path(__file__).parents[3]
ENV = Env(
    project="cruddur",
    prefix="crd",
    name="dev",
    account="111111111111",
    region=REGION,
    domain="cruddur.example",
    hosted_zone="Z1",
    protect=False,
)
# A page that is XML as well: botocore would read an answer without values.
HOTEL = Answer("<html><body>Log in</body></html>", headers=(("Content-Type", "text/html"),))
OURS = {"Account": ENV.account, "Arn": f"arn:aws:iam::{ENV.account}:user/engineer"}
THEIRS = {"Account": "222222222222", "Arn": "arn:aws:iam::222222222222:user/stranger"}
ARN = f"arn:aws:cloudformation:{REGION}:111111111111:changeSet/run/1"
TOO_EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. "
    "To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure "
    "information."
)
SSO = """
[default]
sso_session = s
sso_account_id = 111111111111
sso_role_name = engineer
[sso-session s]
sso_region = ca-central-1
sso_start_url = https://sso.invalid
"""
STACK_ID = f"arn:aws:cloudformation:{REGION}:111111111111:stack/crd-dev-network/1"
ONCE = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}, proxies={})

# The emulator; conftest.py is for those who need it in every file of a folder.
server, endpoint = emulator_server.server, emulator_server.endpoint


@pytest.fixture
def account(endpoint: emulator.Endpoint) -> Account:
    """The test's own account of the emulator."""
    return connect.connect_endpoint(endpoint.url, REGION, endpoint.access_key, endpoint.secret_key)


@pytest.fixture
def there() -> Iterator[Loopback]:
    """An AWS that answers as the test says."""
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def far(there: Loopback) -> Account:
    """The account behind `there`, asked once: what botocore would retry is told at once."""
    return replace(connect.connect_endpoint(there.url, REGION, ENV.account, "secret"), config=ONCE)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An operator with nothing set up; the tests of guards add what they are about."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def propose(account: Account, body: Any, **more: Any) -> ChangeSet:
    """Make a change set of the stack `s`, an update where nothing else is said; see it ready."""
    text = body if isinstance(body, str) else json.dumps(body)
    known = {"name": "change", "stack": "s", "region": REGION, "kind": "UPDATE", "text": text}
    arn = account.create_change_set(ChangeSetRequest(**known | more))
    while (change_set := account.change_set(arn.split(":")[3], arn)).is_pending:
        time.sleep(0.01)
    return change_set


def deploy(account: Account, body: Any, *, kind: str = "CREATE", **more: Any) -> DeployedStack:
    """Make a change set, execute it, see it through; the stack as it is then."""
    change_set = propose(account, body, kind=kind, name=f"c{time.monotonic_ns()}", **more)
    account.execute_change_set(change_set.region, change_set.arn, "token")
    return settled(account, change_set.stack_id)


def settled(account: Account, stack_id: str) -> DeployedStack:
    """Wait until no operation runs on the stack."""
    region = stack_id.split(":")[3]
    while (found := account.stack(region, stack_id)) is None or found.is_busy:
        time.sleep(0.01)
    return found


def stack(name: str) -> dict[str, Any]:
    """A stack as DescribeStacks has it."""
    made = "2026-11-21T00:00:00Z"
    return {"StackName": name, "StackStatus": "CREATE_COMPLETE", "CreationTime": made}


def event(number: int) -> dict[str, Any]:
    """An event as DescribeStackEvents has it."""
    at = f"2026-11-21T00:00:0{number}Z"
    return {"EventId": number, "StackId": STACK_ID, "StackName": "s", "Timestamp": at}


def described(changes: list[Any], **more: Any) -> Answer:
    """A page of DescribeChangeSet."""
    known = {
        "ChangeSetId": ARN,
        "ChangeSetName": "run",
        "StackId": STACK_ID,
        "StackName": "crd-dev-network",
        "Status": "CREATE_COMPLETE",
    }
    return answer(**known | more, Changes=[{"ResourceChange": each} for each in changes])


def change(logical_id: str, **more: Any) -> dict[str, Any]:
    """A change as DescribeChangeSet has it."""
    return {"Action": "Modify", "LogicalResourceId": logical_id} | more


def detail(recreation: str = "Never", *, cause: str = "", **target: str) -> dict[str, Any]:
    """What DescribeChangeSet says of the property P, once."""
    known = {"Attribute": "Properties", "Name": "P", "Path": "/Properties/P"}
    caused = {"CausingEntity": cause} if cause else {}
    return {"Target": known | {"RequiresRecreation": recreation} | target} | caused


def log_in(user: pytest.MonkeyPatch) -> None:
    """Give the operator keys; nobody knows them."""
    user.setenv("AWS_ACCESS_KEY_ID", "key")
    user.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def write_config(text: str) -> None:
    """Write the operator's AWS config file."""
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(textwrap.dedent(text))


def refused(account: Account) -> GuardError:
    """Return the guard's error."""
    with pytest.raises(GuardError) as told:
        connect.check_credentials(ENV, account)
    return told.value


def setup_refused() -> GuardError:
    """Return the parts of the operator's AWS setup in use."""
    with pytest.raises(GuardError) as told:
        connect.connect_account(ENV, os.environ)
    return told.value


def listen(account: Account) -> Counter[tuple[str, str]]:
    """Count what goes over the wire from now on: each call, by its region."""
    asked: Counter[tuple[str, str]] = Counter()

    def count(request: Any, **_: Any) -> None:
        action = dict(parse_qsl(request.body))["Action"]
        region = request.headers["Authorization"].decode().split("/")[2]
        asked[action, region] += 1

    for client in account._clients.values():
        client.meta.events.register("before-send", count)
    account.session.register("before-send", count)
    return asked


@dataclass(frozen=True)
class Given:
    """What the layers of these tests give."""

    vpc: Value


def one_vpc(t: Template, _: Env, *_given: Given) -> Given:
    """A stack of nothing but a VPC."""
    return Given(t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16")).ref())


def three_layers(env: Env) -> Layers:
    """Two stacks on top of each other, and one elsewhere."""
    layers = Layers(env)
    layers.add("upper", one_vpc, layers.add("lower", one_vpc))
    layers.in_region("us-east-1").add("edge", one_vpc)
    return layers


def run(account: Account, env: Env, wanted: Sequence[DesiredStack]) -> dict[str, Outcome]:
    """Deploy as the task does; how it ended for each stack."""
    connect.check_credentials(env, account)
    found = [
        each
        for region in dict.fromkeys(one.region for one in wanted)
        for each in account.stacks(region)
    ]
    watch = Watch(account, SystemClock(), timeout=20, unreachable_timeout=1)
    this = Run(
        f"run-{time.monotonic_ns()}", watch, lambda *_: True, LatestStacks(found), owner=env.owner
    )
    events = execute.deploy(plan.plan(wanted, found), this, jobs=4)
    return {each.stack: each.outcome for each in events if isinstance(each, Finished)}


class SystemClock:
    """The time of the machine."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class TestEmulator:
    """Every call, against an AWS that answers in full."""

    def test_identity(self, account: Account, endpoint: emulator.Endpoint) -> None:
        """The account is that of the keys."""
        identity = account.identity()

        assert Identity(endpoint.account, f"arn:aws:iam::{endpoint.account}:root") == identity

    def test_a_stack_is_described_whole(self, account: Account) -> None:
        """One DescribeStacks tells all that a plan compares."""
        body = template(A=parameter(ref("P"))) | {
            "Parameters": {"P": {"Type": "String"}},
            "Outputs": {"Name": {"Value": ref("A")}},
        }

        found = deploy(account, body, parameters={"P": "1"}, tags={"env": "x"})

        assert ("s", REGION, "CREATE_COMPLETE") == (found.name, found.region, found.status)
        assert {"P": "1"} == found.parameters
        assert {"env": "x"} == found.tags
        assert {"Name"} == found.outputs.keys()
        assert (False, False) == (found.is_protected, found.is_nested)
        assert (found,) == account.stacks(REGION)

    def test_a_region_has_its_own_stacks(self, account: Account) -> None:
        """A stack is in one region and in no other."""
        change_set = propose(account, template(A=topic()), kind="CREATE", region="us-east-1")

        assert "us-east-1" == change_set.region
        assert ["us-east-1"] == [found.region for found in account.stacks("us-east-1")]
        assert () == account.stacks(REGION)
        assert account.stack(REGION, "s") is None

    def test_a_stack_that_is_not_there(self, account: Account) -> None:
        """It is None by name and by id; a deleted one is found by its id alone."""
        gone = deploy(account, template(A=topic()))
        account.delete_stack(REGION, gone.id, "token")
        deleted = settled(account, gone.id)

        assert "DELETE_COMPLETE" == deleted.status
        assert account.stack(REGION, "s") is None
        assert account.stack(REGION, gone.id.replace("stack/s/", "stack/t/")) is None
        assert () == account.stacks(REGION)

    @pytest.mark.parametrize(
        "text",
        [
            "# Generated: a comment – é.\nResources:\n  A:\n    Type: AWS::SNS::Topic\n",
            '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}\n',
            "Resources: {A: {Type: AWS::SNS::Topic}}   # no line end",
        ],
    )
    def test_a_template_comes_back_byte_for_byte(self, account: Account, text: str) -> None:
        """Comments, spaces and line ends are what was sent: --verify compares them."""
        deploy(account, text)

        assert text == account.template(REGION, "s")

    def test_a_template_may_come_by_url(self, account: Account) -> None:
        """One too long for a call is read from the bucket it was put into."""
        deploy(account, template(B=resource("AWS::S3::Bucket", BucketName="store")), stack="store")
        text = json.dumps(template(A=topic())) + " " * 60_000
        put = account.upload(REGION, "store", "templates/s.json", text.encode())

        deploy(account, text, url=put.url)

        assert f"https://store.s3.{REGION}.amazonaws.com/templates/s.json" == put.url
        assert text == account.template(REGION, "s")

    def test_an_object_is_known_by_its_checksum_and_version(self, account: Account) -> None:
        """An uploaded object is found under its key, and under no other."""
        bucket = resource(
            "AWS::S3::Bucket", BucketName="store-1", VersioningConfiguration={"Status": "Enabled"}
        )
        deploy(account, template(B=bucket), stack="store")

        put = account.upload(REGION, "store-1", "a/key", b"content")
        again = account.upload(REGION, "store-1", "a/key", b"other")

        assert hashlib.sha256(b"content").hexdigest() == put.sha256
        assert put.version_url == f"{put.url}?versionId={put.version}"
        assert again == account.stored_object(REGION, "store-1", "a/key")
        assert again.version not in {put.version, ""}
        assert account.stored_object(REGION, "store-1", "a/ke") is None

    def test_an_object_put_by_other_means_has_no_checksum_of_ours(self, account: Account) -> None:
        """S3 stores the checksum that the client chose, and a hash of hashes for parts."""
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

        assert ["", ""] == [each.sha256 for each in found if each]

    def test_an_object_can_be_put_only_where_there_is_none(self, account: Account) -> None:
        """A release adds, and never replaces."""
        deploy(
            account, template(B=resource("AWS::S3::Bucket", BucketName="store-3")), stack="store"
        )
        account.upload(REGION, "store-3", "key", b"content", replace=False)

        with pytest.raises(CloudError) as refused:
            account.upload(REGION, "store-3", "key", b"content", replace=False)

        assert "s3://store-3/key: the object exists, and a release cannot replace it" == str(
            refused.value.message
        )

    def test_a_change_set_tells_what_happens_to_each_property(self, account: Account) -> None:
        """Before, after, whether the resource is made anew, and what made it change."""
        body = template(
            Old=topic("old"), A=topic("one"), B=parameter(ref("A")), C=parameter(ref("P"))
        )
        body |= {"Parameters": {"P": {"Type": "String"}}}
        deploy(account, body, parameters={"P": "1"})
        del body["Resources"]["Old"]
        body["Resources"] |= {"New": parameter("x"), "A": topic("two")}

        change_set = propose(account, body, parameters={"P": "2"})

        changes = {change.logical_id: change for change in change_set.changes}
        told = {name: (change.action, change.replacement) for name, change in changes.items()}
        assert {
            "Old": ("Remove", ""),
            "New": ("Add", ""),
            "A": ("Modify", "True"),
            "B": ("Modify", "False"),
            "C": ("Modify", "False"),
        } == told
        assert "Delete" == changes["Old"].policy
        assert "ReplaceAndDelete" == changes["A"].policy
        assert changes["A"].physical_id.endswith(":one")
        assert (PropertyChange("/Properties/TopicName", "one", "two", "Always"),) == changes[
            "A"
        ].properties
        [because_of_a] = changes["B"].properties
        assert "A" == because_of_a.cause
        assert (PropertyChange("/Properties/Value", "1", "2", cause="P"),) == changes[
            "C"
        ].properties

    def test_a_stack_in_review_has_the_tags_that_its_change_sets_agree_on(
        self, account: Account
    ) -> None:
        """CloudFormation itself gives it some only when one of them is executed."""
        body, tags = template(A=topic()), {"project": "cruddur", "env": "dev"}
        first = propose(account, body, kind="CREATE", name="first", tags=tags)
        alone = account.stack(REGION, first.stack_id)
        others = tags | {"env": "dev-two"}
        second = propose(account, body, kind="CREATE", name="second", tags=others)
        both = account.stack(REGION, first.stack_id)
        for change_set in (first, second):
            account.delete_change_set(REGION, change_set.arn)
        none = account.stack(REGION, first.stack_id)

        assert alone
        assert both
        assert none
        assert (tags, {"project": "cruddur"}, {}) == (alone.tags, both.tags, none.tags)
        assert [{}] == [each.tags for each in account.stacks(REGION)]

    def test_an_update_of_a_stack_that_is_not_the_one_meant_is_refused(
        self, account: Account
    ) -> None:
        """A change set goes to the id of a stack, and not to what has its name by now."""
        gone = deploy(account, template(A=topic()))
        account.delete_stack(REGION, gone.id, "gone")
        settled(account, gone.id)
        again = deploy(account, template(A=topic()))

        with pytest.raises(CloudError):
            propose(account, template(A=topic("two")), stack_id=gone.id)

        assert again.id != gone.id
        assert again == account.stack(REGION, again.id)

    def test_a_first_change_set_is_of_a_stack_in_review(self, account: Account) -> None:
        """The stack is there before anything is executed, under the id it will keep."""
        change_set = propose(account, template(A=topic()), kind="CREATE")

        found = account.stack(REGION, change_set.stack_id)
        assert found
        assert ("s", "REVIEW_IN_PROGRESS") == (found.name, found.status)
        assert ("change", "s", "CREATE_COMPLETE", "AVAILABLE") == (
            change_set.name,
            change_set.stack,
            change_set.status,
            change_set.execution,
        )

    @pytest.mark.parametrize(
        ("more", "tags"),
        [({"Outputs": {"Said": {"Value": "x"}}}, {"env": "x"}), ({}, {"env": "y"})],
        ids=["outputs", "tags"],
    )
    def test_a_change_of_no_template_property_is_no_empty_one(
        self, account: Account, more: Any, tags: dict[str, str]
    ) -> None:
        """Outputs alone and tags alone are to be executed."""
        body = template(A=topic())
        deploy(account, body, tags={"env": "x"})

        change_set = propose(account, body | more, tags=tags)
        account.execute_change_set(REGION, change_set.arn, "token")
        found = settled(account, change_set.stack_id)

        assert (False, "AVAILABLE") == (change_set.is_empty, change_set.execution)
        assert (tags, len(more)) == (found.tags, len(found.outputs))

    def test_an_empty_change_set_is_known(self, account: Account) -> None:
        """It failed, but for us nothing is wrong; and it can be thrown away."""
        deploy(account, template(A=topic()))

        change_set = propose(account, template(A=topic()))
        account.delete_change_set(REGION, change_set.arn)

        assert ("FAILED", "UNAVAILABLE", True) == (
            change_set.status,
            change_set.execution,
            change_set.is_empty,
        )
        with pytest.raises(CloudError, match="change: DescribeChangeSet: ChangeSetNotFound"):
            account.change_set(REGION, change_set.arn)

    def test_events_go_on_where_we_left_off(self, account: Account) -> None:
        """All so far, then only what is newer than the last one seen, oldest first."""
        found = deploy(account, template(A=parameter("1")))
        history = account.events(REGION, found.id)
        deploy(account, template(A=parameter("2")), kind="UPDATE")

        new = account.events(REGION, found.id, history[-1].id)

        assert ("s", "REVIEW_IN_PROGRESS") == (history[0].logical_id, history[0].status)
        assert [
            ("s", "UPDATE_IN_PROGRESS"),
            ("A", "UPDATE_IN_PROGRESS"),
            ("A", "UPDATE_COMPLETE"),
        ] == [(event.logical_id, event.status) for event in new[:3]]
        assert new[0].of_stack
        assert not new[1].of_stack
        assert (*history, *new) == account.events(REGION, found.id)
        assert () == account.events(REGION, found.id, new[-1].id)

    def test_a_protected_stack_is_not_deleted(self, account: Account) -> None:
        """Protection goes on and off, and holds."""
        found = deploy(account, template(A=topic()))

        account.set_termination_protection(REGION, "s", enabled=True)
        protected = account.stack(REGION, found.id)
        with pytest.raises(CloudError, match=r"DeleteStack: ValidationError: .*Termination"):
            account.delete_stack(REGION, found.id, "token")
        account.set_termination_protection(REGION, "s", enabled=False)

        assert replace(found, is_protected=True) == protected
        assert found == account.stack(REGION, found.id)

    def test_a_refusal_names_stack_and_call(self, account: Account) -> None:
        """What AWS says is passed on; the stack is named, since many run side by side."""
        with pytest.raises(CloudError) as refused:
            propose(account, template(A=parameter(att("Gone", "Arn"))), kind="CREATE")

        assert refused.value.message.startswith("s: CreateChangeSet: ValidationError: ")

    def test_an_upload_that_replaces_nothing(self, account: Account) -> None:
        """A release adds objects; what is there already stays, and the way out is named."""
        deploy(
            account, template(B=resource("AWS::S3::Bucket", BucketName="adding")), stack="adding"
        )

        account.upload(REGION, "adding", "releases/a", b"1", replace=False)
        with pytest.raises(CloudError) as refused:
            account.upload(REGION, "adding", "releases/a", b"2", replace=False)
        account.upload(REGION, "adding", "releases/a", b"3")

        assert "s3://adding/releases/a: the object exists, and a release cannot replace it" == (
            refused.value.message
        )
        assert "without --release" in refused.value.hint

    def test_uploads_need_a_bucket(self, account: Account) -> None:
        """The object is named where it cannot be put."""
        with pytest.raises(CloudError) as refused:
            account.upload(REGION, "nobodys", "key", b"")

        assert refused.value.message.startswith("s3://nobodys/key: PutObject: NoSuchBucket: ")


class TestPages:
    """What comes in many pages is read to the end, and no further than needed."""

    def test_stacks(self, far: Account, there: Loopback) -> None:
        """The next page is asked for with the token of the last."""
        there.on(
            "DescribeStacks",
            answer(Stacks=[stack("a"), stack("b")], NextToken="2"),
            answer(Stacks=[], NextToken="3"),
            answer(Stacks=[stack("c") | {"ParentId": STACK_ID}]),
        )

        found = far.stacks(REGION)

        assert ["a", "b", "c"] == [each.name for each in found]
        assert [False, False, True] == [each.is_nested for each in found]
        assert [None, "2", "3"] == [asked.form.get("NextToken") for asked in there.asked]

    def test_the_last_page_of_events(self, far: Account, there: Loopback) -> None:
        """Where no event was seen yet, the newest page is enough."""
        there.on("DescribeStackEvents", answer(StackEvents=[event(9), event(8)], NextToken="2"))

        events = far.events(REGION, STACK_ID)

        assert ["8", "9"] == [each.id for each in events]
        assert 1 == len(there.asked)

    @pytest.mark.parametrize(("after", "new", "calls"), [(8, "9", 1), (7, "89", 2), (6, "789", 2)])
    def test_events_after_another(
        self, far: Account, there: Loopback, after: int, new: str, calls: int
    ) -> None:
        """Pages are read until the event that was seen last, and none after it."""
        there.on(
            "DescribeStackEvents",
            answer(StackEvents=[event(9), event(8)], NextToken="2"),
            answer(StackEvents=[event(7), event(6)], NextToken="3"),
        )

        events = far.events(REGION, STACK_ID, str(after))

        assert list(new) == [each.id for each in events]
        assert calls == len(there.asked)

    def test_changes(self, far: Account, there: Loopback) -> None:
        """A change that is left out would be a change that nobody approved."""
        there.on(
            "DescribeChangeSet",
            described([change("A")], NextToken="2"),
            described([], NextToken="3"),
            described([change("B"), change("C")]),
        )

        change_set = far.change_set(REGION, ARN)

        assert ["A", "B", "C"] == [each.logical_id for each in change_set.changes]
        assert [None, "2", "3"] == [asked.form.get("NextToken") for asked in there.asked]

    @pytest.mark.parametrize(
        ("since", "new", "calls"), [(8, "89", 2), (7, "789", 2), (0, "6789", 2)]
    )
    def test_events_since_a_time(
        self, far: Account, there: Loopback, since: int, new: str, calls: int
    ) -> None:
        """Pages are read until an older event, or to the end."""
        there.on(
            "DescribeStackEvents",
            answer(StackEvents=[event(9), event(8)], NextToken="2"),
            answer(StackEvents=[event(7), event(6)]),
        )

        events = far.events_since(REGION, STACK_ID, datetime(2026, 11, 21, 0, 0, since, tzinfo=UTC))

        assert list(new) == [each.id for each in events]
        assert calls == len(there.asked)

    def test_resources(self, far: Account, there: Loopback) -> None:
        """One that is not made yet has no physical id."""
        common = {"ResourceType": "AWS::SNS::Topic", "ResourceStatus": "CREATE_COMPLETE"}
        first = common | {"LogicalResourceId": "A", "PhysicalResourceId": "arn:a"}
        there.on(
            "ListStackResources",
            answer(StackResourceSummaries=[first], NextToken="2"),
            answer(StackResourceSummaries=[common | {"LogicalResourceId": "B"}]),
        )

        assert far.resources(REGION, STACK_ID) == (
            StackResource("A", "arn:a", "AWS::SNS::Topic", "CREATE_COMPLETE"),
            StackResource("B", "", "AWS::SNS::Topic", "CREATE_COMPLETE"),
        )


class TestChangeSets:
    """What AWS says of a change set in more than one place, or not at once."""

    def test_resources_that_have_no_values_are_not_lost(
        self, far: Account, there: Loopback
    ) -> None:
        """AWS drops them from a description with values: then it is asked again, without.

        The warning is quoted in aws/aws-cdk-cli pull request 1785; not verified on AWS.
        """
        warning = (
            "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
            "ChangeSet creation failed for resource [B] because: no schema"
        )
        valued = change("C", Details=[detail(BeforeValue="1", AfterValue="2")])
        there.on(
            "DescribeChangeSet",
            described([change("A"), valued], StatusReason=warning),
            described([change("A")], StatusReason=warning, NextToken="2"),
            described([change("B", Replacement="True"), change("C")], StatusReason=warning),
        )

        change_set = far.change_set(REGION, ARN)

        changes = {each.logical_id: each for each in change_set.changes}
        assert ["A", "B", "C"] == list(changes)
        assert changes["B"].replaces
        assert (PropertyChange("/Properties/P", "1", "2"),) == changes["C"].properties
        values = [asked.form["IncludePropertyValues"] for asked in there.asked]
        assert ["true", "false", "false"] == values

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
    def test_a_property_is_told_once(
        self, far: Account, there: Loopback, details: list[Any], expected: PropertyChange
    ) -> None:
        """AWS lists it once for its value and once for its cause: what it says is put together."""
        there.on("DescribeChangeSet", described([change("A", Details=details)]))

        change_set = far.change_set(REGION, ARN)

        assert (expected,) == change_set.changes[0].properties

    def test_early_validation_tells_its_reasons(self, far: Account, there: Loopback) -> None:
        """The change set says only that it failed; DescribeEvents says why. Not verified on AWS."""
        there.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=TOO_EARLY))
        failure = {
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": "Bucket",
            "ValidationStatusReason": "Bucket 'x' already exists.",
        }
        there.on(
            "DescribeEvents",
            answer(OperationEvents=[failure | {"ValidationPath": "/Resources/B"}], NextToken="2"),
            answer(OperationEvents=[failure]),
        )

        change_set = far.change_set(REGION, ARN)

        assert [
            TOO_EARLY,
            "/Resources/B: Bucket 'x' already exists.",
            "Bucket: Bucket 'x' already exists.",
        ] == change_set.reason.splitlines()
        asked = there.asked[1].form
        assert (ARN, "true") == (asked["ChangeSetName"], asked["Filters.FailedEvents"])

    def test_reasons_that_may_not_be_read_hide_nothing(self, far: Account, there: Loopback) -> None:
        """Without the right to DescribeEvents one still learns that validation failed."""
        there.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=TOO_EARLY))
        there.on("DescribeEvents", error("AccessDenied", "not you", 403))

        change_set = far.change_set(REGION, ARN)

        assert TOO_EARLY == change_set.reason

    def test_other_failures_ask_no_more(self, far: Account, there: Loopback) -> None:
        """Nothing to do is the usual failure, and costs one call."""
        nothing = "The submitted information didn't contain changes."
        there.on("DescribeChangeSet", described([], Status="FAILED", StatusReason=nothing))

        change_set = far.change_set(REGION, ARN)

        assert change_set.is_empty
        assert ["DescribeChangeSet"] == there.actions

    def test_what_may_be_repeated_carries_a_token(self, there: Loopback) -> None:
        """An answer that is lost is asked for again: AWS knows by the token that it did it already."""
        account = connect.connect_endpoint(there.url, REGION, ENV.account, "secret")
        there.on("CreateChangeSet", HANG_UP, answer(Id=ARN, StackId=STACK_ID))
        there.on("ExecuteChangeSet", answer())
        there.on("DeleteStack", answer())

        account.create_change_set(ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}"))
        account.execute_change_set(REGION, ARN, "run-2")
        account.delete_stack(REGION, STACK_ID, "run-3")

        tokens = [
            (asked.action, asked.form.get("ClientToken") or asked.form.get("ClientRequestToken"))
            for asked in there.asked
        ]
        assert [
            ("CreateChangeSet", "run-1"),
            ("CreateChangeSet", "run-1"),
            ("ExecuteChangeSet", "run-2"),
            ("DeleteStack", "run-3"),
        ] == tokens

    @pytest.mark.parametrize(("nested", "said"), [(True, "true"), (False, None)])
    def test_nested_stacks_are_included_where_there_are_any(
        self, far: Account, there: Loopback, nested: bool, said: str | None
    ) -> None:
        """The default of the call is to leave them out."""
        there.on("CreateChangeSet", answer(Id=ARN, StackId=STACK_ID))

        far.create_change_set(
            ChangeSetRequest("run-1", "s", REGION, "CREATE", "{}", include_nested=nested)
        )

        assert said == there.asked[0].form.get("IncludeNestedStacks")

    def test_the_change_set_of_a_nested_stack_is_named(self, far: Account, there: Loopback) -> None:
        """A resource that is not a stack has none."""
        there.on("DescribeChangeSet", described([change("A", ChangeSetId=ARN), change("B")]))

        found = far.change_set(REGION, ARN).changes

        assert [ARN, ""] == [each.change_set for each in found]

    def test_an_upload_goes_only_to_our_own_bucket(self, far: Account, there: Loopback) -> None:
        """S3 refuses a bucket of another account; whose we are is asked once."""
        there.on("GetCallerIdentity", answer(**OURS))
        there.on("PUT", Answer())

        far.upload(REGION, "store", "a", b"1")
        far.upload(REGION, "store", "b", b"2")

        assert ["GetCallerIdentity", "PUT", "PUT"] == there.actions
        assert [ENV.account] * 2 == [
            asked.headers["x-amz-expected-bucket-owner"] for asked in there.asked[1:]
        ]

    def test_an_object_is_looked_at_only_in_our_own_bucket(
        self, far: Account, there: Loopback
    ) -> None:
        """The checksum is requested; a refusal is not treated as absence."""
        there.on("GetCallerIdentity", answer(**OURS))
        there.on("HEAD", Answer(status=404), Answer(status=403))

        absent = far.stored_object(REGION, "store", "a")
        with pytest.raises(CloudError, match="s3://store/a: HeadObject: 403"):
            far.stored_object(REGION, "store", "a")

        asked = there.asked[1].headers
        assert absent is None
        assert ENV.account == asked["x-amz-expected-bucket-owner"]
        assert "ENABLED" == asked["x-amz-checksum-mode"]


SKEWED = [
    (
        "SignatureDoesNotMatch",
        (
            "Signature expired: 20261130T120000Z is now earlier than 20261130T121000Z"
            " (20261130T121500Z - 5 min.)"
        ),
    ),
    ("SignatureDoesNotMatch", "Signature not yet current: 20261130T130000Z is still later than …"),
    ("InvalidSignatureException", "Signature expired: 20261130T120000Z is now earlier than …"),
    ("RequestTimeTooSkewed", "The difference between the request time and the current time is …"),
    ("RequestInTheFuture", "Request is in the future"),
]


class TestErrors:
    """What an operator is told when AWS does not do as asked."""

    @pytest.mark.parametrize(
        ("bad", "says"),
        [
            (error("Throttling", "Rate exceeded"), "Throttling: Rate exceeded"),
            (error("RequestLimitExceeded", "Too much", 503), "RequestLimitExceeded"),
            (error("ServiceUnavailable", "Later", 503), "ServiceUnavailable: Later"),
            (error("InternalFailure", "Oops", 500), "InternalFailure: Oops"),
            (Answer("<html>Bad Gateway</html>", 502), "502"),
            (Answer("", 503), "503"),
            (Answer("<html>Log in to this hotel", 200), "no response: Unable to parse response"),
            (HOTEL, "no response: text/html that is not from AWS; is there a proxy"),
            (Answer("", 200), "no response: "),
            (HANG_UP, "no response: Connection was closed"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_no_answer_is_a_lost_one(
        self, far: Account, there: Loopback, bad: Answer, says: str
    ) -> None:
        """Whatever came, it does not say that the operation failed."""
        there.on("DescribeStacks", bad)

        with pytest.raises(UnreachableError) as lost:
            far.stack(REGION, "s")

        assert "s: " in lost.value.message
        assert says in lost.value.message
        assert "running operations continue in AWS" in lost.value.hint

    @pytest.mark.parametrize(
        "bad", [error("Throttling", "Rate exceeded"), Answer("", 503), HANG_UP]
    )
    def test_what_passes_is_tried_again(self, there: Loopback, bad: Answer) -> None:
        """The retries of botocore come first; what it overcomes nobody is told."""
        account = connect.connect_endpoint(there.url, REGION, ENV.account, "secret")
        there.on("DescribeStacks", bad, answer(Stacks=[stack("a")]))

        found = account.stacks(REGION)

        assert ["a"] == [each.name for each in found]
        assert 2 == len(there.asked)

    @pytest.mark.parametrize(
        "call",
        [
            lambda far: far.identity(),
            lambda far: far.stacks(REGION),
            lambda far: far.template(REGION, "s"),
            lambda far: far.parameter(REGION, "p"),
            lambda far: far.stored_object(REGION, "b", "k"),
            lambda far: far.upload(REGION, "b", "k", b"body"),
        ],
        ids=["identity", "stacks", "template", "parameter", "stored", "upload"],
    )
    @pytest.mark.parametrize("body", ["<html/>", "{}", "", "hello"])
    def test_what_is_not_of_aws_is_no_answer(
        self, far: Account, there: Loopback, call: Any, body: str
    ) -> None:
        """Of any protocol, and for S3's uploads, whose answer is empty: not a KeyError, no success."""
        hotel = replace(HOTEL, body=body)
        for action in ("GetCallerIdentity", "DescribeStacks", "GetTemplate", "POST", "HEAD", "PUT"):
            there.on(action, hotel)
        far.__dict__["_id"] = ENV.account  # Or an upload would ask for it first.

        with pytest.raises(UnreachableError) as lost:
            call(far)

        # Of an upload answered in words botocore itself makes a fault of S3.
        assert re.search("text/html that is not from AWS|PutObject: 500", str(lost.value))

    def test_an_upload_without_a_request_id(self, far: Account, there: Loopback) -> None:
        """S3 gives each answer one, whatever its type; an empty one would pass for a success."""
        far.__dict__["_id"] = ENV.account
        there.on("PUT", Answer(headers=(("Content-Type", "application/xml"),)))

        with pytest.raises(UnreachableError, match="application/xml that is not from AWS"):
            far.upload(REGION, "b", "k", b"body")

    @pytest.mark.parametrize(("code", "message"), SKEWED)
    def test_a_request_that_was_signed_too_long_ago_is_signed_again(
        self, far: Account, there: Loopback, code: str, message: str
    ) -> None:
        """A laptop that slept between signing and sending: nobody is told."""
        there.on("DescribeStacks", error(code, message, 403), answer(Stacks=[stack("a")]))

        found = far.stacks(REGION)

        assert ["a"] == [each.name for each in found]
        assert 2 == len(there.asked)

    @pytest.mark.parametrize(("code", "message"), SKEWED)
    @pytest.mark.parametrize(
        ("minutes", "says"),
        [
            (-7, "7 min ahead of AWS"),
            (12, "12 min behind AWS"),
            (0, "correct now, but was wrong before"),
        ],
    )
    def test_a_wrong_clock_is_named(  # noqa: PLR0917
        self, far: Account, there: Loopback, code: str, message: str, minutes: int, says: str
    ) -> None:
        """By how much: AWS says what time it is there. It is no refusal."""
        date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        late = error(code, message, 403)
        there.on("DescribeStacks", replace(late, headers=(*late.headers, ("Date", date))))

        with pytest.raises(ClockError) as told:
            far.stacks(REGION)

        assert f"DescribeStacks: {code}: the clock of this machine is {says}" in told.value.message
        assert told.value.hint.startswith("set the clock")
        assert 2 == len(there.asked)

    def test_a_wrong_clock_is_not_taken_for_a_wrong_log_in(
        self, far: Account, there: Loopback
    ) -> None:
        """Nor for a missing network."""
        there.on("GetCallerIdentity", error(*SKEWED[0], 403))

        with pytest.raises(ClockError, match="set the clock"):
            connect.check_credentials(ENV, far)

    def test_a_wrong_key_is_not_taken_for_a_wrong_clock(
        self, far: Account, there: Loopback
    ) -> None:
        """The code is the same."""
        wrong = "The request signature we calculated does not match the signature you provided."
        there.on("DescribeStacks", error("SignatureDoesNotMatch", wrong, 403))

        with pytest.raises(CloudError, match="SignatureDoesNotMatch: The request") as told:
            far.stacks(REGION)

        assert not isinstance(told.value, UnreachableError)
        assert 1 == len(there.asked)

    def test_expired_credentials_are_named(self, far: Account, there: Loopback) -> None:
        """The operation goes on without us; the way back is to log in."""
        there.on("DescribeStacks", error("ExpiredToken", "The security token is expired", 403))

        with pytest.raises(UnreachableError) as lost:
            far.stacks(REGION)

        assert f"AWS in {REGION}: the credentials have expired" == lost.value.message
        assert "log in again; running operations continue in AWS" in lost.value.hint

    def test_a_denied_call_is_named(self, far: Account, there: Loopback) -> None:
        """Which right is missing is what an operator needs to know."""
        denied = "User: arn:x is not authorized to perform: cloudformation:DescribeStacks"
        there.on("DescribeStacks", error("AccessDenied", denied, 403))

        with pytest.raises(CloudError) as refused:
            far.stack(REGION, "s")

        assert type(refused.value) is CloudError
        assert f"s: DescribeStacks: AccessDenied: {denied}" == refused.value.message

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("AccessDenied", "Stack with id s does not exist"),
            ("ValidationError", "Role arn:aws:iam::1:role/x does not exist"),
            ("ValidationError", "Stack with id s does not exist or you may not see it"),
        ],
    )
    def test_only_an_absent_stack_is_none(
        self, far: Account, there: Loopback, code: str, message: str
    ) -> None:
        """Other errors may use the same words: to take them for absence would create anew."""
        there.on("DescribeStacks", error(code, message))

        with pytest.raises(CloudError, match=code):
            far.stack(REGION, "s")

    def test_an_absent_stack_is_none(self, far: Account, there: Loopback) -> None:
        """The words of AWS."""
        there.on("DescribeStacks", error("ValidationError", "Stack with id s does not exist"))

        assert far.stack(REGION, "s") is None

    def test_nobody_there(self) -> None:
        """A refused connection is told at once, as a lost one."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            account = replace(
                connect.connect_endpoint(url, REGION, ENV.account, "secret"), config=ONCE
            )

            with pytest.raises(UnreachableError, match="no response: Could not connect"):
                account.stacks(REGION)


class TestGuard:
    """Before anything else: this account, this region, these endpoints."""

    def test_the_right_account_passes(
        self, user: pytest.MonkeyPatch, far: Account, there: Loopback
    ) -> None:
        """One call asks who we are."""
        there.on("GetCallerIdentity", answer(**OURS))

        connect.check_credentials(ENV, far)

        assert ["GetCallerIdentity"] == there.actions

    def test_another_account_is_refused(self, far: Account, there: Loopback) -> None:
        """Both accounts are named, and whose credentials these are."""
        there.on("GetCallerIdentity", answer(**THEIRS))

        told = refused(far)

        expected = "dev: these are credentials of account 222222222222, not of 111111111111"
        assert expected == told.message
        assert THEIRS["Arn"] in told.hint
        assert ["GetCallerIdentity"] == there.actions

    @pytest.mark.parametrize(
        ("environment", "config", "says"),
        [
            ({}, "", "Unable to locate credentials"),
            ({"AWS_ACCESS_KEY_ID": "a"}, "", "Partial credentials found in env"),
            ({}, "[default]\naws_access_key_id = a\n", "Partial credentials found in"),
            ({"AWS_PROFILE": "nobody"}, "", "The config profile (nobody) could not be found"),
            ({}, "[default\n", "Unable to parse config file"),
            ({}, "[default]\ncredential_process = /no/such/program\n", "/no/such/program"),
            ({}, "[default]\ncredential_process = false\n", "custom-process"),
            ({}, "[default]\ncredential_process = echo no-json\n", "Expecting value"),
            ({}, "[default]\nmetadata_service_timeout = soon\n", "invalid literal"),
            (
                {},
                SSO,
                "Token for s does not exist",
            ),
        ],
        ids=[
            "none", "half", "half in a file", "unknown profile", "broken file", "no program",
            "program fails", "program says nonsense", "no number", "not logged in",
        ],
    )  # fmt: skip
    def test_no_credentials(
        self, user: pytest.MonkeyPatch, environment: dict[str, str], config: str, says: str
    ) -> None:
        """The account to log in to is named, and how; nothing is asked of AWS."""
        for name, value in environment.items():
            user.setenv(name, value)
        write_config(config)

        told = setup_refused()

        assert told.message.startswith("dev: not logged in: ")
        assert says in told.message
        assert "log in to account 111111111111 (aws sso login" in told.hint

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("ExpiredToken", "The security token included in the request is expired"),
            ("InvalidClientTokenId", "The security token included in the request is invalid."),
            ("SignatureDoesNotMatch", "The request signature we calculated does not match"),
        ],
    )
    def test_rejected_credentials(
        self, far: Account, there: Loopback, code: str, message: str
    ) -> None:
        """Nothing was begun yet, so nothing is lost: log in and begin."""
        there.on("GetCallerIdentity", error(code, message, 403))

        told = refused(far)

        assert told.message.startswith(f"dev: not logged in: AWS in {REGION}: ")
        assert "log in to account" in told.hint
        assert ["GetCallerIdentity"] == there.actions

    @pytest.mark.parametrize(
        ("url", "says"),
        [
            (f"https://sts.{REGION}.invalid", "Could not connect to the endpoint URL"),
            ("https://127.0.0.1:9", "Could not connect to the endpoint URL"),
        ],
        ids=["no such name", "refused"],
    )
    def test_aws_out_of_reach(self, user: pytest.MonkeyPatch, url: str, says: str) -> None:
        """An offline machine hears so within seconds, and once."""
        log_in(user)
        session = botocore.session.Session()

        began = time.monotonic()
        with pytest.raises(UnreachableError) as told:
            connect.check_credentials(ENV, Account(session, REGION, clients.SINGLE_ATTEMPT, url))

        assert time.monotonic() - began < 4
        assert told.value.message.startswith(f"dev: AWS in {REGION}: no response: {says}")
        assert "check the network" in told.value.hint

    def test_aws_hangs(self, user: pytest.MonkeyPatch, there: Loopback) -> None:
        """One attempt, and short: a guard that waits is a guard people switch off."""
        log_in(user)
        there.on("GetCallerIdentity", Answer(seconds=10))
        config = clients.SINGLE_ATTEMPT.merge(Config(read_timeout=0.2))
        session = botocore.session.Session()

        with pytest.raises(UnreachableError, match="no response: Read timeout"):
            connect.check_credentials(ENV, Account(session, REGION, config, there.url))

        assert ["GetCallerIdentity"] == there.actions
        assert (3, 5) == (
            clients.SINGLE_ATTEMPT.connect_timeout,
            clients.SINGLE_ATTEMPT.read_timeout,
        )

    @pytest.mark.parametrize(
        "bad", [error("Throttling", "Rate exceeded"), Answer("", 503), HANG_UP]
    )
    def test_no_answer_is_no_verdict(self, far: Account, there: Loopback, bad: Answer) -> None:
        """AWS that is busy says nothing about the credentials."""
        there.on("GetCallerIdentity", bad)

        with pytest.raises(UnreachableError, match=f"dev: AWS in {REGION}: "):
            connect.check_credentials(ENV, far)

        assert 1 == len(there.asked)


def test_the_emulator_sees_nothing_of_the_user(
    endpoint: emulator.Endpoint, tmp_path: Path, there: Loopback
) -> None:
    """Profiles, keys, endpoints, proxies and models of the user's own: none is read or reached."""
    marker = tmp_path / "helper-ran"
    home = hostile_home(tmp_path / "home", url=there.url, marker=marker)

    done = subprocess.run(
        [sys.executable, "-c", WITNESS, *map(str, (endpoint.url, endpoint.account, home))],
        env=hostile_environment(home, there.url),
        cwd=ROOT,
        input=endpoint.secret_key,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
    seen = json.loads(done.stdout)
    assert endpoint.account == seen["account"]
    assert [] == seen["opened"]
    assert [] == seen["started"]
    assert [["127.0.0.1", int(endpoint.url.rpartition(":")[2])]] == seen["connected"]
    assert not marker.exists()
    assert 0 == there.connections


WITNESS = """
import json, sys
url, account, home = sys.argv[1:]
opened, started, connected = [], [], set()

def witness(event, arguments):
    if event in {"open", "os.listdir", "os.scandir"} and str(arguments[0]).startswith(home):
        opened.append(str(arguments[0]))
    if event in {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"}:
        started.append(str(arguments))
    if event == "socket.connect":
        connected.add(arguments[1])

sys.addaudithook(witness)
from deployer.aws.connect import connect_endpoint
from deployer.errors import CloudError

here = connect_endpoint(url, "ca-central-1", account, sys.stdin.read())
found = here.identity().account
here.stacks("ca-central-1")
try:
    here.upload("ca-central-1", "nobodys", "key", b"")
except CloudError as error:
    assert "NoSuchBucket" in error.message, error
seen = {"account": found, "opened": opened, "started": started, "connected": sorted(connected)}
print(json.dumps(seen))
"""


def hostile_home(home: Path, *, url: str, marker: Path) -> Path:
    """A home whose AWS setup would lead anywhere but to the emulator."""
    folder = home / ".aws"
    model = folder / "models" / "cloudformation" / "2010-05-15"
    model.mkdir(parents=True)
    (model / "service-2.json").write_text("{}")
    (folder / "config").write_text(
        textwrap.dedent(f"""
            [default]
            region = eu-west-1
            endpoint_url = {url}
            services = elsewhere
            credential_process = touch {marker}
            s3 =
              use_accelerate_endpoint = true
            [profile mine]
            region = eu-west-1
            endpoint_url = {url}
            role_arn = arn:aws:iam::222222222222:role/mine
            source_profile = default
            credential_process = touch {marker}
            [services elsewhere]
            cloudformation =
              endpoint_url = {url}
        """)
    )
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = mine\naws_secret_access_key = mine\n"
    )
    return home


def hostile_environment(home: Path, url: str) -> dict[str, str]:
    """Every variable that botocore reads, set to something that must not be used."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_PROFILE": "mine",
        "AWS_DEFAULT_PROFILE": "mine",
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_STS": url,
        "AWS_ENDPOINT_URL_CLOUDFORMATION": url,
        "AWS_ENDPOINT_URL_S3": url,
        "HTTP_PROXY": url,
        "HTTPS_PROXY": url,
        "ALL_PROXY": url,
        "http_proxy": url,
        "https_proxy": url,
        "all_proxy": url,
        "AWS_CA_BUNDLE": str(home / "missing.pem"),
        "REQUESTS_CA_BUNDLE": str(home / "missing.pem"),
        "AWS_DATA_PATH": str(home / ".aws" / "models"),
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_MAX_ATTEMPTS": "nonsense",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_DEFAULTS_MODE": "nonsense",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "nonsense",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "nonsense",
        "AWS_STS_REGIONAL_ENDPOINTS": "nonsense",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
        "AWS_CSM_ENABLED": "true",
        "BOTOCORE_EXPERIMENTAL__PLUGINS": "x=this",  # It would print a poem.
    }


def test_a_run_with_nothing_to_do_asks_once(account: Account, endpoint: emulator.Endpoint) -> None:
    """One GetCallerIdentity, one DescribeStacks for each region, however many stacks there are."""
    env = msgspec.structs.replace(ENV, account=endpoint.account)
    wanted = synth.synth(three_layers(env))
    run(account, env, wanted)
    asked = listen(account)

    second = run(account, env, wanted)

    assert {Outcome.KEPT} == set(second.values())
    assert {
        ("GetCallerIdentity", REGION): 1,
        ("DescribeStacks", REGION): 1,
        ("DescribeStacks", "us-east-1"): 1,
    } == asked


@dataclass(frozen=True)
class Stored:
    """The outputs of the stack with the artifact bucket."""

    bucket: Value


def one_bucket(t: Template, _: Env) -> Stored:
    """The artifact bucket."""
    enabled = s3.VersioningConfiguration(Status="Enabled")
    return Stored(t.add_resource(s3.Bucket("Bucket", VersioningConfiguration=enabled)).ref())


def with_nested(t: Template, env: Env, given: Stored) -> Given:
    """A stack whose VPC is in a stack of its own, which CloudFormation reads from the bucket."""
    return t.nest("Inner", lambda t, env, *_: one_vpc(t, env), env, None, given, store=given.bucket)


def nested_layers(env: Env) -> Layers:
    """The bucket, and the stack that needs it."""
    layers = Layers(env)
    base = layers.add("base", one_bucket)
    layers.use_artifact_bucket(base.bucket)
    layers.add("outer", with_nested, base)
    return layers


def test_a_poisoned_template_is_replaced(account: Account, endpoint: emulator.Endpoint) -> None:
    """Under the key of a coming nested stack there is another template: ours is deployed."""
    env = msgspec.structs.replace(ENV, account=endpoint.account)
    wanted = synth.synth(nested_layers(env))
    [part] = wanted[1].nested
    run(account, env, wanted[:1])
    bucket = stack_of(account, "base").outputs["Bucket"]
    poisoned = json.dumps(template(Backdoor=topic()))
    account.client("s3", REGION).put_object(Bucket=bucket, Key=part.key, Body=poisoned)

    done = run(account, env, wanted)

    assert Outcome.CREATED is done["crd-dev-outer"]
    [inner] = [each for each in account.stacks(REGION) if each.is_nested]
    assert part.text == account.template(REGION, inner.name)


def stack_of(account: Account, layer: str) -> DeployedStack:
    """The deployed stack of a layer."""
    found = account.stack(REGION, ENV.stack_name(layer))
    assert found
    return found


def test_a_first_run_writes_twice_for_each_stack(
    account: Account, endpoint: emulator.Endpoint
) -> None:
    """A change set is made and executed; all else is looking."""
    env = msgspec.structs.replace(ENV, account=endpoint.account)
    wanted = synth.synth(three_layers(env))
    asked = listen(account)

    first = run(account, env, wanted)

    assert {Outcome.CREATED} == set(first.values())
    looking = ("Describe", "Get")
    writes = {call: times for call, times in asked.items() if not call[0].startswith(looking)}
    assert {
        ("CreateChangeSet", REGION): 2,
        ("ExecuteChangeSet", REGION): 2,
        ("CreateChangeSet", "us-east-1"): 1,
        ("ExecuteChangeSet", "us-east-1"): 1,
    } == writes
