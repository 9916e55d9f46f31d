"""Images, by a docker that only writes down what it is told."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from operations import ecr, image, project
from tests.operations.answers import FIRST, Account, Client, opened, refused

REGISTRY = "000000000000.dkr.ecr.ca-central-1.amazonaws.com"
URI, DIGEST = f"{REGISTRY}/crd-x-backend", f"sha256:{'a' * 64}"
PASSWORD = "a password of twelve hours"
TOKEN = {
    "authorizationData": [
        {
            "authorizationToken": base64.b64encode(f"AWS:{PASSWORD}".encode()).decode(),
            "proxyEndpoint": f"https://{REGISTRY}",
        }
    ]
}
THERE = {"imageDetails": [{"imageDigest": DIGEST}]}
DOCKER = f"""#!{sys.executable} -I
import json, os, sys
told = {{"arguments": sys.argv[1:], "stdin": sys.stdin.buffer.read().decode("latin-1")}}
told["aws"] = [name for name in os.environ if name.startswith("AWS_")]
told["attestations"] = os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS")
with open(os.environ["DIARY"], "a") as diary:
    print(json.dumps(told), file=diary)
print("progress of docker", flush=True)
sys.exit(os.environ.get("FAILS") == sys.argv[1])
"""


class Machine:
    """A checkout with a backend, and a docker on PATH."""

    def __init__(self, folder: Path, commit: str) -> None:
        self.folder, self.commit = folder, commit

    @property
    def told(self) -> list[dict]:
        """What docker was told, call by call."""
        diary = self.folder / "diary"
        return (
            [json.loads(line) for line in diary.read_text().splitlines()] if diary.exists() else []
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One commit, nothing changed since."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    checkout = tmp_path / "checkout"
    (checkout / "backend").mkdir(parents=True)
    (checkout / "backend" / "Dockerfile").write_text("FROM scratch\n")
    identity = ["-c", "user.name=x", "-c", "user.email=x@x.example"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True
    )
    monkeypatch.setattr(project, "ROOT", checkout)
    monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
    monkeypatch.setenv("DIARY", str(tmp_path / "diary"))
    return Machine(tmp_path, asked.stdout.strip())


def account(monkeypatch: pytest.MonkeyPatch, *found: object, **service: str) -> Account:
    """An account whose registry has, one look after the other, what is *found*."""
    client = Client(get_authorization_token=TOKEN, describe_images=list(found))
    outputs = {"registry": {"Uri": URI, "Name": "crd-x-backend"}}
    return opened(monkeypatch, Account(outputs, {"ecr": client}), **service)


def test_login(machine: Machine, monkeypatch, capfd) -> None:
    """The password goes to stdin: no list of processes has it, nor anything that is printed."""
    account(monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an account's")

    ecr.login(Context())

    [told] = machine.told
    assert [] == told["aws"]
    assert ["login", "--username", "AWS", "--password-stdin", REGISTRY] == told["arguments"]
    assert PASSWORD == told["stdin"]
    out, err = capfd.readouterr()
    assert f"signed in to {REGISTRY}\n" == out
    assert f"{FIRST}progress of docker\n" == err


@pytest.mark.parametrize(
    ("architecture", "platform"), [("ARM64", "linux/arm64"), ("X86_64", "linux/amd64")]
)
def test_build(machine: Machine, monkeypatch, capfd, architecture: str, platform: str) -> None:
    """What the pipeline builds, for the processor in config, named after the commit."""
    account(monkeypatch, architecture=architecture)

    image.build(Context())

    [told] = machine.told
    assert told["arguments"] == [
        "build",
        "--pull",
        f"--platform={platform}",
        f"--label=org.opencontainers.image.revision={machine.commit}",
        f"--tag={URI}:{machine.commit}",
        "-",
    ]
    assert "1" == told["attestations"]
    assert f"{URI}:{machine.commit}\n" == capfd.readouterr().out


def test_what_git_ignores_is_in_no_image(machine: Machine, monkeypatch) -> None:
    """The commit has it not, so what is named after the commit must not."""
    account(monkeypatch)
    backend = machine.folder / "checkout" / "backend"
    (backend / ".gitignore").write_text(".env\n.gitignore\n")
    (backend / ".env").write_text("AWS_ENDPOINT_URL=http://127.0.0.1\n")

    image.build(Context())

    [told] = machine.told
    with tarfile.open(fileobj=io.BytesIO(told["stdin"].encode("latin-1"))) as context:
        assert ["Dockerfile"] == context.getnames()


def test_push(machine: Machine, monkeypatch, capfd) -> None:
    """Signed in, built, pushed; the digest, alone on stdout, is the registry's."""
    account(monkeypatch, refused("ImageNotFoundException"), THERE)

    image.push(Context())

    assert ["login", "build", "push"] == [told["arguments"][0] for told in machine.told]
    assert f"{URI}:{machine.commit}" == machine.told[-1]["arguments"][1]
    assert f"{DIGEST}\n" == capfd.readouterr().out


