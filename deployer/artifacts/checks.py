"""What would keep a zip from running where it is meant to, found before it is anywhere.

Where this machine has a Python like the target's, the handler is imported, with nothing around it
but what Lambda's Python has. Where it has none, nothing is run: sources are read, also those of
packages (reached.py), and compiled code by its header; `unchecked` says so.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deployer import lambda_runtime
from deployer.artifacts import Artifact, Target, elf, interpreters, packing
from deployer.artifacts.bindings import Bindings, bindings
from deployer.artifacts.conditions import Machine
from deployer.artifacts.faults import Fault
from deployer.artifacts.imports import Import, imports, parse
from deployer.artifacts.interpreters import Interpreter
from deployer.artifacts.reached import answers, modules, unresolved
from deployer.artifacts.sources import LAMBDAS, SHARED
from deployer.artifacts.store import Seal
from deployer.isolation import sandbox
from deployer.isolation.sandbox import Sandbox

# Lambda developer guide, Quotas. What comes by S3, as ours does, may be larger zipped: but then it
# starts slowly, and nobody can look at it in the console.
ZIPPED, UNZIPPED = 50 * 1024 * 1024, 250 * 1024 * 1024
SECONDS = 60

_WRITE = "write it: handler(event, context)"
_WAY_IN = (
    "what it imports goes into requirements.in (then `./inv lock`), lambdas/shared/ or include.txt"
)
_SETTING = "setting:"
_IMPORT = f"""
import os, sys
sys.path[:0] = sys.argv[2:]
import importlib
try:
    module = importlib.import_module(sys.argv[1])
except KeyError as error:
    at = error.__traceback__
    while at.tb_next:
        at = at.tb_next
    if at.tb_frame.f_code is not type(os.environ).__getitem__.__code__:
        raise
    print("{_SETTING}" + error.args[0])  # Its stack gives it.
    sys.exit(0)
sys.exit(0 if callable(getattr(module, "handler", None)) else "no function handler")
"""
# Lambda developer guide, Using Lambda environment variables: what modules may read when they are
# imported. The keys are nobody's.
_LAMBDA = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "not-a-key-id",
    "AWS_SECRET_ACCESS_KEY": "not-a-key",
    "AWS_SESSION_TOKEN": "not-a-token",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_STREAM_NAME": "import",
    "TZ": ":UTC",
}


@dataclass(frozen=True)
class Started:
    """What is wrong with a handler's imports, and what could not be checked."""

    faults: tuple[Fault, ...] = ()
    unchecked: str = ""


def compiled(artifact: Artifact, packages: Mapping[str, bytes]) -> Iterator[Fault]:
    """Packages that are compiled for another machine or another Python than the target's."""
    if not artifact.target.host:
        yield from elf.misfits(packages, artifact.target.python, artifact.target.architecture)


def contents(
    artifact: Artifact, ours: Mapping[str, bytes], packages: Mapping[str, bytes]
) -> Iterator[Fault]:
    """What is wrong with *ours*, beside *packages*."""
    yield from _collisions(artifact, ours, packages)
    yield from compiled(artifact, ours)
    yield from _handler(artifact, ours)
    yield from _unresolved(artifact, ours, packages)


def sizes(artifact: Artifact, seal: Seal) -> Iterator[Fault]:
    """A zip that Lambda does not take."""
    for size, limit, how in (
        (seal.size, ZIPPED, "zipped"),
        (seal.unzipped, UNZIPPED, "unzipped"),
    ):
        if size > limit:
            place = f"lambdas/{artifact.name}: {size:,} bytes {how}"
            hint = "leave packages out, in unused.txt"
            yield Fault(f"{place}, and the limit is {limit:,}", hint)


def started(artifact: Artifact, ours: Mapping[str, bytes], packed: Path, folder: Path) -> Started:
    """Import the handler of the zip *packed* in *folder*; read what cannot be imported here."""
    if interpreter := interpreters.find(artifact.target):
        found = _imported(artifact, interpreter, packed, folder)
    else:
        found = Started((), f"the handler was not imported: {_cannot_run(artifact.target)}")
    if found.unchecked:
        with zipfile.ZipFile(packed) as file:
            faults = tuple(unresolved(file, ours, machine_of(artifact.target)))
        return replace(found, faults=faults)
    return found


def machine_of(target: Target) -> Machine:
    """Return what is known of the machine that code for *target* runs on."""
    major, minor = target.python.split(".")
    return Machine((int(major), int(minor)), sys.platform if target.host else "linux")


def _cannot_run(target: Target) -> str:
    return f"this machine ({os.uname().machine}) has no Python for {target}"


def _imported(artifact: Artifact, interpreter: Interpreter, packed: Path, folder: Path) -> Started:
    """Import the handler from the zip *packed*, unzipped in *folder*, as a worker would."""
    code, beside, home = folder / "code", folder / "runtime", folder / "home"
    packing.extract(packed, code)
    lambda_runtime.link(beside)
    home.mkdir()
    done = _run(artifact, interpreter, code, beside, home)
    if isinstance(done, str):
        place = f"lambdas/{artifact.name}/handler.py"
        return Started((Fault(f"{place}: cannot be imported from its zip: {done}", _WAY_IN),))
    if done.setting:
        return Started((), f"importing the handler stopped at the setting {done.setting}")
    return Started()


