"""The zips of all functions for arm64, against `sam build` of the same sources and locks.

`sam build` makes folders, no zips: those come with `sam package`, which is not counted. Packages
are in the cache of either installer. SAM needs a Python 3.13 to build for that: have one on PATH.
SAM gets the same versions without hashes: with them it refuses a lock that leaves a package out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deployer.artifacts import Code, sources, target
from tests.bench.checkout import copied
from tests.bench.timing import ROOT, SCRATCH, Absent, Command, Line, command, race, run

SAM = "aws-sam-cli == 1.170.0"
HOME = SCRATCH / "sam"
PYTHON = "3.13"  # What Lambda runs.
NAMES = sorted(file.parent.name for file in ROOT.glob("lambdas/*/handler.py"))

OURS = """
import sys
from pathlib import Path
from deployer.artifacts import Code, target
from deployer.artifacts.build import build

root, dist, python, *names = sys.argv[1:]
code = Code(Path(root))
wanted = [code.artifact(name, target(f"python{python}", "arm64")) for name in names]
build(code, wanted, Path(dist))
"""

# Nothing but the job; and the interpreter that is asked for is found first.
QUIET = {
    "SAM_CLI_TELEMETRY": "0",
    "HOME": str(HOME / "home"),
    "PATH": f"{HOME / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def rows(rounds: int) -> tuple[Line, ...]:
    """From sources to zips with warm caches, and with nothing changed."""
    if missing := _install():
        return (Absent("against SAM", f"not measured: {missing}"),)
    app = _app()
    with copied() as copy:
        first = _ours(copy, before=lambda: shutil.rmtree(copy / "dist", ignore_errors=True))
        changed = _ours(copy, before=lambda: _change(copy))
        made = {
            f"{len(NAMES)} functions, zips included, nothing there yet": (first, 1 / 8),
            "a line changed in each": (changed, 1 / 8),
        }
        alone = race(_sam(app, "plain"), made, rounds=rounds)
        both = race(
            _sam(app, "parallel", "--parallel"),
            {"nothing there yet, against --parallel": (first, None)},
            rounds=rounds,
        )
        invoked = command(sys.executable, "-m", "invoke", "build", "--env=dev", cwd=copy)
        hit = _sam(app, "cached", "--cached", fresh=False)
        for once in (first, invoked, hit):
            run(once)
        unchanged = {
            "nothing changed": (_ours(copy), 1 / 8),
            "nothing changed, through invoke, synth included": (invoked, None),
        }
        return (*alone, *both, *race(hit, unchanged, rounds=rounds))


def _change(copy: Path) -> None:
    for name in NAMES:
        with (copy / "lambdas" / name / "handler.py").open("a") as file:
            file.write("# changed\n")


def _ours(copy: Path, **more) -> Command:
    arguments = (copy, copy / "dist", PYTHON, *NAMES)
    return command(sys.executable, "-c", OURS, *arguments, cwd=copy, **more)


def _sam(app: Path, name: str, *flags: str, fresh: bool = True) -> Command:
    """`sam build` into a folder of its own, with nothing left of the run before if *fresh*."""
    out = HOME / name
    arguments = ("--template", app / "template.json", "--build-dir", out / "build", *flags)
    if not fresh:
        arguments += ("--cache-dir", out / "cache")
    return command(
        *(HOME / "venv" / "bin" / "sam", "build", *arguments),
        cwd=app,
        env=QUIET,
        before=lambda: fresh and shutil.rmtree(out, ignore_errors=True),
    )


def _install() -> str:
    """SAM in an environment of its own, with a pip for it to call; what went wrong, if anything."""
    if (HOME / "venv" / "bin" / "sam").exists():
        return ""
    shutil.rmtree(HOME, ignore_errors=True)
    python = HOME / "venv" / "bin" / "python"
    for arguments in (
        ("venv", "--quiet", "--no-python-downloads", "--python", PYTHON, HOME / "venv"),
        ("pip", "install", "--quiet", "--python", python, SAM, "pip", "setuptools", "wheel"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return done.stderr.strip().partition("\n")[0]
    return ""


def _app() -> Path:
    """The same sources as SAM wants them: a folder for each function, a template above."""
    app = HOME / "app"
    shutil.rmtree(app, ignore_errors=True)
    resources = {}
    for name in NAMES:
        found = sources.gather(ROOT, name)
        pins = re.sub(r" \\\\\n| *--hash=\S+|^ *#.*\n", "", found.lock.decode(), flags=re.MULTILINE)
        for path, content in {**found.files, "requirements.txt": pins.encode()}.items():
            file = app / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        handler = Code(ROOT).artifact(name, target(f"python{PYTHON}", "arm64")).handler
        resources[name.title().replace("_", "")] = {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": name,
                "Handler": handler,
                "Runtime": f"python{PYTHON}",
                "Architectures": ["arm64"],
            },
        }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    (app / "template.json").write_text(json.dumps(template))
    return app
