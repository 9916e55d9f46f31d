"""Check a zip before it is deployed: files, sizes, compiled code and imports.

If this machine has a Python that can load code for the target, the handler is imported, with only
the zip and the packages of Lambda's runtime. Otherwise nothing is executed: the imports of sources
and packages are read (package_imports.py), and the result is marked as unchecked.
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
from deployer.artifacts import Artifact, Target, elf, interpreters, stdlib, zip_files
from deployer.artifacts.conditions import Machine
from deployer.artifacts.imports import Import, imports, parse
from deployer.artifacts.interpreters import Interpreter
from deployer.artifacts.module_names import Bindings, bindings
from deployer.artifacts.package_imports import availability, modules, unresolved
from deployer.artifacts.problems import Problem
from deployer.artifacts.sources import LAMBDAS, SHARED
from deployer.artifacts.zip_cache import ZipRecord
from deployer.isolation import sandbox
from deployer.isolation.sandbox import Sandbox

# Lambda developer guide, Quotas. 50 MB are the limit of a direct upload. A zip that is loaded from S3
# may be larger, but then the function starts slowly, and the console cannot show its code.
ZIPPED, UNZIPPED = 50 * 1024 * 1024, 250 * 1024 * 1024
SECONDS = 60

_PATH_CHANGES = (b"sys.path", b"addsitedir")
# Python's own tests; some packages add theirs under this name.
_UNUSED_STDLIB = {"test"}
_DEFINE_HANDLER = "define handler(event, context)"
_ADD_MODULE = (
    "add what it imports to requirements.in (then run ./inv lock), lambdas/shared/ or include.txt"
)
_NO_HANDLER = "no function handler"
_SETTING_PREFIX, _IMPORTED = "setting:", "imported:"
# Variables are settings of the stack: an import may fail because os.environ does not have one, or
# because the failing file has None in its place. The process ends without waiting for threads.
_IMPORT_PROGRAM = f"""
import os, sys
sys.path[:0] = sys.argv[2:]
import importlib, traceback
def end(line="", problem=""):
    os.write(1, f"\\n{{line}}\\n".encode())
    os.write(2, problem.encode(errors="replace"))
    os._exit(1 if problem else 0)
unset = []
def get(key, default=None, read=os.environ.get):
    value = read(key, default)
    if value is None:
        caller = sys._getframe(1)
        caller = caller.f_back if caller.f_code is os.getenv.__code__ else caller
        unset.append((caller.f_code.co_filename, key))
    return value
os.environ.get = get
try:
    module = importlib.import_module(sys.argv[1])
except (Exception, SystemExit) as error:
    at, codes = error.__traceback__, []
    while at:
        codes.append(at.tb_frame.f_code)
        at = at.tb_next
    files = [code.co_filename for code in codes]
    names = [key for file, key in unset if file in files and not isinstance(error, ImportError)]
    if isinstance(error, KeyError) and codes[-1] is type(os.environ).__getitem__.__code__:
        names = error.args
    if names:
        end("{_SETTING_PREFIX}" + names[-1])
    if isinstance(error, SystemExit):
        raise
    end(problem=traceback.format_exc())
end("{_IMPORTED}", "" if callable(getattr(module, "handler", None)) else "{_NO_HANDLER}")
"""
# Lambda developer guide, Using Lambda environment variables: the variables that modules may read
# while they are imported. The access key is invalid.
_LAMBDA_VARIABLES = {
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
class ImportResult:
    """The problems of a handler's imports, and the check that was not possible, or ""."""

    problems: tuple[Problem, ...] = ()
    unchecked: str = ""


def compiled(artifact: Artifact, packages: Mapping[str, bytes]) -> Iterator[Problem]:
    """Yield packages that are compiled for another architecture or Python version."""
    if not artifact.target.host:
        yield from elf.mismatches(packages, artifact.target.python, artifact.target.architecture)


def contents(
    artifact: Artifact, sources: Mapping[str, bytes], packages: Mapping[str, bytes]
) -> Iterator[Problem]:
    """Yield the problems of *sources*, together with *packages*."""
    yield from _collisions(artifact, sources, packages)
    yield from compiled(artifact, sources)
    yield from _handler(artifact, sources)
    yield from _unresolved(artifact, sources, packages)


