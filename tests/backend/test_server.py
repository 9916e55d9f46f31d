"""Tests of cruddur.server: the settings that the HTTP server shares with the stacks.

Port, health check, container name, times and variables have one source, the stacks. The image and
the application repeat some of them; a difference fails a test of this module.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cruddur import settings
from cruddur.openapi import text
from cruddur.server import HEALTH_CHECK_PATH, Server
from tests.stacks.templates import ENVIRONMENTS, config_of, emit

BACKEND = Path(__file__).parents[2] / "backend"
# Variables of a task that other programs read: the SDKs of AWS and OpenTelemetry, and libpq.
OF_LIBRARIES = {"OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT"}
OF_SERVER = {"PORT", "WEB_CONCURRENCY", "KEEP_ALIVE_SECONDS", "GRACEFUL_TIMEOUT_SECONDS"}


@cache
def container(environment: str) -> dict[str, Any]:
    """Return the definition of the application's container."""
    task = emit(config_of(environment))["service"].one("AWS::ECS::TaskDefinition")
    return task["ContainerDefinitions"][0]


def variables(environment: str) -> dict:
    """Return the variables of the application's container."""
    return {pair["Name"]: pair["Value"] for pair in container(environment)["Environment"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_defaults_are_the_values_of_the_task(environment):
    """A container that runs elsewhere listens on the same port, with the same times."""
    assert Server.from_environ(variables(environment)) == Server()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_task_has_the_variables_that_the_application_reads(environment):
    """No variable is missing, and no variable is unused."""
    assert variables(environment).keys() == {*settings.REQUIRED} | OF_LIBRARIES | OF_SERVER


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_load_balancer_checks_an_endpoint_of_the_application(environment):
    """The path in the target group is that of the health check."""
    assert config_of(environment).cluster.health_check_path == HEALTH_CHECK_PATH
    assert "get" in json.loads(text())["paths"][HEALTH_CHECK_PATH]


def test_the_health_check_of_the_image_is_that_of_the_task():
    """The Dockerfile has the health check of the task definition; ECS uses only the latter."""
    check = container("prod")["HealthCheck"]
    _, *command = check["Command"]
    expected = (
        f"HEALTHCHECK --interval={check['Interval']}s --timeout={check['Timeout']}s"
        f" --retries={check['Retries']} --start-period={check['StartPeriod']}s"
        f" CMD {json.dumps(command)}"
    )

    assert expected in (BACKEND / "Dockerfile").read_text().splitlines()
    assert (BACKEND / command[0]).stat().st_mode & 0o111 == 0o111


def test_the_health_check_ends_before_its_timeout():
    """The program reports the failure itself, and is not killed."""
    [seconds] = re.findall(r"^TIMEOUT_SECONDS = (\d+)", health_check(), re.MULTILINE)

    assert int(seconds) < container("prod")["HealthCheck"]["Timeout"]


def health_check() -> str:
    return (BACKEND / "bin" / "health-check").read_text()


def test_requests_end_before_the_container_is_killed():
    """The graceful timeout is shorter than the stop timeout, and longer than a request."""
    assert 10 < Server().graceful_timeout_seconds < container("prod")["StopTimeout"]


def test_a_number_is_required():
    """A variable that is not a number stops the program."""
    with pytest.raises(ValueError, match="http"):
        Server.from_environ({"PORT": "http"})
