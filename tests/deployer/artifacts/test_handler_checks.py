"""The checks of the source of a handler."""

from __future__ import annotations

import pytest

from deployer.artifacts import host
from deployer.errors import BuildError
from tests.deployer.artifacts.checkout import (
    ARM,
    HANDLER,
    Checkout,
)

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import troposphere\n", "handler.py:1: imports troposphere, which is not in the zip"),
        ("def late():\n    import psycopg.rows\n", "handler.py:2: imports psycopg.rows"),
        ("import shared\n", "handler.py:1: imports shared, which is not in the zip"),
        ("from b import handler\n", "handler.py:1: imports b, which is not"),
        ("from .more import x\n", "handler.py:1: imports a.more, which is not"),
        ("from a.kept import gone\n", "lambdas/a/handler.py:1: a.kept has no gone"),
        ("from . import gone\n", "lambdas/a/handler.py:1: a has no gone"),
        ("from .. import a\n", "lambdas/a/handler.py:1: imports .., which is not in the zip"),
        ("from ..a import kept\n", "lambdas/a/handler.py:1: imports ..a, which is not in the zip"),
        ("def late():\n    from a.kept import x, gone\n", "handler.py:2: a.kept has no gone"),
        ("x = (\n", "handler.py:1: '(' was never closed"),
        ("\0", "handler.py:1: source code string cannot contain null bytes"),
        ("def handle(): ...\n", "lambdas/a/handler.py: has no function handler"),
    ],
)
def test_handler_refused(checkout: Checkout, source: str, words: str) -> None:
    """For another architecture the imports are read from the sources, and missing ones are found."""
    head = "" if words.endswith("handler") else HANDLER.replace("\n", ";", 1).replace(";    ", " ")
    checkout.function("a", f"{source}{head}").function("b")
    checkout.write(**{"lambdas/a/kept.py": "x = 1\n"})

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        "import boto3, json, botocore.session, dateutil.parser\n",
        "from . import more\nfrom .more import x\nimport a.more\n",
        "from a.lazy import anything\nfrom a.star import x\nfrom .more import *\n",
        "try:\n    import simplejson\nexcept (ImportError, KeyError):\n    simplejson = None\n",
        "try:\n    import simplejson\nexcept:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mypy_boto3_s3\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import mypy_boto3_s3\n",
        "import sys\nif sys.version_info < (3, 9):\n    import tomli\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import simplejson\n",
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
        "import boto3\nboto3.client('dynamodb'), boto3.resource('s3').meta.client\n",
        "import boto3\nassert boto3.Session().get_credentials().token\n",
        "import os\nassert os.environ['AWS_LAMBDA_FUNCTION_NAME'] == 'a'\n",
        "if __name__ == '__main__':\n    import pytest\n",
    ],
)
@pytest.mark.parametrize("where", [ARM, host()], ids=["arm64", "host"])
def test_handler_accepted(checkout: Checkout, source: str, where) -> None:
    """The standard library, boto3, own modules and optional imports are accepted."""
    checkout.function("a", f"{source}{HANDLER}").write(
        **{
            "lambdas/a/more.py": "x = 1\n",
            "lambdas/a/lazy.py": "def __getattr__(name): ...\n",
            "lambdas/a/star.py": "from .more import *\n",
        }
    )

    assert checkout.build("a", target=where)


@pytest.mark.parametrize(
    "source",
    [
        "from typing import Any\nhandler: Any = lambda event, context: event\n",
        "import os\nif os.environ.get('X'):\n    pass\nelse:\n    def handler(event, context): ...\n",
        "from a.more import handler\n",
        "import a.more as more\nhandler = more.handler\n",
        "from a.more import *\n",
        "with open(__file__):\n    def handler(event, context): ...\n",
    ],
)
@pytest.mark.parametrize("where", [ARM, host()], ids=["arm64", "host"])
def test_handler_definitions(checkout: Checkout, source: str, where) -> None:
    """The handler may be defined by any statement."""
    checkout.function("a", source).write(**{"lambdas/a/more.py": HANDLER})

    assert checkout.build("a", target=where)


@pytest.mark.parametrize(
    "parameters", ["event", "a, b, c", "*, event, context", "event, context, *, more"]
)
def test_handler_with_other_parameters(checkout: Checkout, parameters: str) -> None:
    """A handler that cannot be called with an event and a context is refused."""
    checkout.function("a", f"def handler({parameters}): ...\n")

    with pytest.raises(BuildError, match=r"handler\.py:1: handler does not take two arguments"):
        checkout.build("a")


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context, more=None, *, most=None): ...\n",
        "def handler(*arguments): ...\n",
        "def handler(event, *more): ...\n",
        "import functools\n@functools.cache\ndef handler(): ...\n",
        "def handler(event): ...\nhandler = lambda event, context, inner=handler: inner(event)\n",
        "def handler(event): ...\ndef handler(event, context): ...\n",
    ],
)
def test_handler_with_two_parameters(checkout: Checkout, source: str) -> None:
    """Defaults and variable parameters are considered; decorators may change the parameters."""
    checkout.function("a", source)

    assert checkout.build("a")


def test_a_package_in_place_of_the_handler(checkout: Checkout) -> None:
    """A package named handler is refused, because Python prefers it to handler.py."""
    checkout.function("a").write(**{"lambdas/a/handler/__init__.py": ""})

    with pytest.raises(BuildError, match=r"a/handler/__init__\.py: Python imports it instead"):
        checkout.build("a")


def test_async_handler(checkout: Checkout) -> None:
    """An async handler is refused, because Lambda would return a coroutine."""
    checkout.function("a", f"async {HANDLER}")

    with pytest.raises(BuildError, match="handler is async, and Lambda does not await it"):
        checkout.build("a")


def test_no_handler(checkout: Checkout) -> None:
    """A folder without handler.py is refused."""
    checkout.write(**{"lambdas/a/more.py": ""})

    with pytest.raises(BuildError, match=r"lambdas/a/handler\.py: is missing"):
        checkout.build("a")