def sizes(artifact: Artifact, record: ZipRecord) -> Iterator[Problem]:
    """Yield sizes above Lambda's limits."""
    for size, limit, form in (
        (record.size, ZIPPED, "zipped"),
        (record.unzipped, UNZIPPED, "unzipped"),
    ):
        if size > limit:
            place = f"lambdas/{artifact.name}: {size:,} bytes {form}"
            hint = "exclude packages that are not used, in unused.txt"
            yield Problem(f"{place}, and the limit is {limit:,}", hint)


def import_handler(
    artifact: Artifact, sources: Mapping[str, bytes], packed: Path, folder: Path
) -> ImportResult:
    """Import the handler of the zip *packed*, which is extracted to *folder*.

    If that is not possible on this machine, read its imports instead.
    """
    if interpreter := interpreters.find(artifact.target):
        result = _imported(artifact, interpreter, packed, folder)
    else:
        result = ImportResult((), f"the handler was not imported: {_cannot_run(artifact.target)}")
    if result.unchecked:
        with zipfile.ZipFile(packed) as file:
            problems = tuple(unresolved(file, sources, machine_of(artifact.target)))
        return replace(result, problems=problems)
    return result


def machine_of(target: Target) -> Machine:
    """Return the known properties of the machine of *target*."""
    major, minor = target.python.split(".")
    return Machine((int(major), int(minor)), sys.platform if target.host else "linux")


def _cannot_run(target: Target) -> str:
    return f"this machine ({os.uname().machine}) has no Python for {target}"


def _imported(
    artifact: Artifact, interpreter: Interpreter, packed: Path, folder: Path
) -> ImportResult:
    """Import the handler from the zip *packed*, which is extracted to *folder*."""
    code, runtime, home = folder / "code", folder / "runtime", folder / "home"
    zip_files.extract(packed, code)
    lambda_runtime.link(runtime)
    home.mkdir()
    outcome = _run(artifact, interpreter, code, runtime, home)
    if isinstance(outcome, str):
        place = f"lambdas/{artifact.name}/handler.py"
        return ImportResult(
            (
                Problem(
                    f"{place}: cannot be imported from its zip: {outcome}", _import_hint(outcome)
                ),
            )
        )
    if outcome.setting:
        return ImportResult((), f"importing the handler stopped at the setting {outcome.setting}")
    return ImportResult()


def _import_hint(error: str) -> str:
    if error == _NO_HANDLER:
        return _DEFINE_HANDLER
    is_missing = error.startswith(("ModuleNotFoundError", "ImportError"))
    return _ADD_MODULE if is_missing else "fix the code that is executed during the import"


@dataclass(frozen=True)
class _HandlerImport:
    """An import of the handler that succeeded, or stopped at the missing variable *setting*."""

    setting: str = ""


