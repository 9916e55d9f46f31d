"""No flag of any task is taken without its value: a table over all tasks."""

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

ROOT = Path(__file__).parents[3]
CORE = Program().initial_context
CONTEXTS: dict[str, ParserContext] = {
    context.name: context for context in tasks.namespace.to_contexts() if context.name
}


class Recorder(Executor):
    """Runs no task: remembers which ones would have run, and with what."""

    ran: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def execute(self, *asked: Any) -> dict[Any, Any]:
        """Remember."""
        self.ran.extend((context.name, context.as_kwargs) for context in asked)
        return {}


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    """Every test begins anew."""
    Recorder.ran.clear()


def parse(*argv: str) -> dict[str, Any]:
    """Return the arguments of the only task, as parsed by Invoke."""
    context = copy.deepcopy(CONTEXTS[argv[0]])
    [_, parsed] = Parser([context], initial=CORE).parse_argv([*argv])
    return dict(parsed.as_kwargs)


def fault(*argv: str) -> list[str]:
    """The error and its hint."""
    with pytest.raises(ParseError) as told:
        parse(*argv)
    return str(told.value).splitlines()


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """The error and its hint; no task has run, and the exit code is 1."""
    with pytest.raises(SystemExit) as ended:
        Program(namespace=tasks.namespace, executor_class=Recorder).run(["invoke", *argv])
    out, err = capsys.readouterr()
    assert (1, "", []) == (ended.value.code, out, Recorder.ran)
    return err.splitlines()


