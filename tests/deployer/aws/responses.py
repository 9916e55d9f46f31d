"""Helpers for the tests of the access to AWS: responses, and stacks in the emulator."""

from __future__ import annotations

import json
import time
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from deployer.aws.account import Account
from deployer.aws.cloud import (
    ChangeSet,
    ChangeSetRequest,
    DeployedStack,
)
from deployer.model import Env
from tests import emulator_server
from tests.loopback import Response, response

REGION = emulator_server.REGION


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


# The login page of a public network. It is valid XML, so botocore would read it as an empty response.
LOGIN_PAGE = Response("<html><body>Log in</body></html>", headers=(("Content-Type", "text/html"),))


OWN_IDENTITY = {"Account": ENV.account, "Arn": f"arn:aws:iam::{ENV.account}:user/engineer"}


ARN = f"arn:aws:cloudformation:{REGION}:111111111111:changeSet/run/1"


STACK_ID = f"arn:aws:cloudformation:{REGION}:111111111111:stack/crd-dev-network/1"


ONCE = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}, proxies={})


def valid_response(operation: str, **result: Any) -> Response:
    """Return a response of CloudFormation; fail if botocore's model has no such response."""
    model = botocore.session.get_session().get_service_model("cloudformation")
    report = ParamValidator().validate(result, model.operation_model(operation).output_shape)
    assert report.generate_report() == ""
    return response(**result)


def create_change_set(account: Account, body: Any, **more: Any) -> ChangeSet:
    """Create a change set of the stack `s`, by default an update, and return it when it is ready."""
    text = body if isinstance(body, str) else json.dumps(body)
    known = {"name": "change", "stack": "s", "region": REGION, "kind": "UPDATE", "text": text}
    arn = account.create_change_set(ChangeSetRequest(**known | more))
    while (change_set := account.change_set(arn.split(":")[3], arn)).is_pending:
        time.sleep(0.01)
    return change_set


def deploy(account: Account, body: Any, *, kind: str = "CREATE", **more: Any) -> DeployedStack:
    """Create and execute a change set, and return the stack after the operation."""
    change_set = create_change_set(account, body, kind=kind, name=f"c{time.monotonic_ns()}", **more)
    account.execute_change_set(change_set.region, change_set.arn, "token")
    return wait_for_operations(account, change_set.stack_id)


def wait_for_operations(account: Account, stack_id: str) -> DeployedStack:
    """Return the stack when no operation runs any more."""
    region = stack_id.split(":")[3]
    while (found := account.stack(region, stack_id)) is None or found.is_busy:
        time.sleep(0.01)
    return found


def stack(name: str) -> dict[str, Any]:
    """Return a stack of DescribeStacks."""
    created = "2026-11-21T00:00:00Z"
    return {"StackName": name, "StackStatus": "CREATE_COMPLETE", "CreationTime": created}


def event(number: int) -> dict[str, Any]:
    """Return an event of DescribeStackEvents."""
    at = f"2026-11-21T00:00:0{number}Z"
    return {"EventId": number, "StackId": STACK_ID, "StackName": "s", "Timestamp": at}


def described(changes: list[Any], **more: Any) -> Response:
    """Return a page of DescribeChangeSet."""
    known = {
        "ChangeSetId": ARN,
        "ChangeSetName": "run",
        "StackId": STACK_ID,
        "StackName": "crd-dev-network",
        "Status": "CREATE_COMPLETE",
    }
    return response(**known | more, Changes=[{"ResourceChange": change} for change in changes])


def change(logical_id: str, **more: Any) -> dict[str, Any]:
    """Return a change of DescribeChangeSet."""
    return {"Action": "Modify", "LogicalResourceId": logical_id} | more


def detail(recreation: str = "Never", *, cause: str = "", **target: str) -> dict[str, Any]:
    """Return a detail of DescribeChangeSet about the property P."""
    known = {"Attribute": "Properties", "Name": "P", "Path": "/Properties/P"}
    caused = {"CausingEntity": cause} if cause else {}
    return {"Target": known | {"RequiresRecreation": recreation} | target} | caused


def log_in(user: pytest.MonkeyPatch) -> None:
    """Set invalid access keys."""
    user.setenv("AWS_ACCESS_KEY_ID", "key")
    user.setenv("AWS_SECRET_ACCESS_KEY", "secret")


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
