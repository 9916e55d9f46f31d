"""`env.write` writes the dotenv file of a local backend."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import env_files
from operations import env_files as operation
from operations import project
from tests.operations.fake_account import Account, use_account
from tests.stacks.templates import config_of, emit

OUTPUTS = {
    "assets": {"AvatarTopic": "arn:aws:sns:x:1:avatars"},
    "database": {"Address": "db.x", "Port": "5432", "Name": "cruddur", "Application": "app"},
    "messages": {"Table": "crd-x-messages-Messages-1"},
    "users": {"Pool": "ca-central-1_x", "Client": "client"},
}
IGNORED = "/backend/.env\n"
# Variables of an ECS task that are valid only inside the task: the address of its collector.
# The collector of a task, and settings of gunicorn that fit the load balancer and the size of a task.
INSIDE_ONLY = {
    "GRACEFUL_TIMEOUT_SECONDS",
    "KEEP_ALIVE_SECONDS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "PORT",
    "WEB_CONCURRENCY",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with a backend, which ignores the file."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text(IGNORED)
    (tmp_path / "backend").mkdir()
    monkeypatch.setattr(project, "ROOT", tmp_path)
    use_account(monkeypatch, Account(OUTPUTS))
    return tmp_path


def variables(file: Path) -> dict[str, str]:
    """Return the variables in *file*; none of the values needs quotes."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_backend(checkout: Path) -> None:
    """The backend gets the variables of its ECS task, and no others."""
    env_files.write(Context())

    written = variables(checkout / "backend/.env")
    task = emit(config_of("local"))["service"].one("AWS::ECS::TaskDefinition")
    names = {variable["Name"] for variable in task["ContainerDefinitions"][0]["Environment"]}
    assert written.keys() == names - INSIDE_ONLY
    assert written["PGHOST"] == "db.x"
    assert written["DDB_MESSAGE_TABLE"] == "crd-x-messages-Messages-1"
    assert written["BACKEND_URL"] == "https://api.x.example"


def test_missing_stacks(checkout: Path, monkeypatch, capsys) -> None:
    """One error names all missing stacks, and no file is written."""
    use_account(monkeypatch, Account({"messages": OUTPUTS["messages"]}))

    with pytest.raises(Exit):
        env_files.write(Context())

    error = capsys.readouterr().err
    assert "crd-x-assets, crd-x-database, crd-x-users are not deployed" in error
    assert "--stack=assets --stack=database --stack=users" in error
    assert not (checkout / "backend/.env").exists()


def test_a_file_that_git_does_not_ignore(checkout: Path, capsys) -> None:
    """A file that could be committed by mistake is not written (defect 137)."""
    (checkout / ".gitignore").write_text("")

    with pytest.raises(Exit) as ended:
        env_files.write(Context())

    assert ended.value.code == 3
    assert "backend/.env: git does not ignore it" in capsys.readouterr().err
    assert not (checkout / "backend/.env").exists()


def test_no_repository(tmp_path: Path, monkeypatch) -> None:
    """Without a repository nothing can be committed."""
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    use_account(monkeypatch, Account(OUTPUTS))

    env_files.write(Context())

    assert (tmp_path / "backend/.env").exists()


def test_this_repository_ignores_the_file() -> None:
    """.gitignore lists the file."""
    lines = (Path(__file__).parents[2] / ".gitignore").read_text().splitlines()

    assert f"/{operation.FILE}" in lines


@pytest.mark.parametrize("link", ["backend", "backend/.env"])
def test_a_link_is_not_followed(checkout: Path, tmp_path_factory, capsys, link: str) -> None:
    """A symbolic link is not followed: its target may belong to another user."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").write_text("kept")
    (checkout / "backend").rmdir()
    (checkout / link).parent.mkdir(exist_ok=True)
    (checkout / link).symlink_to(outside / "file" if "." in link else outside)

    with pytest.raises(Exit) as ended:
        env_files.write(Context())

    assert ended.value.code == 3
    assert f"{checkout / link}: is a symbolic link to {outside}" in capsys.readouterr().err
    assert list(outside.iterdir()) == [outside / "file"]
    assert (outside / "file").read_text() == "kept"


def test_a_value_that_cannot_be_quoted(checkout: Path, monkeypatch, capsys) -> None:
    """The error names the variable, and no file is written."""
    use_account(monkeypatch, Account(OUTPUTS | {"users": {"Pool": "${HOME}", "Client": "c"}}))

    with pytest.raises(Exit):
        env_files.write(Context())

    assert (
        "AWS_COGNITO_USER_POOL_ID: the value cannot be written to a dotenv file"
        in capsys.readouterr().err
    )
    assert not (checkout / "backend/.env").exists()
