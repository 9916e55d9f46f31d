"""`new.stack` and `new.function` print each file that they wrote, and the next steps."""

from __future__ import annotations

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import new
from operations import development, scaffold


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the paths of the files instead of writing them."""
    written: list[str] = []
    monkeypatch.setattr(
        scaffold, "write", lambda _, changes: written.extend(change.path for change in changes)
    )
    monkeypatch.setattr(scaffold, "regenerate", lambda _: None)
    return written


def test_a_stack(written, capsys) -> None:
    """Each file is printed, and then the command that deploys the stack."""
    new.stack(Context(), "example-stack")

    lines = capsys.readouterr().out.splitlines()
    assert [
        f"{'created' if 'example_stack' in path else 'changed'} {path}" for path in written
    ] == lines[:-2]
    assert "./inv deploy --stack=example-stack" in lines[-1]


def test_a_function_without_a_stack(written, capsys) -> None:
    """Without --stack, the lines that the operator must add to a stack file are printed."""
    new.function(Context(), "example_function")

    out = capsys.readouterr().out
    assert all(f"created {path}" in out for path in written)
    assert all(lines in out for lines in scaffold.function_lines("example_function"))


def test_a_function_with_a_stack(written, capsys) -> None:
    """With --stack, the lines are written to the stack file and not printed."""
    new.function(Context(), "example_function", stack="users")

    out = capsys.readouterr().out
    assert "changed stacks/users.py" in out
    assert not any(lines in out for lines in scaffold.function_lines("example_function"))


@pytest.mark.parametrize("task", [new.stack, new.function])
def test_an_error_writes_nothing(written, capsys, task) -> None:
    """The errors and the hint are printed."""
    with pytest.raises(Exit):
        task(Context(), "email")

    assert "'email': is a module of Python's standard library" in capsys.readouterr().err
    assert written == []


@pytest.mark.parametrize("task", [new.stack, new.function])
def test_help_after_the_task(written, capsys, task) -> None:
    """After the task, Invoke passes --help as the name; the task then prints its help."""
    task(Context(), "--help")

    assert "Usage: invoke [--core-opts] new." in capsys.readouterr().out
    assert written == []


def test_a_tool_that_fails(written, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task ends with the exit code of the tool, which has printed the reason."""

    def fail(_: object) -> None:
        raise development.ToolError(5)

    monkeypatch.setattr(scaffold, "regenerate", fail)

    with pytest.raises(Exit) as ended:
        new.stack(Context(), "example-stack")

    assert ended.value.code == 5
