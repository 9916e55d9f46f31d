"""Tests of cruddur.settings."""

from __future__ import annotations

import pytest

from cruddur.settings import REQUIRED, Settings, SettingsError
from operations import project
from tests.backend.environment import ENVIRONMENT


def faults(**changes: str | None) -> list[str]:
    """Return the faults of the environment with *changes*; None removes a variable."""
    environ = {name: value for name, value in (ENVIRONMENT | changes).items() if value is not None}
    with pytest.raises(SettingsError) as raised:
        Settings.from_environ(environ)
    return str(raised.value).split("; ")


def test_a_valid_environment():
    """The settings have the values of the variables; on AWS the endpoint of Cognito is not set."""
    settings = Settings.from_environ(ENVIRONMENT)

    assert settings.origins == {"https://cruddur.example", "https://api.cruddur.example"}
    assert (settings.region, settings.cognito_url) == ("ca-central-1", "")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"AWS_ENDPOINT_URL": "http://localhost:1"}, "http://localhost:1"),
        (
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_COGNITO_IDP": "http://b"},
            "http://b",
        ),
    ],
)
def test_the_endpoint_of_the_emulator(variables, url):
    """The variables of AWS SDKs set the Cognito endpoint from which the signing keys (JWKS) are fetched."""
    assert Settings.from_environ(ENVIRONMENT | variables).cognito_url == url


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""])
def test_missing_variables(name, value):
    """Each variable is required, and may not be empty."""
    assert faults(**{name: value}) == [f"{name}: is not set"]


@pytest.mark.parametrize(
    "origin",
    ["*", "https://*", "cruddur.example", "https://cruddur.example/", "https://a b", "null"],
)
def test_origins_are_exact(origin):
    """The application does not start with an origin that has a wildcard or is malformed."""
    assert faults(FRONTEND_URL=origin) == [
        f'FRONTEND_URL: "{origin}" is not an exact origin such as https://example.com'
    ]


@pytest.mark.parametrize("value", ["1", "true", "True", "on"])
def test_the_debugger_is_refused(value):
    """The debugger executes code of visitors, so the application does not start with it."""
    assert faults(FLASK_DEBUG=value) == [
        "FLASK_DEBUG: is set: unset it, because the debugger executes code of visitors"
    ]


def test_all_faults_are_reported_at_once():
    """One error has every fault, so an operator fixes them in one step."""
    found = faults(PGHOST=None, ASSETS_URL="x", FLASK_DEBUG="1")

    assert [fault.partition(":")[0] for fault in found] == ["PGHOST", "ASSETS_URL", "FLASK_DEBUG"]


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_tasks_have_every_variable(environment):
    """The template of the service sets all variables that the application requires."""
    stacks = {stack.short_name: stack for stack in project.environment(environment).desired}
    resources = stacks["service"].body["Resources"]
    [application, *_] = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    set_ = {variable["Name"] for variable in application["Environment"]}

    assert set(REQUIRED) - set_ == set()
