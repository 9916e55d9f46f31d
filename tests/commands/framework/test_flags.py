"""Every flag of every task is refused without its value."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.executor import Executor
from invoke.parser import Argument, Parser, ParserContext
from invoke.parser.context import to_flag
from invoke.program import Program

import tasks
from commands.framework.task import SHORT_FLAGS

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
CORE = Program().initial_context
CONTEXTS: dict[str, ParserContext] = {
    context.name: context for context in tasks.namespace.to_contexts() if context.name
}


class Recorder(Executor):
    """Records the tasks and arguments instead of running them."""

    ran: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def execute(self, *calls: Any) -> dict[Any, Any]:
        """Record the calls."""
        self.ran.extend((context.name, context.as_kwargs) for context in calls)
        return {}


@pytest.fixture(autouse=True)
def no_recorded_calls() -> None:
    """Clear the records of other tests."""
    Recorder.ran.clear()


def parse(*argv: str) -> dict[str, Any]:
    """Return the arguments of the only task, as parsed by Invoke."""
    context = copy.deepcopy(CONTEXTS[argv[0]])
    [_, parsed] = Parser([context], initial=CORE).parse_argv([*argv])
    return dict(parsed.as_kwargs)


def parse_error(*argv: str) -> list[str]:
    """Return the lines of the error and its hint."""
    with pytest.raises(ParseError) as raised:
        parse(*argv)
    return str(raised.value).splitlines()


def run_refused(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """Run Invoke, check that no task ran, and return the lines of the error and its hint."""
    with pytest.raises(SystemExit) as ended:
        Program(namespace=tasks.namespace, executor_class=Recorder).run(["invoke", *argv])
    out, err = capsys.readouterr()
    assert (ended.value.code, out, Recorder.ran) == (1, "", [])
    return err.splitlines()


def invoke(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with *command* in the project."""
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Flag:
    """A flag of a task, as *given* by its short or long name."""

    task: str
    argument: Argument
    given: str

    @property
    def name(self) -> str:
        """Return the long name, which errors contain."""
        return to_flag(self.argument.names[0])

    @property
    def before(self) -> list[str]:
        """Return the task and its other positional arguments."""
        positional = CONTEXTS[self.task].positional_args
        return [self.task, *("x" for argument in positional if argument is not self.argument)]


def flags(*kinds: type) -> list[Any]:
    """Return the flags of all tasks whose values are of these *kinds*, by each of their names."""
    return [
        pytest.param(Flag(task, argument, to_flag(name)), id=f"{task} {to_flag(name)}")
        for task, context in CONTEXTS.items()
        for argument in context.args.values()
        if argument.kind in kinds
        for name in argument.names
    ]


VALUED = flags(str, list, int)


def test_the_table_is_not_empty() -> None:
    """The table has short and long names, also of the flags of `destroy`."""
    ids = {param.id for param in VALUED}

    assert {"destroy --stack", "destroy -s", "destroy --confirm", "deploy -s"} <= ids
    assert len(VALUED) > 100


# A command line, in which || separates the arguments, and the fact that the error must state.
WITHOUT_VALUE = {
    "{flag}": "needs a value",
    "{flag}=": "the value is empty",
    "{flag}||": "the value is empty",
    "{flag}|| ": "the value is empty",
    "{flag}||--echo": "needs a value, but --echo follows",
    "{flag}||--unknown=x": "needs a value, but --unknown=x follows",
    "{flag}||--||x": "needs a value",
}


@pytest.mark.parametrize("flag", VALUED)
def test_a_flag_without_its_value(flag: Flag) -> None:
    """A missing value is refused, whatever follows the flag."""
    errors = {
        given: parse_error(*flag.before, *given.format(flag=flag.given).split("||"))
        for given in WITHOUT_VALUE
    }

    hint = f"hint:  run `./inv --help {flag.task}` to list its flags"
    assert {
        given: [f"error: {flag.task}: {flag.name}: {fact}", hint]
        for given, fact in WITHOUT_VALUE.items()
    } == errors


@pytest.mark.parametrize("flag", VALUED)
def test_the_next_flag_is_not_a_value(flag: Flag) -> None:
    """If another flag of the task follows a flag without a value, it is not read as the value."""
    others = [other for other in CONTEXTS[flag.task].args.values() if other.kind is bool]
    if not others:
        others = [flag.argument]

    error = parse_error(*flag.before, flag.given, to_flag(others[0].names[0]))

    assert f"error: {flag.task}: {flag.name}: needs a value" in error


