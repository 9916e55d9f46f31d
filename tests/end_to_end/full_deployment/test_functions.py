"""Tests of the deployed Lambda functions in the actions of a user, from sign-up to messages."""

from __future__ import annotations

import io
import json
import queue
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from PIL import Image

import emulator
from shared.avatars import avatar_id, avatar_key, upload_key
from tests.dynamodb import string_item
from tests.emulator.own_emulator import wait_until
from tests.srp import decode_base64url, sign_in
from tests.viewer import ViewerResponse, view
from tests.webhook import NOTIFICATION, verify, webhook

if TYPE_CHECKING:
    from tests.end_to_end.deployed import Deployed

SITE, ASSETS = "https://cruddur.localhost", "https://assets.cruddur.localhost"
PASSWORD = "Correct-horse-1"
# Exif 2.32: the tags of location and orientation; 8 means rotated by a quarter turn.
GPS, ORIENTATION, ROTATED = 0x8825, 0x0112, 8
RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_user_uploads_avatar(deployed):
    """A user signs up, signs in and uploads a photo, which is then served as the avatar."""
    mail = "anna@cruddur.example"
    sign_up(deployed, mail, name="Anna", handle="anna")
    tokens = signed_in(deployed, mail)
    sub = json.loads(decode_base64url(tokens["AccessToken"].split(".")[1]))["sub"]
    address = f"{ASSETS}/{avatar_key(avatar_id(sub))}"
    before = view(deployed.endpoint, address)

    with deployed.application() as application:
        rows = application.execute(
            "SELECT display_name, handle, email FROM users WHERE cognito_user_id = %s", [sub]
        ).fetchall()
    assert [("Anna", "anna", mail)] == rows

    with subscribed_webhook(deployed) as notifications:
        photo = rotated_photo()
        answer = request_upload_url(
            deployed, tokens["AccessToken"], extension="jpg", size=len(photo)
        )
        assert answer.status == 200, answer.body
        upload(json.loads(answer.body)["url"], photo)
        kind, message = notifications.get(timeout=15)

    assert kind == "Notification"
    assert message["SignatureVersion"] == "2"
    verify(message, NOTIFICATION)
    [record] = json.loads(message["Message"])["Records"]
    assert avatar_key(avatar_id(sub)) == record["s3"]["object"]["key"]
    served = view(deployed.endpoint, address)
    avatar = Image.open(io.BytesIO(served.body))
    assert (served.status, served.headers["Content-Type"]) == (200, "image/jpeg")
    assert (avatar.format, avatar.mode, avatar.size) == ("JPEG", "RGB", (512, 512))
    assert dict(avatar.getexif()) == {}
    assert similar(RED, avatar.getpixel((256, 20)))
    assert similar(BLUE, avatar.getpixel((256, 491)))
    default = deployed.client("s3").get_object(
        Bucket=deployed.outputs["assets"]["PictureBucket"], Key="defaults/avatar.jpg"
    )
    assert (200, default["Body"].read()) == (before.status, before.body)


def test_a_user_without_a_row(deployed):
    """Cognito invokes no function for a user whom an administrator adds; the reconciliation adds it."""
    mail, pool = "vir@cruddur.example", deployed.outputs["users"]["Pool"]
    cognito = deployed.client("cognito-idp")
    attributes = {
        "email": mail,
        "email_verified": "true",
        "name": "Vir Cotto",
        "preferred_username": "vir",
    }
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=mail,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=mail, Password=PASSWORD, Permanent=True
    )

    invoked = deployed.checkout.run("lambda.invoke", "reconcile_users", "--event=schedule")

    assert json.loads(invoked.out)["added"] == 1
    with deployed.application() as application:
        found = application.execute("SELECT handle FROM users WHERE email = %s", [mail]).fetchall()
    assert found == [("vir",)]


def test_only_access_tokens_of_the_pool_are_accepted(deployed):
    """The API accepts only access tokens of the user pool."""
    mail = "ben@cruddur.example"
    sign_up(deployed, mail, name="Ben", handle="ben")
    tokens = signed_in(deployed, mail)
    request_with = partial(request_upload_url, deployed, extension="png", size=1000)

    answers = {
        "none": request_with("").status,
        "an id token": request_with(tokens["IdToken"]).status,
        "another pool": request_with(foreign_token(deployed)).status,
        "an invalid signature": request_with(tokens["AccessToken"][:-4] + "AAAA").status,
    }

    assert {"none": 401} | dict.fromkeys([*answers][1:], 403) == answers
    assert request_with(tokens["AccessToken"]).status == 200


