"""The sources of a zip, and their digest."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.artifacts import Artifact, Code, UnchangingCode, host, sources, target
from deployer.artifacts.install import packaged_requirements
from deployer.artifacts.sources import Sources, gather
from deployer.errors import SynthError
from tests.deployer.artifacts.checkout import ARM, HANDLER, Checkout

LOG = {"lambdas/shared/log.py": "def log(): ...\n"}


def paths(checkout: Checkout, name: str = "a") -> set[str]:
    return set(gather(checkout.root, name).files)


def test_own_folder(checkout: Checkout) -> None:
    """The folder of the function is at NAME/, without documentation and lists of requirements."""
    checkout.function("a").write(
        **dict.fromkeys(
            [
                "lambdas/a/more.py",
                "lambdas/a/data/roots.pem",
                "lambdas/a/requirements.in",
                "lambdas/a/requirements.txt",
                "lambdas/a/unused.txt",
                "lambdas/a/include.txt",
                "lambdas/a/events/one.json",
                "lambdas/a/__pycache__/handler.cpython-311.pyc",
                "lambdas/a/handler.py~",
                "lambdas/a/.DS_Store",
                "lambdas/b/handler.py",
                "lambdas/shared/log.py",
            ],
            "",
        )
    )

    assert paths(checkout) == {"a/handler.py", "a/more.py", "a/data/roots.pem"}


@pytest.mark.parametrize(
    "statement",
    [
        "from shared.log import log",
        "from shared import log",
        "import shared.log",
        "import shared.log as log",
        "def late():\n    from shared.log import log",
        "try:\n    import shared.log\nexcept ValueError:\n    pass",
        "import json, shared.log",
        "from shared import (\n    log,\n)",
        "import importlib\nlog = importlib.import_module('shared.log')",
        "import sys\nif sys.version_info >= (3, 9):\n    import shared.log",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import shared.log",
    ],
)
def test_shared(checkout: Checkout, statement: str) -> None:
    """A shared module is packed if it is imported, with any form of the statement."""
    checkout.function("a", f"{statement}\n{HANDLER}").write(**LOG)
    checkout.write(**{"lambdas/shared/other.py": ""})

    assert paths(checkout) == {"a/handler.py", "shared/log.py"}


@pytest.mark.parametrize(
    "source",
    [
        HANDLER,
        '"""Say `from shared.log import log`."""\n',
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shared.log import log\n",
    ],
    ids=["nothing", "prose", "for types"],
)
def test_not_shared(checkout: Checkout, source: str) -> None:
    """Modules that are not imported at run time are not packed."""
    checkout.function("a", source).write(**LOG)

    assert paths(checkout) == {"a/handler.py"}


def test_shared_modules_import_others(checkout: Checkout) -> None:
    """Shared modules that shared modules import are packed, with folders and data files."""
    checkout.function("a", "from shared.tokens import x\n")
    checkout.write(
        **{
            "lambdas/shared/tokens.py": "from . import keys\nfrom .fetch import get\n",
            "lambdas/shared/tokens.json": "{}",
            "lambdas/shared/keys/__init__.py": "from .rsa import public\n",
            "lambdas/shared/keys/rsa.py": "",
            "lambdas/shared/fetch.py": "import shared.log\n",
            "lambdas/shared/other.py": "",
        },
        **LOG,
    )

    assert paths(checkout) == {
        "a/handler.py",
        "shared/fetch.py",
        "shared/keys/__init__.py",
        "shared/keys/rsa.py",
        "shared/log.py",
        "shared/tokens.json",
        "shared/tokens.py",
    }


@pytest.mark.parametrize(
    "statement", ["import shared.log", "import shared", "from shared import X"]
)
def test_the_package_of_shared_modules(checkout: Checkout, statement: str) -> None:
    """An __init__.py in lambdas/shared/ is packed with what it imports, because Python executes it."""
    checkout.function("a", f"{statement}\n{HANDLER}").write(
        **LOG,
        **{"lambdas/shared/__init__.py": "from shared.version import X\n"},
        **{"lambdas/shared/version.py": "X = 1\n"},
    )

    assert {"shared/__init__.py", "shared/version.py"} < paths(checkout)


def test_included(checkout: Checkout) -> None:
    """Files in include.txt have the same path in the zip and in the repository."""
    checkout.function("a").write(
        **{
            "lambdas/a/include.txt": "# The schema.\nbackend/db\nLICENSE  # ours\n\n",
            "backend/db/one.sql": "1",
            "backend/db/more/two.sql": "2",
            "backend/db/__pycache__/x.pyc": "",
            "backend/app.py": "",
            "LICENSE": "",
        }
    )

    assert paths(checkout) == {
        "LICENSE",
        "a/handler.py",
        "backend/db/more/two.sql",
        "backend/db/one.sql",
    }


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"lambdas/a/handler.py": "import json\nfrom shared.lgo import log\n"},
            "a/handler.py:2: imports shared.lgo, which is not in lambdas/shared/\nhint: one of: log",
        ),
        ({"lambdas/a/handler.py": "from shared import Log\n"}, "imports shared.Log, which is not"),
        ({"lambdas/a/handler.py": "from shared import *\n"}, "imports shared.*, which is not"),
        ({"lambdas/a/handler.py": "from shared import (\n"}, "handler.py:1: '(' was never closed"),
        ({"lambdas/a/ä.py": ""}, "lambdas/a/ä.py': a name that some systems do not allow"),
        ({"lambdas/a/c:d.py": ""}, "'lambdas/a/c:d.py': a name that"),
        ({"lambdas/a/c\\d.py": ""}, "a name that some systems do not allow"),
        ({"lambdas/a/c.": ""}, "a name that some systems do not allow"),
        ({"lambdas/a/c.py ": ""}, "a name that some systems do not allow"),
        ({"lambdas/a/More.py": "", "lambdas/a/more.py": ""}, "a/More.py and a/more.py: differ"),
        ({"lambdas/a/D/x.py": "", "lambdas/a/d/y.py": ""}, "a/D and a/d: differ only by case"),
        ({"lambdas/a/include.txt": "../secrets"}, "include.txt:1: ../secrets leaves the repo"),
        ({"lambdas/a/include.txt": "/etc/passwd"}, "/etc/passwd leaves the repository"),
        ({"lambdas/a/include.txt": "x\\y"}, "x\\y has a character that not every system allows"),
        ({"lambdas/a/include.txt": "sql/*.sql"}, "sql/*.sql has a character that not every"),
        ({"lambdas/a/include.txt": "\n\nbackend/dp"}, "include.txt:3: backend/dp is missing"),
        ({"lambdas/a/include.txt": "Lambdas"}, "Lambdas is missing"),
        ({"lambdas/a/include.txt": "a/x"}, "would be in the function's own folder a/"),
        ({"lambdas/a/include.txt": "Shared"}, "would be in the function's own folder Shared/"),
        ({"lambdas/a/requirements.in": "Pillow >= 13\n"}, "requirements.in: pillow is not in req"),
        (
            {"lambdas/a/requirements.txt": "# a\n-e ./lib\n"},
            "a/requirements.txt:2: is not a package",
        ),
        ({"lambdas/a/requirements.txt": "./lib\n"}, "requirements.txt:1: is not a package"),
        ({"lambdas/a/requirements.txt": "--index-url https://x\n"}, ":1: is not a package"),
        ({"lambdas/a/requirements.txt": "git+https://x/y\n"}, ":1: is not a package"),
        ({"lambdas/a/requirements.txt": "y @ https://x/y-1-py3-none-any.whl\n"}, ":1: is not a"),
        *(
            ({f"lambdas/a/{name}": "x\n".encode("utf-16")}, f"{name}: is not UTF-8: byte 1")
            for name in ("requirements.txt", "requirements.in", "unused.txt", "include.txt")
        ),
    ],
)
def test_refused(checkout: Checkout, files: dict[str, str | bytes], words: str) -> None:
    """Each problem has a place and a hint."""
    checkout.function("a").write(**LOG).write(**files)

    with pytest.raises(SynthError) as refused:
        gather(checkout.root, "a")

    assert words in str(refused.value)
    assert refused.value.hint


def test_byte_order_marks(checkout: Checkout) -> None:
    """A byte order mark, which Windows programs write, changes no list."""
    checkout.function("a").write(
        **{
            "lambdas/a/include.txt": "\ufeffdata\n",
            "lambdas/a/requirements.in": "\ufeffpillow\n",
            "lambdas/a/requirements.txt": "\ufeffpillow==1 --hash=sha256:1\n",
            "data/x": "",
        }
    )

    sources = gather(checkout.root, "a")

    assert sources.files.keys() == {"a/handler.py", "data/x"}
    assert packaged_requirements(sources) == "pillow==1 --hash=sha256:1\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("upload", "lambdas/upload: no such function\nhint: one of: A-b, a, json, six"),
        ("A", "no such function"),
        ("shared", "no such function"),
        ("A-b", "is not a valid package name"),
        ("json", "Lambda's Python has a json already"),
        ("six", "Lambda's Python has a six already"),
    ],
)
def test_names(checkout: Checkout, name: str, words: str) -> None:
    """The name of a function is a valid package name that hides no other package."""
    for function in ("a", "A-b", "json", "six"):
        checkout.function(function)
    checkout.write(**LOG)

    with pytest.raises(SynthError) as refused:
        checkout.artifact(name)

    assert words in str(refused.value)


@pytest.mark.parametrize("within", ["lambdas/a/link.py", "lambdas/a/folder", "backend/db/x.sql"])
def test_symlinks(checkout: Checkout, within: str) -> None:
    """Symbolic links are refused everywhere: their target may differ on another machine."""
    checkout.function("a").write(
        **{"lambdas/a/include.txt": "backend/db", "backend/db/y.sql": "", "elsewhere": ""}
    )
    (checkout.root / within).symlink_to(checkout.root / "elsewhere")

    with pytest.raises(SynthError, match=f"{within}: is a symbolic link"):
        gather(checkout.root, "a")


def test_a_link_in_an_included_path(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An included path with a symbolic link in it is refused."""
    checkout.function("a").write(**{"lambdas/a/include.txt": "backend/db"})
    elsewhere = tmp_path_factory.mktemp("home")
    (elsewhere / "db").mkdir()
    (checkout.root / "backend").symlink_to(elsewhere)

    with pytest.raises(SynthError, match="backend: is a symbolic link"):
        gather(checkout.root, "a")


