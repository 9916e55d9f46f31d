"""Signed messages of SNS, and the key that signs them."""

from __future__ import annotations

import base64
import functools
import json
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:ca-central-1:123456789012:avatars"
CERTIFICATE_URL = (
    "https://sns.ca-central-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem"
)

NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": TOPIC,
    "Subject": "Amazon S3 Notification",
    "Message": "a new avatar",
    "Timestamp": "2026-11-20T12:00:00.000Z",
    "SignatureVersion": "2",
    "SigningCertURL": CERTIFICATE_URL,
    "UnsubscribeURL": "https://sns.ca-central-1.amazonaws.com/?Action=Unsubscribe",
}
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "Token": "2336412f37",
    "TopicArn": TOPIC,
    "Message": "You have chosen to subscribe to the topic",
    "SubscribeURL": "https://sns.ca-central-1.amazonaws.com/?Action=ConfirmSubscription",
    "Timestamp": "2026-11-20T12:00:00.000Z",
    "SignatureVersion": "2",
    "SigningCertURL": CERTIFICATE_URL,
}


@functools.cache
def key() -> rsa.RSAPrivateKey:
    """Return the key of SNS."""
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def certificate() -> bytes:
    """Return the certificate of the key, in PEM: valid for a day before and after NOW."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    day = timedelta(days=1)
    builder = x509.CertificateBuilder(
        name, name, key().public_key(), x509.random_serial_number(), NOW - day, NOW + day
    )
    return builder.sign(key(), hashes.SHA256()).public_bytes(Encoding.PEM)


def signed(
    message: dict[str, str], *, by: rsa.RSAPrivateKey | None = None, **changes: str | None
) -> bytes:
    """Return the body of *message* with *changes*, signed; the value None removes a field."""
    fields = {name: text for name, text in (message | changes).items() if text is not None}
    optional = ("SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    names = ("Message", "MessageId", "Subject", *optional)
    text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
    signature = (by or key()).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.dumps({**fields, "Signature": base64.b64encode(signature).decode()}).encode()
