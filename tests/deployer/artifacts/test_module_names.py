"""The names that a module defines, read from its text."""

from __future__ import annotations

import pytest

from deployer.artifacts.conditions import Machine
from deployer.artifacts.imports import parse
from deployer.artifacts.module_names import bindings

LAMBDA = Machine((3, 13), "linux")


def has(source: str) -> bool:
    return "handler" in bindings(parse(source.encode()), LAMBDA)


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context): ...",
        "class handler: ...",
        "handler = make()",
        "handler: Handler = make()",
        "handler, other = make()",
        "[other, *handler] = make()",
        "other = handler = make()",
        "(handler := make())",
        "print(handler := make())",
        "[handler := item for item in items]",
        "if DEBUG:\n    def handler(event, context): ...\n",
        "if DEBUG:\n    pass\nelse:\n    handler = make()",
        "import sys\nif sys.version_info >= (3, 11):\n    handler = make()",
        "try:\n    handler = make()\nexcept KeyError:\n    pass",
        "try:\n    pass\nfinally:\n    handler = make()",
        "with lock:\n    handler = make()",
        "with make() as handler: ...",
        "for handler in several: ...",
        "while True:\n    handler = make()\n    break",
        "match 1:\n    case handler: ...",
        "import x.y as handler",
        "import handler",
        "from x import handler",
        "from x import other as handler",
        "from x import *",
        "globals()['handler'] = make()",
        "import sys\nsetattr(sys.modules[__name__], 'handler', make())",
        "def __getattr__(name): ...",
        "def make():\n    global handler\n    handler = 1\nmake()",
    ],
)
def test_bound(source: str) -> None:
    """Every statement that can bind a name is recognised."""
    assert has(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "handler: Handler",
        "def make():\n    handler = 1\n",
        "class A:\n    def handler(self): ...\n",
        "lambda handler: 1",
        "[1 for handler in several]",
        "print(handler)",
        "x.handler = make()",
        "handlers = make()",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from x import handler\n",
        "import sys\nif sys.version_info < (3, 5):\n    handler = make()",
        "import x.handler",
        "from x import handler as other",
    ],
)
def test_not_bound(source: str) -> None:
    """A name in another scope, or one that is only used, is not bound."""
    assert not has(source)
