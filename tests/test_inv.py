"""Tests of ./inv in a small checkout, with scripts in place of uv and Python."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INV = Path(__file__).parents[1] / "inv"

# The only programs that ./inv may use, besides Python or uv.
TOOLS = ["cat", "cmp", "cp", "dirname", "mkdir", "mv", "readlink", "rm", "sh", "sleep"]

# Each installation adds a line to $INSTALLATIONS, so that tests can count them.
INSTALL = """
    for last; do :; done
    echo "$tool $(cat "$last")" >> "$INSTALLATIONS"
    sleep "${INSTALL_SECONDS:-0}"
    [ -z "${OFFLINE:-}" ]
"""

UV = f"""#!/bin/sh
tool=uv
case $1 in
venv) mkdir -p .venv/bin && cp "$(command -v python3)" .venv/bin/python ;;
pip) {INSTALL} ;;
esac
"""

# Runs `-c CODE` like a Python of $VERSION at this path; `-m invoke` prints its folder and arguments.
PYTHON = f"""#!/bin/sh
tool=pip
case "$1 $2" in
"-m venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"-m pip") {INSTALL} ;;
"-m invoke") shift 2; echo "$PWD"; printf '%s\\n' "$@" ;;
"-c "*) exec "{sys.executable}" -I -S -c "
import sys
sys.version_info = (${{VERSION:-3, 12}})
sys.executable = '$0'
sys.modules.update(${{MODULES:-}})
$2" ;;
esac
"""


class Checkout:
    """A folder with ./inv and small locks, and a PATH with only the programs that a test adds."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "crüd dur"
        self.path = folder / "bin"
        self.installations = folder / "installations"
        self.venv = self.root / ".venv"

        self.path.mkdir()
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool))

        (self.root / "requirements").mkdir(parents=True)
        shutil.copy(INV, self.root)
        self.lock("tiny==1")
        self.lock("deploy==1", name="deploy")

    def lock(self, content: str, *, name: str = "dev") -> None:
        (self.root / "requirements" / f"{name}.txt").write_text(content + "\n")

    def add_program(self, tool: str, script: str) -> Path:
        """Write *script* to the folder on PATH, as *tool*."""
        file = self.path / tool
        file.write_text(script)
        file.chmod(0o755)
        return file

    def start(
        self,
        *args: str,
        inv: str = "./inv",
        cwd: Path | None = None,
        stderr: int = subprocess.PIPE,
        **env: str,
    ):
        return subprocess.Popen(
            [inv, *args],
            cwd=cwd or self.root,
            env={"PATH": str(self.path), "INSTALLATIONS": str(self.installations), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, *args: str, **where) -> subprocess.CompletedProcess[str]:
        return _finish(self.start(*args, **where))

    @property
    def installed(self) -> list[str]:
        return self.installations.read_text().splitlines() if self.installations.exists() else []

    def wait_for_install(self) -> None:
        deadline = time.monotonic() + 60
        while not self.installed:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _read(terminal: int) -> str:
    """Return what is written to a pseudo-terminal until its other end is closed."""
    written = b""
    with contextlib.suppress(OSError):  # Linux reports the closed end as an error.
        while data := os.read(terminal, 65536):
            written += data
    os.close(terminal)
    return written.decode()


def _finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def bare(tmp_path) -> Checkout:
    """A machine without Python."""
    return Checkout(tmp_path)


@pytest.fixture
def plain(bare) -> Checkout:
    """A machine with Python alone."""
    bare.add_program("python3", PYTHON)
    return bare


@pytest.fixture
def checkout(plain) -> Checkout:
    """A machine with Python and uv."""
    plain.add_program("uv", UV)
    return plain


def test_first_run_creates_venv(checkout):
    """The first run creates .venv from the lock, reports it, and runs the task."""
    done = checkout.run("plan", "--env", "a b")

    assert [str(checkout.root), "plan", "--env", "a b"] == done.stdout.splitlines()
    assert done.stderr.splitlines() == [
        "creating .venv with 1 packages from requirements/dev.txt (first run only) …",
        "created .venv; now running ./inv plan --env a b",
    ]
    assert checkout.installed == ["uv tiny==1"]


def test_pip_without_uv(plain):
    """Without uv, pip installs the same lock."""
    done = plain.run("plan")

    assert done.returncode == 0
    assert plain.installed == ["pip tiny==1"]


def test_failed_pip(plain):
    """An error of pip is an error of ./inv, although its output is piped."""
    failed = plain.run("plan", OFFLINE="1")

    assert failed.returncode == 1
    assert "error: requirements/dev.txt could not be installed" in failed.stderr


def test_progress_of_pip(plain):
    """On a terminal ./inv counts the packages that pip has collected."""
    plain.lock("one==1 \\\n    --hash=sha256:00\ntwo==2 \\\n    --hash=sha256:00")
    lines = "printf '%s\\n' 'Collecting one==1' 'Collecting two==2' 'Installing collected packages'"
    plain.add_program("python3", PYTHON.replace('"-m pip")', f'"-m pip") {lines};'))
    terminal, inside = pty.openpty()

    process = plain.start("plan", stderr=inside)
    os.close(inside)
    shown = _read(terminal)
    process.communicate(timeout=60)

    assert "creating .venv with 2 packages" in shown
    assert "\r  1 of 2 packages " in shown
    assert "\r  2 of 2 packages " in shown
    assert "\r  installing 2 packages " in shown


def test_second_run_is_silent(checkout):
    """While the lock is unchanged, nothing is installed and nothing is printed."""
    checkout.run("plan")

    done = checkout.run("plan")

    assert done.stderr == ""
    assert checkout.installed == ["uv tiny==1"]


def test_no_arguments(checkout):
    """./inv without arguments lists the tasks."""
    done = checkout.run()

    assert [str(checkout.root), "--list"] == done.stdout.splitlines()


def test_changed_lock(checkout):
    """A changed lock creates a new .venv; the old one is deleted."""
    checkout.run("plan")
    (checkout.venv / "former").touch()
    checkout.lock("tiny==2")

    done = checkout.run("plan")

    assert "(the lock or its Python changed)" in done.stderr
    assert checkout.installed == ["uv tiny==1", "uv tiny==2"]
    assert not (checkout.venv / "former").exists()


def test_changed_lock_in_an_activated_venv(plain):
    """If python3 is that of an activated .venv, its base Python is found before .venv is removed."""
    plain.run("plan")
    (plain.venv / "bin" / "python3").symlink_to(plain.path / "python3")
    plain.lock("tiny==2")

    done = plain.run("plan", PATH=f"{plain.venv}/bin:{plain.path}")

    assert done.returncode == 0
    assert plain.installed == ["pip tiny==1", "pip tiny==2"]


def test_missing_python_in_venv(checkout):
    """A .venv whose Python was removed from the machine is created again."""
    checkout.run("plan")
    (checkout.venv / "bin" / "python").unlink()
    (checkout.venv / "bin" / "python").symlink_to("/nowhere/python3.11")

    done = checkout.run("plan")

    assert done.returncode == 0
    assert checkout.installed == ["uv tiny==1"] * 2


def test_failed_install(checkout):
    """A failed installation is reported in two lines; the next run starts from the beginning."""
    failed = checkout.run("plan", OFFLINE="1")
    done = checkout.run("plan")

    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.splitlines()[-2] == "error: requirements/dev.txt could not be installed"
    assert failed.stderr.splitlines()[-1].startswith("hint: ")
    assert done.returncode == 0
    assert checkout.installed == ["uv tiny==1"] * 2


def test_killed_install(checkout):
    """An incomplete .venv is not used, and leaves no lock behind."""
    killed = checkout.start("plan", INSTALL_SECONDS="60")
    checkout.wait_for_install()
    os.killpg(killed.pid, signal.SIGKILL)
    _finish(killed)

    done = checkout.run("plan")

    assert "(first run only) …" in done.stderr
    assert checkout.installed == ["uv tiny==1"] * 2


def test_two_concurrent_runs(checkout):
    """Of two concurrent runs, one creates .venv, and the other waits."""
    first = checkout.start("plan", INSTALL_SECONDS="0.3")
    checkout.wait_for_install()
    second = checkout.start("synth")

    done = [_finish(first), _finish(second)]

    assert [run.returncode for run in done] == [0, 0]
    assert done[1].stderr == "waiting for another ./inv, which creates .venv ...\n"
    assert checkout.installed == ["uv tiny==1"]


def test_a_task_does_not_hold_the_lock(checkout):
    """While a task runs, another ./inv can create a new .venv."""
    server = 'if [ "$1 $3" = "-m up" ]; then sleep 60; fi\n'
    checkout.add_program("python3", PYTHON.replace("tool=pip\n", server + "tool=pip\n"))
    running = checkout.start("up")
    checkout.wait_for_install()
    checkout.lock("tiny==2")

    done = checkout.run("plan")
    os.killpg(running.pid, signal.SIGKILL)
    _finish(running)

    assert done.returncode == 0
    assert checkout.installed == ["uv tiny==1", "uv tiny==2"]


def test_from_a_subfolder(checkout):
    """Tasks run in the root of the project, whatever the current folder is."""
    (checkout.root / "docs").mkdir()

    done = checkout.run("plan", inv="../inv", cwd=checkout.root / "docs")

    assert [str(checkout.root), "plan"] == done.stdout.splitlines()


def test_a_relative_path(checkout):
    """A relative path on the command line is relative to the folder in which ./inv was called."""
    (checkout.root / "docs").mkdir()
    checkout.add_program("python3", PYTHON.replace('echo "$PWD"', 'echo "$CRUDDUR_CALLED_FROM"'))

    done = checkout.run("plan", inv="../inv", cwd=checkout.root / "docs")

    assert [str(checkout.root / "docs"), "plan"] == done.stdout.splitlines()


def test_scripts_in_a_path_with_spaces(plain):
    """Scripts that pip installs work in a path with spaces: sh starts them."""
    python = plain.venv / "bin" / "python"
    script = f"printf '#!{python}\\nimport sys; print(sys.argv[1:])\\n' > .venv/bin/tool"
    other = (
        f"printf '#!/bin/sh\\necho other' > .venv/bin/other; {shutil.which('chmod')} +x .venv/bin/*"
    )
    plain.add_program("python3", PYTHON.replace('"-m pip")', f'"-m pip") {script}; {other};'))

    plain.run("plan")
    (plain.venv / "bin" / "python").unlink()
    (plain.venv / "bin" / "python").symlink_to(sys.executable)
    outputs = [
        subprocess.run(
            [plain.venv / "bin" / name, "a b", "$HOME"], capture_output=True, text=True, check=True
        ).stdout
        for name in ("tool", "other")
    ]

    assert outputs == ["['a b', '$HOME']\n", "other\n"]


def test_symbolic_links(checkout, tmp_path):
    """Through symbolic links ./inv finds the project."""
    (tmp_path / "absolute").symlink_to(checkout.root / "inv")
    (tmp_path / "relative").symlink_to("absolute")

    done = checkout.run("plan", inv=str(tmp_path / "relative"), cwd=checkout.path)

    assert [str(checkout.root), "plan"] == done.stdout.splitlines()


def test_deploy_lock(checkout):
    """A pipeline installs only what a deployment needs."""
    done = checkout.run("plan", CRUDDUR_LOCK="deploy")

    assert done.returncode == 0
    assert checkout.installed == ["uv deploy==1"]


def test_unknown_lock(checkout):
    """A missing lock is an error that lists the existing ones."""
    done = checkout.run("plan", CRUDDUR_LOCK="prod")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: requirements/prod.txt is missing",
        "hint: CRUDDUR_LOCK is dev (when unset) or deploy",
    ]