@pytest.mark.parametrize("flag", VALUED)
def test_a_flag_with_its_value(flag: Flag) -> None:
    """A value follows a space or an equals sign; after the latter it may look like a flag."""
    value = {int: "-7", str: "--x=y", list: "--x=y"}[flag.argument.kind]
    expected = {int: -7, str: value, list: [value]}[flag.argument.kind]

    assert parse(*flag.before, f"{flag.given}={value}")[flag.argument.name] == expected
    plain = {int: "7", str: "x y", list: "x"}[flag.argument.kind]
    expected = {int: 7, str: plain, list: [plain]}[flag.argument.kind]
    assert parse(*flag.before, flag.given, plain)[flag.argument.name] == expected


@pytest.mark.parametrize("flag", flags(int))
@pytest.mark.parametrize("value", ["x", "1.5", "0x10"])
def test_an_invalid_number(flag: Flag, value: str) -> None:
    """The error names the flag."""
    error = parse_error(flag.task, f"{flag.given}={value}")

    assert error[0] == f"error: {flag.task}: {flag.name}={value}: not a whole number"


@pytest.mark.parametrize("flag", flags(bool))
def test_a_switch_with_a_value(flag: Flag) -> None:
    """`--yes=no` does not mean yes, and `--yes=plan` does not run another task."""
    values = ["no", "", "false", "plan"]

    errors = [parse_error(*flag.before, f"{flag.given}={value}")[0] for value in values]

    assert [
        f"error: {flag.task}: {flag.name}={value}: the flag takes no value" for value in values
    ] == errors


@pytest.mark.parametrize("flag", flags(str, int))
def test_a_flag_twice(flag: Flag) -> None:
    """A repeated flag is refused as ambiguous."""
    value = "1" if flag.argument.kind is int else "plan"

    error = parse_error(*flag.before, f"{flag.given}={value}", f"{flag.given}={value}")

    assert error[0] == f"error: {flag.task}: {flag.name}: given more than once"


def test_a_list_twice() -> None:
    """A list flag that is given twice, by its long and its short name, has both values."""
    assert parse("deploy", "--stack=a", "-s", "b")["stack"] == ["a", "b"]


def test_a_list_whose_second_value_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """The second flag needs a value of its own."""
    assert "error: destroy: --stack: needs a value" in run_refused(
        capsys, "destroy", "--stack=a", "--stack"
    )


def test_all_errors_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """All errors of a command line are listed in the order of the command line."""
    errors = run_refused(capsys, "destroy", "--stack=", "--jobs=x", "--yes=no", "--env")

    assert errors == [
        "error: destroy: --stack: the value is empty",
        "       destroy: --jobs=x: not a whole number",
        "       destroy: --yes=no: the flag takes no value",
        "       destroy: --env: needs a value",
        "hint:  run `./inv --help destroy` to list its flags",
    ]


def test_an_unknown_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """The error suggests a similar flag."""
    error = run_refused(capsys, "destroy", "--stakc=x")

    assert error[:1] == ["error: destroy: --stakc: no such flag; did you mean --stack?"]


@pytest.mark.parametrize("argv", ["graph -- --format=dot", "graph --format=dot -- plan"])
def test_arguments_after_a_lone_double_hyphen(argv: str) -> None:
    """Arguments after a lone -- are refused: `destroy --yes -- --dry-run` would delete.

    This runs in a separate process, because Invoke reads these arguments before it loads tasks.py.
    """
    done = invoke("-m", "invoke", *argv.split())

    assert (done.returncode, done.stdout) == (1, "")
    ignored = argv.partition("-- ")[2]
    assert done.stderr.splitlines() == [
        f"error: -- {ignored}: no task accepts arguments after a lone --",
        "hint: remove the --; pass a value that begins with - as --flag=value",
    ]


