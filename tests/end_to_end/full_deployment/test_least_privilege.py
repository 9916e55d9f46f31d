"""Each function has the permissions that it needs, and no others.

The table FUNCTIONS has a check for each function. For every action that a template grants to the
function's role, a test removes only this action. Then the check must fail: otherwise the action is
unnecessary. NOT_ENFORCED lists the actions that the emulator does not check.
"""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from shared.avatars import avatar_key, upload_key
from tests.dynamodb import string_item
from tests.emulator_server import REGION
from tests.end_to_end.full_deployment import roles
from tests.stacks.templates import config_of, emit

if TYPE_CHECKING:
    from tests.end_to_end.deployed import Deployed

# Actions that the emulator does not check, and the reason: see docs/emulator.md.
NOT_ENFORCED = {
    "logs:CreateLogStream": "the emulator writes logs itself",
    "logs:PutLogEvents": "the emulator writes logs itself",
    "dynamodb:DescribeStream": "the emulator reads streams itself",
    "dynamodb:GetRecords": "the emulator reads streams itself",
    "dynamodb:GetShardIterator": "the emulator reads streams itself",
    "dynamodb:ListStreams": "the emulator reads streams itself",
    "s3:ListBucket": "the emulator answers 404 for a missing key without this permission",
    "sqs:SendMessage": "the emulator sends failures to the queue itself",
    "ec2:AssignPrivateIpAddresses": "the emulator has no network interfaces",
    "ec2:CreateNetworkInterface": "the emulator has no network interfaces",
    "ec2:DeleteNetworkInterface": "the emulator has no network interfaces",
    "ec2:DescribeNetworkInterfaces": "the emulator has no network interfaces",
    "ec2:DescribeSubnets": "the emulator has no network interfaces",
    "ec2:UnassignPrivateIpAddresses": "the emulator has no network interfaces",
}


@dataclass(frozen=True)
class Function:
    """A function: its stack, a check that it works, and an action that its role must not allow."""

    stack: str
    works: Callable[[Deployed], bool]
    forbidden: Callable[[Deployed, boto3.Session], object]


def authorizes(deployed: Deployed) -> bool:
    """Return whether a request without a token is refused; this needs no permission."""
    return invoked(deployed, "avatars", "Authorizer", {"headers": {}}) == {"isAuthorized": False}


def uploads(deployed: Deployed) -> bool:
    """Return whether an upload to the signed URL is stored."""
    sub = str(uuid.uuid4())
    event = {
        "requestContext": {"authorizer": {"lambda": {"sub": sub}}},
        "body": json.dumps({"extension": "jpg", "size": 3}),
    }
    url = json.loads(invoked(deployed, "avatars", "UploadUrl", event)["body"])["url"]
    try:
        urlopen(  # noqa: S310  The emulator.
            Request(url, b"abc", {"Content-Type": "image/jpeg"}, method="PUT")  # noqa: S310
        ).close()
    except HTTPError:
        return False
    return True


def creates_avatars(deployed: Deployed) -> bool:
    """Return whether an upload becomes an avatar; the event of a deleted upload must not fail."""
    existing, deleted = str(uuid.uuid4()), str(uuid.uuid4())
    uploads, avatars = (
        deployed.outputs["avatars"]["UploadBucket"],
        deployed.outputs["assets"]["AvatarBucket"],
    )
    s3 = deployed.client("s3")
    with without_notifications(s3, uploads):
        s3.put_object(Bucket=uploads, Key=upload_key(existing), Body=photo())
        records = [created(uploads, avatar) for avatar in (existing, deleted)]
        try:
            invoked(deployed, "avatars", "Thumbnail", {"Records": records})
        except FailedError:
            return False
    found = s3.list_objects_v2(Bucket=avatars, Prefix=avatar_key(existing))
    return bool(found.get("Contents"))


def confirms(deployed: Deployed) -> bool:
    """Return whether the trigger accepts a confirmed user."""
    sub = str(uuid.uuid4())
    attributes = {"email": f"{sub}@cruddur.example", "name": "Anna", "preferred_username": sub[:8]}
    event = {
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "region": REGION,
        "userPoolId": deployed.outputs["users"]["Pool"],
        "userName": sub,
        "request": {"userAttributes": {"sub": sub, **attributes}},
        "response": {},
    }
    try:
        return invoked(deployed, "users", "PostConfirmation", event) == event
    except FailedError:
        return False


def reconciles(deployed: Deployed) -> bool:
    """Return whether the users of the pool can be passed to PostConfirmation."""
    try:
        return {*invoked(deployed, "users", "ReconcileUsers", {})} == {"users", "added", "refused"}
    except FailedError:
        return False


def migrates(deployed: Deployed) -> bool:
    """Return whether the status of migrations can be read."""
    try:
        return bool(invoked(deployed, "users", "Migrate", {"do": "status"}))
    except FailedError:
        return False


def expires(deployed: Deployed) -> bool:
    """Return whether expired posts can be deleted."""
    try:
        return invoked(deployed, "posts", "ExpirePosts", {}) == {"deleted": 0}
    except FailedError:
        return False


