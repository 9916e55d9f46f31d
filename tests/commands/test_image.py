"""`ecr.login` and `image.*`, with a docker that records its arguments and input."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import ecr, image
from operations import project
from tests.operations.fake_account import START_LINE, Account, Client, aws_error, use_account
from tests.programs import SHEBANG

REGISTRY = "000000000000.dkr.ecr.ca-central-1.amazonaws.com"
URI, DIGEST = f"{REGISTRY}/crd-x-backend", f"sha256:{'a' * 64}"
PASSWORD = "the registry password"
TOKEN = {
    "authorizationData": [
        {
            "authorizationToken": base64.b64encode(f"AWS:{PASSWORD}".encode()).decode(),
            "proxyEndpoint": f"https://{REGISTRY}",
        }
    ]
}
FOUND = {"imageDetails": [{"imageDigest": DIGEST}]}
FILES = {"backend/Dockerfile": "FROM scratch\n", "lambdas/shared/tokens.py": "TOKENS = 1\n"}
DOCKER = f"""{SHEBANG}
import json, os, sys
call = {{"arguments": sys.argv[1:], "stdin": sys.stdin.buffer.read().decode("latin-1")}}
folders = [word.rpartition("=")[2] for word in sys.argv if word.startswith(("/", "--build-context"))]
call["files"] = [sorted(os.listdir(folder)) for folder in folders[1:]]
call["aws"] = [name for name in os.environ if name.startswith("AWS_")]
call["attestations"] = os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS")
with open(os.environ["CALLS_FILE"], "a") as calls_file:
    print(json.dumps(call), file=calls_file)
