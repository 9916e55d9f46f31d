"""The story of one person, told by the functions that make it true, from their real zips."""

from __future__ import annotations

import io
import json
import queue
import time
import uuid
from collections.abc import Callable, Iterator
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
from tests.dynamodb import texts
from tests.srp import decode_base64url, sign_in
from tests.viewer import ViewerResponse, view
from tests.webhook import NOTIFICATION, verify, webhook

if TYPE_CHECKING:
    from tests.end_to_end.deployed import Deployed

SITE, ASSETS = "https://cruddur.localhost", "https://assets.cruddur.localhost"
PASSWORD = "Correct-horse-1"
GPS, ORIENTATION, LEFT_IS_DOWN = (
    0x8825,
    0x0112,
    8,
)  # Exif 2.32: turned a quarter, to be turned back.
RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_user_uploads_avatar(deployed):
    """Sign up, confirm, sign in, ask where to upload, upload, and be seen by everyone."""
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

    with hearing(deployed) as heard:
        photo = turned_photo()
        answer = ask(deployed, tokens["AccessToken"], extension="jpg", size=len(photo))
        assert 200 == answer.status, answer.body
        upload(json.loads(answer.body)["url"], photo)
        kind, message = heard.get(timeout=15)

    assert "Notification" == kind
    assert "2" == message["SignatureVersion"]
    verify(message, NOTIFICATION)
    [record] = json.loads(message["Message"])["Records"]
    assert avatar_key(avatar_id(sub)) == record["s3"]["object"]["key"]
    seen = view(deployed.endpoint, address)
    picture = Image.open(io.BytesIO(seen.body))
    assert (200, "image/jpeg") == (seen.status, seen.headers["Content-Type"])
    assert ("JPEG", "RGB", (512, 512)) == (picture.format, picture.mode, picture.size)
    assert {} == dict(picture.getexif())
    assert like(RED, picture.getpixel((256, 20)))
    assert like(BLUE, picture.getpixel((256, 491)))
    default = deployed.client("s3").get_object(
        Bucket=deployed.known["assets"]["PictureBucket"], Key="defaults/avatar.jpg"
    )
    assert (200, default["Body"].read()) == (before.status, before.body)


def test_only_access_tokens_of_the_pool_are_accepted(deployed):
    """No token, an id token, a token of another pool, and what is none at all: refused."""
    mail = "ben@cruddur.example"
    sign_up(deployed, mail, name="Ben", handle="ben")
    tokens = signed_in(deployed, mail)
    ask_with = partial(ask, deployed, extension="png", size=1000)

    answers = {
        "none": ask_with("").status,
        "an id token": ask_with(tokens["IdToken"]).status,
        "another pool's": ask_with(foreign_token(deployed)).status,
        "a broken one": ask_with(tokens["AccessToken"][:-4] + "AAAA").status,
    }

    assert {"none": 401} | dict.fromkeys([*answers][1:], 403) == answers
    assert 200 == ask_with(tokens["AccessToken"]).status


def test_invalid_uploads_are_refused(deployed):
    """All that is wrong at once; and a page of another site hears nothing."""
    mail = "carla@cruddur.example"
    sign_up(deployed, mail, name="Carla", handle="carla")
    token = signed_in(deployed, mail)["AccessToken"]

    answer = ask(deployed, token, extension="svg", size=0)
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

    assert (400, ["extension_unsupported", "size_invalid"]) == (
        answer.status,
        json.loads(answer.body)["errors"],
    )
    assert {SITE: SITE, "https://elsewhere.example": None} == preflights


def test_a_conversation_shows_its_newest_message(deployed):
    """Patterns C and D of the table: both people see the newest message, once."""
    table = deployed.known["messages"]["Table"]
    dynamodb = deployed.client("dynamodb")
    group, anna, ben = (str(uuid.uuid4()) for _ in range(3))
    started, later = (datetime.now(UTC).isoformat() for _ in range(2))
    people = {anna: (ben, "ben"), ben: (anna, "anna")}
    dynamodb.batch_write_item(
        RequestItems={
            table: [
                {"PutRequest": {"Item": texts(each)}}
                for each in (
                    *(
                        {
                            "pk": f"GRP#{person}",
                            "sk": started,
                            "message_group_uuid": group,
                            "message": "Hello",
                            "user_uuid": other,
                            "user_handle": handle,
                            "user_display_name": handle.title(),
                        }
                        for person, (other, handle) in people.items()
                    ),
                    message(group, started, "Hello", anna, "anna"),
                )
            ]
        }
    )
    dynamodb.put_item(TableName=table, Item=texts(message(group, later, "Again", ben, "ben")))

    def rows(person: str) -> list[dict[str, Any]]:
        found = dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"GRP#{person}"}},
        )["Items"]
        return [{name: value["S"] for name, value in row.items()} for row in found]

    eventually(lambda: [row["sk"] for row in rows(anna)] == [later])
    eventually(lambda: [row["sk"] for row in rows(ben)] == [later])
    for person, (other, handle) in people.items():
        [row] = rows(person)
        assert ("Again", other, handle) == (row["message"], row["user_uuid"], row["user_handle"])


