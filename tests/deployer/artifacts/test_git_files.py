"""Only what git tracks, or would track, is packed and changes digests."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.artifacts import git_files
from deployer.artifacts.sources import gather
from deployer.errors import SynthError
from tests.deployer.artifacts.checkout import HANDLER, Checkout

LEFTOVERS = (
    *("handler.py~", "handler.py.orig", "handler.py.rej", "handler.py.bak", ".handler.py.swp"),
    *("handler.py.swp", "#handler.py#", ".DS_Store", "old.pyc"),
)
IGNORED = "secrets.json\n*.env\nbuilt/\n"


def git(root: Path, *arguments: str) -> None:
    """Run git without the settings of the user."""
    settings_ = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    subprocess.run(command, cwd=root, env={**os.environ, **settings_}, check=True)


@pytest.fixture
def repository(checkout: Checkout) -> Checkout:
    """A repository with a function that is not committed."""
    checkout.function("a").write(**{".gitignore": IGNORED})
    git(checkout.root, "init", "-q")
    return checkout


def _files(checkout: Checkout) -> set[str]:
    return set(gather(checkout.root, "a").files)


def _digest(checkout: Checkout) -> str:
    return checkout.artifact("a").digest


def test_ignored_files(repository: Checkout) -> None:
    """Ignored files are neither packed nor change the digest."""
    before = _digest(repository)
    ignored = ("secrets.json", "local.env", "built/x.py", "data/secrets.json")
    repository.write(**{f"lambdas/a/{name}": "secret" for name in ignored})

    assert (_files(repository), _digest(repository)) == ({"a/handler.py"}, before)


def test_untracked_files(repository: Checkout) -> None:
    """A new file that is not in the index is packed like a committed one."""
    repository.write(**{"lambdas/a/new.py": "", "lambdas/a/data/x.json": ""})
    before = gather(repository.root, "a")

    git(repository.root, "add", ".")
    git(repository.root, "commit", "-qm", "x")

    assert set(before.files) == {"a/handler.py", "a/new.py", "a/data/x.json"}
    assert gather(repository.root, "a") == before


def test_tracked_although_ignored(repository: Checkout) -> None:
    """An ignored file that was added by force is tracked, so it is packed."""
    repository.write(**{"lambdas/a/secrets.json": "{}"})
    git(repository.root, "add", "--force", "lambdas/a/secrets.json")

    assert _files(repository) == {"a/handler.py", "a/secrets.json"}


@pytest.mark.parametrize("has_git", [True, False])
@pytest.mark.parametrize("name", LEFTOVERS)
def test_files_of_editors(checkout: Checkout, name: str, *, has_git: bool) -> None:
    """Files of editors and systems are not packed, with and without git."""
    checkout.function("a")
    if has_git:
        git(checkout.root, "init", "-q")
    before = _digest(checkout)

    checkout.write(**{f"lambdas/a/{name}": "x"})

    assert (_files(checkout), _digest(checkout)) == ({"a/handler.py"}, before)


def test_tracked_files_of_editors(repository: Checkout) -> None:
    """A tracked file is packed, even if its name is like that of an editor's file."""
    repository.write(**{"lambdas/a/table.bak": "x"})
    git(repository.root, "add", ".")

    assert _files(repository) == {"a/handler.py", "a/table.bak"}


def test_deleted_files(repository: Checkout) -> None:
    """A deleted file that is still in the index is not packed."""
    repository.write(**{"lambdas/a/old.py": ""})
    git(repository.root, "add", ".")
    (repository.root / "lambdas/a/old.py").unlink()

    assert _files(repository) == {"a/handler.py"}


def test_included_and_shared(repository: Checkout) -> None:
    """Files in include.txt and shared modules follow the same rules."""
    repository.function("a", f"from shared import log\n{HANDLER}").write(
        **{
            "lambdas/a/include.txt": "data\n",
            "data/x.sql": "",
            "data/local.env": "secret",
            "lambdas/shared/log.py": "",
            "lambdas/shared/log.env": "secret",
            "lambdas/shared/log.py.orig": "",
        }
    )

    assert _files(repository) == {"a/handler.py", "data/x.sql", "shared/log.py"}


def test_paths_are_not_patterns(repository: Checkout) -> None:
    """A path with brackets is one file or folder, never a pattern of git."""
    repository.write(**{"data/[x]/y": "", "data/x": ""})

    assert git_files.listing(repository.root, ["data/[x]"]).modes == {"data/[x]/y": ""}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"lambdas/a/include.txt": "x.env", "x.env": ""},
            "x.env is ignored by git, so it is not packed",
        ),
        ({"lambdas/a/include.txt": ".x", ".x": ""}, ".x is hidden, so it is not packed"),
        ({"lambdas/a/include.txt": "x"}, "x is missing"),
    ],
)
def test_included_and_ignored(repository: Checkout, files: dict[str, str], words: str) -> None:
    """A path of include.txt that is not packed is an error, with the reason."""
    repository.write(**files)

    with pytest.raises(SynthError) as refused:
        gather(repository.root, "a")

    assert refused.value.message == f"lambdas/a/include.txt:1: {words}"


def test_shared_and_ignored(repository: Checkout) -> None:
    """A shared module that git ignores is an error, because it is missing on other machines."""
    repository.function("a", "import shared.log\n")
    repository.write(**{"lambdas/shared/log.py": "", "lambdas/shared/.gitignore": "log.py\n"})

    with pytest.raises(SynthError, match=r"imports shared\.log, which is ignored by git"):
        gather(repository.root, "a")


