"""botocore sessions, and the parts of the operator's AWS setup that they use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ProfileNotFound

from deployer.aws import sessions
from deployer.errors import GuardError

REGION = "ca-central-1"
CONFIG = """\
[default]
region = eu-west-1
ca_bundle = /ca.pem
endpoint_url = http://localhost:9
[profile work]
aws_access_key_id = AKIDWORK
aws_secret_access_key = secret
"""


@pytest.fixture
def setup(user: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Return a monkeypatch of an operator with a config file."""
    (tmp_path / "config").write_text(CONFIG)
    return user


def test_a_blank_session_ignores_the_setup(setup: pytest.MonkeyPatch) -> None:
    """No variable, profile or file of the operator has an effect."""
    setup.setenv("AWS_PROFILE", "work")
    setup.setenv("AWS_DEFAULT_REGION", "eu-west-2")

    session = sessions.blank_session()

    assert session.get_config_variable("region") is None
    assert session.get_config_variable("ca_bundle") is None
    assert session.profile is None
    assert session.full_config["profiles"] == {}


def test_an_account_session_has_credentials_and_ca_bundle(setup: pytest.MonkeyPatch) -> None:
    """The session of the account has nothing else of the session of the operator."""
    setup.setenv("AWS_ACCESS_KEY_ID", "AKID")
    setup.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    session = sessions.account_session(sessions.operator_session(REGION))

    assert session.get_credentials().access_key == "AKID"
    assert session.get_config_variable("ca_bundle") == "/ca.pem"
    assert session.get_config_variable("region") is None
    assert session.get_config_variable("account_id_endpoint_mode") == "disabled"


@pytest.mark.parametrize("name", ["operator", "account"])
def test_endpoints_are_those_of_aws(setup: pytest.MonkeyPatch, name: str) -> None:
    """Configured endpoints are ignored, and a request to another host is refused."""
    session = sessions.operator_session(REGION)
    if name == "account":
        session = sessions.account_session(session)

    assert session.get_config_variable("ignore_configured_endpoint_urls") is True
    with pytest.raises(GuardError, match="localhost"):
        session.get_component("event_emitter").emit(
            "before-send.sts.GetCallerIdentity",
            request=SimpleNamespace(url="http://localhost:9/"),
        )


@pytest.mark.parametrize(("variable", "profile"), [("", "default"), ("work", "work")])
def test_the_setup_is_read(setup: pytest.MonkeyPatch, variable: str, profile: str) -> None:
    """The setup has the profile in use and all profiles."""
    environ = {"AWS_PROFILE": variable} if variable else {}
    for key, value in environ.items():
        setup.setenv(key, value)

    found = sessions.read_setup(sessions.operator_session(REGION), environ)

    assert profile == found.profile
    assert set(found.profiles) == {"default", "work"}
    assert environ == found.environ


def test_a_missing_profile_is_an_error(setup: pytest.MonkeyPatch) -> None:
    """A misspelt profile is not replaced by another."""
    setup.setenv("AWS_PROFILE", "wrok")

    with pytest.raises(ProfileNotFound, match="wrok"):
        sessions.read_setup(sessions.operator_session(REGION), {})