def test_no_python(bare):
    """Without Python the error names the required version."""
    done = bare.run("plan")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: python3 is missing, but Python 3.11 or newer is required",
        "hint: install one, or select one: PYTHON=/path/to/python3 ./inv",
    ]


def test_old_python(checkout):
    """A Python that is too old is an error with its version; no .venv is created."""
    done = checkout.run("plan", VERSION="3, 9")

    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[0]
        == "error: python3 is Python 3.9, but Python 3.11 or newer is required"
    )
    assert not checkout.venv.exists()


def test_newer_python_beside_an_old_one(plain):
    """If python3 is old, as on macOS, a newer version is found by its full name."""
    plain.add_program("python3", PYTHON.replace("3, 12", "3, 9"))
    plain.add_program("python3.13", PYTHON.replace("tool=pip", "tool=pip3.13"))

    done = plain.run("plan")

    assert done.returncode == 0
    assert plain.installed == ["pip3.13 tiny==1"]


def test_chosen_python(plain, tmp_path):
    """PYTHON selects the Python; its path may contain spaces."""
    chosen = plain.add_program("my python", PYTHON.replace("tool=pip", "tool=mine"))

    done = plain.run("plan", PYTHON=str(chosen))

    assert done.returncode == 0
    assert plain.installed == ["mine tiny==1"]


def test_chosen_python_is_not_replaced(plain):
    """An invalid PYTHON is an error, even if another Python is suitable."""
    done = plain.run("plan", PYTHON="/nowhere/python3")

    assert done.returncode == 1
    assert done.stderr.startswith("error: /nowhere/python3 is missing, but")


def test_missing_venv_module(plain):
    """A missing python3-venv package is reported before anything is created."""
    done = plain.run("plan", MODULES="ensurepip=None")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {plain.path}/python3 cannot create a .venv: it has no ensurepip",
        "hint: apt install python3-venv (Debian, Ubuntu), or install uv",
    ]
    assert not plain.venv.exists()
