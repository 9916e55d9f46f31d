"""The files that tell the application on this machine where an environment is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from operations import env_files, project
from tests.operations.answers import Account, opened
from tests.stacks.templates import config_of, emit

OUTPUTS = {
    "database": {"Address": "db.x", "Port": "5432", "Name": "cruddur", "Application": "app"},
    "messages": {"Table": "crd-x-messages-Messages-1"},
    "users": {"Pool": "ca-central-1_x", "Client": "client"},
    "avatars": {"Api": "abc", "ApiDomain": "abc.execute-api.ca-central-1.amazonaws.com"},
}
IGNORED = "/backend/.env\n/frontend/.env.local\n"
# What a task is told that holds inside of it only: where its collector listens.
INSIDE = {"OTEL_EXPORTER_OTLP_ENDPOINT"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the application in it, which ignores what it should."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text(IGNORED)
    (tmp_path / "backend").mkdir()
    monkeypatch.setattr(project, "ROOT", tmp_path)
    opened(monkeypatch, Account(OUTPUTS))
    return tmp_path


def variables(file: Path) -> dict[str, str]:
    """What the lines of *file* say; nothing here needs quotes."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_backend(checkout: Path) -> None:
    """All that a task of the service is told, under the same names, and nothing besides."""
    env_files.write(Context())

    written = variables(checkout / "backend/.env")
    task = emit(config_of("local"))["service"].one("AWS::ECS::TaskDefinition")
    told = {each["Name"] for each in task["ContainerDefinitions"][0]["Environment"]}
    assert told - INSIDE == written.keys()
    assert "db.x" == written["PGHOST"]
    assert "crd-x-messages-Messages-1" == written["DDB_MESSAGE_TABLE"]
    assert "https://api.x.example" == written["BACKEND_URL"]


def test_frontend(checkout: Path) -> None:
    """The original's variables as Vite wants them called; also the one of the upload (defect 78)."""
    env_files.write(Context())

    assert variables(checkout / "frontend/.env.local") == {
        "VITE_BACKEND_URL": "https://api.x.example",
        "VITE_FRONTEND_URL": "https://x.example",
        "VITE_ASSETS_URL": "https://assets.x.example",
        "VITE_API_GATEWAY_ENDPOINT_URL": "https://abc.execute-api.ca-central-1.amazonaws.com",
        "VITE_AWS_PROJECT_REGION": "ca-central-1",
        "VITE_AWS_COGNITO_REGION": "ca-central-1",
        "VITE_AWS_USER_POOLS_ID": "ca-central-1_x",
        "VITE_CLIENT_ID": "client",
    }


@pytest.mark.parametrize("part", ["backend", "frontend"])
def test_one_part(checkout: Path, monkeypatch, capsys, part: str) -> None:
    """What builds the site may read no more than the site needs."""
    needed = {layer: OUTPUTS[layer] for layer in env_files._TOLD[part]}
    opened(monkeypatch, Account(needed))

    env_files.write(Context(), part=part)

    files = [each for each in env_files.FILES.values() if (checkout / each).exists()]
    assert [env_files.FILES[part]] == files
    assert f"written {env_files.FILES[part]}: x\n" == capsys.readouterr().out


def test_what_is_not_deployed(checkout: Path, monkeypatch, capsys) -> None:
    """All of it at once, and nothing is written by half."""
    opened(monkeypatch, Account({"messages": OUTPUTS["messages"], "avatars": {"Api": "abc"}}))

    with pytest.raises(Exit):
        env_files.write(Context())

    told = capsys.readouterr().err
    assert "crd-x-database, crd-x-users, crd-x-avatars are not deployed" in told
    assert "--stack=database --stack=users --stack=avatars" in told
    assert not (checkout / "backend/.env").exists()


def test_what_git_would_see(checkout: Path, capsys) -> None:
    """A file that could be committed by mistake is not made (defect 137)."""
    (checkout / ".gitignore").write_text("/backend/.env\n")

    with pytest.raises(Exit) as ended:
        env_files.write(Context())

    assert 3 == ended.value.code
    assert "frontend/.env.local: git does not ignore it" in capsys.readouterr().err
    assert not (checkout / "backend/.env").exists()


def test_no_repository(tmp_path: Path, monkeypatch) -> None:
    """What is in no repository is in no commit."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    opened(monkeypatch, Account(OUTPUTS))

    env_files.write(Context(), part="frontend")

    assert (tmp_path / "frontend/.env.local").exists()


@pytest.mark.parametrize("file", env_files.FILES.values())
def test_our_own_repository_ignores_them(file: str) -> None:
    """In this checkout."""
    lines = (Path(__file__).parents[2] / ".gitignore").read_text().splitlines()

    assert f"/{file}" in lines


def test_unknown_part(checkout: Path, capsys) -> None:
    """The hint names those there are."""
    with pytest.raises(Exit):
        env_files.write(Context(), part="database")

    assert "--part=database: unknown\nhint: one of: backend, frontend" in capsys.readouterr().err


@pytest.mark.parametrize("link", ["backend", "backend/.env", "frontend", "frontend/.env.local"])
def test_a_link_is_not_followed(checkout: Path, tmp_path_factory, capsys, link: str) -> None:
    """Its target belongs to another user."""
    own = tmp_path_factory.mktemp("own")
    (own / "file").write_text("mine")
    (checkout / "backend").rmdir()
    (checkout / link).parent.mkdir(exist_ok=True)
    (checkout / link).symlink_to(own / "file" if "." in link else own)

    with pytest.raises(Exit) as ended:
        env_files.write(Context())

    assert 3 == ended.value.code
    assert f"{checkout / link}: is a symbolic link to {own}" in capsys.readouterr().err
    assert [own / "file"] == list(own.iterdir())
    assert "mine" == (own / "file").read_text()


def test_a_value_that_no_file_can_have(checkout: Path, monkeypatch, capsys) -> None:
    """The variable is named, and nothing is half written."""
    opened(monkeypatch, Account(OUTPUTS | {"users": {"Pool": "${HOME}", "Client": "c"}}))

    with pytest.raises(Exit):
        env_files.write(Context(), part="backend")

    assert (
        "AWS_COGNITO_USER_POOL_ID: the value cannot be written to a dotenv file"
        in capsys.readouterr().err
    )
    assert not (checkout / "backend/.env").exists()
