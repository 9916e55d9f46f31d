"""The secret key of the emulator's folder."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import emulator
from deployer.errors import EmulatorError
from emulator.access import secret
from emulator.paths import EmulatorPaths
from tests.emulator.access.attacker import (
    client,
    sign,
)
from tests.emulator.functions import ROLE, code, function
from tests.emulator.templates import template
from tests.emulator_server import Aws


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_has_access(tmp_path: Path) -> None:
    """Only the owner can read folder and file, with any umask, also if the folder existed."""
    paths = EmulatorPaths(tmp_path / "emulator")
    paths.folder.mkdir(mode=0o755)
    umask = os.umask(0)
    try:
        paths.create()
    finally:
        os.umask(umask)

    assert (mode(paths.folder), mode(paths.secret)) == (0o700, 0o600)


def test_reset_keeps_the_secret(tmp_path: Path) -> None:
    """A second start and a reset keep the secret; another folder has another secret."""
    one, other = EmulatorPaths(tmp_path / "one"), EmulatorPaths(tmp_path / "other")
    one.create()
    other.create()
    first = secret.read(one.secret)

    one.create()
    one.delete_data()

    assert first == secret.read(one.secret)
    assert first != secret.read(other.secret)


def test_concurrent_creation(tmp_path: Path) -> None:
    """Concurrent calls create one secret and leave no other file."""
    file = tmp_path / "secret"

    def create_and_read(_: int) -> str:
        secret.create(file)
        return secret.read(file)

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(create_and_read, range(64)))

    assert len(found) == 1
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_open_to_other_users(tmp_path: Path, permissions: int) -> None:
    """A secret that other users may read or write is refused with a hint."""
    file = tmp_path / "secret"
    secret.create(file)
    file.chmod(permissions)

    with pytest.raises(EmulatorError, match="is open to other users") as failed:
        secret.read(file)

    assert f"delete {file}" in failed.value.hint


@pytest.mark.parametrize("text", ["", "test", "x" * 39, "x" * 41, "x" * 39 + " "])
def test_invalid_content(tmp_path: Path, text: str) -> None:
    """A file without a key of the right length is refused."""
    file = tmp_path / "secret"
    secret.create(file)
    file.write_text(text)

    with pytest.raises(EmulatorError, match="does not contain a secret key"):
        secret.read(file)


def test_link(tmp_path: Path) -> None:
    """A symbolic link is followed neither to write nor to read."""
    file, target = tmp_path / "secret", tmp_path / "target"
    file.symlink_to(target)

    secret.create(file)

    assert not target.exists()
    with pytest.raises(EmulatorError, match="cannot be read"):
        secret.read(file)


def test_missing(tmp_path: Path) -> None:
    """A missing file is an error."""
    with pytest.raises(EmulatorError, match="cannot be read: No such file or directory"):
        secret.read(tmp_path / "secret")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_owned_by_another_user(tmp_path: Path) -> None:
    """A secret file of another user is refused, because that user can read it."""
    file = tmp_path / "secret"
    secret.create(file)
    os.chown(file, 65534, 65534)

    with pytest.raises(EmulatorError, match="belongs to another user"):
        secret.read(file)


def test_proof() -> None:
    """The proof depends on the secret and the challenge; a malformed challenge has no proof."""
    challenge, other = secret.new_challenge(), secret.new_challenge()

    assert secret.proof("a" * 40, challenge) == secret.proof("a" * 40, challenge)
    assert secret.proof("a" * 40, challenge) != secret.proof("b" * 40, challenge)
    assert secret.proof("a" * 40, challenge) != secret.proof("a" * 40, other)
    assert secret.proof("a" * 40, "x") is None
    assert secret.proof("a" * 40, challenge + "\n") is None


UNPRIVILEGED_ID = 65534


def process_tree(pid: int) -> list[int]:
    """Return the ids of a process and all of its descendants."""
    children = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found = [pid]
    for process in found:
        found += children.get(process, [])
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look at other processes")
def test_secret_is_in_its_file_only(own_folder: Path) -> None:
    """Environment, command line, log and state of the server and its functions do not contain it."""
    endpoint = emulator.start(own_folder)
    aws = Aws(endpoint)
    source = "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n"
    aws.deploy(
        "s", template(Role=ROLE, F=function(code(aws, source))), Capabilities=["CAPABILITY_IAM"]
    )
    name = aws.client("lambda").list_functions()["Functions"][0]["FunctionName"]
    result = aws.client("lambda").invoke(FunctionName=name)["Payload"].read()
    processes = process_tree(int(emulator.status(own_folder).pid or 0))
    contents = [
        Path(f"/proc/{pid}/{file}").read_bytes()
        for pid in processes
        for file in ("environ", "cmdline")
    ]
    emulator.stop(own_folder)
    files = [file for file in own_folder.rglob("*") if file.is_file() and file.name != "secret"]

    secret = endpoint.secret_key.encode()
    assert len(processes) > 1
    assert secret in (own_folder / "secret").read_bytes()
    assert [text for text in [result, *contents] if secret in text] == []
    assert own_folder / "state.json" in files
    assert [file for file in files if secret in file.read_bytes()] == []
    assert endpoint.secret_key not in repr(endpoint)


# http.client needs encodings.idna to connect. It is imported before the user changes, because the other
# user may not be able to read the standard library.
ATTACKER = """
import encodings.idna, http.client, json, os, sys

folder, address, requests = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
os.setgroups([])
os.setgid({user})
os.setuid({user})
for name in ("secret", "state.json", "server.json", "."):
    try:
        os.listdir(folder) if name == "." else open(os.path.join(folder, name)).read()
        print("read")
    except PermissionError:
        print("denied")
for headers, body in requests:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/", body, headers)
    print(connection.getresponse().status)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine(own_folder: Path) -> None:
    """Another user of the machine can neither read the secret nor call the emulator's API."""
    endpoint = emulator.start(own_folder)
    address = urlsplit(endpoint.url).netloc
    body = b"Action=CreateUser&UserName=evil&Version=2010-05-08"
    form = {"Content-Type": "application/x-www-form-urlencoded", "Host": address}
    keys = [(endpoint.access_key, "test"), ("test", "test"), (endpoint.access_key, "x" * 40)]
    signed = [
        sign(endpoint, "POST", "/", body, service="iam", key=key, secret=secret)
        for key, secret in keys
    ]
    attempts = [{}, *({n.replace("_", "-"): v for n, v in headers.items()} for headers in signed)]
    requests = [(form | headers, body.decode()) for headers in attempts]
    attack = ATTACKER.format(user=UNPRIVILEGED_ID)

    ran = subprocess.run(
        [sys.executable, "-c", attack, str(own_folder), address, json.dumps(requests)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stderr == ""
    assert ran.stdout.split() == ["denied"] * 4 + ["403"] * 4
    users = client(endpoint, "iam", endpoint.access_key, endpoint.secret_key).list_users()
    assert users["Users"] == []