@pytest.mark.parametrize("folder", ["lambdas", "lambdas/a", "lambdas/shared"])
def test_linked_folders(
    checkout: Checkout, folder: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Folders that are symbolic links are refused."""
    checkout.function("a").write(**LOG)
    elsewhere = tmp_path_factory.mktemp("home") / "moved"
    (checkout.root / folder).rename(elsewhere)
    (checkout.root / folder).symlink_to(elsewhere)

    with pytest.raises(SynthError, match=f"{folder}: is a symbolic link"):
        gather(checkout.root, "a")


def test_pipes(checkout: Checkout) -> None:
    """A pipe, which would block forever, is refused."""
    checkout.function("a")
    os.mkfifo(checkout.root / "lambdas/a/pipe")

    with pytest.raises(SynthError, match="lambdas/a/pipe: is not a regular file"):
        gather(checkout.root, "a")


def test_unreadable_files(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be read is an error with its path."""
    checkout.function("a").write(**{"lambdas/a/secret.py": ""})
    read_bytes = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.name == "secret.py":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", read)

    with pytest.raises(SynthError, match=r"secret\.py: cannot be read: Permission denied"):
        gather(checkout.root, "a")


def test_all_problems(checkout: Checkout) -> None:
    """All problems are reported together."""
    checkout.function("a", "import shared.x\nimport shared.y\n")
    checkout.write(**{"lambdas/a/include.txt": "..\n", "lambdas/a/ä.txt": ""})

    with pytest.raises(SynthError) as refused:
        gather(checkout.root, "a")

    assert len(refused.value.message.splitlines()) == 4


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import shared.fast\nexcept ImportError:\n    pass\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import shared.fast\n",
        "import sys\nif sys.version_info < (3, 9):\n    import shared.fast\n",
        "try:\n    import json\nexcept ImportError:\n    import shared.fast\n",
    ],
)
def test_optional(checkout: Checkout, source: str) -> None:
    """A shared module may be missing if its import is optional."""
    checkout.function("a", source)

    assert paths(checkout) == {"a/handler.py"}


