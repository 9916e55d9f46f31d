"""Runs the real ./inv in a small checkout where uv and Python are scripts that only pretend."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INV = Path(__file__).parents[1] / "inv"

# All that ./inv may need of a machine, besides Python or uv.
TOOLS = ["cat", "cmp", "cp", "dirname", "mkdir", "mv", "readlink", "rm", "sh", "sleep"]

# Each installation writes what it installed into $DIARY, so that a test can count them.
INSTALL = """
    for last; do :; done
    echo "$tool $(cat "$last")" >> "$DIARY"
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

# Answers `-c CODE` as a Python of $VERSION at this path would; an `invoke` of its own says what
# it was asked to run, and where.
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
    """A folder with ./inv and tiny locks, on a machine with nothing but what a test gives it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "crüd dur"
        self.path = folder / "bin"
        self.diary = folder / "diary"
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

    def give(self, tool: str, script: str) -> Path:
        """Put *script* on the machine's PATH as *tool*."""
        file = self.path / tool
        file.write_text(script)
        file.chmod(0o755)
        return file

    def start(self, *args: str, inv: str = "./inv", cwd: Path | None = None, **env: str):
        return subprocess.Popen(
            [inv, *args],
            cwd=cwd or self.root,
            env={"PATH": str(self.path), "DIARY": str(self.diary), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, *args: str, **where) -> subprocess.CompletedProcess[str]:
        return _finish(self.start(*args, **where))

    @property
    def installed(self) -> list[str]:
        return self.diary.read_text().splitlines() if self.diary.exists() else []

    def wait_for_install(self) -> None:
        deadline = time.monotonic() + 5
        while not self.installed:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=10)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def bare(tmp_path) -> Checkout:
    """A machine without any Python."""
    return Checkout(tmp_path)


@pytest.fixture
def plain(bare) -> Checkout:
    """A machine with Python alone."""
    bare.give("python3", PYTHON)
    return bare


@pytest.fixture
def checkout(plain) -> Checkout:
    """A machine with Python and uv, as a developer has it."""
    plain.give("uv", UV)
    return plain


def test_first_use_makes_venv(checkout):
    """The first ./inv makes .venv from the lock, says so in one line, and runs the task."""
    done = checkout.run("plan", "--env", "a b")

    assert [str(checkout.root), "plan", "--env", "a b"] == done.stdout.splitlines()
    assert "setting up .venv from requirements/dev.txt (first time only) …\n" == done.stderr
    assert ["uv tiny==1"] == checkout.installed


def test_pip_stands_in_for_uv(plain):
    """Where there is no uv, pip installs the same lock."""
    done = plain.run("plan")

    assert 0 == done.returncode
    assert ["pip tiny==1"] == plain.installed


def test_second_use_is_silent(checkout):
    """Nothing is made again, and nothing said, while the lock stays as it is."""
    checkout.run("plan")

    done = checkout.run("plan")

    assert "" == done.stderr
    assert ["uv tiny==1"] == checkout.installed


def test_no_arguments_list_the_tasks(checkout):
    """A newcomer types ./inv, and sees what there is."""
    done = checkout.run()

    assert [str(checkout.root), "--list"] == done.stdout.splitlines()


def test_changed_lock(checkout):
    """A changed lock makes .venv from scratch: nothing of the former one is left."""
    checkout.run("plan")
    (checkout.venv / "former").touch()
    checkout.lock("tiny==2")

    done = checkout.run("plan")

    assert "(the lock or its Python changed)" in done.stderr
    assert ["uv tiny==1", "uv tiny==2"] == checkout.installed
    assert not (checkout.venv / "former").exists()


def test_changed_lock_in_an_activated_venv(plain):
    """The python3 of an activated .venv is traced to its origin before .venv is removed."""
    plain.run("plan")
    (plain.venv / "bin" / "python3").symlink_to(plain.path / "python3")
    plain.lock("tiny==2")

    done = plain.run("plan", PATH=f"{plain.venv}/bin:{plain.path}")

    assert 0 == done.returncode
    assert ["pip tiny==1", "pip tiny==2"] == plain.installed


