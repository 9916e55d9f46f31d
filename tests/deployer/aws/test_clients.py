"""Clients whose calls raise the errors of the deployer."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.account import Account
from deployer.aws.clients import SINGLE_ATTEMPT, STANDARD
from deployer.errors import CloudError, UnreachableError
from tests.deployer.aws.responses import ARN, REGION, STACK_ID
from tests.loopback import CLOSE_CONNECTION, Loopback, error


@pytest.mark.parametrize(
    ("service", "call", "parameters", "action", "place"),
    [
        ("cloudformation", "describe_stacks", {}, "DescribeStacks", f"AWS in {REGION}"),
        ("cloudformation", "describe_stacks", {"StackName": "s"}, "DescribeStacks", "s"),
        (
            "cloudformation",
            "delete_stack",
            {"ClientRequestToken": "token", "StackName": STACK_ID},
            "DeleteStack",
            "crd-dev-network",
        ),
        (
            "cloudformation",
            "delete_change_set",
            {"ChangeSetName": ARN},
            "DeleteChangeSet",
            "run",
        ),
        ("sts", "get_caller_identity", {}, "GetCallerIdentity", f"AWS in {REGION}"),
        ("s3", "put_object", {"Bucket": "b", "Key": "a/k"}, "PUT", "s3://b/a/k"),
        ("s3", "put_object", {"Bucket": "b", "Key": "a\n"}, "PUT", r"s3://b/a\n"),
        ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "p"}, "GET", "s3://b"),
    ],
)
def test_an_error_has_the_resource_of_the_call(  # noqa: PLR0917  # a table
    fake_account: Account,
    fake_aws: Loopback,
    service: str,
    call: str,
    parameters: dict[str, Any],
    action: str,
    place: str,
) -> None:
    """Required parameters come first, and ARNs of CloudFormation are shortened."""
    fake_aws.on(action, CLOSE_CONNECTION)
    client = fake_account.client(service, REGION)

    with pytest.raises(UnreachableError) as raised:
        getattr(client, call)(**parameters)

    assert raised.value.message.startswith(f"{place}: no response: ")


def test_a_list_of_names_is_the_place(fake_account: Account) -> None:
    """The place of an error is the list of names, if a call reads several parameters."""
    client = fake_account.client("ssm", REGION)

    with pytest.raises(CloudError) as raised:
        client.get_parameters(Names=["/a", "/b"], Unknown=1)

    assert raised.value.message.startswith("/a, /b: Parameter validation failed")


def test_a_secret_is_never_the_place(fake_account: Account) -> None:
    """Parameters that AWS declares as sensitive are not in errors."""
    client = fake_account.client("cognito-idp", REGION)

    with pytest.raises(CloudError) as raised:
        client.change_password(PreviousPassword="one", ProposedPassword="two", AccessToken=1)

    place, _, _ = raised.value.message.partition(": Parameter validation")
    assert place == f"AWS in {REGION}"


def test_an_error_has_the_code_of_aws(fake_account: Account, fake_aws: Loopback) -> None:
    """Callers compare the code, not the message."""
    fake_aws.on("DescribeStacks", error("AccessDenied", "not you", 403))

    with pytest.raises(CloudError) as raised:
        fake_account.client("cloudformation", REGION).describe_stacks()

    assert raised.value.aws_code == "AccessDenied"


def test_paginators_raise_the_same_errors(fake_account: Account, fake_aws: Loopback) -> None:
    """Each page is a call of the client."""
    fake_aws.on("DescribeStacks", error("AccessDenied", "not you", 403))
    paginator = fake_account.client("cloudformation", REGION).get_paginator("describe_stacks")

    with pytest.raises(CloudError, match="DescribeStacks: AccessDenied: not you"):
        list(paginator.paginate())


def test_a_client_is_created_once(fake_account: Account) -> None:
    """Each service has one client per region."""
    first = fake_account.client("sts", REGION)

    assert first is fake_account.client("sts", REGION)
    assert first is not fake_account.client("sts", "us-east-1")


def test_the_timeouts_and_retries() -> None:
    """A check of credentials has one short attempt; all other calls are retried."""
    assert (
        SINGLE_ATTEMPT.connect_timeout,
        SINGLE_ATTEMPT.read_timeout,
        SINGLE_ATTEMPT.retries["total_max_attempts"],
    ) == (3, 5, 1)
    assert (
        STANDARD.connect_timeout,
        STANDARD.read_timeout,
        STANDARD.retries["total_max_attempts"],
        STANDARD.retries["mode"],
    ) == (5, 60, 8, "standard")