def _run(
    artifact: Artifact, interpreter: Interpreter, code: Path, runtime: Path, home: Path
) -> _HandlerImport | str:
    """Import the handler in a sandbox, with its third-party dependencies.

    If it fails, return the last line of its output.
    """
    level, liveness = sandbox.level(), sandbox.liveness_pipe().reader
    if level == "namespaces":
        files = {
            interpreter.prefix: Path(interpreter.prefix),
            "/var/task": code,
            **{f"/var/runtime/{link.name}": link for link in runtime.iterdir()},
        }
        folders, home_folder = ["/var/task", "/var/runtime"], "/tmp"  # noqa: S108  Of the sandbox.
    else:
        files, folders, home_folder = {}, [str(code), str(runtime)], str(home)
    box = Sandbox(level, files, folder=folders[0], hidden=sandbox.private_folders())
    module = artifact.handler.rpartition(".")[0]
    command = [interpreter.path, "-I", "-S", "-B", "-c", _IMPORT_PROGRAM, module, *folders]
    try:
        completed = subprocess.run(
            box.command(command, liveness=liveness),
            env=sandbox.environment(
                _environment(artifact, folders) | {"HOME": home_folder, "TMPDIR": home_folder}
            ),
            pass_fds=[liveness],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"the import takes more than {SECONDS} s"
    if completed.returncode == 0:
        lines = completed.stdout.splitlines()
        settings = [line for line in lines if line.startswith(_SETTING_PREFIX)]
        if not settings and _IMPORTED not in lines:
            return "the import ends the process"
        return _HandlerImport("".join(settings[-1:]).removeprefix(_SETTING_PREFIX))
    return (completed.stderr.strip().splitlines() or [f"exit code {completed.returncode}"])[-1]


def _environment(artifact: Artifact, folders: Sequence[str]) -> dict[str, str]:
    """Return the environment variables that Lambda sets, and none of this machine."""
    return {
        **_LAMBDA_VARIABLES,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{artifact.target.python}",
        "AWS_LAMBDA_FUNCTION_NAME": artifact.name,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{artifact.name}",
        "LAMBDA_TASK_ROOT": folders[0],
        "LD_LIBRARY_PATH": f"{folders[0]}:{folders[0]}/lib",
        "LAMBDA_RUNTIME_DIR": folders[1],
        "_HANDLER": artifact.handler,
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
    }


def _collisions(
    artifact: Artifact, sources: Collection[str], packages: Collection[str]
) -> Iterator[Problem]:
    """Yield packages with the name of a folder of the function or of a module of Python.

    Lambda searches the zip first, so the module of Python would not be found. Case is ignored for
    folders, as on macOS.
    """
    place = f"lambdas/{artifact.name}/requirements.txt"
    tops = {path.partition("/")[0].casefold() for path in sources}
    package_tops = {path.partition("/")[0] for path in packages}
    for top in sorted(package_tops):
        if _module_name(top).casefold() in tops:
            yield Problem(
                f"{place}: a package has the name {top}, like a folder of this function",
                "rename the folder",
            )
    hidden = stdlib.names(machine_of(artifact.target).python) - _UNUSED_STDLIB
    for module in sorted(hidden & _files_of_modules(packages).keys()):
        yield Problem(
            f"{place}: a package has the name {module}, like a module of Python",
            "exclude the package, in unused.txt",
        )
    source_files = _files_of_modules(sources)
    for module in sorted(hidden & source_files.keys()):
        yield Problem(
            f"{source_files[module]}: has the name {module}, like a module of Python", "rename it"
        )
    for folder in (artifact.name, SHARED):
        if (file := source_files.get(folder, "")).partition("/")[0] not in (folder, ""):
            yield Problem(f"{file}: has the name of the folder {folder}/", "rename it")


def _module_name(file: str) -> str:
    """Return the name of the module in *file*, or *file* if it is none."""
    return file.partition(".")[0] if file.endswith((".py", ".so")) else file


def _files_of_modules(paths: Collection[str]) -> Mapping[str, str]:
    """Return the file of each module that is a file, or a package with one."""
    return {module: file for module, file in modules(paths).items() if file}


def _handler(artifact: Artifact, sources: Mapping[str, bytes]) -> Iterator[Problem]:
    path = f"{artifact.name}/handler.py"
    if path not in sources:
        yield Problem(f"lambdas/{path}: is missing", _DEFINE_HANDLER)
        return
    if (found := modules(sources).get(f"{artifact.name}.handler", path)) != path:
        yield Problem(f"lambdas/{found}: Python imports it instead of handler.py", "rename it")
        return
    try:
        tree = parse(sources[path])
        defined = bindings(tree, machine_of(artifact.target))
    except SyntaxError:
        return  # Reported with the imports.
    if any(isinstance(node, ast.AsyncFunctionDef) and node.name == "handler" for node in tree.body):
        yield Problem(
            f"lambdas/{path}: handler is async, and Lambda does not await it", _DEFINE_HANDLER
        )
    elif "handler" not in defined:
        yield Problem(f"lambdas/{path}: has no function handler", _DEFINE_HANDLER)
    elif (function := _only_definition(tree)) and not _takes_two(function):
        place = f"lambdas/{path}:{function.lineno}"
        yield Problem(f"{place}: handler does not take two arguments", _DEFINE_HANDLER)


def _only_definition(tree: ast.Module) -> ast.FunctionDef | None:
    """Return the function handler of a module; None if the name may be bound to something else."""
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == "handler"
    ]
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.alias)]
    is_bound_again = any(
        (isinstance(node, ast.Name) and node.id == "handler" and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.alias) and "handler" in (node.asname, node.name))
        for node in names
    )
    match functions:
        case [ast.FunctionDef() as function] if function in tree.body and not is_bound_again:
            return function
        case _:
            return None