def test_python_is_gone(checkout):
    """A .venv whose Python was removed from the machine is made again."""
    checkout.run("plan")
    (checkout.venv / "bin" / "python").unlink()
    (checkout.venv / "bin" / "python").symlink_to("/nowhere/python3.11")

    done = checkout.run("plan")

    assert 0 == done.returncode
    assert ["uv tiny==1"] * 2 == checkout.installed


def test_failed_install(checkout):
    """An installation that fails is reported in two lines, and tried from scratch next time."""
    failed = checkout.run("plan", OFFLINE="1")
    done = checkout.run("plan")

    assert 1 == failed.returncode
    assert "" == failed.stdout
    assert "error: requirements/dev.txt could not be installed" == failed.stderr.splitlines()[-2]
    assert failed.stderr.splitlines()[-1].startswith("hint: ")
    assert 0 == done.returncode
    assert ["uv tiny==1"] * 2 == checkout.installed


def test_killed_install(checkout):
    """A half-made .venv is not taken for a whole one, and leaves no lock behind."""
    killed = checkout.start("plan", INSTALL_SECONDS="60")
    checkout.wait_for_install()
    os.killpg(killed.pid, signal.SIGKILL)
    _finish(killed)

    done = checkout.run("plan")

    assert "setting up .venv from requirements/dev.txt (first time only) …\n" == done.stderr
    assert ["uv tiny==1"] * 2 == checkout.installed


def test_two_at_once(checkout):
    """Of two that start together one makes .venv, and the other waits for it."""
    first = checkout.start("plan", INSTALL_SECONDS="0.3")
    checkout.wait_for_install()
    second = checkout.start("synth")

    done = [_finish(first), _finish(second)]

    assert [0, 0] == [each.returncode for each in done]
    assert "waiting for another ./inv, which sets up .venv ...\n" == done[1].stderr
    assert ["uv tiny==1"] == checkout.installed


def test_task_does_not_keep_the_turn(checkout):
    """A task that runs for hours does not keep the next ./inv from making .venv again."""
    server = 'if [ "$1 $3" = "-m up" ]; then sleep 60; fi\n'
    checkout.give("python3", PYTHON.replace("tool=pip\n", server + "tool=pip\n"))
    running = checkout.start("up")
    checkout.wait_for_install()
    checkout.lock("tiny==2")

    done = checkout.run("plan")
    os.killpg(running.pid, signal.SIGKILL)
    _finish(running)

    assert 0 == done.returncode
    assert ["uv tiny==1", "uv tiny==2"] == checkout.installed


def test_from_a_subfolder(checkout):
    """Tasks run in the root of the project, from wherever ./inv was called."""
    (checkout.root / "docs").mkdir()

    done = checkout.run("plan", inv="../inv", cwd=checkout.root / "docs")

    assert [str(checkout.root), "plan"] == done.stdout.splitlines()


def test_where_the_operator_stands(checkout):
    """A task learns from where ./inv was called: a path on the command line is relative to that."""
    (checkout.root / "docs").mkdir()
    checkout.give("python3", PYTHON.replace('echo "$PWD"', 'echo "$CRUDDUR_CALLED_FROM"'))

    done = checkout.run("plan", inv="../inv", cwd=checkout.root / "docs")

    assert [str(checkout.root / "docs"), "plan"] == done.stdout.splitlines()


