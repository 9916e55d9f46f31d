"""The whole application, as a browser uses it: through the load balancer and the CDN."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from operations import demo
from tests.emulator.own_emulator import wait_until
from tests.end_to_end.deployed import Deployed, describe_deployment
from tests.end_to_end.full_deployment.application.expiry import expire_post
from tests.lambdas.thumbnail.pictures import oriented_photo
from tests.srp import sign_in

PASSWORD = "correct-Horse-7"


@dataclass(frozen=True)
class Response:
    """The status, headers and body of a response; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the value of the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Browser:
    """A page of the site at the address that the emulator prints. *headers* are sent to the API."""

    deployed: Deployed
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return urlsplit(self.deployed.endpoint.url).port

    def send(
        self, method: str, name: str, path: str, body: bytes = b"", **headers: str
    ) -> Response:
        """Send a request to http://NAME.localhost:PORT, as a page of the site."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        origin = {"Origin": f"http://cruddur.localhost:{self.port}"}
        all_headers = {"Host": f"{name}:{self.port}", **origin, **headers}
        connection.request(method, path, body=body, headers=all_headers)
        response = connection.getresponse()
        result = Response(
            response.status,
            {name.lower(): text for name, text in response.getheaders()},
            response.read(),
        )
        connection.close()
        return result

    def api(self, method: str, path: str, body: Any = None, **query: str) -> Response:
        """Send a request to the API with the token of the user."""
        content = {"Content-Type": "application/json"} if body is not None else {}
        data = json.dumps(body).encode() if body is not None else b""
        path = f"{path}?{urlencode(query)}" if query else path
        return self.send(method, "api.cruddur.localhost", path, data, **(self.headers | content))

    def signed_in(self, email: str, password: str) -> Browser:
        """Sign in with SRP, and return the page of the user."""
        users = self.deployed.outputs["users"]
        with self.deployed.anonymous("cognito-idp") as cognito:
            tokens = sign_in(cognito, users["Pool"], users["Client"], email, password)
        return Browser(self.deployed, {"Authorization": f"Bearer {tokens['AccessToken']}"})

    def signed_up(self, email: str, name: str, handle: str) -> Browser:
        """Sign up, confirm with the code in the outbox, sign in, and return the page of the user."""
        client = self.deployed.outputs["users"]["Client"]
        attributes = {"email": email, "name": name, "preferred_username": handle}
        with self.deployed.anonymous("cognito-idp") as cognito:
            cognito.sign_up(
                ClientId=client,
                Username=email,
                Password=PASSWORD,
                UserAttributes=[{"Name": key, "Value": text} for key, text in attributes.items()],
            )
            outbox = json.loads(self.deployed.checkout.run("emulator.outbox", "--json").out)
            [code] = [row["secret"] for row in outbox["messages"] if row["to"] == email]
            cognito.confirm_sign_up(ClientId=client, Username=email, ConfirmationCode=code)
        return self.signed_in(email, PASSWORD)


@pytest.fixture(scope="module")
def visitor(running) -> Browser:
    """The page of an anonymous visitor."""
    return Browser(running[0])


@pytest.fixture(scope="module")
def anna(visitor) -> Browser:
    """The page of a user who signed up."""
    return visitor.signed_up("anna@example.com", "Anna", "anna")


@pytest.fixture(scope="module")
def andrew(visitor) -> Browser:
    """The page of a demo account."""
    return visitor.signed_in("andrewbrown@example.com", demo.PASSWORD)


def feed(browser: Browser) -> list[dict[str, Any]]:
    """Return the first page of the home feed."""
    response = browser.api("GET", "/api/activities/home")
    assert response.status == 200, response
    items: list[dict[str, Any]] = response.json["items"]
    return items


def post(browser: Browser, message: str) -> dict[str, Any]:
    """Write a post and return it."""
    body = {"message": message, "ttl": "1-hour"}
    response = browser.api("POST", "/api/activities", body)
    assert response.status == 200, response
    created: dict[str, Any] = response.json
    return created


def test_up_prints_addresses(running, visitor):
    """`up` prints the addresses, the demo accounts and the outbox."""
    _, output = running

    assert f"http://cruddur.localhost:{visitor.port}" in output.out
    assert f"http://api.cruddur.localhost:{visitor.port}" in output.out
    assert "andrewbrown@example.com" in output.out
    assert demo.PASSWORD in output.out
    assert "outbox" in output.out


def test_second_up(running):
    """A second run changes nothing."""
    deployed, _ = running
    before = deployed.client("ecs").describe_services(
        cluster="crd-local-cluster", services=["backend-flask"]
    )["services"][0]["taskDefinition"]

    output = deployed.checkout.run("up")

    after = deployed.client("ecs").describe_services(
        cluster="crd-local-cluster", services=["backend-flask"]
    )["services"][0]["taskDefinition"]
    assert before == after
    assert "17 kept" in output.err


def test_site(visitor):
    """The site is published, with the addresses of this environment."""
    page = visitor.send("GET", "cruddur.localhost", "/")
    configuration = visitor.send("GET", "cruddur.localhost", "/config.json")

    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert configuration.json["api"] == f"http://api.cruddur.localhost:{visitor.port}"


def test_seed(visitor):
    """A visitor sees the sample posts."""
    assert {item["handle"] for item in feed(visitor)} >= {"andrewbrown", "altbrown"}


def test_cors(visitor):
    """A page of the site may read the responses, a page of another origin may not."""
    allowed = visitor.api("GET", "/api/activities/home")
    other = visitor.send(
        "GET", "api.cruddur.localhost", "/api/activities/home", Origin="https://evil.example"
    )

    site = f"http://cruddur.localhost:{visitor.port}"
    assert allowed.headers["access-control-allow-origin"] == site
    assert "access-control-allow-origin" not in other.headers


def test_post_reply_like_search(anna, andrew):
    """A post is replied to, liked and found, and its author is notified."""
    message = f"Sigma957 {uuid.uuid4()}"
    created = post(anna, message)
    path = f"/api/activities/{created['uuid']}"

    assert andrew.api("POST", f"{path}/reply", {"message": "I see"}).status == 200
    assert andrew.api("PUT", f"{path}/like").status == 200

    [found] = andrew.api("GET", "/api/activities/search", term="sigma957").json["items"]
    assert (found["message"], found["replies_count"], found["likes_count"]) == (message, 1, 1)
    notifications = anna.api("GET", "/api/activities/notifications").json["items"]
    assert [item["activity"]["message"] for item in notifications if item["kind"] == "reply"] == [
        "I see"
    ]


def test_avatar(running, visitor, anna):
    """An uploaded picture becomes the avatar in the feed, at a new address."""
    deployed, _ = running
    created = post(anna, "with an avatar")
    api = f"/_aws/execute-api/{deployed.outputs['avatars']['Api']}/%24default"
    content = {"Content-Type": "application/json"}
    path = f"{api}/avatars/key_upload"
    picture = oriented_photo(1)
    body = json.dumps({"extension": "jpg", "size": len(picture)}).encode()
    signed = anna.send("POST", "127.0.0.1", path, body, **anna.headers, **content)
    assert signed.status == 200, signed
    upload = urlsplit(signed.json["url"])
    path = f"{upload.path}?{upload.query}"
    stored = visitor.send("PUT", "127.0.0.1", path, picture, **{"Content-Type": "image/jpeg"})
    assert stored.status == 200, stored

    def address() -> str:
        """Return the address of the avatar in the feed."""
        [item] = [item for item in feed(visitor) if item["uuid"] == created["uuid"]]
        return str(item["avatar_url"])

    wait_until(lambda: "?v=" in address(), seconds=20)
    shown = urlsplit(address())
    avatar = visitor.send("GET", shown.netloc, f"{shown.path}?{shown.query}")
    assert (avatar.status, avatar.headers["content-type"]) == (200, "image/jpeg")


def test_direct_messages(anna, andrew):
    """Two users exchange messages; the newest is in the lists of both."""
    sent = anna.api("POST", "/api/messages", {"handle": "andrewbrown", "message": "Hello"})
    assert sent.status == 200, sent
    group = sent.json["message_group_uuid"]
    body = {"message_group_uuid": group, "message": "Hi Anna"}
    assert andrew.api("POST", "/api/messages", body).status == 200

    messages = anna.api("GET", f"/api/messages/{group}").json["items"]
    assert [item["message"] for item in messages] == ["Hi Anna", "Hello"]

    def newest(browser: Browser) -> str:
        [conversation] = browser.api("GET", "/api/message_groups").json["items"]
        return str(conversation["message"])

    wait_until(lambda: newest(anna) == newest(andrew) == "Hi Anna", seconds=20)


def test_expiry(running, visitor, anna):
    """An expired post is not shown, and the scheduled function deletes it."""
    deployed, _ = running
    created = post(anna, "expires soon")
    expire_post(deployed, created["uuid"])

    status = visitor.api("GET", f"/api/activities/@anna/status/{created['uuid']}")
    deleted = deployed.checkout.run("lambda.invoke", "expire_posts", "--event=schedule")

    assert created["uuid"] not in {item["uuid"] for item in feed(visitor)}
    assert status.status == 404
    assert json.loads(deleted.out) == {"deleted": 1}


def test_invalid_token(visitor):
    """A token that was changed is refused, and does not show the public feed."""
    browser = Browser(visitor.deployed, {"Authorization": "Bearer x.y.z"})

    assert browser.api("GET", "/api/activities/home").status == 401


def test_down(running):
    """`down` stops the tasks and keeps the data; the next `up` starts them."""
    deployed, _ = running

    assert deployed.checkout.run("down").out == "stopped\n"
    assert deployed.checkout.run("down").out == "the emulator is not running\n"
    deployed.checkout.run("up")

    assert feed(Browser(describe_deployment(deployed.checkout)))
