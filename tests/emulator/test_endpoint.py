"""Endpoints and the environment of the AWS CLI."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from emulator.endpoint import Endpoint, as_account, environment_variables

ENDPOINT = Endpoint("http://127.0.0.1:1", "000000000000", "000000000000", "secret")


def test_another_account() -> None:
    """The access key of another account's root user is its account id."""
    expected = Endpoint("http://127.0.0.1:1", "111111111111", "111111111111", "secret")

    assert expected == as_account(ENDPOINT, "111111111111")


def test_repr_has_no_secret() -> None:
    """The secret key is not printed."""
    assert "secret" not in repr(ENDPOINT).replace("secret_key", "")


def test_environment_variables() -> None:
    """The variables name the endpoint, its keys, and a file with an empty profile."""
    variables = environment_variables(ENDPOINT, region="ca-central-1")
    config = configparser.ConfigParser()
    config.read(variables["AWS_CONFIG_FILE"])

    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert (
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
    ) == ("000000000000", "secret")
    assert {variables["AWS_REGION"], variables["AWS_DEFAULT_REGION"]} == {"ca-central-1"}
    assert Path(variables["AWS_CONFIG_FILE"]).is_file()
    assert not {"endpoint_url", "role_arn"} & {
        key for section in config.values() for key in section
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "127.0.0.1"),
        ({"NO_PROXY": "example.org, .corp"}, "example.org,.corp,127.0.0.1"),
        ({"NO_PROXY": "a", "no_proxy": "b,127.0.0.1"}, "a,b,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy(environ: dict[str, str], expected: str) -> None:
    """The user's NO_PROXY is kept; the endpoint is added once."""
    variables = environment_variables(ENDPOINT, region="ca-central-1", environ=environ)

    assert [variables["NO_PROXY"], variables["no_proxy"]] == [expected, expected]
