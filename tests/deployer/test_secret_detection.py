"""Finding and masking secrets."""

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
def test_a_secret_is_found_by_its_form(text, kind):
    """A secret is found by its form, anywhere in a text."""
    found = list(secret_detection.find(f"before {text} after"))

    assert [(kind, text)] == [(secret.kind, secret.text) for secret in found]


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
def test_a_password_is_found_by_its_name(text, password):
    """A password has no form, so it is found by its name."""
    found = list(secret_detection.find(text))

    assert [("a password", password)] == [(secret.kind, secret.text) for secret in found]


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
def test_ordinary_text_is_not_a_secret(text):
    """Ordinary configuration is not taken for a secret."""
    found = list(secret_detection.find(text))

    assert found == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("dbPassword", "hunter2"),
        ("db-pass", "hunter2"),
        ("PWD", "hunter2"),
        ("apiKeys", "12345"),
    ],
)
def test_a_value_is_a_password_by_the_name_of_its_variable(name, value):
    """The words of a name are separated by punctuation or by capital letters."""
    assert secret_detection.is_password(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BYPASS", "hunter2"),
        ("DB_PASSWORD", ""),
        ("USE_TOKEN", "True"),
        ("maxTokens", "4096"),
        ("DB_PASSWORD", "/crd/dev/password"),
        ("TOKEN_TABLE", "crd-dev-tokens"),
    ],
)
def test_other_values_are_not_passwords(name, value):
    """Flags, limits, references and other names are accepted."""
    assert not secret_detection.is_password(name, value)


def test_masking_keeps_the_rest():
    """A masked text keeps everything except its secrets."""
    text = f"a {KEY_ID} b {KEY_ID},{SECRET_KEY} password = a"

    masked = secret_detection.mask(text)

    assert masked == "a [secret] b [secret],[secret] password = [secret]"


def test_masking_overlapping_secrets():
    """Secrets that overlap are masked completely."""
    text = f"postgresql://root:{KEY_ID}@db/cruddur?token={KEY_ID}"

    masked = secret_detection.mask(text)

    assert masked.replace(secret_detection.MASK, "") == ""


def test_masking_a_truncated_key():
    """A truncated private key is masked to its end."""
    text = f"key: {PEM.partition('-----END')[0]}"

    masked = secret_detection.mask(text)

    assert masked == "key: [secret]"


def test_masking_twice_is_masking_once():
    """Masking a masked text does not change it."""
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
def test_a_value_is_quoted_if_it_is_short_and_harmless(value, text):
    """A value is quoted only if it is short and not a secret."""
    shown = secret_detection.quote(value)

    assert text == shown


def test_the_repr_does_not_contain_the_secret():
    """The repr of a finding does not contain the secret."""
    (found,) = secret_detection.find(KEY_ID)

    printed = repr(found)

    assert KEY_ID not in printed


@pytest.mark.parametrize(
    ("text", "is_masked"),
    [
        ("Zx9Qw3Er7Ty1Ui5Op2As", True),
        ("MbygIJTreBJqUXsgaojHPPqexvcExwMNGCEsrOgg", True),
        ("PrivateSubnet3RouteTableAssociation", False),
        ("240388a78c7d7f1e99eeb504b909bd1f", False),
        ("a-name-with-many-hyphens-in-it", False),
        ("Zx9Qw3Er7", False),
    ],
)
def test_words_that_look_random_are_masked(text: str, is_masked: bool) -> None:
    """Long words of mixed characters are masked; names and digests are not."""
    assert secret_detection.mask_random(f"a {text} b") == (
        f"a {secret_detection.MASK} b" if is_masked else f"a {text} b"
    )