def updates_conversations(deployed: Deployed) -> bool:
    """Return whether both items of a conversation have a new message."""
    table, group, now = deployed.outputs["messages"]["Table"], str(uuid.uuid4()), datetime.now(UTC)
    users = [str(uuid.uuid4()) for _ in range(2)]
    dynamodb = deployed.client("dynamodb")
    for user, other in zip(users, reversed(users), strict=True):
        item = {
            "pk": f"GRP#{user}",
            "sk": now.isoformat(timespec="microseconds"),
            "message_group_uuid": group,
        }
        item |= {"message": "Hello", "user_uuid": other}
        item |= {"user_handle": other[:8], "user_display_name": other[:8]}
        dynamodb.put_item(TableName=table, Item=string_item(item))
    later = (now + timedelta(seconds=1)).isoformat(timespec="microseconds")
    new = {"pk": f"MSG#{group}", "sk": later, "message": "Again"}
    new |= {"message_uuid": str(uuid.uuid4()), "user_uuid": users[0]}
    new |= {"user_handle": "anna", "user_display_name": "Anna"}
    event = {"Records": [inserted(new)]}
    try:
        answer = invoked(deployed, "messages", "MessagingStream", event)
    except FailedError:
        return False
    return answer == {"batchItemFailures": []} and all(
        sort_keys(dynamodb, table, user) == [new["sk"]] for user in users
    )


def reads(stack: str, output: str, key: str) -> Callable[[Deployed, boto3.Session], object]:
    """Return a function that reads an object of a bucket."""

    def reading(deployed: Deployed, session: boto3.Session) -> object:
        s3 = session.client("s3", endpoint_url=deployed.endpoint.url)
        return s3.get_object(Bucket=deployed.outputs[stack][output], Key=key)

    return reading


FUNCTIONS = {
    "Authorizer": Function("avatars", authorizes, reads("avatars", "UploadBucket", "originals/x")),
    "UploadUrl": Function("avatars", uploads, reads("avatars", "UploadBucket", "originals/x")),
    "Thumbnail": Function(
        "avatars", creates_avatars, reads("assets", "PictureBucket", "defaults/avatar.jpg")
    ),
    "PostConfirmation": Function("users", confirms, roles.connects_as("Migrator")),
    "ReconcileUsers": Function("users", reconciles, roles.scans),
    "ExpirePosts": Function("posts", expires, roles.connects_as("Migrator")),
    "Migrate": Function("users", migrates, roles.connects_as("Application")),
    "MessagingStream": Function("messages", updates_conversations, roles.scans),
}
GRANTED = [
    (title, action)
    for title, function in FUNCTIONS.items()
    for action in dict.fromkeys(roles.granted(title, function.stack))
]


def test_every_function_with_permissions_has_a_row():
    """A function has a row if its role allows an action that the emulator enforces."""
    functions = {
        title: stack
        for stack, emitted in emit(config_of("local")).items()
        for title in emitted.of("AWS::Lambda::Function")
    }
    with_permissions = {
        title
        for title, stack in functions.items()
        if {*roles.granted(title, stack)} - {*NOT_ENFORCED}
    }

    assert with_permissions <= FUNCTIONS.keys() <= functions.keys()


def test_unenforced_actions_are_granted():
    """Every action that is not enforced is granted to a function."""
    assert NOT_ENFORCED.keys() <= {action for _, action in GRANTED}


@pytest.mark.parametrize("title", FUNCTIONS)
def test_works_with_its_role(deployed, title):
    """The function works with the permissions of its role."""
    assert FUNCTIONS[title].works(deployed)


@pytest.mark.parametrize(
    ("title", "action"),
    [(title, action) for title, action in GRANTED if action not in NOT_ENFORCED],
)
def test_needs_every_permission(deployed, title, action):
    """The function fails without this action."""
    with roles.without(deployed, role_of(deployed, title), action):
        assert not FUNCTIONS[title].works(deployed)

    assert FUNCTIONS[title].works(deployed)


@pytest.mark.parametrize("title", FUNCTIONS)
def test_other_actions_are_denied(deployed, title):
    """The role of the function is denied an action that another role is allowed."""
    with pytest.raises((ClientError, psycopg.OperationalError)) as refused:
        FUNCTIONS[title].forbidden(deployed, roles.session(deployed, role_of(deployed, title)))

    reasons = ("AccessDenied", "PAM authentication failed")
    assert any(reason in str(refused.value) for reason in reasons)


class FailedError(Exception):
    """An invocation ended with an error."""


def invoked(deployed: Deployed, stack: str, title: str, event: Mapping[str, Any]) -> Any:
    """Invoke the function with *event* and return its result."""
    response = deployed.client("lambda").invoke(
        FunctionName=deployed.outputs[stack][title], Payload=json.dumps(event)
    )
    result = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise FailedError(result)
    return result


def role_of(deployed: Deployed, title: str) -> str:
    """Return the name of the function's execution role."""
    name = deployed.outputs[FUNCTIONS[title].stack][title]
    found = deployed.client("lambda").get_function_configuration(FunctionName=name)
    return str(found["Role"]).rpartition("/")[2]


@contextmanager
def without_notifications(s3: Any, bucket: str) -> Iterator[None]:
    """Disable the notifications of a bucket."""
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    configuration.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )


def created(bucket: str, avatar: str) -> dict[str, Any]:
    """Return the record of S3 about an upload."""
    entity = {"bucket": {"name": bucket}, "object": {"key": upload_key(avatar)}}
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": entity}


def inserted(item: dict[str, str]) -> dict[str, Any]:
    """Return the record of a DynamoDB stream about a new item."""
    image = string_item(item)
    keys = {name: image[name] for name in ("pk", "sk")}
    change = {"Keys": keys, "NewImage": image, "SequenceNumber": str(time.time_ns())}
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": change,
    }


def sort_keys(dynamodb: Any, table: str, user: str) -> list[str]:
    """Return the sort keys of a user's conversations."""
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"GRP#{user}"}},
    )
    return [item["sk"]["S"] for item in found["Items"]]


def photo() -> bytes:
    """Return a small photo."""
    file = io.BytesIO()
    Image.new("RGB", (600, 600), (1, 2, 3)).save(file, "JPEG")
    return file.getvalue()
