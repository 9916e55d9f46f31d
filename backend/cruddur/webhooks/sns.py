"""Verify that SNS sent a message, for a subscription to one topic.

The rules are those of the SNS developer guide, Verifying the signatures of Amazon SNS messages. Only
signature version 2 (SHA-256) is accepted.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import Certificate

Fields: TypeAlias = Mapping[str, str]

# SNS retries a delivery for up to an hour, with the timestamp of the first attempt.
MAX_AGE = timedelta(hours=1, minutes=5)
MAX_SKEW = timedelta(minutes=5)  # The clock of SNS may be ahead by this time.

# The signed fields of each type, in the order in which they are signed. Subject is optional.
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_OPTIONAL = "Subject"
_ARN = re.compile(r"arn:aws:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]+")
_CERTIFICATE_PATH = r"/SimpleNotificationService-[0-9a-f]{32}\.pem"


class ForgedError(Exception):
    """SNS did not send the message to this subscription.

    The text is the reason: the name of the field that is not valid, or a short description.
    """


@dataclass(frozen=True)
class Notification:
    """A message that was published to the topic."""

    message: str


@dataclass(frozen=True)
class Confirmation:
    """A request to confirm the subscription with *token*."""

    token: str


class Verifier:
    """Verifies messages of *topic*, an ARN.

    *certificate* returns the certificate at a URL, and raises FetchError if it cannot be fetched.
    *base_url* is the endpoint of SNS, or empty for AWS. *now* returns the current time.
    """

    def __init__(
        self,
        topic: str,
        *,
        certificate: Callable[[str], Certificate],
        base_url: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        match = _ARN.fullmatch(topic)
        if not match:
            raise ValueError(f"{topic!r} is not the ARN of a topic")
        self._topic = topic
        self._certificate = certificate
        self._now = now
        aws = re.escape(f"https://sns.{match[1]}.amazonaws.com") + _CERTIFICATE_PATH
        local = re.escape(base_url.rstrip("/")) + r"/[\w./-]+\.pem"
        self._certificate_url = re.compile(local if base_url else aws)

    def verify(self, body: bytes) -> Notification | Confirmation:
        """Return the verified content of the request *body*.

        Raises ForgedError, and FetchError if the certificate is not available.
        """
        fields = _fields(body)
        names = _SIGNED.get(fields.get("Type", ""))
        if names is None:
            raise ForgedError("Type")
        missing = [name for name in names if name not in fields and name != _OPTIONAL]
        if missing:
            raise ForgedError(f"{missing[0]} is missing")
        if fields["TopicArn"] != self._topic:
            raise ForgedError("TopicArn")
        self._check_signature(fields, names)
        self._check_time(fields["Timestamp"])
        if fields["Type"] == "Notification":
            return Notification(fields["Message"])
        return Confirmation(fields["Token"])

    def _check_signature(self, fields: Fields, names: tuple[str, ...]) -> None:
        """Raise ForgedError unless the signature is that of the certificate at SigningCertURL."""
        if fields.get("SignatureVersion") != "2":
            raise ForgedError("SignatureVersion")
        url = fields.get("SigningCertURL", "")
        if not self._certificate_url.fullmatch(url):
            raise ForgedError("SigningCertURL")
        certificate = self._certificate(url)
        if not certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc:
            raise ForgedError("the certificate is not valid now")
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ForgedError("the certificate has no RSA key")
        signed = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        try:
            signature = base64.b64decode(fields.get("Signature", ""), validate=True)
            key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            raise ForgedError("Signature") from None

    def _check_time(self, timestamp: str) -> None:
        """Raise ForgedError if *timestamp* is too old for a retry of SNS, or in the future."""
        try:
            age = self._now() - datetime.fromisoformat(timestamp)
        except (ValueError, TypeError):  # TypeError: the time has no time zone.
            raise ForgedError("Timestamp") from None
        if not -MAX_SKEW <= age <= MAX_AGE:
            raise ForgedError("Timestamp")


def _fields(body: bytes) -> Fields:
    """Return the fields of the JSON object *body* that have strings as values."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise ForgedError("not JSON") from None
    if not isinstance(message, dict):
        raise ForgedError("not an object")
    return {name: text for name, text in message.items() if isinstance(text, str)}
