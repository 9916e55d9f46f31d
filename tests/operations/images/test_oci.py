"""Images of a folder with a Dockerfile."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from deployer.errors import ConfigError
from operations.images.oci import Image, build

LAST = 'CMD ["python3", "app.py"]\n'
DOCKERFILE = (
    f"FROM x AS build\nFROM y\nWORKDIR /app\nCOPY --from=build /venv /venv\nCOPY . .\n{LAST}"
)


def image(root: Path, dockerfile: str = DOCKERFILE, **texts: str) -> Image:
    """Write the folder app with a Dockerfile and *texts* by file name, and build its image."""
    for name, text in {"Dockerfile": dockerfile, **texts}.items():
        path = root / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return build(root, "app", {"shared": "shared"})


def names(built: Image) -> list[str]:
    """Return the names of the files in the layer."""
    with tarfile.open(fileobj=io.BytesIO(built.layer)) as archive:
        return archive.getnames()


def test_same_inputs(tmp_path: Path) -> None:
    """The same inputs give the same digest in another folder; each changed input another one."""
    texts = {"app.py": "1", "requirements.txt": "a==1"}
    first = image(tmp_path / "a", **texts)
    others = [
        image(tmp_path / "b", **texts | {"app.py": "2"}),
        image(tmp_path / "c", **texts | {"requirements.txt": "a==2"}),
        image(tmp_path / "d", DOCKERFILE + "RUN x\n", **texts),
        image(tmp_path / "e", **texts | {"new.py": "1"}),
    ]

    assert first.digest == image(tmp_path / "f", **texts).digest
    assert len({first.digest, *(other.digest for other in others)}) == 5


def test_configuration(tmp_path: Path) -> None:
    """The configuration has command, folder and environment, and the digest of the lock."""
    built = image(tmp_path, DOCKERFILE + "ENV A=b\n", **{"requirements.txt": "a==1"})
    config = json.loads(built.config)["config"]

    assert config["Cmd"] == ["python3", "app.py"]
    assert (config["WorkingDir"], config["Env"]) == ("/app", ["A=b"])
    assert (config["Labels"]["emulator.packages.folder"], built.lock) == ("/venv", "a==1")


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ("COPY . .", ["app/Dockerfile", "app/a.py", "app/p/b.py"]),
        ("COPY a.py p/ ./", ["app/a.py", "app/b.py"]),
        ("COPY p q", ["app/q/b.py"]),
        ("COPY a.py /srv/c.py", ["srv/c.py"]),
        ("COPY *.py /srv/", ["srv/a.py"]),
        ("COPY --from=shared tokens.py lib/", ["app/lib/tokens.py"]),
    ],
)
def test_copies(tmp_path: Path, copy: str, expected: list[str]) -> None:
    """Files and folders are copied as docker does it."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "tokens.py").write_text("x")
    dockerfile = f"FROM x\nWORKDIR /app\n{copy}\n{LAST}"

    built = image(tmp_path, dockerfile, **{"a.py": "1", "p/b.py": "2"})

    assert expected == names(built)


@pytest.mark.parametrize(
    ("copy", "error"),
    [
        ("COPY missing.py .", "app/Dockerfile:2: COPY missing.py: no such file"),
        ("COPY a.py /usr/lib/", "app/Dockerfile: copies files to /usr"),
        ("COPY --from=x a .", "app/Dockerfile:2: COPY --from=x: is neither a stage nor a known"),
    ],
)
def test_errors(tmp_path: Path, copy: str, error: str) -> None:
    """A copy that cannot be done is an error with its line."""
    with pytest.raises(ConfigError) as raised:
        image(tmp_path, f"FROM x\n{copy}\n{LAST}", **{"a.py": "1"})

    assert str(raised.value).startswith(error)


def test_no_dockerfile(tmp_path: Path) -> None:
    """A folder without a Dockerfile is refused."""
    (tmp_path / "app").mkdir()

    with pytest.raises(ConfigError, match="app/Dockerfile: no such file"):
        build(tmp_path, "app")
