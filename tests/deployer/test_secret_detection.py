from __future__ import annotations

import base64
import hashlib

import pytest

from deployer import secret_detection

# Put together here, so that no scanner takes this file for a leak.
KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
SECRET_KEY = base64.b64encode(hashlib.sha256(b"cruddur").digest()[:30]).decode()
PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE\n-----END RSA PRIVATE" + " KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (KEY_ID, "an AWS access key id"),
        ("ASIA" + "IOSFODNN7EXAMPLE", "an AWS access key id"),
        (SECRET_KEY, "an AWS secret access key"),
        (PEM, "a private key"),
        ("ghp_" + "a1B2" * 9, "a GitHub token"),
        ("github_pat_" + "a1B2" * 9, "a GitHub token"),
        ("xoxb-" + "1234567890-abc", "a Slack token"),
        (JWT, "a JSON web token"),
        ("postgresql://root:" + "hunter2@db.internal:5432/cruddur", "a URL with a password"),
    ],
)
def test_a_form_is_known(text, kind):
    """A secret is found by its form, wherever in a text it stands."""
    found = list(secret_detection.find(f"before {text} after"))

    assert [(kind, text)] == [(each.kind, each.text) for each in found]


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ('password = "hunter2"', "hunter2"),
        ("db_password='hunter2'", "hunter2"),
        ('"api-key" = "4 5 6"', "4 5 6"),
        ("# PASSWORD = hunter2", "hunter2"),
        ("rollbar_access_token = 2hunter", "2hunter"),
    ],
)
def test_a_name_gives_a_password_away(text, password):
    """A password has no form: its name gives it away."""
    found = list(secret_detection.find(text))

    assert [("a password", password)] == [(each.kind, each.text) for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "",
        'password = ""',
        "rotate_secret = true",
        "password_min_length = 12",
        'rollbar_token_parameter = "/cruddur/dev/rollbar"',
        'ROLLBAR_ACCESS_TOKEN = "/cruddur/dev/rollbar"',
        "secret = 'arn:aws:secretsmanager:ca-central-1:111111111111:secret:crd'",
        "secrets = [",
        'secret = "ROLLBAR_ACCESS_TOKEN"',
        "tokens = 3",
        "the token is kept elsewhere",
        "https://github.com/cruddur/cruddur",
        "arn:aws:iam::123456789012:role/crd-dev-service",
        hashlib.sha1(b"a commit", usedforsecurity=False).hexdigest(),
        "/aws/codebuild/cruddur-bake-service/logs",
        "AmazonSSMManagedInstanceCoreForEverybody",
        "Z0123456789ABCDEFGHIJ",
    ],
)
def test_the_ordinary_is_no_secret(text):
    """What ordinary configuration says is not taken for a secret."""
    found = list(secret_detection.find(text))

    assert [] == found


def test_masking_leaves_the_rest():
    """A masked text keeps all but its secrets, however often and close they stand."""
    text = f"a {KEY_ID} b {KEY_ID},{SECRET_KEY} password = a"

    masked = secret_detection.mask(text)

    assert "a [secret] b [secret],[secret] password = [secret]" == masked


def test_masking_overlapping_secrets():
    """A secret inside another does not let the rest of the other through."""
    text = f"postgresql://root:{KEY_ID}@db/cruddur?token={KEY_ID}"

    masked = secret_detection.mask(text)

    assert "" == masked.replace(secret_detection.MASK, "")


def test_masking_half_a_key():
    """A private key that was cut off is masked as far as it goes."""
    text = f"key: {PEM.partition('-----END')[0]}"

    masked = secret_detection.mask(text)

    assert "key: [secret]" == masked


def test_masking_twice_is_masking_once():
    """What was masked stays as it is."""
    once = secret_detection.mask(f'password = "hunter2" {KEY_ID}')

    twice = secret_detection.mask(once)

    assert once == twice


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("dev", "'dev'"),
        (True, "true"),
        (12, "12"),
        ({"a": KEY_ID}, "a table"),
        ([KEY_ID], "a list of 1"),
        (KEY_ID, "what looks like a secret"),
        ("a" * 61, "this long text"),
        (10**70, "this value"),
    ],
)
def test_a_value_is_shown_if_it_is_short_and_harmless(value, text):
    """A message quotes a value only if it is short and no secret."""
    shown = secret_detection.quote(value)

    assert text == shown


def test_a_secret_does_not_print_itself():
    """The repr of a finding, as in a traceback or a log, does not hold the secret."""
    (found,) = secret_detection.find(KEY_ID)

    printed = repr(found)

    assert KEY_ID not in printed
