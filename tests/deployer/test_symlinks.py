"""Writing and deleting only inside the checkout, despite symbolic links."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import emulator
from deployer import environment, symlinks, synth
from deployer.artifacts import Code, Target
from deployer.artifacts.build import build
from deployer.errors import DeployError, GuardError
from deployer.model import Layers
from emulator.paths import EmulatorPaths
from tests.fakes import desired_stack


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout, and beside it a folder of another user."""
    (tmp_path / "checkout").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "file").write_text("mine")
    return tmp_path / "checkout"


@pytest.mark.parametrize("link", ["a", "a/b", "a/b/c"])
def test_a_link_in_the_path_is_refused(root: Path, link: str) -> None:
    """A symbolic link anywhere in the path is reported with its target and a hint."""
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(root.parent / "own")

    with pytest.raises(GuardError) as raised:
        symlinks.refuse(root / "a" / "b" / "c", root)

    assert raised.value.message == f"{root / link}: is a symbolic link to {root.parent / 'own'}"
    assert "remove the link" in raised.value.hint


def test_a_dangling_link_is_refused(root: Path) -> None:
    """A dangling link is refused, since writing to it would create its target."""
    (root / "a").symlink_to(root.parent / "new")

    with pytest.raises(GuardError, match="is a symbolic link"):
        symlinks.refuse(root / "a", root)


@pytest.mark.parametrize("path", ["..", "../own/file", "a/../../own"])
def test_a_path_outside_of_the_root_is_refused(root: Path, path: str) -> None:
    """A path outside of the root is refused, also without a link."""
    with pytest.raises(GuardError, match=f"is outside of {root}"):
        symlinks.refuse(root / path, root)


def test_dots_after_a_link_are_refused(root: Path) -> None:
    """A path with .. behind a link is refused."""
    (root / "a").symlink_to(root.parent / "own")

    with pytest.raises(GuardError, match="is a symbolic link"):
        symlinks.refuse(root / "a" / ".." / "b", root)


def test_a_path_without_a_link_is_accepted(root: Path) -> None:
    """Existing and missing paths are accepted, also if the root itself is reached by a link."""
    (root / "a").mkdir()
    (root.parent / "link").symlink_to(root)

    for path in (root / "a", root / "new" / "deep", root):
        assert path == symlinks.refuse(path, root)
    linked = root.parent / "link"
    assert linked / "a" == symlinks.refuse(linked / "a", linked)


def write_templates(root: Path) -> None:
    """Write like `synth`."""
    synth.write([desired_stack("network")], root / "build" / "x")


def write_schema(root: Path) -> None:
    """Write like `synth`."""
    environment.Project(root, emulator_config(), lambda *_: Layers(None)).write_schema()  # type: ignore[arg-type]


def emulator_config() -> type:
    """Return a config class."""
    from stacks import Config

    return Config


def build_zip(root: Path) -> None:
    """Write like `build`."""
    function = root / "lambdas" / "one"
    function.mkdir(parents=True, exist_ok=True)
    (function / "handler.py").write_text("def handler(event, context): ...\n")
    code = Code(root)
    build(code, [code.artifact("one", Target("3.13", "arm64"))], root / "dist")


def reset(root: Path) -> None:
    """Delete like `emulator.reset`."""
    emulator.reset(root / ".emulator")


def make(root: Path) -> None:
    """Write like a start of the emulator."""
    EmulatorPaths(root / ".emulator").create()


def choose_postgres(root: Path) -> None:
    """Write like `emulator.start` before the server starts."""
    emulator.start(root / ".emulator", postgres="system")


@pytest.mark.parametrize(
    ("link", "act"),
    [
        ("build", write_templates),
        ("build/x", write_templates),
        ("build/x/network.yaml", write_templates),
        ("config", write_schema),
        ("config/schema.json", write_schema),
        ("dist", build_zip),
        ("dist/lambdas", build_zip),
        ("dist/lambdas/one", build_zip),
        (".emulator", reset),
        (".emulator/state.json", reset),
        (".emulator/objects", reset),
        (".emulator/databases", reset),
        ("dist/lambdas/one/lock", build_zip),
        (".emulator", make),
        (".emulator/server.log", make),
        (".emulator/start.lock", make),
        (".emulator/server.new", make),
        (".emulator/postgres", choose_postgres),
        (".emulator/tmp", make),
    ],
)
def test_nothing_is_written_or_deleted_through_a_link(
    root: Path, link: str, act: Callable[[Path], None]
) -> None:
    """Each writer refuses a link, and the target of the link is unchanged."""
    own = root.parent / "own"
    (root / "config").mkdir()
    if link == "config":
        (root / "config").rmdir()
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    is_file = "." in Path(link).name[1:] or Path(link).name in {"lock", "postgres"}
    (root / link).symlink_to(own / "file" if is_file else own)

    with pytest.raises(DeployError, match="is a symbolic link to"):
        act(root)

    assert [own / "file"] == list(own.rglob("*"))
    assert (own / "file").read_text() == "mine"


@pytest.mark.parametrize("act", [write_templates, write_schema, build_zip, make, reset])
def test_each_writer_works_without_a_link(root: Path, act: Callable[[Path], None]) -> None:
    """Each writer works without a link, so the test above can fail."""
    (root / "config").mkdir()

    act(root)