def _touched(checkout: Checkout) -> None:
    os.utime(checkout.root / "lambdas/a/handler.py", (1, 1))


def _private(checkout: Checkout) -> None:
    for file in (checkout.root / "lambdas").rglob("*.py"):
        file.chmod(0o600)


def _compiled(checkout: Checkout) -> None:
    checkout.write(**{"lambdas/a/__pycache__/handler.cpython-311.pyc": "x"})


def _event(checkout: Checkout) -> None:
    checkout.write(**{"lambdas/a/events/one.json": "{}"})


def _other_order(checkout: Checkout) -> None:
    checkout.write(**{"lambdas/a/include.txt": "backend/b\nbackend/a\n"})


def _unused_changed(checkout: Checkout) -> None:
    checkout.write(**{"lambdas/a/unused.txt": "# Never.\nsix\n"})


@pytest.mark.parametrize(
    "change", [_touched, _private, _compiled, _event, _other_order, _unused_changed]
)
def test_same_digest(checkout: Checkout, change) -> None:
    """Times, permissions, caches and the order of lines do not change the digest."""
    _fill(checkout)
    before = checkout.artifact("a")

    change(checkout)

    assert before == checkout.artifact("a")


def test_digest_of_another_checkout(checkout: Checkout, tmp_path: Path) -> None:
    """The location of the checkout does not change the digest."""
    elsewhere = Checkout(tmp_path / "a folder with ü")

    _fill(checkout)
    _fill(elsewhere)

    assert checkout.artifact("a") == elsewhere.artifact("a")