def test_operator_uploads_and_clears_avatar(deployed, tmp_path):
    """avatar.upload and avatar.delete, for somebody whose page does not work."""
    sub = str(uuid.uuid4())
    file = tmp_path / "photo.png"
    Image.new("RGB", (700, 600), RED).save(file)

    given = deployed.checkout.run("avatar.upload", f"--sub={sub}", f"--file={file}").out.strip()
    shown = view(deployed.endpoint, given)
    again = deployed.checkout.run("avatar.upload", f"--sub={sub}", f"--file={file}").out.strip()
    deployed.checkout.run("avatar.delete", f"--sub={sub}")

    host = f"assets.cruddur.localhost:{urlsplit(deployed.endpoint.url).port}"
    assert f"http://{host}/{avatar_key(avatar_id(sub))}" == given == again
    assert like(RED, Image.open(io.BytesIO(shown.body)).getpixel((256, 256)))
    assert [] == keys(
        deployed, deployed.known["avatars"]["UploadBucket"], upload_key(avatar_id(sub))
    )
    assert [] == keys(
        deployed, deployed.known["assets"]["AvatarBucket"], avatar_key(avatar_id(sub))
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
    """`lambda.invoke`, with what lies beside the function."""
    said = json.loads(deployed.checkout.run("lambda.invoke", name, f"--event={event}").out)

    if answer is not None:
        assert answer.items() <= said.items()


def test_invoke_refuses_unknown_function_or_event(deployed):
    """Both what does not exist and what is no event are told with what there is."""
    unknown = deployed.checkout.run("lambda.invoke", "thumb", code=1).err
    missing = deployed.checkout.run("lambda.invoke", "thumbnail", "--event=gone", code=1).err

    assert "thumb: no such function" in unknown
    assert "thumbnail" in unknown.splitlines()[-1]
    assert "--event=gone: No such file" in missing


def sign_up(deployed: Deployed, mail: str, *, name: str, handle: str) -> None:
    """Sign up, and confirm with the code from the letter."""
    who = {"ClientId": deployed.known["users"]["Client"], "Username": mail}
    said = {"email": mail, "name": name, "preferred_username": handle}
    attributes = [{"Name": key, "Value": value} for key, value in said.items()]
    with deployed.anonymous("cognito-idp") as people:
        people.sign_up(**who, Password=PASSWORD, UserAttributes=attributes)
        [letter] = [each for each in emulator.messages(deployed.endpoint) if each.to == mail]
        people.confirm_sign_up(**who, ConfirmationCode=letter.secret)


def signed_in(deployed: Deployed, mail: str) -> dict[str, str]:
    """The tokens of who signed in."""
    users = deployed.known["users"]
    with deployed.anonymous("cognito-idp") as people:
        return sign_in(people, users["Pool"], users["Client"], mail, PASSWORD)


def foreign_token(deployed: Deployed) -> str:
    """An access token that is as good, of a pool that is not ours."""
    cognito = deployed.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="eve", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username="eve", Password=PASSWORD, Permanent=True
    )
    with deployed.anonymous("cognito-idp") as people:
        return sign_in(people, pool, client, "eve", PASSWORD)["AccessToken"]


def api(deployed: Deployed) -> str:
    """Where a page asks for an address to upload to."""
    return f"https://{deployed.known['avatars']['ApiDomain']}/avatars/key_upload"


def ask(deployed: Deployed, token: str, **body: Any) -> ViewerResponse:
    """Ask where to upload, as a page does."""
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    sent = {"Origin": SITE, "Content_Type": "application/json"} | authorization
    return view(deployed.endpoint, api(deployed), "POST", json.dumps(body).encode(), **sent)


def upload(url: str, photo: bytes) -> None:
    """PUT it where we were told to, as a browser does."""
    request = Request(url, photo, {"Content-Type": "image/jpeg"}, method="PUT")  # noqa: S310
    with urlopen(request) as answer:  # noqa: S310  The emulator.
        assert 200 == answer.status


def turned_photo() -> bytes:
    """12 megapixels as a phone takes them: lying on the side, with where it was taken.

    Upright it is 3000 wide and 4000 high, red above and blue below.
    """
    upright = Image.new("RGB", (3000, 4000), RED)
    upright.paste(BLUE, (0, 2000, 3000, 4000))
    exif = Image.Exif()
    exif[ORIENTATION] = LEFT_IS_DOWN
    exif.get_ifd(GPS)[1] = "N"
    lying = upright.transpose(Image.Transpose.ROTATE_270)
    file = io.BytesIO()
    lying.save(file, "JPEG", exif=exif, quality=90)
    return file.getvalue()


@contextmanager
def hearing(deployed: Deployed) -> Iterator[queue.Queue[Any]]:
    """A webhook that is subscribed to new avatars, and has confirmed."""
    with webhook() as (address, got):
        topic = deployed.known["assets"]["AvatarTopic"]
        deployed.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
        _, asked = got.get(timeout=10)
        urlopen(asked["SubscribeURL"]).close()  # noqa: S310
        yield got


def message(group: str, at: str, text: str, sender: str, handle: str) -> dict[str, str]:
    """A message of a conversation, as the application writes it."""
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
    """What a bucket has."""
    found = deployed.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", [])]


def like(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Alike to the eye: JPEG keeps no colour exactly."""
    return all(abs(one - another) < 12 for one, another in zip(colour, other, strict=True))


def eventually(holds: Callable[[], bool], *, seconds: float = 15) -> None:
    """Wait until it holds."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.1)