@dataclass(frozen=True)
class _Done:
    """The handler was imported, up to the missing *setting* if there is one."""

    setting: str = ""


def _run(
    artifact: Artifact, interpreter: Interpreter, code: Path, beside: Path, home: Path
) -> _Done | str:
    """Import the handler in a sandbox, with its third-party dependencies.

    Return the last line of a failure.
    """
    level, liveness = sandbox.level(), sandbox.liveness_pipe().reader
    if level == "namespaces":
        files = {
            interpreter.prefix: Path(interpreter.prefix),
            "/var/task": code,
            **{f"/var/runtime/{link.name}": link for link in beside.iterdir()},
        }
        places, own = ["/var/task", "/var/runtime"], "/tmp"  # noqa: S108  Of the sandbox.
    else:
        files, places, own = {}, [str(code), str(beside)], str(home)
    box = Sandbox(level, files, folder=places[0], hidden=sandbox.private_folders())
    module = artifact.handler.rpartition(".")[0]
    importing = [interpreter.path, "-I", "-S", "-B", "-c", _IMPORT, module, *places]
    try:
        done = subprocess.run(
            box.command(importing, liveness=liveness),
            env=sandbox.environment(_environment(artifact, places) | {"HOME": own, "TMPDIR": own}),
            pass_fds=[liveness],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"it takes more than {SECONDS} s"
    if done.returncode == 0:
        settings = [line for line in done.stdout.splitlines() if line.startswith(_SETTING)]
        return _Done("".join(settings[-1:]).removeprefix(_SETTING))
    return (done.stderr.strip().splitlines() or [f"it gave {done.returncode}"])[-1]


def _environment(artifact: Artifact, places: Sequence[str]) -> dict[str, str]:
    """Return the variables that Lambda sets, and of this machine's none."""
    return {
        **_LAMBDA,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{artifact.target.python}",
        "AWS_LAMBDA_FUNCTION_NAME": artifact.name,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{artifact.name}",
        "LAMBDA_TASK_ROOT": places[0],
        "LAMBDA_RUNTIME_DIR": places[1],
        "_HANDLER": artifact.handler,
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
    }


def _collisions(
    artifact: Artifact, ours: Collection[str], packages: Collection[str]
) -> Iterator[Fault]:
    """A package that would be where our own files are; on a Mac, whatever the case."""
    tops = {path.partition("/")[0].casefold() for path in ours}
    theirs = {path.partition("/")[0] for path in packages}
    for top in sorted(theirs):
        if top.removesuffix(".py").casefold() in tops:
            place = f"lambdas/{artifact.name}/requirements.txt"
            yield Fault(
                f"{place}: a package of it is called {top}, as is a folder of ours",
                "rename ours",
            )


def _handler(artifact: Artifact, ours: Mapping[str, bytes]) -> Iterator[Fault]:
    path = f"{artifact.name}/handler.py"
    if path not in ours:
        yield Fault(f"lambdas/{path}: is not there", _WRITE)
        return
    try:
        tree = parse(ours[path])
    except SyntaxError:
        return  # Told with the imports.
    if any(isinstance(node, ast.AsyncFunctionDef) and node.name == "handler" for node in tree.body):
        yield Fault(f"lambdas/{path}: handler is async, and Lambda does not await it", _WRITE)
    elif "handler" not in bindings(tree, machine_of(artifact.target)):
        yield Fault(f"lambdas/{path}: has no function handler", _WRITE)


def _unresolved(
    artifact: Artifact, ours: Mapping[str, bytes], packages: Mapping[str, bytes]
) -> Iterator[Fault]:
    """Imports of our sources that neither the zip nor Lambda's Python can answer."""
    machine = machine_of(artifact.target)
    there = modules([*packages, *ours])
    is_there = answers(there, machine, lambda path: (ours if path in ours else packages)[path])
    for path, source in ours.items():
        if not path.endswith(".py"):
            continue
        try:
            wanted = imports(source, path.removesuffix(".py").replace("/", "."), machine)
        except SyntaxError as error:
            yield Fault(f"{_place(artifact, path)}:{error.lineno}: {error.msg}", "mend it")
            continue
        for one in wanted:
            place = f"{_place(artifact, path)}:{one.line}"
            if not one.is_needed(is_there):
                continue
            if not is_there(one.module):
                yield Fault(f"{place}: imports {one.module}, which is not in the zip", _WAY_IN)
            for name in _lacking(one, ours, there, machine):
                yield Fault(f"{place}: {one.module} has no {name}", "correct the name")


def _lacking(
    wanted: Import, ours: Mapping[str, bytes], there: Mapping[str, str], machine: Machine
) -> Iterator[str]:
    """Yield the names that a module or folder of this repository does not define."""
    module = wanted.module
    source = there.get(module, "")
    if source in ours and source.endswith(".py"):
        try:
            has = bindings(parse(ours[source]), machine)
        except SyntaxError:
            return  # Told with its own imports.
    elif any(path.startswith(f"{module.replace('.', '/')}/") for path in ours):
        has = Bindings(frozenset())
    else:
        return
    for name in wanted.names:
        if not (name == "*" or name in has or f"{module}.{name}" in there):
            yield name


def _place(artifact: Artifact, path: str) -> str:
    """Where *path* of the zip is in the repository."""
    return f"{LAMBDAS}/{path}" if path.startswith((f"{artifact.name}/", f"{SHARED}/")) else path
