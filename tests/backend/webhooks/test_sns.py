"""Verification of the messages of SNS."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import load_pem_x509_certificate

from cruddur.webhooks.sns import Confirmation, ForgedError, Notification, Verifier
from tests.backend.webhooks.sns_messages import (
    CERTIFICATE_URL,
    CONFIRMATION,
    NOTIFICATION,
    NOW,
    TOPIC,
    certificate,
    signed,
)

HOST = "https://sns.ca-central-1.amazonaws.com"
FILE = CERTIFICATE_URL.removeprefix(HOST)


def verifier(now=NOW, **options):
    """Return a verifier, and the list of the URLs of certificates that it requests."""
    urls = []

    def found(url):
        urls.append(url)
        return load_pem_x509_certificate(certificate())

    return Verifier(TOPIC, certificate=found, now=lambda: now, **options), urls


def verified(body, **options):
    return verifier(**options)[0].verify(body)


def refused(body, **options):
    """Return the reason for which *body* is refused, and the certificates that were requested."""
    checked, urls = verifier(**options)
    with pytest.raises(ForgedError) as error:
        checked.verify(body)
    return str(error.value), urls


@pytest.mark.parametrize("subject", ["Amazon S3 Notification", None], ids=["subject", "none"])
def test_notification(subject):
    """A notification is accepted with and without a subject."""
    assert verified(signed(NOTIFICATION, Subject=subject)) == Notification("a new avatar")


def test_confirmation():
    """A request for confirmation has the token to confirm with."""
    assert verified(signed(CONFIRMATION)) == Confirmation("2336412f37")


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.ca-central-1.amazonaws.com{FILE}",
        f"https://sns.us-east-1.amazonaws.com{FILE}",
        f"https://sns.ca-central-1.amazonaws.com.evil.example{FILE}",
        f"https://sns.ca-central-1.amazonaws.com:8443{FILE}",
        f"https://evil@sns.ca-central-1.amazonaws.com{FILE}",
        f"https://evil.example/{HOST}{FILE}",
        f"{HOST}{FILE}?x=.pem",
        f"{HOST}/../SimpleNotificationService-{'0a' * 16}.pem",
        f"{HOST}/other-{'0a' * 16}.pem",
        f"{HOST}{FILE}\n",
        "",
    ],
)
def test_certificate_url(url):
    """A certificate of another host or path is not requested."""
    assert refused(signed(NOTIFICATION, SigningCertURL=url)) == ("SigningCertURL", [])


def test_local_certificate_url():
    """With another endpoint of SNS, only certificates of that endpoint are requested."""
    local = "http://127.0.0.1:4566"
    body = signed(NOTIFICATION, SigningCertURL=f"{local}/_emulator/sns.pem")

    assert verified(body, base_url=local) == Notification("a new avatar")
    assert refused(signed(NOTIFICATION), base_url=local) == ("SigningCertURL", [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TopicArn": TOPIC.replace("avatars", "others")}, "TopicArn"),
        ({"TopicArn": TOPIC.replace("123456789012", "210987654321")}, "TopicArn"),
        ({"SignatureVersion": "1"}, "SignatureVersion"),
        ({"SignatureVersion": None}, "SignatureVersion"),
        ({"Type": "UnsubscribeConfirmation"}, "Type"),
        ({"Type": None}, "Type"),
        ({"Message": None}, "Message is missing"),
        ({"MessageId": None}, "MessageId is missing"),
        ({"Timestamp": None}, "Timestamp is missing"),
    ],
)
def test_fields(changes, reason):
    """A message is refused for the first field that is wrong, without a request."""
    assert refused(signed(NOTIFICATION, **changes)) == (reason, [])


@pytest.mark.parametrize(
    ("timestamp", "accepted"),
    [
        ("2026-11-20T11:00:00.000Z", True),
        ("2026-11-20T12:04:59.000Z", True),
        ("2026-11-20T10:54:59.000Z", False),
        ("2026-11-20T12:05:01.000Z", False),
        ("2026-11-20T12:00:00", False),
        ("noon", False),
    ],
)
def test_time(timestamp, accepted):
    """A message is accepted while SNS retries it, and refused as a replay after that."""
    body = signed(NOTIFICATION, Timestamp=timestamp)

    if accepted:
        assert verified(body) == Notification("a new avatar")
    else:
        assert refused(body) == ("Timestamp", [CERTIFICATE_URL])


def test_expired_certificate():
    """A certificate is used only while it is valid."""
    reason, _ = refused(signed(NOTIFICATION), now=NOW.replace(year=2027))

    assert reason == "the certificate is not valid now"


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp"])
def test_changed_field(field):
    """A message with a changed signed field is refused."""
    message = json.loads(signed(NOTIFICATION))
    body = json.dumps(message | {field: message[field].replace("0", "1") + "!"}).encode()

    assert refused(body)[0] == "Signature"


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64", "ä"])
def test_signature(signature):
    """A malformed signature is refused."""
    body = json.dumps(json.loads(signed(NOTIFICATION)) | {"Signature": signature}).encode()

    assert refused(body)[0] == "Signature"


def test_other_key():
    """A signature by another key is refused."""
    other = rsa.generate_private_key(65537, 2048)

    assert refused(signed(NOTIFICATION, by=other))[0] == "Signature"


def test_token_is_signed():
    """A confirmation with a changed token is refused."""
    body = json.dumps(json.loads(signed(CONFIRMATION)) | {"Token": "0"}).encode()

    assert refused(body)[0] == "Signature"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"Type": 1}']
)
def test_body(body):
    """A body that is not a message of SNS is refused, never an error of the server."""
    assert refused(body)[1] == []


@pytest.mark.parametrize("topic", ["", "avatars", TOPIC + "/x", TOPIC.replace("sns", "sqs")])
def test_topic(topic):
    """The verifier needs the ARN of a topic."""
    with pytest.raises(ValueError, match="ARN of a topic"):
        Verifier(topic, certificate=lambda url: None)
