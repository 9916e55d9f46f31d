"""The files that `new.stack` and `new.function` write pass the checks and their own tests."""

from __future__ import annotations

import shutil

from tests.end_to_end.checkout import ROOT

# Folders that the tasks edit or use, and that a copy of the checkout does not have.
NEEDED = ("tools", "docs", "tests/stacks")
SETTINGS = ("pyproject.toml", "setup.cfg", "tests/conftest.py")
STACK, FUNCTION = "example-stack", "example_function"


def test_a_new_stack_with_a_new_function(checkout):
    """The code is typed and formatted, the templates break no policy, and the tests pass."""
    for folder in NEEDED:
        shutil.copytree(ROOT / folder, checkout.path / folder)
    for file in SETTINGS:
        shutil.copy2(ROOT / file, checkout.path / file)

    created = checkout.run("new.stack", STACK)
    added = checkout.run("new.function", FUNCTION, f"--stack={STACK}")

    new = [
        *("stacks/example_stack.py", "tests/stacks/test_example_stack.py"),
        *(f"lambdas/{FUNCTION}/handler.py", f"tests/lambdas/{FUNCTION}/test_handler.py"),
    ]
    assert all(f"created {path}\n" in created.out + added.out for path in new)
    checkout.run("lint", "--env=local")
    checkout.command("-m", "ruff", "check", *new, "stacks")
    checkout.command("-m", "ruff", "format", "--check", *new, "stacks")
    checkout.command("-m", "mypy", "stacks/__init__.py", new[2])
    expectations = "tests/stacks/parts/test_functions.py"
    checkout.command("-m", "pytest", "-q", new[1], new[3], expectations)
