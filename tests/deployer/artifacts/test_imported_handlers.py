"""The import of a handler on this machine, and the handlers that it cannot import."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path

import pytest

from deployer.artifacts import build as build_module
from deployer.artifacts import checks, host, interpreters, target
from deployer.artifacts.build import path_of
from deployer.errors import BuildError
from deployer.isolation import sandbox
from tests.deployer.artifacts.checkout import (
    HANDLER,
    ROOT,
    Checkout,
)

pytestmark = pytest.mark.thorough


def test_unchecked(checkout: Checkout) -> None:
    """A handler that could not be imported is reported, also if the zip is cached."""
    checkout.function("a").function("b")

    first, second = checkout.build("a", "b"), checkout.build("a", "b")

    (line,) = build_module.unchecked(first)
    assert line.startswith("not checked: a, b: the handler was not imported: this machine (")
    assert [line] == list(build_module.unchecked(second))
    assert "not checked" not in "".join(map(build_module.summary_line, first))


def test_nothing_unchecked(checkout: Checkout) -> None:
    """An imported handler is not reported as unchecked."""
    assert list(build_module.unchecked(checkout.function("a").build("a", target=host()))) == []


SAME_MACHINE = target(f"python3.{sys.version_info.minor}", host().architecture)


@pytest.mark.skipif(not interpreters.find(SAME_MACHINE), reason="This machine's libc is too old.")
def test_target_like_this_machine(checkout: Checkout) -> None:
    """The handler is imported if the target matches this machine, although it is for Lambda."""
    checkout.function("a", f"{HANDLER}1 / 0\n").function("b")

    with pytest.raises(BuildError, match="ZeroDivisionError"):
        checkout.build("a", target=SAME_MACHINE)
    assert list(build_module.unchecked(checkout.build("b", target=SAME_MACHINE))) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import plain\n", "No module named 'hidden'\nhint: add what it imports"),
        (
            "import importlib\nimportlib.import_module('INVOKE'.lower())\n",
            "No module named 'invoke'",
        ),
        ("1 / 0\n", "ZeroDivisionError: division by zero\nhint: fix the code that is executed"),
        ("del handler\n", "no function handler\nhint: define handler(event, context)"),
        ("import sys\nsys.exit(0)\n", "the import ends the process"),
        ("import os\nos._exit(0)\n", "the import ends the process"),
        (
            "import importlib, os\nos.getenv('UNSET')\nimportlib.import_module('GONE'.lower())\n",
            "No module named 'gone'",
        ),
        ("import shared.reads\n1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_import_refused(checkout: Checkout, source: str, words: str) -> None:
    """On this machine the handler is imported, with only the packages of Lambda's runtime."""
    lock = checkout.wheel("plain", {"plain.py": "import hidden\n"})
    checkout.function("a", f"{HANDLER}{source}", lock=lock)
    checkout.write(**{"lambdas/shared/reads.py": "import os\nos.getenv('UNSET')\n"})

    with pytest.raises(BuildError) as refused:
        checkout.build("a", target=host())

    assert "lambdas/a/handler.py: cannot be imported from its zip" in str(refused.value)
    assert words in str(refused.value)
    assert not path_of(checkout.artifact("a", host()), checkout.dist).exists()


