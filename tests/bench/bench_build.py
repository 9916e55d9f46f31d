"""The zip files of all functions for arm64, against `sam build` of the same sources and locks.

`sam build` creates folders; the zip files of `sam package` are not measured. The packages are in
the caches of both installers. SAM needs a Python 3.13 on PATH, because Lambda runs that version.
SAM gets the same versions without hashes, because it refuses a lock with hashes that is incomplete.
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
from tests.bench.timing import ROOT, SCRATCH, Absent, Command, Line, command, measure_in_turn, run

SAM = "aws-sam-cli == 1.170.0"
HOME = SCRATCH / "sam"
PYTHON = "3.13"  # The version on Lambda.
NAMES = sorted(file.parent.name for file in ROOT.glob("lambdas/*/handler.py"))

OURS = """
import sys
from pathlib import Path
from deployer.artifacts import Code, target
from deployer.artifacts.build import build

root, dist, python, *names = sys.argv[1:]
code = Code(Path(root))
artifacts = [code.artifact(name, target(f"python{python}", "arm64")) for name in names]
build(code, artifacts, Path(dist))
"""

# No telemetry and no update checks; SAM finds its own interpreter first.
QUIET = {
    "SAM_CLI_TELEMETRY": "0",
    "HOME": str(HOME / "home"),
    "PATH": f"{HOME / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def rows(rounds: int) -> tuple[Line, ...]:
    """Return the rows: a build with warm package caches, a changed line, and no change."""
    if missing := _install():
        return (Absent("against SAM", f"not measured: {missing}"),)
    app = _app()
    with copied() as copy:
        first = _ours(copy, before=lambda: shutil.rmtree(copy / "dist", ignore_errors=True))
        changed = _ours(copy, before=lambda: _change(copy))
        fresh_builds = {
            f"{len(NAMES)} functions, zips included, no zips built yet": (first, 1 / 8),
            "a line changed in each": (changed, 1 / 8),
        }
        alone = measure_in_turn(_sam(app, "plain"), fresh_builds, rounds=rounds)
        both = measure_in_turn(
            _sam(app, "parallel", "--parallel"),
            {"no zips built yet, against --parallel": (first, None)},
            rounds=rounds,
        )
        invoked = command(sys.executable, "-m", "invoke", "build", "--env=dev", cwd=copy)
        hit = _sam(app, "cached", "--cached", fresh=False)
        for warm_up in (first, invoked, hit):
            run(warm_up)
        unchanged = {
            "nothing changed": (_ours(copy), 1 / 8),
            "nothing changed, through invoke, synth included": (invoked, None),
        }
        return (*alone, *both, *measure_in_turn(hit, unchanged, rounds=rounds))


def _change(copy: Path) -> None:
    """Add a line to each function."""
    for name in NAMES:
        with (copy / "lambdas" / name / "handler.py").open("a") as file:
            file.write("# changed\n")


def _ours(copy: Path, **more) -> Command:
    arguments = (copy, copy / "dist", PYTHON, *NAMES)
    return command(sys.executable, "-c", OURS, *arguments, cwd=copy, **more)


def _sam(app: Path, name: str, *flags: str, fresh: bool = True) -> Command:
    """Return `sam build` into a folder of its own, which is emptied before each run if *fresh*."""
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
    """Install SAM, and the pip that it calls, in an environment of its own; return the error or ""."""
    if (HOME / "venv" / "bin" / "sam").exists():
        return ""
    shutil.rmtree(HOME, ignore_errors=True)
    python = HOME / "venv" / "bin" / "python"
    for arguments in (
        ("venv", "--quiet", "--no-python-downloads", "--python", PYTHON, HOME / "venv"),
        ("pip", "install", "--quiet", "--python", python, SAM, "pip", "setuptools", "wheel"),
    ):
        process = subprocess.run(
            [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False
        )
        if process.returncode:
            return process.stderr.strip().partition("\n")[0]
    return ""


def _app() -> Path:
    """Write the sources as SAM expects them: a folder for each function, and a template."""
    app = HOME / "app"
    shutil.rmtree(app, ignore_errors=True)
    resources = {}
    for name in NAMES:
        gathered = sources.gather(ROOT, name)
        pins = re.sub(
            r" \\\\\n| *--hash=\S+|^ *#.*\n", "", gathered.lock.decode(), flags=re.MULTILINE
        )
        for path, content in {**gathered.files, "requirements.txt": pins.encode()}.items():
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