def _takes_two(function: ast.FunctionDef) -> bool:
    """Return whether *function* can be called with an event and a context; decorators change that."""
    arguments = function.args
    maximum = len(arguments.posonlyargs) + len(arguments.args)
    minimum = maximum - len(arguments.defaults)
    is_enough = minimum <= 2 <= maximum or (minimum <= 2 and arguments.vararg is not None)
    return bool(function.decorator_list) or (is_enough and None not in arguments.kw_defaults)


def _unresolved(
    artifact: Artifact, sources: Mapping[str, bytes], packages: Mapping[str, bytes]
) -> Iterator[Problem]:
    """Yield imports of *sources* that neither the zip nor Lambda's runtime provides.

    If the sources extend sys.path, a module may be in any folder of the zip.
    """
    machine = machine_of(artifact.target)
    known = modules([*packages, *sources])
    is_available = availability(
        known, machine, lambda path: (sources if path in sources else packages)[path]
    )
    extends_path = any(word in source for source in sources.values() for word in _PATH_CHANGES)
    for path, source in sources.items():
        if not path.endswith(".py"):
            continue
        try:
            module_imports = imports(source, path.removesuffix(".py").replace("/", "."), machine)
        except SyntaxError as error:
            yield Problem(
                f"{_place(artifact, path)}:{error.lineno}: {error.msg}", "fix the syntax error"
            )
            continue
        for import_ in module_imports:
            place = f"{_place(artifact, path)}:{import_.line}"
            if not import_.is_needed(is_available):
                continue
            is_on_path = is_available(import_.module) or (
                extends_path and any(name.endswith(f".{import_.module}") for name in known)
            )
            if not is_on_path:
                fact = f"{place}: imports {import_.module}, which is not in the zip"
                yield Problem(fact, _hint_for_import(path, import_.module, known))
            for name in _missing_names(import_, sources, known, machine):
                yield Problem(f"{place}: {import_.module} has no {name}", "correct the name")


def _hint_for_import(path: str, module: str, known: Collection[str]) -> str:
    """Return a hint for the import of *module*, which is not in the zip, in the source *path*.

    The module may be in the same folder as the source, or have the prefix `lambdas.`, which is not
    part of the paths in the zip.
    """
    neighbour = f"{path.rpartition('/')[0].replace('/', '.')}.{module}"
    if neighbour in known:
        return f"import {neighbour}: modules of the function are in its package"
    if module.startswith(f"{LAMBDAS}.{SHARED}"):
        return f"import {module.removeprefix(f'{LAMBDAS}.')}: {SHARED} is at the top of the zip"
    return _ADD_MODULE


def _missing_names(
    import_: Import, sources: Mapping[str, bytes], known: Mapping[str, str], machine: Machine
) -> Iterator[str]:
    """Yield the imported names that a module or folder of this repository does not define."""
    module = import_.module
    source = known.get(module, "")
    if source in sources and source.endswith(".py"):
        try:
            defined = bindings(parse(sources[source]), machine)
        except SyntaxError:
            return  # Reported with its own imports.
    elif any(path.startswith(f"{module.replace('.', '/')}/") for path in sources):
        defined = Bindings(frozenset())
    else:
        return
    for name in import_.names:
        if not (name == "*" or name in defined or f"{module}.{name}" in known):
            yield name


def _place(artifact: Artifact, path: str) -> str:
    """Return the path in the repository of *path* in the zip."""
    return f"{LAMBDAS}/{path}" if path.startswith((f"{artifact.name}/", f"{SHARED}/")) else path