def test_endless_import(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler whose import does not end is refused."""
    monkeypatch.setattr(checks, "SECONDS", 0.5)
    checkout.function("a", f"import time\ntime.sleep(60)\n{HANDLER}")

    with pytest.raises(
        BuildError, match=r"cannot be imported from its zip: the import takes more than"
    ):
        checkout.build("a", target=host())


def test_missing_setting(checkout: Checkout) -> None:
    """A missing setting is accepted, and the rest of the import is reported as unchecked."""
    checkout.function("a", f"import os, boto3\nTABLE = os.environ['TABLE_NAME']\n{HANDLER}")

    (line,) = build_module.unchecked(checkout.build("a", target=host()))

    assert line == "not checked: a: importing the handler stopped at the setting TABLE_NAME"


@pytest.mark.parametrize(
    "statement",
    [
        "int(os.getenv('LIMIT'))",
        "os.environ.get('LIMIT').split()",
        "boto3.resource('dynamodb', region_name='us-east-1').Table(os.getenv('LIMIT'))",
        "os.getenv('LIMIT') or sys.exit('LIMIT is not set')",
    ],
)
def test_a_setting_that_is_none(checkout: Checkout, statement: str) -> None:
    """An error in a file that has None in place of a setting is accepted like a missing setting."""
    checkout.function("a", f"import os, sys, boto3\nLIMIT = {statement}\n{HANDLER}")

    (line,) = build_module.unchecked(checkout.build("a", target=host()))

    assert line == "not checked: a: importing the handler stopped at the setting LIMIT"


@pytest.mark.parametrize(
    "statement",
    [
        "threading.Thread(target=threading.Event().wait).start()",
        "ThreadPoolExecutor().submit(threading.Event().wait)",
        "atexit.register(lambda: 1 / 0)",
        "sys.stdout = None",
        "assert f'{os.environ[\"LAMBDA_TASK_ROOT\"]}/lib' in os.environ['LD_LIBRARY_PATH'].split(':')",
    ],
)
def test_import_accepted(checkout: Checkout, statement: str) -> None:
    """The check ends when the handler is imported, whatever runs in the background."""
    imports = (
        "import atexit, os, sys, threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
    )
    checkout.function("a", f"{imports}{statement}\n{HANDLER}")

    (built,) = checkout.build("a", target=host())

    assert built.unchecked == ""


def test_after_a_setting(checkout: Checkout) -> None:
    """After a missing setting the remaining imports are read from the sources."""
    lock = checkout.wheel("plain", {"plain.py": "import gone\n"})
    source = f"import os\nTABLE = os.environ['TABLE_NAME']\nimport plain\n{HANDLER}"
    checkout.function("a", source, lock=lock)

    with pytest.raises(BuildError, match=r"plain\.py:1: imports gone, which is not in the zip"):
        checkout.build("a", target=host())


def test_other_key_errors(checkout: Checkout) -> None:
    """A KeyError that is not from the environment is an error."""
    checkout.function("a", f"SIZES = {{}}\nSIZE = SIZES['small']\n{HANDLER}")

    with pytest.raises(BuildError, match="KeyError: 'small'"):
        checkout.build("a", target=host())


def test_isolated_import(checkout: Checkout) -> None:
    """The import has access to the zip and boto3, not to .venv or the environment of the shell."""
    source = """
        import os, sys
        import boto3, six
        assert os.environ["HOME"] == os.environ["TMPDIR"] and "SECRET" not in os.environ
        assert not [path for path in sys.path if path.endswith("site-packages")], sys.path
        try:
            import troposphere
        except ImportError:
            pass
        else:
            raise AssertionError
    """
    checkout.function("a", f"{textwrap.dedent(source)}{HANDLER}")

    assert checkout.build("a", target=host())


ATTACK = """
import json, os, pathlib, sys

def attempted(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__

found = {
    "environment": dict(os.environ),
    "home": attempted(lambda: sorted(os.listdir(USER))),
    "checkout": attempted(lambda: sorted(os.listdir(CHECKOUT))),
    "parents": [
        attempted(lambda: pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace"))
        for pid in (os.getppid(), PARENT)
    ],
    "terminal": attempted(lambda: open("/dev/tty") and "opened"),
    "written": attempted(lambda: pathlib.Path(CHECKOUT, "written").write_text("x")),
}
raise ImportError("SPIED" + json.dumps(found))
"""


@pytest.mark.parametrize("wanted", ["auto", "off"])
def test_a_malicious_package(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """A dependency is imported without the user's environment, and where possible files.

    Hooks of its installation are not run at all: wheels have none, and .pth files are not read.
    """
    key = "the user's own key"
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "HTTPS_PROXY"):
        monkeypatch.setenv(name, key)
    monkeypatch.setenv(sandbox.VARIABLE, wanted)
    sandbox.level.cache_clear()
    level = sandbox.level()
    ran = checkout.root / "ran"
    places = f"USER, CHECKOUT = {str(Path.home())!r}, {str(ROOT)!r}\nPARENT = {os.getpid()}\n"
    lock = checkout.wheel(
        "spy",
        {
            "spy/__init__.py": places + ATTACK,
            "spy.pth": f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n",
        },
    )
    checkout.function("a", f"import spy\n{HANDLER}", lock=lock)

    with pytest.raises(BuildError) as refused:
        checkout.build("a", target=host())
    sandbox.level.cache_clear()

    printed = refused.value.message.partition("SPIED")[2].rpartition("}")[0] + "}"
    found = json.loads(printed)
    (ROOT / "written").unlink(missing_ok=True)
    assert not ran.exists()
    assert {
        name
        for name in found["environment"]
        if not name.startswith(("AWS_", "LAMBDA_", "_HANDLER", "LC_CTYPE"))
    } == {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"}
    assert key not in found["environment"].values()
    assert found["terminal"] != "opened"
    if level == "namespaces":
        python = (
            Path(sandbox.python()).relative_to(Path.home()).parts[0:1]
            if (Path(sandbox.python()).is_relative_to(Path.home()))
            else ()
        )
        assert found["home"] in (list(python), "FileNotFoundError")
        assert found["checkout"] in ([], "FileNotFoundError")
        assert isinstance(found["written"], str)
        assert not [text for text in found["parents"] if key in text]
    else:  # As documented: only the environment is its own.
        assert "deployer" in found["checkout"]