def test_scripts_in_a_path_with_spaces(plain):
    """What pip installs as a script is started by sh, for a kernel would take "crüd" for it."""
    python = plain.venv / "bin" / "python"
    made = f"printf '#!{python}\\nimport sys; print(sys.argv[1:])\\n' > .venv/bin/tool"
    other = (
        f"printf '#!/bin/sh\\necho other' > .venv/bin/other; {shutil.which('chmod')} +x .venv/bin/*"
    )
    plain.give("python3", PYTHON.replace('"-m pip")', f'"-m pip") {made}; {other};'))

    plain.run("plan")
    (plain.venv / "bin" / "python").unlink()
    (plain.venv / "bin" / "python").symlink_to(sys.executable)
    ran = [
        subprocess.run(
            [plain.venv / "bin" / name, "a b", "$HOME"], capture_output=True, text=True, check=True
        ).stdout
        for name in ("tool", "other")
    ]

    assert ["['a b', '$HOME']\n", "other\n"] == ran


def test_through_symlinks(checkout, tmp_path):
    """A link to a link to ./inv leads to the project, not to the folder of the link."""
    (tmp_path / "absolute").symlink_to(checkout.root / "inv")
    (tmp_path / "relative").symlink_to("absolute")

    done = checkout.run("plan", inv=str(tmp_path / "relative"), cwd=checkout.path)

    assert [str(checkout.root), "plan"] == done.stdout.splitlines()


def test_deploy_lock(checkout):
    """A pipeline installs only what a deployment needs."""
    done = checkout.run("plan", CRUDDUR_LOCK="deploy")

    assert 0 == done.returncode
    assert ["uv deploy==1"] == checkout.installed


def test_unknown_lock(checkout):
    """A lock that does not exist is named, with those that do."""
    done = checkout.run("plan", CRUDDUR_LOCK="prod")

    assert 1 == done.returncode
    assert [
        "error: requirements/prod.txt is missing",
        "hint: CRUDDUR_LOCK is dev (when unset) or deploy",
    ] == done.stderr.splitlines()


def test_no_python(bare):
    """A machine without Python is told which one to install."""
    done = bare.run("plan")

    assert 1 == done.returncode
    assert [
        "error: python3 is missing, and Python 3.11 or newer is needed",
        "hint: install one, or name one: PYTHON=/path/to/python3 ./inv",
    ] == done.stderr.splitlines()


def test_old_python(checkout):
    """A Python that is too old is named with its version, and makes no .venv."""
    done = checkout.run("plan", VERSION="3, 9")

    assert 1 == done.returncode
    assert (
        "error: python3 is Python 3.9, and Python 3.11 or newer is needed"
        == done.stderr.splitlines()[0]
    )
    assert not checkout.venv.exists()


def test_newer_python_beside_an_old_one(plain):
    """Where python3 is old, as on macOS, a newer one under its full name is found."""
    plain.give("python3", PYTHON.replace("3, 12", "3, 9"))
    plain.give("python3.13", PYTHON.replace("tool=pip", "tool=pip3.13"))

    done = plain.run("plan")

    assert 0 == done.returncode
    assert ["pip3.13 tiny==1"] == plain.installed


def test_chosen_python(plain, tmp_path):
    """PYTHON names the one to use, blanks in its path included."""
    chosen = plain.give("my python", PYTHON.replace("tool=pip", "tool=mine"))

    done = plain.run("plan", PYTHON=str(chosen))

    assert 0 == done.returncode
    assert ["mine tiny==1"] == plain.installed


def test_chosen_python_is_not_replaced(plain):
    """A wrong PYTHON is an error, even where another Python would do."""
    done = plain.run("plan", PYTHON="/nowhere/python3")

    assert 1 == done.returncode
    assert done.stderr.startswith("error: /nowhere/python3 is missing, and")


def test_missing_venv_module(plain):
    """Debian's Python without python3-venv is explained before anything is made."""
    done = plain.run("plan", MODULES="ensurepip=None")

    assert 1 == done.returncode
    assert [
        f"error: {plain.path}/python3 cannot make a .venv: it has no ensurepip",
        "hint: apt install python3-venv (Debian, Ubuntu), or install uv",
    ] == done.stderr.splitlines()
    assert not plain.venv.exists()