def invoke(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python so, in the checkout."""
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Flag:
    """A flag of a task, by one of its names; *name* is the one that errors tell."""

    task: str
    argument: Argument
    given: str

    @property
    def name(self) -> str:
        """The long one."""
        return to_flag(self.argument.names[0])

    @property
    def before(self) -> list[str]:
        """The task, with its other positional arguments."""
        positional = CONTEXTS[self.task].positional_args
        return [self.task, *("x" for each in positional if each is not self.argument)]


def flags(*kinds: type) -> list[Any]:
    """Each flag of these *kinds*, of each task, by each of its names."""
    return [
        pytest.param(Flag(task, argument, to_flag(name)), id=f"{task} {to_flag(name)}")
        for task, context in CONTEXTS.items()
        for argument in context.args.values()
        if argument.kind in kinds
        for name in argument.names
    ]


VALUED = flags(str, list, int)


def test_the_table_is_not_empty() -> None:
    """Both long and short names of both of the flags that delete everything are in it."""
    ids = {param.id for param in VALUED}

    assert {"destroy --stack", "destroy -s", "destroy --confirm", "deploy -s"} <= ids
    assert len(VALUED) > 100


WITHOUT_VALUE = {
    "{flag}": "needs a value",
    "{flag}=": "its value is empty",
    "{flag}||": "its value is empty",
    "{flag}|| ": "its value is empty",
    "{flag}||--echo": "needs a value, but --echo follows",
    "{flag}||--unknown=x": "needs a value, but --unknown=x follows",
    "{flag}||--||x": "needs a value",
}


@pytest.mark.parametrize("flag", VALUED)
def test_a_flag_without_its_value(flag: Flag) -> None:
    """It is refused, whatever follows, for every flag of every task that takes one."""
    told = {
        given: fault(*flag.before, *given.format(flag=flag.given).split("||"))
        for given in WITHOUT_VALUE
    }

    hint = f"hint:  `./inv --help {flag.task}` lists its flags"
    assert {
        given: [f"error: {flag.task}: {flag.name}: {fact}", hint]
        for given, fact in WITHOUT_VALUE.items()
    } == told


@pytest.mark.parametrize("flag", VALUED)
def test_the_next_flag_is_no_value(flag: Flag) -> None:
    """Nor is one of the same task."""
    others = [each for each in CONTEXTS[flag.task].args.values() if each.kind is bool]
    if not others:
        others = [flag.argument]

    told = fault(*flag.before, flag.given, to_flag(others[0].names[0]))

    assert f"error: {flag.task}: {flag.name}: needs a value" in told


@pytest.mark.parametrize("flag", VALUED)
def test_a_flag_with_its_value(flag: Flag) -> None:
    """Both ways to give it are taken; behind an equals sign it may look like a flag."""
    value = {int: "-7", str: "--x=y", list: "--x=y"}[flag.argument.kind]
    expected = {int: -7, str: value, list: [value]}[flag.argument.kind]

    assert expected == parse(*flag.before, f"{flag.given}={value}")[flag.argument.name]
    plain = {int: "7", str: "x y", list: "x"}[flag.argument.kind]
    expected = {int: 7, str: plain, list: [plain]}[flag.argument.kind]
    assert expected == parse(*flag.before, flag.given, plain)[flag.argument.name]


@pytest.mark.parametrize("flag", flags(int))
@pytest.mark.parametrize("value", ["x", "1.5", "0x10"])
def test_a_number_that_is_none(flag: Flag, value: str) -> None:
    """The flag is named, and there is no traceback."""
    told = fault(flag.task, f"{flag.given}={value}")

    assert f"error: {flag.task}: {flag.name}={value}: not a whole number" == told[0]


@pytest.mark.parametrize("flag", flags(bool))
def test_a_switch_with_a_value(flag: Flag) -> None:
    """`--yes=no` is not yes, and `--yes=plan` does not run another task."""
    values = ["no", "", "false", "plan"]

    told = [fault(*flag.before, f"{flag.given}={value}")[0] for value in values]

    assert [
        f"error: {flag.task}: {flag.name}={value}: the flag takes no value" for value in values
    ] == told


@pytest.mark.parametrize("flag", flags(str, int))
def test_a_flag_twice(flag: Flag) -> None:
    """A repeated flag is refused as ambiguous."""
    value = "1" if flag.argument.kind is int else "plan"

    told = fault(*flag.before, f"{flag.given}={value}", f"{flag.given}={value}")

    assert f"error: {flag.task}: {flag.name}: given more than once" == told[0]


def test_a_list_twice() -> None:
    """It has both."""
    assert ["a", "b"] == parse("deploy", "--stack=a", "-s", "b")["stack"]


def test_a_list_whose_second_value_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """The first one does not stand in for it."""
    assert "error: destroy: --stack: needs a value" in refused(
        capsys, "destroy", "--stack=a", "--stack"
    )


def test_all_faults_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """In the order in which they were given, each below the last."""
    told = refused(capsys, "destroy", "--stack=", "--jobs=x", "--yes=no", "--env")

    assert [
        "error: destroy: --stack: its value is empty",
        "       destroy: --jobs=x: not a whole number",
        "       destroy: --yes=no: the flag takes no value",
        "       destroy: --env: needs a value",
        "hint:  `./inv --help destroy` lists its flags",
    ] == told


def test_an_unknown_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """It is reported like any other error."""
    told = refused(capsys, "destroy", "--stakc=x")

    assert ["error: destroy: --stakc: no such flag; did you mean --stack?"] == told[:1]


@pytest.mark.parametrize("argv", ["graph -- --format=dot", "graph --format=dot -- plan"])
def test_what_follows_a_lone_double_hyphen(argv: str) -> None:
    """Invoke ignores it, so `destroy --yes -- --dry-run` would delete.

    In a process of its own, since Invoke reads it before it loads tasks.py.
    """
    done = invoke("-m", "invoke", *argv.split())

    assert (1, "") == (done.returncode, done.stdout)
    ignored = argv.partition("-- ")[2]
    assert [
        f"error: -- {ignored}: no task takes anything after a lone --",
        "hint: remove the --; a value that begins with - is given as --flag=value",
    ] == done.stderr.splitlines()


def test_completion_takes_a_line_after_the_double_hyphen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A shell gives it the line so far."""
    with pytest.raises(SystemExit) as ended:
        Program(namespace=tasks.namespace).run(["invoke", "--complete", "--", "invoke", "destroy"])

    assert 0 == ended.value.code
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
    """It would not keep a task from deleting, so no task runs."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *argv, "--env=absent"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (
        "error: --dry: has no effect on the tasks; nothing was done"
        == (done.stderr.splitlines()[0])
    )
    assert (1, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize(
    "context", [Context(remainder="x"), Context(Config({"run": {"dry": True}}))]
)
@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_every_task_refuses_what_it_would_ignore(name: str, context: Context) -> None:
    """Before it does anything."""
    with pytest.raises(Exit) as ended:
        tasks.namespace[name](context)

    assert 1 == ended.value.code


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_argument(capsys: pytest.CaptureFixture[str], value: str) -> None:
    """An empty shell variable in quotes is no name of a function."""
    told = refused(capsys, "lambda.invoke", value)

    assert "error: lambda.invoke: name: is empty" == told[0]


def test_several_tasks() -> None:
    """One after the other, as ever."""
    program = Program(namespace=tasks.namespace, executor_class=Recorder)

    program.run(["invoke", "plan", "--stack", "a", "deploy", "--yes", "-s=b", "status"])

    assert [("plan", ["a"]), ("deploy", ["b"]), ("status", None)] == [
        (name, arguments.get("stack")) for name, arguments in Recorder.ran
    ]


@pytest.mark.parametrize(
    "command", [["-m", "invoke"], [str(Path(sys.executable).with_name("invoke"))]]
)
def test_from_the_command_line(command: list[str]) -> None:
    """However Invoke is started: ./inv does it the first way."""
    done = invoke(*command, "destroy", "--stack")

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("error: destroy: --stack: needs a value\nhint: ")


def test_short_flags() -> None:
    """A letter means the same flag in every task that has it."""
    meanings: dict[str, set[str]] = {}
    for context in CONTEXTS.values():
        for argument in context.args.values():
            for short in argument.names[1:]:
                meanings.setdefault(short, set()).add(argument.names[0])

    assert {short: {long} for long, short in SHORT_FLAGS.items()} == meanings


@pytest.mark.parametrize("task", CONTEXTS)
def test_a_short_flag_of_invoke(task: str) -> None:
    """`-d` is --dry-run or nothing, never Invoke's --debug; so are the others, but for -h."""
    context = CONTEXTS[task]
    before = Flag(task, Argument("none"), "").before
    shorts = [to_flag(name) for each in CORE.args.values() for name in each.names if len(name) == 1]

    told = {
        short: fault(*before, short)[0]
        for short in shorts
        if short not in context.flags and short != "-h"
    }

    assert {short: f"error: {task}: {short}: no such flag" for short in told} == told
    assert told or task == "destroy"


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
            "deploy: cluster: is no flag and no task; did you mean --stack=cluster?",
        ),
        (["plan", "dev"], "plan: dev: is no flag and no task; did you mean --env=dev?"),
        (["plan", "depoly"], "plan: depoly: is no flag and no task; did you mean deploy?"),
        (["logs", "web"], "logs: web: is no flag and no task; did you mean --service=web?"),
        (
            ["site.sync", "out"],
            "site.sync: out: is no flag and no task; did you mean --folder=out?",
        ),
        (["graph", "xyz"], "graph: xyz: is no flag and no task"),
        (["deploy", "--stakc", "x"], "deploy: --stakc: no such flag; did you mean --stack?"),
    ],
)
def test_what_was_meant(capsys: pytest.CaptureFixture[str], argv: list[str], expected: str) -> None:
    """The nearest task or flag is suggested, and a value by itself gets its flag."""
    [told, hint] = refused(capsys, *argv)

    assert f"error: {expected}" == told
    assert hint.startswith(("hint:  `./inv", "hint:  `invoke"))  # As it was called.