@pytest.mark.parametrize(
    "files",
    [
        {"lambdas/a/handler.py": f"from shared import log\n{HANDLER}\n"},
        {"lambdas/a/more.py": ""},
        {"lambdas/shared/log.py": "def log(): return 1\n"},
        {"backend/b/one.sql": "select 1"},
        {"lambdas/a/requirements.txt": "x==1.1\n"},
        {"lambdas/a/requirements.in": ""},
        {"lambdas/a/include.txt": "backend/b"},
    ],
    ids=lambda files: next(iter(files)),
)
def test_other_digest(checkout: Checkout, files: dict[str, str]) -> None:
    """Every byte of the inputs changes the digest."""
    _fill(checkout)
    before = checkout.artifact("a")

    checkout.write(**files)

    assert before != checkout.artifact("a")


def test_executable_counts(checkout: Checkout) -> None:
    """The executable bit changes the digest."""
    _fill(checkout)
    before = checkout.artifact("a")

    (checkout.root / "lambdas/a/handler.py").chmod(0o755)

    assert before != checkout.artifact("a")


def test_target_counts(checkout: Checkout) -> None:
    """The target changes the digest."""
    _fill(checkout)
    targets = [ARM, target("python3.12", "arm64"), target("python3.13", "x86_64"), host()]
    targets.append(replace(host(), host=False))

    digests = {checkout.artifact("a", target).digest for target in targets}

    assert len(targets) == len(digests)


def test_known_digest(checkout: Checkout) -> None:
    """The digest is part of reviewed templates, so it is the same on every machine and in every version.

    If the builder makes another zip of the same sources, change FORMAT and the digest in this test.
    """
    _fill(checkout)

    found = checkout.artifact("a")

    assert Artifact("a", ARM, "fa9b2c4cfb9f6c4f479d8ffd4cc535a1") == found
    assert found.key == f"lambdas/a/{found.digest}.zip"
    assert found.handler == "a.handler.handler"


FILES = st.dictionaries(st.text("ab/", min_size=1, max_size=4), st.binary(max_size=3), max_size=4)
EXECUTABLE = st.frozensets(st.text("ab/", min_size=1, max_size=4), max_size=4)


def _sources(
    files: dict[str, bytes], lock: bytes, requirements_in: bytes, executable: frozenset[str]
) -> Sources:
    return Sources(files, lock, requirements_in, executable & files.keys())


ANY_SOURCES = st.builds(_sources, FILES, st.binary(max_size=3), st.binary(max_size=3), EXECUTABLE)


@given(ANY_SOURCES, ANY_SOURCES)
def test_digests_differ(one: Sources, other: Sources) -> None:
    """Two digests are equal only if the sources are equal."""
    assert (one == other) == (one.digest(ARM.facts) == other.digest(ARM.facts))


def test_here() -> None:
    """The functions of this repository have no problems."""
    root = Path(__file__).parents[3]
    names = {file.parent.name for file in (root / "lambdas").glob("*/handler.py")}

    for name in names:
        assert Code(root).artifact(name, ARM).digest


def test_unchanging_code_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources of a function are gathered once for all targets, and its digests are the same."""
    root, gathered = Path(__file__).parents[3], []

    def counted(root: Path, name: str) -> Sources:
        gathered.append(name)
        return gather(root, name)

    monkeypatch.setattr(sources, "gather", counted)
    code = UnchangingCode(root)
    digests = [code.artifact("thumbnail", target).digest for target in (ARM, ARM, host())]

    assert gathered == ["thumbnail"]
    assert digests == [
        Code(root).artifact("thumbnail", target).digest for target in (ARM, ARM, host())
    ]


def _fill(checkout: Checkout) -> None:
    checkout.function("a", f"from shared import log\n{HANDLER}", lock="x==1.0\n")
    checkout.write(
        **{
            "lambdas/a/include.txt": "backend/a\nbackend/b\n",
            "lambdas/a/requirements.in": "x\n",
            "backend/a/one.sql": "",
            "backend/b/one.sql": "",
        },
        **LOG,
    )
