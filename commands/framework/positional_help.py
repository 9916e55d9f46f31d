"""Print the help of a task whose first argument is positional."""

from __future__ import annotations

from invoke.program import Program


def print_help_if_requested(argument: str | None, task_name: str) -> bool:
    """Print the help of the task if *argument* is -h or --help; return whether it was printed.

    Invoke reads both as the value of a positional argument.
    """
    if argument not in {"-h", "--help"}:
        return False
    Program().run(["invoke", "--help", task_name], exit=False)
    return True
