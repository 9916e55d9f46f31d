"""SNS subscriptions made by stacks, and the messages they get."""

from __future__ import annotations

import base64
import json
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from deployer import embedded
from tests.embedded.templates import ref, resource, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded_server import Aws

CONFIRMATION = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


class Webhook(BaseHTTPRequestHandler):
    """Keeps what SNS posts."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.put((self.headers["x-amz-sns-message-type"], json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def webhook() -> Iterator[tuple[str, queue.Queue[Any]]]:
    """Serve a webhook; yield its address and what it gets."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    server.got = queue.Queue()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", server.got
    server.shutdown()
    server.server_close()


def subscribed(protocol: str, address: str, version: str = "2") -> dict[str, Any]:
    """A topic and one subscription."""
    made = template(
        Topic=resource("AWS::SNS::Topic", SignatureVersion=version),
        Subscription=resource(
            "AWS::SNS::Subscription", TopicArn=ref("Topic"), Protocol=protocol, Endpoint=address
        ),
    )
    return made | {"Outputs": {"Topic": {"Value": ref("Topic")}}}


def listed(aws: Aws) -> list[str]:
    """The ARNs of the topic's subscriptions."""
    topic = aws.outputs("s")["Topic"]
    found = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [one["SubscriptionArn"] for one in found]


def verify(message: dict[str, str], names: tuple[str, ...]) -> None:
    """Check the signature as AWS documents it."""
    with urlopen(message["SigningCertURL"]) as answer:  # noqa: S310  The embedded AWS.
        certificate = x509.load_pem_x509_certificate(answer.read())
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    digest = hashes.SHA256() if message["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303
    signature = base64.b64decode(message["Signature"])
    certificate.public_key().verify(signature, text.encode(), padding.PKCS1v15(), digest)


@pytest.mark.parametrize("version", ["1", "2"])
def test_webhook(aws: Aws, version: str) -> None:
    """A webhook is asked, stays pending until it confirms, then gets signed messages.

    AWS: "HTTP/HTTPS subscription confirmation", "Verifying the signatures of Amazon SNS messages".
    """
    with webhook() as (address, got):
        aws.deploy("s", subscribed("http", address, version))
        topic = aws.outputs("s")["Topic"]
        kind, asked = got.get(timeout=10)
        aws.client("sns").publish(TopicArn=topic, Message="early")
        pending = listed(aws)
        urlopen(asked["SubscribeURL"]).close()  # noqa: S310
        aws.client("sns").publish(TopicArn=topic, Message="late", Subject="news")
        kind_after, message = got.get(timeout=10)

    assert ("SubscriptionConfirmation", ["PendingConfirmation"]) == (kind, pending)
    assert ("Notification", "late") == (kind_after, message["Message"])
    assert [one for one in listed(aws) if one.startswith(topic)]
    assert version == asked["SignatureVersion"] == message["SignatureVersion"]
    verify(asked, CONFIRMATION)
    verify(message, NOTIFICATION)


def test_address(aws: Aws) -> None:
    """An address confirms by the link it was mailed. AWS: "Email notifications" (SNS)."""
    aws.deploy("s", subscribed("email", "me@cruddur.example"))
    before = listed(aws)
    [letter] = embedded.letters(aws.endpoint)

    urlopen(letter.secret).close()  # noqa: S310

    assert ["PendingConfirmation"] == before
    assert "me@cruddur.example" == letter.to
    assert ["PendingConfirmation"] != listed(aws)


def test_missing_topic(aws: Aws) -> None:
    """AWS: Subscribe answers NotFound for a topic that does not exist."""
    made = subscribed("http", "http://127.0.0.1:1/")
    topic = f"arn:aws:sns:ca-central-1:{aws.endpoint.account}:gone"
    made["Resources"]["Subscription"]["Properties"]["TopicArn"] = topic

    stack = aws.deploy("s", made)

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any("Topic does not exist" in reason for *_, reason in aws.events("s"))
