"""What would keep a zip from running where it is meant to, found before it is anywhere.

For another machine than ours nothing is run: sources are read, and compiled code by its header.
For ours the handler is imported, with nothing around it but what Lambda's Python has.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from deployer import runtime
from deployer.artifacts import Artifact, elf, packing
from deployer.artifacts.faults import Fault
from deployer.artifacts.imports import imports
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
_IMPORT = """
import sys
sys.path[:0] = sys.argv[2:]
import importlib
try:
    module = importlib.import_module(sys.argv[1])
except KeyError:
    sys.exit(0)  # A setting of its environment, which its stack gives it.
sys.exit(0 if callable(getattr(module, "handler", None)) else "no function handler")
"""


def compiled(artifact: Artifact, packages: Mapping[str, bytes]) -> Iterator[Fault]:
    """Packages that are compiled for another machine or another Python than the target's."""
    if not artifact.target.host:
        yield from elf.misfits(packages, artifact.target.python, artifact.target.architecture)


def contents(
    artifact: Artifact, ours: Mapping[str, bytes], packages: Collection[str]
) -> Iterator[Fault]:
    """What is wrong with *ours*, beside *packages* by path."""
    yield from _collisions(artifact, ours, packages)
    yield from compiled(artifact, ours)
    yield from _handler(artifact, ours)
    yield from _unresolved(artifact, ours, _modules({*packages, *ours}))


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


def imported(artifact: Artifact, packed: Path, folder: Path) -> Iterator[Fault]:
    """Import the handler from the zip *packed*, unzipped in *folder*, as a worker would."""
    code, beside, home = folder / "code", folder / "runtime", folder / "home"
    packing.extract(packed, code)
    runtime.link(beside)
    home.mkdir()
    module = artifact.handler.rpartition(".")[0]
    if said := _run(module, code, beside, home):
        place = f"lambdas/{artifact.name}/handler.py"
        yield Fault(f"{place}: cannot be imported from its zip: {said}", _WAY_IN)


def _run(module: str, code: Path, beside: Path, home: Path) -> str:
    """Import *module* isolated, as others wrote its dependencies; return a failure's last line."""
    level, liveness = sandbox.level(), sandbox.liveness_pipe().reader
    if level == "namespaces":
        files = {
            "/var/task": code,
            **{f"/var/runtime/{link.name}": link for link in beside.iterdir()},
        }
        places = ["/var/task", "/var/runtime"]
        environment = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108  Of the sandbox.
    else:
        files, places = {}, [str(code), str(beside)]
        environment = {"HOME": str(home), "TMPDIR": str(home)}
    box = Sandbox(level, files, folder=places[0], hidden=sandbox.private_folders())
    importing = [sandbox.python(), "-I", "-S", "-B", "-c", _IMPORT, module, *places]
    try:
        done = subprocess.run(
            box.command(importing, liveness=liveness),
            env={"AWS_REGION": "us-east-1", "PATH": os.defpath, "LANG": "C.UTF-8", **environment},
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
        return ""
    return (done.stderr.strip().splitlines() or [f"it gave {done.returncode}"])[-1]


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
        body = ast.parse(ours[path]).body
    except SyntaxError:
        return  # Told with the imports.
    if "handler" not in {name for node in body for name in _defined(node)}:
        yield Fault(f"lambdas/{path}: has no function handler", _WRITE)


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)


def _modules(files: Collection[str]) -> set[str]:
    """Every module that can be imported from a zip with these paths, folders included."""
    found: set[str] = set()
    for path in files:
        folder, _, file = path.rpartition("/")
        parts = folder.split("/") if folder else []
        found.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
        if file.endswith((".py", ".so")):
            found.add(".".join([*parts, file.partition(".")[0]]))
    return found


def _unresolved(
    artifact: Artifact, ours: Mapping[str, bytes], modules: Collection[str]
) -> Iterator[Fault]:
    """Imports of our sources that neither the zip nor Lambda's Python can answer."""
    given = sys.stdlib_module_names | set(runtime.PACKAGES.values())
    for path, source in ours.items():
        if not path.endswith(".py"):
            continue
        try:
            wanted = imports(source, path.removesuffix(".py").replace("/", "."))
        except SyntaxError as error:
            yield Fault(f"{_place(artifact, path)}:{error.lineno}: {error.msg}", "mend it")
            continue
        for one in wanted:
            top = one.module.partition(".")[0]
            if not (one.optional or one.module in modules or top in given):
                place = f"{_place(artifact, path)}:{one.line}"
                yield Fault(f"{place}: imports {one.module}, which is not in the zip", _WAY_IN)


def _place(artifact: Artifact, path: str) -> str:
    """Where *path* of the zip is in the repository."""
    return f"{LAMBDAS}/{path}" if path.startswith((f"{artifact.name}/", f"{SHARED}/")) else path