def test_shell_completion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Completion passes the command line after a lone double hyphen, which is allowed."""
    with pytest.raises(SystemExit) as ended:
        Program(namespace=tasks.namespace).run(["invoke", "--complete", "--", "invoke", "destroy"])

    assert ended.value.code == 0
    assert "destroy\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "variables"),
    [
        (["destroy", "--yes", "--dry"], {}),
        (["-R", "destroy", "--yes"], {}),
        (["destroy", "--yes"], {"INVOKE_RUN_DRY": "1"}),
    ],
)
def test_the_dry_run_of_invoke(argv: list[str], variables: dict[str, str]) -> None:
    """Invoke's --dry would not keep a task from deleting, so it is refused."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *argv, "--env=absent"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[0] == (
        "error: --dry: has no effect on the tasks; nothing was done"
    )
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    "context", [Context(remainder="x"), Context(Config({"run": {"dry": True}}))]
)
@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_every_task_refuses_ignored_arguments(name: str, context: Context) -> None:
    """The refusal is the first thing that a task does."""
    with pytest.raises(Exit) as ended:
        tasks.namespace[name](context)

    assert ended.value.code == 1


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_argument(capsys: pytest.CaptureFixture[str], value: str) -> None:
    """A quoted empty shell variable is refused as a positional argument."""
    error = run_refused(capsys, "lambda.invoke", value)

    assert error[0] == "error: lambda.invoke: name: is empty"


def test_several_tasks() -> None:
    """Several tasks can be run in one command."""
    program = Program(namespace=tasks.namespace, executor_class=Recorder)

    program.run(["invoke", "plan", "--stack", "a", "deploy", "--yes", "-s=b", "status"])

    assert [(name, arguments.get("stack")) for name, arguments in Recorder.ran] == [
        ("plan", ["a"]),
        ("deploy", ["b"]),
        ("status", None),
    ]


@pytest.mark.parametrize(
    "command", [["-m", "invoke"], [str(Path(sys.executable).with_name("invoke"))]]
)
def test_from_the_command_line(command: list[str]) -> None:
    """Flags are checked however Invoke is started; ./inv uses the first way."""
    done = invoke(*command, "destroy", "--stack")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: destroy: --stack: needs a value\nhint: ")


def test_short_flags() -> None:
    """A short flag has the same long name in every task."""
    meanings: dict[str, set[str]] = {}
    for context in CONTEXTS.values():
        for argument in context.args.values():
            for short in argument.names[1:]:
                meanings.setdefault(short, set()).add(argument.names[0])

    assert {short: {long} for long, short in SHORT_FLAGS.items()} == meanings


@pytest.mark.parametrize("task", CONTEXTS)
def test_a_short_flag_of_invoke(task: str) -> None:
    """A short flag that a task lacks is refused, not read as Invoke's own, except for -h."""
    context = CONTEXTS[task]
    before = Flag(task, Argument("none"), "").before
    shorts = [
        to_flag(name)
        for argument in CORE.args.values()
        for name in argument.names
        if len(name) == 1
    ]

    errors = {
        short: parse_error(*before, short)[0]
        for short in shorts
        if short not in context.flags and short != "-h"
    }

    assert {short: f"error: {task}: {short}: no such flag" for short in errors} == errors
    assert errors or task == "destroy"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["depoly"], "depoly: no such task; did you mean deploy?"),
        (["migrate"], "migrate: no such task; did you mean db.migrate?"),
        (["xyz"], "xyz: no such task"),
        (["--help", "depoly"], "depoly: no such task; did you mean deploy?"),
        (["depoly", "--help"], "depoly: no such task; did you mean deploy?"),
        (["--verbose"], "--verbose: no such flag"),
        (
            ["deploy", "cluster"],
            "deploy: cluster: is not a flag or a task; did you mean --stack=cluster?",
        ),
        (["plan", "dev"], "plan: dev: is not a flag or a task; did you mean --env=dev?"),
        (["plan", "depoly"], "plan: depoly: is not a flag or a task; did you mean deploy?"),
        (["logs", "web"], "logs: web: is not a flag or a task; did you mean --service=web?"),
        (
            ["site.sync", "out"],
            "site.sync: out: is not a flag or a task; did you mean --folder=out?",
        ),
        (["graph", "xyz"], "graph: xyz: is not a flag or a task"),
        (["deploy", "--stakc", "x"], "deploy: --stakc: no such flag; did you mean --stack?"),
    ],
)
def test_suggestions(capsys: pytest.CaptureFixture[str], argv: list[str], expected: str) -> None:
    """A similar task or flag is suggested, or the flag that a value belongs to."""
    [error, hint] = run_refused(capsys, *argv)

    assert error == f"error: {expected}"
    assert hint.startswith("hint:  run `./inv")