@pytest.mark.parametrize("added", [True, False])
def test_other_repositories(repository: Checkout, *, added: bool) -> None:
    """Submodules and other repositories are an error, because their files are not tracked here."""
    inner = repository.root / "lambdas/a/inner"
    repository.write(**{"lambdas/a/inner/x.py": ""})
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "x")
    if added:
        git(repository.root, "-c", "advice.addEmbeddedRepo=false", "add", "lambdas/a/inner")

    with pytest.raises(SynthError, match="lambdas/a/inner: is another git repository"):
        gather(repository.root, "a")


def _executable(checkout: Checkout) -> frozenset[str]:
    return gather(checkout.root, "a").executable


def test_executable(repository: Checkout) -> None:
    """The executable bit is that of the working tree."""
    repository.write(**{"lambdas/a/tool": "", "lambdas/a/new": ""})
    git(repository.root, "add", "lambdas/a/tool")

    for name in ("tool", "new"):
        (repository.root / f"lambdas/a/{name}").chmod(0o700)

    assert _executable(repository) == {"a/tool", "a/new"}


def test_executable_by_the_index(repository: Checkout) -> None:
    """If the file system stores no modes, git's index decides."""
    repository.write(**{"lambdas/a/tool": "", "lambdas/a/text": ""})
    (repository.root / "lambdas/a/tool").chmod(0o700)
    git(repository.root, "add", ".")
    git(repository.root, "config", "core.fileMode", "false")
    before = _digest(repository)

    for file in (repository.root / "lambdas/a").iterdir():
        file.chmod(0o777)

    assert (_executable(repository), _digest(repository)) == ({"a/tool"}, before)


def test_archive(repository: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An archive without git has the same digest as the repository."""
    repository.write(**{"lambdas/a/tool": "", "lambdas/a/secrets.json": ""})
    (repository.root / "lambdas/a/tool").chmod(0o755)
    git(repository.root, "add", ".")
    git(repository.root, "commit", "-qm", "x")
    repository.write(**{"lambdas/a/x~": ""})
    elsewhere = tmp_path_factory.mktemp("archive")
    git(repository.root, "archive", "--output", str(elsewhere / "x.tar"), "HEAD")
    subprocess.run(["tar", "xf", "x.tar"], cwd=elsewhere, check=True)

    assert Checkout(elsewhere).artifact("a") == repository.artifact("a")


def test_archive_in_another_repository(repository: Checkout) -> None:
    """An archive inside of another repository that ignores it is packed completely."""
    inner = Checkout(repository.root / "built/archive").function("a")
    inner.write(**{"lambdas/a/local.env": ""})

    assert _files(inner) == {"a/handler.py", "a/local.env"}


def test_folder_of_a_repository(repository: Checkout) -> None:
    """A checkout can be a folder of a larger repository."""
    inner = Checkout(repository.root / "aws").function("a")
    git(repository.root, "add", ".")
    inner.write(**{"lambdas/a/local.env": "", "lambdas/a/new.py": ""})

    assert _files(inner) == {"a/handler.py", "a/new.py"}


def test_worktree(repository: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a worktree, where .git is a file, the same files are packed."""
    git(repository.root, "add", ".")
    git(repository.root, "commit", "-qm", "x")
    elsewhere = tmp_path_factory.mktemp("worktrees") / "one"
    git(repository.root, "worktree", "add", "-q", str(elsewhere))
    other = Checkout(elsewhere).write(**{"lambdas/a/local.env": ""})

    assert other.artifact("a") == repository.artifact("a")


def test_in_a_hook(repository: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that git sets for hooks have no effect."""
    repository.write(**{"lambdas/a/local.env": ""})
    before = _digest(repository)

    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("GIT_ICASE_PATHSPECS", "1")

    assert _digest(repository) == before


def _without_git(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def _damaged(root: Path, _: pytest.MonkeyPatch) -> None:
    (root / ".git/HEAD").unlink()


@pytest.mark.parametrize("damage", [_without_git, _damaged])
def test_unreadable_repository(
    repository: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    """If git cannot read the repository, nothing is packed."""
    damage(repository.root, monkeypatch)

    with pytest.raises(SynthError, match="cannot list the files that git tracks: ") as refused:
        gather(repository.root, "a")

    assert refused.value.hint.startswith("install git")


def test_without_git_nor_repository(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive can be built without git."""
    monkeypatch.setenv("PATH", "/nowhere")

    assert _files(checkout.function("a")) == {"a/handler.py"}


NAMES = st.sampled_from(["a.py", "b.env", "c~", "d", "é", "e f", "-g", "[h]", "i*"])
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=2).map("/".join), st.binary(max_size=3), max_size=6
)


@settings(max_examples=15)
@given(TREES, st.booleans())
def test_any_tree(files: dict[str, bytes], add: bool) -> None:
    """The files are those that `git add .` would add."""
    files = {
        path: content
        for path, content in files.items()
        if not any(other.startswith(f"{path}/") for other in files)
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        checkout = Checkout(root).write(**{f"x/{path}": text for path, text in files.items()})
        checkout.write(**{".gitignore": "*.env\n"})
        git(root, "init", "-q")
        if add:
            git(root, "add", ".")

        found = git_files.listing(root, ["x"])

        expected = {
            f"x/{path}" for path in files if not path.endswith(".env") and ".env/" not in path
        }
        assert set(found.modes or ()) == expected
        assert all(path in found for path in expected)
        assert {path for path in expected if found.is_tracked(path)} == (expected if add else set())
