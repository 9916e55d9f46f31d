"""Environments: their files, and the account that they are deployed to."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from troposphere import ec2

import emulator
from deployer import environment, synth
from deployer.artifacts import Code
from deployer.aws.account import Account
from deployer.config.fields import Settings
from deployer.environment import Environment, Project
from deployer.errors import ConfigError, GuardError, StaleError
from deployer.model import Env, Layers, Template

ENV = """
[env]
project = "cruddur"
prefix = "crd"
name = "{name}"
account = "{account}"
region = "ca-central-1"
domain = "cruddur.example"
hosted_zone = "Z0CRUDDUR"
protect = false
"""


class Config(Settings, frozen=True):
    """A config with no table but [env]."""

    env: Env


def nothing(t: Template, _: Env) -> None:
    """Define a stack with a VPC."""
    t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16"))


def layers(config: Config, _: Code) -> Layers:
    """Return one stack."""
    layers = Layers(config.env)
    layers.add("network", nothing)
    return layers


@pytest.fixture
def project(tmp_path: Path) -> Project[Config]:
    """Return a project with the environments dev and local."""
    (tmp_path / "config").mkdir()
    for name, account in (("dev", "111111111111"), ("local", "000000000000")):
        text = ENV.format(name=name, account=account)
        (tmp_path / "config" / f"{name}.toml").write_text(text)
    return Project(tmp_path, Config, layers)


@pytest.fixture
def dev(project: Project[Config]) -> Environment:
    """Return the environment of an account."""
    return project.open("dev")


@pytest.fixture
def local(project: Project[Config]) -> Environment:
    """Return the environment of the emulator."""
    return project.open("local")


def test_an_environment_has_its_config_and_stacks(project: Project[Config]) -> None:
    """Config and stacks are read from the config file, without build/."""
    dev = project.open("dev")

    assert project.environments() == ("dev", "local")
    assert (dev.env.account, dev.prefix) == ("111111111111", "crd-dev-")
    assert [desired.name for desired in dev.desired] == ["crd-dev-network"]
    assert project.root / "build" / "dev" == dev.build
    assert not project.build.exists()


def test_an_unknown_environment_is_refused(project: Project[Config]) -> None:
    """The error has the known environments."""
    with pytest.raises(ConfigError) as raised:
        project.open("def")

    assert "did you mean 'dev'?" in raised.value.message


def test_all_environments_are_opened(project: Project[Config]) -> None:
    """The environment of the emulator is left out on request."""
    names = [environment.env.name for environment in project.open_all()]
    reviewed = [environment.env.name for environment in project.open_all(with_local=False)]

    assert "local" in names
    assert reviewed == [name for name in names if name != "local"]


def test_errors_of_all_environments_are_reported_together(project: Project[Config]) -> None:
    """One run shows every config file whose values a stack refuses."""

    def refuse(config: Config, _: object) -> Layers:
        raise ConfigError(
            f"config/{config.env.name}.toml: network: too large", hint="make it smaller"
        )

    with pytest.raises(ConfigError) as error:
        replace(project, layers=refuse).open_all()

    assert error.value.message.count("network: too large") == len(project.open_all())
    assert error.value.hint == "make it smaller"


def test_the_schema_is_written_for_editors(project: Project[Config]) -> None:
    """The JSON Schema is in the folder of the config files."""
    project.write_schema()

    schema = json.loads((project.root / "config" / "schema.json").read_text("utf-8"))
    assert "Config" in schema["$defs"]


def test_templates_that_differ_from_build_are_refused(dev: Environment) -> None:
    """A deploy to an account refuses templates that differ from build/, which it does not write."""
    with pytest.raises(StaleError) as raised:
        dev.write_or_check_templates()

    assert "build/dev" in raised.value.message
    assert not dev.build.exists()


def test_templates_that_equal_build_are_accepted(dev: Environment) -> None:
    """A deploy to an account accepts templates that equal build/."""
    synth.write(dev.desired, dev.build)
    before = {file.name: file.stat().st_mtime_ns for file in dev.build.iterdir()}

    dev.write_or_check_templates()

    assert before == {file.name: file.stat().st_mtime_ns for file in dev.build.iterdir()}


def test_the_emulator_needs_no_review(local: Environment) -> None:
    """The templates of the emulator are written on each deploy."""
    local.write_or_check_templates()

    assert local.desired[0].text == (local.build / "network.yaml").read_text()


@pytest.mark.parametrize(("name", "expected"), [("dev", False), ("local", True)])
def test_the_environment_of_the_emulator(
    project: Project[Config], name: str, expected: bool
) -> None:
    """Only the environment `local` uses the emulator; all others are accounts."""
    assert expected is project.open(name).is_local


def test_credentials_of_an_account_are_checked(
    dev: Environment, project: Project[Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No emulator is started, and no other endpoint is used."""
    monkeypatch.setenv("AWS_PROFILE", "default")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(project.root / "aws-config"))
    (project.root / "aws-config").write_text("[default]\n")

    with pytest.raises(GuardError, match="dev: AWS_ENDPOINT_URL: "):
        environment.connect(dev, project.emulator, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    assert not project.emulator.exists()


def test_the_emulator_has_the_account_and_the_hosted_zone(
    local: Environment, project: Project[Config]
) -> None:
    """The emulator gets its hosted zone automatically; in an account an operator creates it."""
    try:
        account = environment.connect(local, project.emulator, {"AWS_ENDPOINT_URL": "http://x"})
        zones = hosted_zones(account)
        identity = account.identity()
    finally:
        emulator.stop(project.emulator)

    assert identity.account == "000000000000"
    assert zones == [("/hostedzone/Z0CRUDDUR", "cruddur.example.")]


def test_an_unknown_postgresql_is_refused(local: Environment, project: Project[Config]) -> None:
    """The value is refused before a server starts."""
    with pytest.raises(ConfigError, match="CRUDDUR_POSTGRES=mine: unknown"):
        environment.connect(local, project.emulator, {"CRUDDUR_POSTGRES": "mine"})

    assert not project.emulator.exists()


@pytest.mark.parametrize("origins", ["localhost:3000", "http://a http://b/path", "*", "null"])
def test_an_invalid_origin_is_refused(
    local: Environment, project: Project[Config], origins: str
) -> None:
    """A wildcard, a URL with a path and a bare host are invalid in CRUDDUR_ORIGINS."""
    with pytest.raises(ConfigError, match="CRUDDUR_ORIGINS: not an origin: ") as refused:
        environment.connect(local, project.emulator, {"CRUDDUR_ORIGINS": origins})

    assert "http://HOST:PORT" in refused.value.hint
    assert not project.emulator.exists()


def test_origins_are_added(local: Environment, project: Project[Config]) -> None:
    """A page of an origin in CRUDDUR_ORIGINS may send requests; others may not."""
    added, other = "http://localhost:3000", "http://localhost:3001"
    try:
        endpoint = environment.start_emulator(local, project.emulator, {"CRUDDUR_ORIGINS": added})
        statuses = [preflight(endpoint.url, origin) for origin in (added, other)]
    finally:
        emulator.stop(project.emulator)

    assert statuses == [200, 403]


def preflight(url: str, origin: str) -> int:
    """Return the status of a CORS preflight request of *origin*."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    connection.request("OPTIONS", "/", headers=headers)
    with connection.getresponse() as answer:
        status = answer.status
    connection.close()
    return status


def hosted_zones(account: Account) -> list[tuple[str, str]]:
    """Return id and name of every hosted zone."""
    client = account.session.create_client(
        "route53", region_name=account.region, endpoint_url=account.url, config=account.config
    )
    return [(zone["Id"], zone["Name"]) for zone in client.list_hosted_zones()["HostedZones"]]