def test_invalid_uploads_are_refused(deployed):
    """An invalid request gets all its errors, and only the site is an allowed CORS origin."""
    mail = "carla@cruddur.example"
    sign_up(deployed, mail, name="Carla", handle="carla")
    token = signed_in(deployed, mail)["AccessToken"]

    answer = request_upload_url(deployed, token, extension="svg", size=0)
    preflights = {
        origin: view(
            deployed.endpoint,
            api(deployed),
            "OPTIONS",
            origin=origin,
            access_control_request_method="POST",
        ).headers["Access-Control-Allow-Origin"]
        for origin in (SITE, "https://elsewhere.example")
    }

    assert (
        answer.status,
        json.loads(answer.body)["errors"],
    ) == (400, ["extension_unsupported", "size_invalid"])
    assert preflights == {SITE: SITE, "https://elsewhere.example": None}


def test_a_conversation_shows_its_newest_message(deployed):
    """Each user of a conversation has one item for it, with the newest message."""
    table = deployed.outputs["messages"]["Table"]
    dynamodb = deployed.client("dynamodb")
    group, anna, ben = (str(uuid.uuid4()) for _ in range(3))
    started, later = (datetime.now(UTC).isoformat() for _ in range(2))
    users = {anna: (ben, "ben"), ben: (anna, "anna")}
    dynamodb.batch_write_item(
        RequestItems={
            table: [
                {"PutRequest": {"Item": string_item(item)}}
                for item in (
                    *(
                        {
                            "pk": f"GRP#{user}",
                            "sk": started,
                            "message_group_uuid": group,
                            "message": "Hello",
                            "user_uuid": other,
                            "user_handle": handle,
                            "user_display_name": handle.title(),
                        }
                        for user, (other, handle) in users.items()
                    ),
                    message(group, started, "Hello", anna, "anna"),
                )
            ]
        }
    )
    dynamodb.put_item(TableName=table, Item=string_item(message(group, later, "Again", ben, "ben")))

    def items(user: str) -> list[dict[str, Any]]:
        found = dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"GRP#{user}"}},
        )["Items"]
        return [{name: value["S"] for name, value in item.items()} for item in found]

    wait_until(lambda: [item["sk"] for item in items(anna)] == [later], seconds=15)
    wait_until(lambda: [item["sk"] for item in items(ben)] == [later], seconds=15)
    for user, (other, handle) in users.items():
        [item] = items(user)
        assert ("Again", other, handle) == (item["message"], item["user_uuid"], item["user_handle"])


def test_operator_uploads_and_clears_avatar(deployed, tmp_path):
    """`avatar.upload` replaces the avatar of a user, and `avatar.delete` removes it."""
    user = deployed.client("cognito-idp").admin_create_user(
        UserPoolId=deployed.outputs["users"]["Pool"], Username=f"{uuid.uuid4()}@cruddur.example"
    )["User"]
    sub = user["Username"]
    file = tmp_path / "photo.png"
    Image.new("RGB", (700, 600), RED).save(file)

    url = deployed.checkout.run("avatar.upload", f"--sub={sub}", f"--file={file}").out.strip()
    shown = view(deployed.endpoint, url)
    again = deployed.checkout.run("avatar.upload", f"--sub={sub}", f"--file={file}").out.strip()
    deployed.checkout.run("avatar.delete", f"--sub={sub}")

    host = f"assets.cruddur.localhost:{urlsplit(deployed.endpoint.url).port}"
    assert f"http://{host}/{avatar_key(avatar_id(sub))}" == url == again
    assert similar(RED, Image.open(io.BytesIO(shown.body)).getpixel((256, 256)))
    assert (
        keys(deployed, deployed.outputs["avatars"]["UploadBucket"], upload_key(avatar_id(sub)))
        == []
    )
    assert (
        keys(deployed, deployed.outputs["assets"]["AvatarBucket"], avatar_key(avatar_id(sub))) == []
    )


@pytest.mark.parametrize(
    ("name", "event", "answer"),
    [
        ("authorizer", "without_token", {"isAuthorized": False}),
        ("thumbnail", "test", None),
        ("migrate", "status", None),
        ("messaging_stream", "nothing_new", {"batchItemFailures": []}),
        ("upload_url", "refused", None),
    ],
)
def test_any_function_can_be_invoked_with_a_sample(deployed, name, event, answer):
    """`lambda.invoke` invokes a function with a sample event from its folder."""
    result = json.loads(deployed.checkout.run("lambda.invoke", name, f"--event={event}").out)

    if answer is not None:
        assert answer.items() <= result.items()