print("progress of docker", flush=True)
sys.exit(os.environ.get("FAILS") == sys.argv[1])
"""


class Machine:
    """A git repository with a backend, and a docker on PATH."""

    def __init__(self, folder: Path, commit: str) -> None:
        self.folder, self.commit = folder, commit

    @property
    def calls(self) -> list[dict]:
        """Return the recorded calls of docker."""
        calls_file = self.folder / "calls_file"
        return (
            [json.loads(line) for line in calls_file.read_text().splitlines()]
            if calls_file.exists()
            else []
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose repository has one commit and no changes."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    checkout = tmp_path / "checkout"
    for file, text in FILES.items():
        (checkout / file).parent.mkdir(parents=True)
        (checkout / file).write_text(text)
    identity = ["-c", "user.name=x", "-c", "user.email=x@x.example"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True
    )
    monkeypatch.setattr(project, "ROOT", checkout)
    monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS_FILE", str(tmp_path / "calls_file"))
    return Machine(tmp_path, head.stdout.strip())


def account(monkeypatch: pytest.MonkeyPatch, *found: object, **service: str) -> Account:
    """Make the tasks use an account whose registry answers DescribeImages with *found*."""
    client = Client(get_authorization_token=TOKEN, describe_images=list(found))
    outputs = {"registry": {"Uri": URI, "Name": "crd-x-backend"}}
    return use_account(monkeypatch, Account(outputs, {"ecr": client}), **service)


def test_login(machine: Machine, monkeypatch, capfd) -> None:
    """The password is passed by stdin and not printed; docker gets no AWS credentials."""
    account(monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an account's")

    ecr.login(Context())

    [call] = machine.calls
    assert call["aws"] == []
    assert call["arguments"] == ["login", "--username", "AWS", "--password-stdin", REGISTRY]
    assert call["stdin"] == PASSWORD
    out, err = capfd.readouterr()
    assert out == f"logged in to {REGISTRY}\n"
    assert err == f"{START_LINE}progress of docker\n"


@pytest.mark.parametrize(
    ("architecture", "platform"), [("ARM64", "linux/arm64"), ("X86_64", "linux/amd64")]
)
def test_build(machine: Machine, monkeypatch, capfd, architecture: str, platform: str) -> None:
    """The image is built for the architecture in config; its tag is the commit."""
    account(monkeypatch, architecture=architecture)

    image.build(Context())

    [call] = machine.calls
    assert call["arguments"][:-2] == [
        "build",
        "--pull",
        f"--platform={platform}",
        f"--label=org.opencontainers.image.revision={machine.commit}",
        f"--tag={URI}:{machine.commit}",
    ]
    assert call["files"] == [["tokens.py"], ["Dockerfile"]]
    assert call["attestations"] == "1"
    assert capfd.readouterr().out == f"{URI}:{machine.commit}\n"


def test_ignored_files_are_not_in_the_image(machine: Machine, monkeypatch) -> None:
    """The image of a commit contains only files of the commit."""
    account(monkeypatch)
    backend = machine.folder / "checkout" / "backend"
    (backend / ".gitignore").write_text(".env\n.gitignore\n")
    (backend / ".env").write_text("AWS_ENDPOINT_URL=http://127.0.0.1\n")

    image.build(Context())

    [call] = machine.calls
    assert call["files"] == [["tokens.py"], ["Dockerfile"]]


def test_push(machine: Machine, monkeypatch, capfd) -> None:
    """Docker signs in, builds and pushes; only the digest of the registry is on stdout."""
    account(monkeypatch, aws_error("ImageNotFoundException"), FOUND)

    image.push(Context())

    assert [call["arguments"][0] for call in machine.calls] == ["login", "build", "push"]
    assert machine.calls[-1]["arguments"][1] == f"{URI}:{machine.commit}"
    assert capfd.readouterr().out == f"{DIGEST}\n"


def test_an_existing_tag_is_not_pushed(machine: Machine, monkeypatch, capfd) -> None:
    """An existing tag is refused: its image may be that of another user."""
    account(monkeypatch, FOUND)

    with pytest.raises(Exit) as ended:
        image.push(Context())

    assert ended.value.code == 3
    assert machine.calls == []
    out, err = capfd.readouterr()
    assert out == ""
    assert f"an image with the tag {machine.commit} exists: {DIGEST}" in err
    assert f"./inv service.release --image={DIGEST}" in err


@pytest.mark.parametrize(
    "file", ["backend/Dockerfile", "backend/new.py", "lambdas/shared/tokens.py"]
)
def test_uncommitted_changes(machine: Machine, monkeypatch, capfd, file: str) -> None:
    """An image of uncommitted changes can be built, with another tag, but not pushed."""
    account(monkeypatch)
    (machine.folder / "checkout" / file).write_text("FROM other\n")

    image.build(Context())
    with pytest.raises(Exit) as ended:
        image.push(Context())

    assert ended.value.code == 3
    [call] = machine.calls
    assert f"--tag={URI}:{machine.commit}-dirty" in call["arguments"]
    checkout = machine.folder / "checkout"
    assert call["arguments"][-2:] == [
        f"--build-context=shared={checkout}/lambdas/shared",
        f"{checkout}/backend",
    ]
    assert f"differs from commit {machine.commit[:12]}" in capfd.readouterr().err


def test_changes_outside_of_the_backend(machine: Machine, monkeypatch) -> None:
    """Only the files of the image must be committed."""
    account(monkeypatch, aws_error("ImageNotFoundException"), FOUND)
    (machine.folder / "checkout" / "notes").write_text("mine")

    image.push(Context())


@pytest.mark.parametrize("fails", ["login", "build", "push"])
def test_docker_fails(machine: Machine, monkeypatch, capfd, fails: str) -> None:
    """The task stops at the failed command."""
    account(monkeypatch, aws_error("ImageNotFoundException"), FOUND)
    monkeypatch.setenv("FAILS", fails)

    with pytest.raises(Exit) as ended:
        image.push(Context())

    assert ended.value.code == 1
    assert fails == machine.calls[-1]["arguments"][0]
    out, err = capfd.readouterr()
    assert f"error: docker {fails} failed with exit code 1" in err
    assert PASSWORD not in out + err


def test_a_push_without_result(machine: Machine, monkeypatch, capfd) -> None:
    """If the registry has no image after the push, the task fails."""
    account(monkeypatch, aws_error("ImageNotFoundException"), aws_error("ImageNotFoundException"))

    with pytest.raises(Exit):
        image.push(Context())

    assert f"the pushed tag {machine.commit} is missing" in capfd.readouterr().err


def test_no_dockerfile(machine: Machine, monkeypatch, capfd) -> None:
    """The error names the missing file."""
    account(monkeypatch)
    (machine.folder / "checkout" / "backend" / "Dockerfile").unlink()

    with pytest.raises(Exit):
        image.build(Context())

    assert "backend/Dockerfile: no such file" in capfd.readouterr().err
    assert machine.calls == []


def test_no_repository(machine: Machine, monkeypatch, capfd, tmp_path: Path) -> None:
    """Without a commit there is no tag."""
    account(monkeypatch)
    monkeypatch.setattr(project, "ROOT", tmp_path)

    with pytest.raises(Exit):
        image.build(Context())

    assert "hint: run this in a git repository" in capfd.readouterr().err


def test_no_docker(machine: Machine, monkeypatch, capfd, tmp_path: Path) -> None:
    """A missing docker is an error with a hint."""
    account(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Exit):
        ecr.login(Context())

    assert "error: docker is not on PATH\nhint:" in capfd.readouterr().err


@pytest.mark.parametrize(
    "host", ["evil.example", REGISTRY.replace("0", "9"), f"{REGISTRY}.e.example"]
)
def test_the_password_goes_to_no_other_registry(machine: Machine, monkeypatch, capfd, host) -> None:
    """The password is sent to the registry of this account only.

    A release could change the output that names the registry, and the password is valid for all
    repositories of the account.
    """
    client = Client(get_authorization_token=TOKEN)
    outputs = {"registry": {"Uri": f"{host}/crd-x-backend", "Name": "crd-x-backend"}}
    use_account(monkeypatch, Account(outputs, {"ecr": client}))

    with pytest.raises(Exit):
        ecr.login(Context())

    assert machine.calls == []
    assert f"{host} is not the registry of this account, {REGISTRY}\n" in capfd.readouterr().err


def test_not_deployed(machine: Machine, monkeypatch, capfd) -> None:
    """The hint names the stack to deploy."""
    use_account(monkeypatch, Account())

    with pytest.raises(Exit):
        ecr.login(Context())

    assert "hint: run ./inv deploy --stack=registry --env=x\n" in capfd.readouterr().err
