"""A webhook for SNS messages, and the verification of their signatures."""

from __future__ import annotations

import base64
import json
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

if TYPE_CHECKING:
    from collections.abc import Iterator

# The signed fields of each type of message, in the order in which they are signed.
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


class Webhook(BaseHTTPRequestHandler):
    """An HTTP handler that records the messages of SNS."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.put((self.headers["x-amz-sns-message-type"], json.loads(body)))
        self.server.failures -= 1
        self.send_response(200 if self.server.failures < 0 else 503)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def webhook(*, failures: int = 0) -> Iterator[tuple[str, queue.Queue[Any]]]:
    """Serve a webhook, and yield its URL and the queue of received messages.

    The webhook responds to the first *failures* messages with 503.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    server.messages, server.failures = queue.Queue(), failures
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", server.messages
    server.shutdown()
    server.server_close()


def verify(message: dict[str, str], names: tuple[str, ...]) -> None:
    """Verify the signature of a message over its fields *names*, as AWS documents it."""
    with urlopen(message["SigningCertURL"]) as response:  # noqa: S310  The emulator.
        certificate = x509.load_pem_x509_certificate(response.read())
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    digest = hashes.SHA256() if message["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303
    signature = base64.b64decode(message["Signature"])
    certificate.public_key().verify(signature, text.encode(), padding.PKCS1v15(), digest)
