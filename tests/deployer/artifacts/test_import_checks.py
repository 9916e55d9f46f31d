"""The checks of the imports in sources and packages."""

from __future__ import annotations

import re

import pytest

from deployer.artifacts import host, target
from deployer.errors import BuildError
from tests.deployer.artifacts.checkout import (
    ARM,
    ARM_TAG,
    HANDLER,
    Checkout,
    elf,
)

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("import kept\n", "import a.kept: "),
        ("from inner.more import x\n", "import a.inner.more: "),
        ("from lambdas.shared import log\n", "import shared: "),
        ("import lambdas.shared.log\n", "import shared.log: "),
        ("import b\n", "add what it imports to requirements.in"),
    ],
)
def test_the_hint_for_a_module_of_this_repository(
    checkout: Checkout, source: str, hint: str
) -> None:
    """The hint for a module of the function, or of lambdas/shared/, has its full name."""
    checkout.function("a", source + HANDLER).function("b")
    for path in ("a/kept", "a/inner/more", "shared/log"):
        checkout.write(**{f"lambdas/{path}.py": "x = 1\n"})

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert refused.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("json.py", "json.py: has the name json, like a module of Python"),
        ("email/__init__.py", "email/__init__.py: has the name email, like a module of Python"),
        ("a.py", "a.py: has the name of the folder a/"),
        ("shared.py", "shared.py: has the name of the folder shared/"),
    ],
)
def test_included_files_that_hide_modules(checkout: Checkout, path: str, words: str) -> None:
    """A file in include.txt may not hide a module of Python or a folder of the zip."""
    included = path.partition("/")[0]
    checkout.function("a").write(**{path: "", "lambdas/a/include.txt": f"{included}\n"})

    with pytest.raises(BuildError, match=re.escape(words)):
        checkout.build("a")


@pytest.mark.parametrize("where", [ARM, host()], ids=["arm64", "host"])
def test_a_folder_that_extends_the_path(checkout: Checkout, where) -> None:
    """A module in a folder that the sources add to sys.path is accepted, and no other one."""
    adds = "import pathlib, sys\nsys.path.append(str(pathlib.Path(__file__).parent / 'vendor'))\n"
    checkout.function("a", f"{adds}import inner\n{HANDLER}")
    checkout.function("b", f"{adds}import other\n{HANDLER}")
    checkout.write(**{"lambdas/a/vendor/inner.py": "", "lambdas/b/vendor/inner.py": ""})

    assert checkout.build("a", target=where)
    with pytest.raises(BuildError, match="imports other, which is not in the zip"):
        checkout.build("b", target=where)


def test_a_name_of_the_shared_package(checkout: Checkout) -> None:
    """A name that lambdas/shared/__init__.py does not define is refused."""
    checkout.function("a", f"from shared import VERSION, GONE\n{HANDLER}")
    checkout.write(**{"lambdas/shared/__init__.py": "VERSION = 1\n"})

    with pytest.raises(BuildError, match="shared has no GONE"):
        checkout.build("a")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"plain/__init__.py": "import gone\n"}, "plain/__init__.py:1: imports gone, which is not"),
        (
            {"plain/__init__.py": "from .more import x\n", "plain/more.py": "import gone\n"},
            "plain/more.py:1: imports gone",
        ),
        (
            {
                "plain/__init__.py": "\nfrom . import more, x\n",
                "plain/more.py": "from .y import z\n",
            },
            "y",
        ),
        ({"plain/__init__.py": "import cgi\n"}, "plain/__init__.py:1: imports cgi"),
        ({"plain/__init__.py": "class A:\n    import gone\n"}, "imports gone"),
    ],
)
def test_packages_refused(checkout: Checkout, files: dict[str, str], words: str) -> None:
    """For another architecture the imports of packages are read, and missing ones are found."""
    checkout.function("a", f"import plain\n{HANDLER}", lock=checkout.wheel("plain", files))

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert words in str(refused.value)
    assert refused.value.hint.startswith("pin another version of the package")


@pytest.mark.parametrize(
    "source",
    [
        "import json, boto3, plain.more, plain._fast\nfrom plain import more, _fast, value\n",
        "def late():\n    import gone\n",
        "import plain._fast.inner\n",
        "import sys\nsys.modules['plain.made'] = sys\nimport plain.made\n",
        "import os\nif os.environ.get('X'):\n    import gone\n",
        "import sys\nif sys.version_info < (3, 13):\n    import gone\n",
        "try:\n    import plain.more\nexcept ImportError:\n    import gone\n",
        "try:\n    import gone\nexcept ImportError:\n    pass\n",
        "type A = int  # Python 3.12, and more than this one may know.\n",
        "x = '\\d'\n",
        f"x = {'+'.join('1' * 9999)}\n",
        "if 1: pass\n" + "elif 1: pass\n" * 1500,
    ],
)
def test_packages_accepted(checkout: Checkout, source: str) -> None:
    """Optional imports and unreachable modules of packages may be missing."""
    files = {
        "plain/__init__.py": source,
        "plain/more.py": "",
        "plain/_fast.abi3.so": elf(183),
        "plain/unreached.py": "import gone\n",
    }
    lock = checkout.wheel("plain", files, tag=ARM_TAG)
    checkout.function("a", f"import plain\n{HANDLER}", lock=lock)

    assert checkout.build("a")


def test_removed_from_the_standard_library(checkout: Checkout) -> None:
    """A module that the target's Python removed is reported as missing, with any Python that builds."""
    checkout.function("a", f"import imghdr\n{HANDLER}")

    assert checkout.build("a", target=target("python3.12", "arm64"))
    with pytest.raises(BuildError, match="imports imghdr, which is not in the zip"):
        checkout.build("a", target=ARM)