def test_invoke_refuses_unknown_function_or_event(deployed):
    """The errors for an unknown function and a missing event file name what is available."""
    unknown = deployed.checkout.run("lambda.invoke", "thumb", code=1).err
    missing = deployed.checkout.run("lambda.invoke", "thumbnail", "--event=absent", code=1).err

    assert "thumb: no such function" in unknown
    assert "thumbnail" in unknown.splitlines()[-1]
    assert "--event=absent: No such file" in missing


def sign_up(deployed: Deployed, mail: str, *, name: str, handle: str) -> None:
    """Sign up, and confirm with the code from the message."""
    user = {"ClientId": deployed.outputs["users"]["Client"], "Username": mail}
    profile = {"email": mail, "name": name, "preferred_username": handle}
    attributes = [{"Name": key, "Value": value} for key, value in profile.items()]
    with deployed.anonymous("cognito-idp") as cognito:
        cognito.sign_up(**user, Password=PASSWORD, UserAttributes=attributes)
        [message] = [
            message for message in emulator.messages(deployed.endpoint) if message.to == mail
        ]
        cognito.confirm_sign_up(**user, ConfirmationCode=message.secret)


def signed_in(deployed: Deployed, mail: str) -> dict[str, str]:
    """Sign in and return the tokens."""
    users = deployed.outputs["users"]
    with deployed.anonymous("cognito-idp") as cognito:
        return sign_in(cognito, users["Pool"], users["Client"], mail, PASSWORD)


def foreign_token(deployed: Deployed) -> str:
    """Return a valid access token of another user pool."""
    admin = deployed.client("cognito-idp")
    pool = admin.create_user_pool(PoolName="other")["UserPool"]["Id"]
    client = admin.create_user_pool_client(
        UserPoolId=pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
    )["UserPoolClient"]["ClientId"]
    admin.admin_create_user(UserPoolId=pool, Username="eve", MessageAction="SUPPRESS")
    admin.admin_set_user_password(
        UserPoolId=pool, Username="eve", Password=PASSWORD, Permanent=True
    )
    with deployed.anonymous("cognito-idp") as cognito:
        return sign_in(cognito, pool, client, "eve", PASSWORD)["AccessToken"]


def api(deployed: Deployed) -> str:
    """Return the URL of the API route that returns signed upload URLs."""
    return f"https://{deployed.outputs['avatars']['ApiDomain']}/avatars/key_upload"


def request_upload_url(deployed: Deployed, token: str, **body: Any) -> ViewerResponse:
    """Request a signed upload URL, as a page does."""
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    headers = {"Origin": SITE, "Content_Type": "application/json"} | authorization
    return view(deployed.endpoint, api(deployed), "POST", json.dumps(body).encode(), **headers)


def upload(url: str, photo: bytes) -> None:
    """Upload *photo* to the signed URL, as a browser does."""
    request = Request(url, photo, {"Content-Type": "image/jpeg"}, method="PUT")  # noqa: S310
    with urlopen(request) as response:  # noqa: S310  The emulator.
        assert response.status == 200


def rotated_photo() -> bytes:
    """Return a rotated photo of 12 megapixels with a location, as a phone takes it.

    Upright it is 3000 pixels wide and 4000 high, red above and blue below.
    """
    upright = Image.new("RGB", (3000, 4000), RED)
    upright.paste(BLUE, (0, 2000, 3000, 4000))
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED
    exif.get_ifd(GPS)[1] = "N"
    rotated = upright.transpose(Image.Transpose.ROTATE_270)
    file = io.BytesIO()
    rotated.save(file, "JPEG", exif=exif, quality=90)
    return file.getvalue()


@contextmanager
def subscribed_webhook(deployed: Deployed) -> Iterator[queue.Queue[Any]]:
    """Yield the notifications of a webhook with a confirmed subscription to new avatars."""
    with webhook() as (address, received):
        topic = deployed.outputs["assets"]["AvatarTopic"]
        deployed.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
        _, confirmation = received.get(timeout=60)
        urlopen(confirmation["SubscribeURL"]).close()  # noqa: S310
        yield received


def message(group: str, at: str, text: str, sender: str, handle: str) -> dict[str, str]:
    """Return a message of a conversation, as the application writes it."""
    return {
        "pk": f"MSG#{group}",
        "sk": at,
        "message": text,
        "message_uuid": str(uuid.uuid4()),
        "user_uuid": sender,
        "user_handle": handle,
        "user_display_name": handle.title(),
    }


def keys(deployed: Deployed, bucket: str, prefix: str) -> list[str]:
    """Return the keys in a bucket that start with *prefix*."""
    found = deployed.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]


def similar(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether two colours are nearly equal: JPEG changes colours slightly."""
    return all(abs(first - second) < 12 for first, second in zip(colour, other, strict=True))