def test_push_again(machine: Machine, monkeypatch, capfd) -> None:
    """An existing image may come from another user: it is not used as the build of the commit."""
    account(monkeypatch, THERE)

    with pytest.raises(Exit) as ended:
        image.push(Context())

    assert 3 == ended.value.code
    assert [] == machine.told
    out, err = capfd.readouterr()
    assert "" == out
    assert f"an image with the tag {machine.commit} exists: {DIGEST}" in err
    assert f"./inv service.release --image={DIGEST}" in err


@pytest.mark.parametrize("file", ["Dockerfile", "new.py"], ids=["changed", "new"])
def test_not_committed(machine: Machine, monkeypatch, capfd, file: str) -> None:
    """It can be built, under another name; it cannot be pushed as what it is not."""
    account(monkeypatch)
    (machine.folder / "checkout" / "backend" / file).write_text("FROM other\n")

    image.build(Context())
    with pytest.raises(Exit) as ended:
        image.push(Context())

    assert 3 == ended.value.code
    [told] = machine.told
    assert f"--tag={URI}:{machine.commit}-dirty" in told["arguments"]
    assert (str(machine.folder / "checkout" / "backend"), "") == (
        told["arguments"][-1],
        told["stdin"],
    )
    assert f"differs from {machine.commit[:12]}" in capfd.readouterr().err


def test_elsewhere_not_committed(machine: Machine, monkeypatch) -> None:
    """Only what goes into the image counts."""
    account(monkeypatch, refused("ImageNotFoundException"), THERE)
    (machine.folder / "checkout" / "notes").write_text("mine")

    image.push(Context())


@pytest.mark.parametrize("fails", ["login", "build", "push"])
def test_docker_fails(machine: Machine, monkeypatch, capfd, fails: str) -> None:
    """Nothing goes on from there, and the task fails."""
    account(monkeypatch, refused("ImageNotFoundException"), THERE)
    monkeypatch.setenv("FAILS", fails)

    with pytest.raises(Exit) as ended:
        image.push(Context())

    assert 1 == ended.value.code
    assert fails == machine.told[-1]["arguments"][0]
    out, err = capfd.readouterr()
    assert f"error: docker {fails} failed with exit code 1" in err
    assert PASSWORD not in out + err


def test_lost_push(machine: Machine, monkeypatch, capfd) -> None:
    """A push that the registry knows nothing of is none."""
    account(monkeypatch, refused("ImageNotFoundException"), refused("ImageNotFoundException"))

    with pytest.raises(Exit):
        image.push(Context())

    assert f"was pushed {machine.commit}, and knows nothing of it" in capfd.readouterr().err


def test_no_dockerfile(machine: Machine, monkeypatch, capfd) -> None:
    """There is nothing to build from."""
    account(monkeypatch)
    (machine.folder / "checkout" / "backend" / "Dockerfile").unlink()

    with pytest.raises(Exit):
        image.build(Context())

    assert "backend/Dockerfile: there is no such file" in capfd.readouterr().err
    assert [] == machine.told


def test_no_repository(machine: Machine, monkeypatch, capfd, tmp_path: Path) -> None:
    """Without a commit there is no name."""
    account(monkeypatch)
    monkeypatch.setattr(project, "ROOT", tmp_path)

    with pytest.raises(Exit):
        image.build(Context())

    assert "hint: an image is named after its commit" in capfd.readouterr().err


def test_no_docker(machine: Machine, monkeypatch, capfd, tmp_path: Path) -> None:
    """It is said, in words."""
    account(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Exit):
        ecr.login(Context())

    assert "error: docker is not on PATH\nhint:" in capfd.readouterr().err


@pytest.mark.parametrize(
    "host", ["evil.example", REGISTRY.replace("0", "9"), f"{REGISTRY}.e.example"]
)
def test_the_password_goes_to_no_other_registry(machine: Machine, monkeypatch, capfd, host) -> None:
    """A release chooses what the stack returns; the password opens every repository."""
    client = Client(get_authorization_token=TOKEN)
    outputs = {"registry": {"Uri": f"{host}/crd-x-backend", "Name": "crd-x-backend"}}
    opened(monkeypatch, Account(outputs, {"ecr": client}))

    with pytest.raises(Exit):
        ecr.login(Context())

    assert [] == machine.told
    assert f"{host} is not the registry of this account, {REGISTRY}\n" in capfd.readouterr().err


def test_not_deployed(machine: Machine, monkeypatch, capfd) -> None:
    """There is no registry to sign in to."""
    opened(monkeypatch, Account())

    with pytest.raises(Exit):
        ecr.login(Context())

    assert "hint: ./inv deploy --stack=registry --env=x\n" in capfd.readouterr().err
