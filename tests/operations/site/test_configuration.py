"""The configuration that `site.sync` publishes with the site."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from operations import site
from operations.site import configuration, files
from operations.target import Target
from tests.operations.fake_account import ENV, Account
from tests.operations.fake_account import ENVIRONMENT as WITHOUT_CONFIG
from tests.stacks.templates import config_of

ENVIRONMENT = replace(WITHOUT_CONFIG, config=config_of("local"))
OUTPUTS = {
    "users": {"Pool": "ca-central-1_x", "Client": "client"},
    "avatars": {"Api": "abc", "ApiDomain": "abc.execute-api.ca-central-1.amazonaws.com"},
}


class LocalTarget(Target):
    """The emulator, with stacks of the same names."""

    def outputs(self, names: object) -> dict[tuple[str, str], str]:
        """Return all outputs."""
        return {(stack, name): OUTPUTS[stack][name] for stack in OUTPUTS for name in OUTPUTS[stack]}


def test_an_account() -> None:
    """The addresses are those of the domain and of AWS; the upload API is among them (defect 78)."""
    account: Any = Account(OUTPUTS)

    assert configuration.configuration(Target(ENVIRONMENT, account)) == {
        "api": "https://api.x.example",
        "assets": "https://assets.x.example",
        "cognito": "https://cognito-idp.ca-central-1.amazonaws.com/",
        "traces": "",
        "uploads": "https://abc.execute-api.ca-central-1.amazonaws.com",
        "userPool": "ca-central-1_x",
        "userPoolClient": "client",
    }


def test_the_emulator() -> None:
    """All addresses are plain HTTP with the port of the emulator."""
    local = msgspec.structs.replace(ENV, name="local", domain="x.localhost")
    account: Any = Account(url="http://127.0.0.1:4566")

    found = configuration.configuration(LocalTarget(replace(ENVIRONMENT, env=local), account))

    assert {name: value for name, value in found.items() if "://" in value} == {
        "api": "http://api.x.localhost:4566",
        "assets": "http://assets.x.localhost:4566",
        "cognito": "http://127.0.0.1:4566/",
        "uploads": "http://127.0.0.1:4566/_aws/execute-api/abc/$default",
    }


def test_the_site_reads_all_names_and_no_others() -> None:
    """frontend/src/configuration.ts lists the same names."""
    account: Any = Account(OUTPUTS)
    source = (Path(__file__).parents[3] / "frontend/src/configuration.ts").read_text()
    names = source.partition("const NAMES = [")[2].partition("]")[0]

    assert sorted(configuration.configuration(Target(ENVIRONMENT, account))) == sorted(
        name.strip(' \n"') for name in names.split(",") if name.strip()
    )


def test_only_a_site_with_a_configuration_receives_one(tmp_path: Path, monkeypatch) -> None:
    """config.json of the build is replaced, and validated on each request like a page."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    built = files.read(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    configured = files.read(tmp_path)
    account: Any = Account(OUTPUTS)
    target = Target(ENVIRONMENT, account)

    folder = site.with_configuration(configured, target)

    assert site.with_configuration(built, target) == built
    assert json.loads(folder.read("config.json")) == configuration.configuration(target)
    assert folder.files["config.json"].cache_control == "no-cache"
    assert folder.files["config.json"].sha256 == files.checksum(configuration.content(target))
    assert folder.read("index.html") == b"<!doctype html>"
