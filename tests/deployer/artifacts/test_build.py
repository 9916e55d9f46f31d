"""Zips that are built from small functions and packages, without a network."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.artifacts import build as build_module
from deployer.artifacts import checks, host, install, interpreters, target, zip_cache, zip_files
from deployer.artifacts.build import build, path_of
from deployer.errors import BuildError, StaleError
from deployer.isolation import sandbox
from tests.deployer.artifacts.checkout import (
    ARM,
    ARM_TAG,
    HANDLER,
    Checkout,
    age,
    elf,
    offline,
    read,
)

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]

BUILD = """
import sys
from pathlib import Path
from tests.deployer.artifacts.checkout import Checkout

root, jobs, *names = sys.argv[1:]
for built in Checkout(Path(root)).build(*names, jobs=int(jobs)):
    print(built.artifact.key, built.sha256, built.cached)
"""


def run(root: Path, *arguments: str, code: str = BUILD, **more) -> subprocess.CompletedProcess:
    """Build in a separate process."""
    more["env"] = {**os.environ, **offline(root), "PYTHONPATH": str(ROOT), **more.get("env", {})}
    command = [sys.executable, "-c", code, str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def filled(checkout: Checkout) -> Checkout:
    """Two functions: one with a compiled package for arm64, one with only a program."""
    lock = checkout.wheel(
        "quick", {"quick/__init__.py": "", "quick/_fast.abi3.so": elf(183)}, tag=ARM_TAG
    )
    tool = zipfile.ZipInfo("plain/tool")
    tool.external_attr = 0o100755 << 16
    lock += checkout.wheel("plain", {"plain/__init__.py": "x = 'ü'\n" * 500, tool: "#!/bin/sh\n"})
    source = f"import quick, plain\nfrom shared.log import log\n{HANDLER}"
    checkout.function("a", source, lock=lock).function("b")
    checkout.write(**{"lambdas/shared/log.py": "def log(): ...\n", "lambdas/b/tool": "#!/bin/sh\n"})
    (checkout.root / "lambdas/b/tool").chmod(0o755)
    return checkout


def test_same_bytes(checkout: Checkout, tmp_path: Path) -> None:
    """Builds with different settings write the same bytes; arm64 zips contain arm64 code."""
    other = filled(Checkout(tmp_path / "a folder with ü"))
    other.write(**{"lambdas/b/__pycache__/handler.cpython-399.pyc": "x"})
    sources = [str(file.relative_to(other.root)) for file in other.root.glob("lambdas/**/*.py")]
    age(other.root, sources)
    for file in sources:
        (other.root / file).chmod(0o600)
    (other.root / "lambdas/b/tool").chmod(0o700)
    unusual = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONUTF8": "0"}

    one = run(filled(checkout).root, "2", "a", "b")
    two = run(other.root, "1", "b", "a", umask=0o077, cwd="/", env=unusual)

    assert (one.returncode, one.stderr) == (0, "")
    assert (two.returncode, two.stderr) == (0, "")
    assert sorted(one.stdout.splitlines()) == sorted(two.stdout.splitlines())
    for name in ("a", "b"):
        path = path_of(checkout.artifact(name), Path("dist"))
        assert (checkout.root / path).read_bytes() == (other.root / path).read_bytes()
    files = read(path_of(checkout.artifact("a"), checkout.dist))
    assert int.from_bytes(files["quick/_fast.abi3.so"][18:20], "little") == 183


def test_contents(checkout: Checkout) -> None:
    """A zip contains the sources and the packages at its root, without files that are never used."""
    lock = checkout.wheel(
        "plug-in",
        {
            "plugin/__init__.py": "",
            "plugin/__init__.pyi": "",
            "plugin/_c.pxd": "",
            "plugin/_only.pyc": "",
            "plugin/data.json": "{}",
            "plugin/tests/__init__.py": "",
            "plugin/__pycache__/x.pyc": "",
            ".libs_plugin/x.txt": "",
            "plug_in-1.0.data/scripts/plug": "#!python\n",
            "plug_in-1.0.data/scripts/tool": "#!/bin/sh\n",
        },
        metadata={
            "entry_points.txt": "[console_scripts]\nplugged = plugin:main\n",
            "top_level.txt": "plugin\n",
            "licenses/LICENSE": "",
        },
    )
    checkout.function("a", lock=lock)

    (built,) = checkout.build("a")

    files = read(built.path)
    assert files.keys() == {
        ".libs_plugin/x.txt",
        "a/handler.py",
        "bin/tool",
        "plugin/__init__.py",
        "plugin/__init__.pyi",
        "plugin/_c.pxd",
        "plugin/_only.pyc",
        "plugin/data.json",
        "plugin/tests/__init__.py",
        "plug_in-1.0.dist-info/METADATA",
        "plug_in-1.0.dist-info/RECORD",
        "plug_in-1.0.dist-info/WHEEL",
        "plug_in-1.0.dist-info/entry_points.txt",
        "plug_in-1.0.dist-info/licenses/LICENSE",
        "plug_in-1.0.dist-info/top_level.txt",
    }
    assert sum(map(len, files.values())) == built.unzipped
    assert built.path.stat().st_size == built.size
    assert hashlib.sha256(built.path.read_bytes()).hexdigest() == built.sha256


METADATA = """
from importlib import metadata

assert metadata.version("plug-in") == "1.0"
assert metadata.metadata("plug-in")["Name"] == "plug-in"
assert "plug-in" in metadata.packages_distributions()["plugin"]
(point,) = metadata.entry_points(group="plugs")
assert point.load() is __import__("plugin")
files = {str(file) for file in metadata.files("plug-in")}
assert {"plugin/__init__.py", "plug_in-1.0.dist-info/METADATA"} < files, files
assert all(file.locate().exists() for file in metadata.files("plug-in"))
assert any(file.hash for file in metadata.files("plug-in"))
"""


def test_metadata(checkout: Checkout) -> None:
    """importlib.metadata returns the same in the zip as for an installed distribution."""
    lock = checkout.wheel(
        "plug-in",
        {"plugin/__init__.py": "", "plugin/tests/__init__.py": ""},
        metadata={
            "entry_points.txt": "[plugs]\nx = plugin\n[console_scripts]\nplug = plugin:main\n",
            "top_level.txt": "plugin\n",
        },
    )
    checkout.function("a", f"{METADATA}{HANDLER}", lock=lock)

    assert checkout.build("a", target=host())


def test_tests_and_stubs_of_packages(checkout: Checkout) -> None:
    """Tests and stubs of packages are packed, because packages may import or read them."""
    plain = (
        "import pathlib, plain.tests.data\npathlib.Path(__file__).with_suffix('.pyi').read_text()"
    )
    lock = checkout.wheel(
        "plain",
        {
            "plain/__init__.py": plain,
            "plain/__init__.pyi": "",
            "plain/tests/__init__.py": "",
            "plain/tests/data.py": "",
        },
    )
    checkout.function("a", f"import plain\n{HANDLER}", lock=lock)

    assert checkout.build("a", target=host())


RUNS = """
import pathlib, subprocess, plain

here = pathlib.Path(__file__).parent
for program in (here / "tool.sh", pathlib.Path(plain.__file__).parent / "tool.sh"):
    assert b"ran" == subprocess.check_output([program]).strip()
"""


def test_names_that_hide_no_module_of_python(checkout: Checkout) -> None:
    """Names of removed modules, of Python's tests and of folders without modules are accepted."""
    files = {"cgi.py": "", "test/__init__.py": "", "json/data.txt": "", "plain/json.py": ""}
    checkout.function("a", lock=checkout.wheel("plain", files))

    (built,) = checkout.build("a")

    assert files.keys() <= read(built.path).keys()


def test_overwritten_files(checkout: Checkout) -> None:
    """Of packages that install one file with different contents, the last one of the lock wins."""
    names = [f"part{number}" for number in range(12)]
    lines = {name: checkout.wheel(name, {"ns/__init__.py": f"# {name}\n"}) for name in names}
    checkout.function("a", lock="".join(lines[name] for name in reversed(names)))

    (built,) = checkout.build("a")

    assert read(built.path)["ns/__init__.py"] == b"# part0\n"


def test_executables(checkout: Checkout) -> None:
    """Programs of the function and of packages are executable; file modes are normalized."""
    tool = zipfile.ZipInfo("plain/tool.sh")
    tool.external_attr = 0o100711 << 16
    program = "#!/bin/sh\necho ran\n"
    lock = checkout.wheel("plain", {"plain/__init__.py": "", tool: program})
    checkout.function("a", f"{RUNS}{HANDLER}", lock=lock)
    checkout.write(**{"lambdas/a/tool.sh": program})
    (checkout.root / "lambdas/a/tool.sh").chmod(0o700)

    (built,) = checkout.build("a", target=host())

    with zipfile.ZipFile(built.path) as packed:
        modes = {entry.filename: entry.external_attr >> 16 for entry in packed.infolist()}
    assert {path: mode for path, mode in modes.items() if mode != 0o100644} == {
        "a/tool.sh": 0o100755,
        "plain/tool.sh": 0o100755,
    }


def test_markers(checkout: Checkout) -> None:
    """A requirement for another Python version or system than the target's is omitted."""
    lock = checkout.wheel("old", {"old.py": ""}).replace(
        " --hash", " ; python_version < '3.13' --hash"
    )
    lock += checkout.wheel("arm", {"arm.py": ""}).replace(
        " --hash", " ; platform_machine == 'aarch64' --hash"
    )
    checkout.function("a", lock=lock)

    (new,) = checkout.build("a")
    (other,) = checkout.build("a", target=target("python3.12", "x86_64"))

    assert {path for path in read(new.path) if "/" not in path} == {"arm.py"}
    assert {path for path in read(other.path) if "/" not in path} == {"old.py"}


@pytest.mark.parametrize(
    ("requirements", "packed"),
    [("extra\n", {"extra"}), ("extra\nboto3\n", {"extra", "urllib3", "boto3"})],
    ids=["because of another", "by name"],
)
def test_packages_of_the_runtime(checkout: Checkout, requirements: str, packed: set[str]) -> None:
    """Packages of Lambda's runtime are packed only if the function requires them."""
    lock = "".join(
        checkout.wheel(name, {f"{name}/__init__.py": ""}) for name in ("extra", "urllib3", "boto3")
    )
    checkout.function("a", f"import urllib3, boto3, extra\n{HANDLER}", lock=lock)
    checkout.write(**{"lambdas/a/requirements.in": requirements})

    (built,) = checkout.build("a")

    tops = {path.partition("/")[0] for path in read(built.path)}
    assert packed == {top for top in tops if not top.endswith(".dist-info")} - {"a"}


def test_unchanged(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged functions are neither installed, nor compressed, nor read again."""
    filled(checkout)
    first = checkout.build("a", "b")
    wanted = [checkout.artifact("a"), checkout.artifact("b")]
    for module, name in ((build_module, "install"), (zip_files, "add"), (build_module, "_sources")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("worked in vain"))

    second = build(checkout.code, wanted, checkout.dist)

    assert [built.cached for built in first] == [False, False]
    assert [built.cached for built in second] == [True, True]
    assert [built.sha256 for built in first] == [built.sha256 for built in second]


def test_one_line_changed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """If only sources changed, packages are not compressed again."""
    filled(checkout).build("a")
    deflated, add = [], zip_files.add
    monkeypatch.setattr(
        zip_files, "add", lambda tree, to: deflated.extend(tree.files) or add(tree, to)
    )
    monkeypatch.setattr(build_module, "install", lambda *_: pytest.fail("installed in vain"))
    handler = checkout.root / "lambdas/a/handler.py"

    handler.write_text(handler.read_text() + "# changed\n")
    (changed,) = checkout.build("a")

    assert set(deflated) == {"a/handler.py", "shared/log.py"}
    assert {"quick/_fast.abi3.so", "a/handler.py"} < read(changed.path).keys()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _no_zip(path: Path) -> None:
    path.unlink()


def _no_record(path: Path) -> None:
    path.with_suffix(".json").unlink()


def _damaged_record(path: Path) -> None:
    path.with_suffix(".json").write_text("{")


def _wrong_record(path: Path) -> None:
    path.with_suffix(".json").write_text('{"sha": 1}')


@pytest.mark.parametrize(
    "damage", [_cut, _flip, _no_zip, _no_record, _damaged_record, _wrong_record]
)
def test_damaged(checkout: Checkout, damage: Callable[[Path], None]) -> None:
    """A damaged zip is built again, with the same bytes."""
    filled(checkout)
    (built,) = checkout.build("a")
    before = built.path.read_bytes()

    damage(built.path)
    (again,) = checkout.build("a")

    assert not again.cached
    assert before == again.path.read_bytes()
    assert checkout.build("a")[0].cached


KILLED = """
import os, sys
from pathlib import Path
from deployer.artifacts import zip_files
from tests.deployer.artifacts.checkout import Checkout

def add(files, to):
    to.write(b"half")
    to.flush()
    os.kill(os.getpid(), 9)

zip_files.add = add
Checkout(Path(sys.argv[1])).build("b")
"""


def test_damaged_packages(checkout: Checkout) -> None:
    """A damaged zip of packages is built again."""
    filled(checkout)
    (built,) = checkout.build("a")
    before = built.path.read_bytes()
    (packages,) = built.path.parent.glob("packages-*.zip")

    _flip(packages)
    built.path.unlink()
    (again,) = checkout.build("a")

    assert before == again.path.read_bytes()


def test_killed(checkout: Checkout) -> None:
    """A killed build leaves no zip under its final name; the next build removes the drafts."""
    filled(checkout)

    killed = run(checkout.root, code=KILLED)
    left = [file.parent.name[:6] for file in checkout.dist.rglob("*.zip")]
    (built,) = checkout.build("b")

    assert killed.returncode == -9
    assert left == ["draft-"]
    here = {file.name for file in built.path.parent.iterdir()}
    assert {"lock", built.path.name, built.path.with_suffix(".json").name} == here


FULL = """
import resource, sys
from pathlib import Path
from deployer.errors import BuildError
from tests.deployer.artifacts.checkout import Checkout

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Checkout(Path(sys.argv[1])).build("a")
except BuildError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 60])
def test_cannot_write(checkout: Checkout, limit: int) -> None:
    """If a write fails, no incomplete zip is left."""
    checkout.function("a")

    done = run(checkout.root, str(limit), code=FULL)

    assert "File too large\nhint: free disk space" in done.stdout
    assert [file.name for file in checkout.dist.rglob("*") if file.is_file()] == ["lock"]


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_disk_full(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """If the disk is full at the last write, no incomplete zip is left."""
    filled(checkout)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[place], full)
    with pytest.raises(BuildError, match=r"lambdas/a/.*zip: No space left on device"):
        checkout.build("a")
    assert [file.name for file in checkout.dist.rglob("*") if file.is_file()] == ["lock"]


def test_concurrent_builds(checkout: Checkout) -> None:
    """Of three concurrent processes, one builds, and the others use its zip."""
    filled(checkout)
    command = [sys.executable, "-c", BUILD, str(checkout.root), "2", "a", "b"]
    env = {**os.environ, **offline(checkout.root), "PYTHONPATH": str(ROOT)}

    running = [
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in running]

    assert [process.returncode for process in running] == [0, 0, 0], outputs
    lines = [line for out, _ in outputs for line in out.splitlines()]
    assert sum(line.endswith("False") for line in lines) == 2
    assert len({line.rpartition(" ")[0] for line in lines}) == 2


def test_uv_is_found_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one thread at a time looks for uv, because sysconfig is not thread-safe."""
    running, concurrent = [], []

    def find() -> str:
        running.append(1)
        time.sleep(0.01)
        concurrent.append(len(running))
        running.pop()
        return "uv"

    monkeypatch.setattr("uv.find_uv_bin", find)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: install.uv(), range(4)))

    assert (found, concurrent) == (["uv"] * 4, [1] * 4)


def test_old_zips_are_removed(checkout: Checkout) -> None:
    """Only the most recently used zips of a function are kept."""
    paths = []
    for number in (*range(zip_cache.KEPT), 0, zip_cache.KEPT):
        checkout.function("a", f"{HANDLER}# {number}\n")
        (built,) = checkout.build("a")
        if built.path not in paths:
            paths.append(built.path)
            os.utime(built.path, (number, number))

    assert [paths[1]] == [path for path in paths if not path.exists()]
    assert [paths[1]] == [path for path in paths if not path.with_suffix(".json").exists()]


def test_changed_sources(checkout: Checkout) -> None:
    """Sources that changed since the digest was computed are not packed under that digest."""
    checkout.function("a")
    artifact = checkout.artifact("a")

    checkout.function("a", f"{HANDLER}# more\n")

    with pytest.raises(BuildError, match="lambdas/a: changed during the build"):
        build(checkout.code, [artifact], checkout.dist)


def _sdist(checkout: Checkout) -> str:
    return checkout.sdist("onlysource")


def _no_arm(checkout: Checkout) -> str:
    return checkout.wheel("intel", {}, tag="cp313-cp313-manylinux_2_28_x86_64")


def _too_new(checkout: Checkout) -> str:
    return checkout.wheel("newlibc", {}, tag="cp313-cp313-manylinux_2_38_aarch64")


def _tampered(checkout: Checkout) -> str:
    line = checkout.wheel("plain", {"plain.py": ""})
    checkout.wheel("plain", {"plain.py": "evil"})
    return line


def _unhashed(checkout: Checkout) -> str:
    return checkout.wheel("plain", {}).partition(" ")[0]


def _wrong_elf(checkout: Checkout) -> str:
    return checkout.wheel("quick", {"quick/_x.abi3.so": elf(62)}, tag=ARM_TAG)


def _odd_elf(checkout: Checkout) -> str:
    return checkout.wheel("quick", {"quick/_x.so": elf(243)}, tag=ARM_TAG)


def _wrong_python(checkout: Checkout) -> str:
    path = "quick/_x.cpython-312-aarch64-linux-gnu.so"
    return checkout.wheel("quick", {path: elf(183)}, tag=ARM_TAG)


def _free_threaded(checkout: Checkout) -> str:
    path = "quick/_x.cpython-313t-aarch64-linux-gnu.so"
    return checkout.wheel("quick", {path: elf(183)}, tag=ARM_TAG)


def _musl(checkout: Checkout) -> str:
    path = "quick/_x.cpython-313-aarch64-linux-musl.so"
    return checkout.wheel("quick", {path: elf(183)}, tag=ARM_TAG)


def _other_name(checkout: Checkout) -> str:
    path = "quick/_x.cpython-313-x86_64-linux-gnu.so"
    return checkout.wheel("quick", {path: elf(183)}, tag=ARM_TAG)


def _mac(checkout: Checkout) -> str:
    return checkout.wheel("quick", {"quick/_x.abi3.so": b"\xcf\xfa\xed\xfe" + bytes(60)})


def _windows(checkout: Checkout) -> str:
    return checkout.wheel("quick", {"quick/_x.so": b"MZ" + bytes(60)})


def _incomplete(checkout: Checkout) -> str:
    data = {"quick/data": elf(183)[:8]}  # Not a library, so it is not checked.
    return checkout.wheel("quick", {"quick/_x.so": elf(183)[:8], **data})


def _pointer(checkout: Checkout) -> str:
    return checkout.wheel("quick", {"quick/_x.so": "version https://git-lfs.github.com/spec/v1"})


def _no_elf(checkout: Checkout) -> str:
    record = {"RECORD": "quick/__init__.py,,\n"}
    return checkout.wheel("quick", {"quick/__init__.py": ""}, tag=ARM_TAG, metadata=record)


def _name_of_the_function(checkout: Checkout) -> str:
    return checkout.wheel("Aa", {"A/__init__.py": ""})


def _name_in_python(checkout: Checkout) -> str:
    return checkout.wheel("enum34", {"enum/__init__.py": ""})


def _shared_name(checkout: Checkout) -> str:
    return checkout.wheel("them", {"shared.py": ""})


def _compiled_name_of_the_function(checkout: Checkout) -> str:
    return checkout.wheel("quick", {"a.abi3.so": elf(183)}, tag=ARM_TAG)


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (_sdist, "onlysource==1.0 has no usable wheels"),
        (_sdist, "hint: pin a version that has a wheel, or ship the source with include.txt"),
        (_no_arm, "intel==1.0 has no wheels with a matching platform tag"),
        (_too_new, "newlibc==1.0 has no wheels with a matching platform tag"),
        (_tampered, "Hash mismatch for `plain==1.0`"),
        (_unhashed, "none were provided for: plain==1.0\nhint: run ./inv lock"),
        (_wrong_elf, "quick/_x.abi3.so: compiled for x86_64, not for arm64"),
        (_odd_elf, "quick/_x.so: compiled for ELF 243, not for arm64"),
        (_wrong_python, "compiled for Python 3.12, not for 3.13"),
        (_free_threaded, "compiled for Python 3.13t, not for 3.13"),
        (_musl, "compiled for aarch64-linux-musl, not for linux-gnu"),
        (
            _other_name,
            "has the name of a module for x86_64-linux-gnu, which Python for arm64 ignores",
        ),
        (_mac, "quick/_x.abi3.so: compiled for macOS, not for Linux"),
        (_windows, "quick/_x.so: compiled for Windows, not for Linux"),
        (_incomplete, "quick/_x.so: is incomplete: it has no ELF header"),
        (_pointer, "quick/_x.so: is a pointer of Git LFS, without the content"),
        (_no_elf, "a/requirements.txt: quick-1.0 contains no compiled code"),
        (
            _name_of_the_function,
            "a/requirements.txt: a package has the name A, like a folder of this function",
        ),
        (_name_in_python, "a package has the name enum, like a module of Python"),
        (_shared_name, "a package has the name shared.py, like a folder of this function"),
        (
            _compiled_name_of_the_function,
            "a package has the name a.abi3.so, like a folder of this function",
        ),
    ],
)
def test_lock_refused(checkout: Checkout, lock: Callable[[Checkout], str], words: str) -> None:
    """A lock without compatible packages for the target is refused, with the name of the package."""
    source = f"import shared.log\n{HANDLER}"
    checkout.function("a", source, lock=lock(checkout)).write(**{"lambdas/shared/log.py": ""})

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert words in str(refused.value)
    assert refused.value.hint
    assert not path_of(checkout.artifact("a"), checkout.dist).exists()


def test_no_network(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not respond is one error with a hint."""
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    checkout.function("a", lock=f"absent==1.0 --hash=sha256:{'0' * 64}\n")

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert "lambdas/a/requirements.txt: cannot be installed for python3.13 on arm64" in str(
        refused.value
    )
    assert "Connection refused" in refused.value.message
    assert refused.value.hint.startswith("check the network")


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("import kept\n", "import a.kept: "),
        ("from inner.more import x\n", "import a.inner.more: "),
        ("from lambdas.shared import log\n", "import shared: "),
        ("import lambdas.shared.log\n", "import shared.log: "),
        ("import b\n", "add what it imports to requirements.in"),
    ],
)
def test_the_hint_for_a_module_of_this_repository(
    checkout: Checkout, source: str, hint: str
) -> None:
    """The hint for a module of the function, or of lambdas/shared/, has its full name."""
    checkout.function("a", source + HANDLER).function("b")
    for path in ("a/kept", "a/inner/more", "shared/log"):
        checkout.write(**{f"lambdas/{path}.py": "x = 1\n"})

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert refused.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import troposphere\n", "handler.py:1: imports troposphere, which is not in the zip"),
        ("def late():\n    import psycopg.rows\n", "handler.py:2: imports psycopg.rows"),
        ("import shared\n", "handler.py:1: imports shared, which is not in the zip"),
        ("from b import handler\n", "handler.py:1: imports b, which is not"),
        ("from .more import x\n", "handler.py:1: imports a.more, which is not"),
        ("from a.kept import gone\n", "lambdas/a/handler.py:1: a.kept has no gone"),
        ("from . import gone\n", "lambdas/a/handler.py:1: a has no gone"),
        ("from .. import a\n", "lambdas/a/handler.py:1: imports .., which is not in the zip"),
        ("from ..a import kept\n", "lambdas/a/handler.py:1: imports ..a, which is not in the zip"),
        ("def late():\n    from a.kept import x, gone\n", "handler.py:2: a.kept has no gone"),
        ("x = (\n", "handler.py:1: '(' was never closed"),
        ("\0", "handler.py:1: source code string cannot contain null bytes"),
        ("def handle(): ...\n", "lambdas/a/handler.py: has no function handler"),
    ],
)
def test_handler_refused(checkout: Checkout, source: str, words: str) -> None:
    """For another architecture the imports are read from the sources, and missing ones are found."""
    head = "" if words.endswith("handler") else HANDLER.replace("\n", ";", 1).replace(";    ", " ")
    checkout.function("a", f"{source}{head}").function("b")
    checkout.write(**{"lambdas/a/kept.py": "x = 1\n"})

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        "import boto3, json, botocore.session, dateutil.parser\n",
        "from . import more\nfrom .more import x\nimport a.more\n",
        "from a.lazy import anything\nfrom a.star import x\nfrom .more import *\n",
        "try:\n    import simplejson\nexcept (ImportError, KeyError):\n    simplejson = None\n",
        "try:\n    import simplejson\nexcept:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mypy_boto3_s3\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import mypy_boto3_s3\n",
        "import sys\nif sys.version_info < (3, 9):\n    import tomli\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import simplejson\n",
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
        "import boto3\nboto3.client('dynamodb'), boto3.resource('s3').meta.client\n",
        "import boto3\nassert boto3.Session().get_credentials().token\n",
        "import os\nassert os.environ['AWS_LAMBDA_FUNCTION_NAME'] == 'a'\n",
        "if __name__ == '__main__':\n    import pytest\n",
    ],
)
@pytest.mark.parametrize("where", [ARM, host()], ids=["arm64", "host"])
def test_handler_accepted(checkout: Checkout, source: str, where) -> None:
    """The standard library, boto3, own modules and optional imports are accepted."""
    checkout.function("a", f"{source}{HANDLER}").write(
        **{
            "lambdas/a/more.py": "x = 1\n",
            "lambdas/a/lazy.py": "def __getattr__(name): ...\n",
            "lambdas/a/star.py": "from .more import *\n",
        }
    )

    assert checkout.build("a", target=where)


@pytest.mark.parametrize(
    "source",
    [
        "from typing import Any\nhandler: Any = lambda event, context: event\n",
        "import os\nif os.environ.get('X'):\n    pass\nelse:\n    def handler(event, context): ...\n",
        "from a.more import handler\n",
        "import a.more as more\nhandler = more.handler\n",
        "from a.more import *\n",
        "with open(__file__):\n    def handler(event, context): ...\n",
    ],
)
@pytest.mark.parametrize("where", [ARM, host()], ids=["arm64", "host"])
def test_handler_definitions(checkout: Checkout, source: str, where) -> None:
    """The handler may be defined by any statement."""
    checkout.function("a", source).write(**{"lambdas/a/more.py": HANDLER})

    assert checkout.build("a", target=where)


@pytest.mark.parametrize(
    "parameters", ["event", "a, b, c", "*, event, context", "event, context, *, more"]
)
def test_handler_with_other_parameters(checkout: Checkout, parameters: str) -> None:
    """A handler that cannot be called with an event and a context is refused."""
    checkout.function("a", f"def handler({parameters}): ...\n")

    with pytest.raises(BuildError, match=r"handler\.py:1: handler does not take two arguments"):
        checkout.build("a")


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context, more=None, *, most=None): ...\n",
        "def handler(*arguments): ...\n",
        "def handler(event, *more): ...\n",
        "import functools\n@functools.cache\ndef handler(): ...\n",
        "def handler(event): ...\nhandler = lambda event, context, inner=handler: inner(event)\n",
        "def handler(event): ...\ndef handler(event, context): ...\n",
    ],
)
def test_handler_with_two_parameters(checkout: Checkout, source: str) -> None:
    """Defaults and variable parameters are considered; decorators may change the parameters."""
    checkout.function("a", source)

    assert checkout.build("a")


def test_a_package_in_place_of_the_handler(checkout: Checkout) -> None:
    """A package named handler is refused, because Python prefers it to handler.py."""
    checkout.function("a").write(**{"lambdas/a/handler/__init__.py": ""})

    with pytest.raises(BuildError, match=r"a/handler/__init__\.py: Python imports it instead"):
        checkout.build("a")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("json.py", "json.py: has the name json, like a module of Python"),
        ("email/__init__.py", "email/__init__.py: has the name email, like a module of Python"),
        ("a.py", "a.py: has the name of the folder a/"),
        ("shared.py", "shared.py: has the name of the folder shared/"),
    ],
)
def test_included_files_that_hide_modules(checkout: Checkout, path: str, words: str) -> None:
    """A file in include.txt may not hide a module of Python or a folder of the zip."""
    included = path.partition("/")[0]
    checkout.function("a").write(**{path: "", "lambdas/a/include.txt": f"{included}\n"})

    with pytest.raises(BuildError, match=re.escape(words)):
        checkout.build("a")


def test_a_wheel_for_any_platform_needs_no_compiled_code(checkout: Checkout) -> None:
    """Some tools declare a wheel without compiled code as platform-specific, with the tag `any`."""
    wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py2-none-any\nTag: py3-none-any\n"
    lock = checkout.wheel("plain", {"plain.py": ""}, metadata={"WHEEL": wheel})
    checkout.function("a", f"import plain\n{HANDLER}", lock=lock)

    assert checkout.build("a")


@pytest.mark.parametrize("where", [ARM, host()], ids=["arm64", "host"])
def test_a_folder_that_extends_the_path(checkout: Checkout, where) -> None:
    """A module in a folder that the sources add to sys.path is accepted, and no other one."""
    adds = "import pathlib, sys\nsys.path.append(str(pathlib.Path(__file__).parent / 'vendor'))\n"
    checkout.function("a", f"{adds}import inner\n{HANDLER}")
    checkout.function("b", f"{adds}import other\n{HANDLER}")
    checkout.write(**{"lambdas/a/vendor/inner.py": "", "lambdas/b/vendor/inner.py": ""})

    assert checkout.build("a", target=where)
    with pytest.raises(BuildError, match="imports other, which is not in the zip"):
        checkout.build("b", target=where)


def test_a_name_of_the_shared_package(checkout: Checkout) -> None:
    """A name that lambdas/shared/__init__.py does not define is refused."""
    checkout.function("a", f"from shared import VERSION, GONE\n{HANDLER}")
    checkout.write(**{"lambdas/shared/__init__.py": "VERSION = 1\n"})

    with pytest.raises(BuildError, match="shared has no GONE"):
        checkout.build("a")


def test_async_handler(checkout: Checkout) -> None:
    """An async handler is refused, because Lambda would return a coroutine."""
    checkout.function("a", f"async {HANDLER}")

    with pytest.raises(BuildError, match="handler is async, and Lambda does not await it"):
        checkout.build("a")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"plain/__init__.py": "import gone\n"}, "plain/__init__.py:1: imports gone, which is not"),
        (
            {"plain/__init__.py": "from .more import x\n", "plain/more.py": "import gone\n"},
            "plain/more.py:1: imports gone",
        ),
        (
            {
                "plain/__init__.py": "\nfrom . import more, x\n",
                "plain/more.py": "from .y import z\n",
            },
            "y",
        ),
        ({"plain/__init__.py": "import cgi\n"}, "plain/__init__.py:1: imports cgi"),
        ({"plain/__init__.py": "class A:\n    import gone\n"}, "imports gone"),
    ],
)
def test_packages_refused(checkout: Checkout, files: dict[str, str], words: str) -> None:
    """For another architecture the imports of packages are read, and missing ones are found."""
    checkout.function("a", f"import plain\n{HANDLER}", lock=checkout.wheel("plain", files))

    with pytest.raises(BuildError) as refused:
        checkout.build("a")

    assert words in str(refused.value)
    assert refused.value.hint.startswith("pin another version of the package")


@pytest.mark.parametrize(
    "source",
    [
        "import json, boto3, plain.more, plain._fast\nfrom plain import more, _fast, value\n",
        "def late():\n    import gone\n",
        "import plain._fast.inner\n",
        "import sys\nsys.modules['plain.made'] = sys\nimport plain.made\n",
        "import os\nif os.environ.get('X'):\n    import gone\n",
        "import sys\nif sys.version_info < (3, 13):\n    import gone\n",
        "try:\n    import plain.more\nexcept ImportError:\n    import gone\n",
        "try:\n    import gone\nexcept ImportError:\n    pass\n",
        "type A = int  # Python 3.12, and more than this one may know.\n",
        "x = '\\d'\n",
        f"x = {'+'.join('1' * 9999)}\n",
        "if 1: pass\n" + "elif 1: pass\n" * 1500,
    ],
)
def test_packages_accepted(checkout: Checkout, source: str) -> None:
    """Optional imports and unreachable modules of packages may be missing."""
    files = {
        "plain/__init__.py": source,
        "plain/more.py": "",
        "plain/_fast.abi3.so": elf(183),
        "plain/unreached.py": "import gone\n",
    }
    lock = checkout.wheel("plain", files, tag=ARM_TAG)
    checkout.function("a", f"import plain\n{HANDLER}", lock=lock)

    assert checkout.build("a")


def test_removed_from_the_standard_library(checkout: Checkout) -> None:
    """A module that the target's Python removed is reported as missing, with any Python that builds."""
    checkout.function("a", f"import imghdr\n{HANDLER}")

    assert checkout.build("a", target=target("python3.12", "arm64"))
    with pytest.raises(BuildError, match="imports imghdr, which is not in the zip"):
        checkout.build("a", target=ARM)


def test_unchecked(checkout: Checkout) -> None:
    """A handler that could not be imported is reported, also if the zip is cached."""
    checkout.function("a").function("b")

    first, second = checkout.build("a", "b"), checkout.build("a", "b")

    (line,) = build_module.unchecked(first)
    assert line.startswith("not checked: a, b: the handler was not imported: this machine (")
    assert [line] == list(build_module.unchecked(second))
    assert "not checked" not in "".join(map(build_module.summary_line, first))


def test_nothing_unchecked(checkout: Checkout) -> None:
    """An imported handler is not reported as unchecked."""
    assert list(build_module.unchecked(checkout.function("a").build("a", target=host()))) == []


SAME_MACHINE = target(f"python3.{sys.version_info.minor}", host().architecture)


@pytest.mark.skipif(not interpreters.find(SAME_MACHINE), reason="This machine's libc is too old.")
def test_target_like_this_machine(checkout: Checkout) -> None:
    """The handler is imported if the target matches this machine, although it is for Lambda."""
    checkout.function("a", f"{HANDLER}1 / 0\n").function("b")

    with pytest.raises(BuildError, match="ZeroDivisionError"):
        checkout.build("a", target=SAME_MACHINE)
    assert list(build_module.unchecked(checkout.build("b", target=SAME_MACHINE))) == []


def test_no_handler(checkout: Checkout) -> None:
    """A folder without handler.py is refused."""
    checkout.write(**{"lambdas/a/more.py": ""})

    with pytest.raises(BuildError, match=r"lambdas/a/handler\.py: is missing"):
        checkout.build("a")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import plain\n", "No module named 'hidden'\nhint: add what it imports"),
        (
            "import importlib\nimportlib.import_module('INVOKE'.lower())\n",
            "No module named 'invoke'",
        ),
        ("1 / 0\n", "ZeroDivisionError: division by zero\nhint: fix the code that is executed"),
        ("del handler\n", "no function handler\nhint: define handler(event, context)"),
        ("import sys\nsys.exit(0)\n", "the import ends the process"),
        ("import os\nos._exit(0)\n", "the import ends the process"),
        (
            "import importlib, os\nos.getenv('UNSET')\nimportlib.import_module('GONE'.lower())\n",
            "No module named 'gone'",
        ),
        ("import shared.reads\n1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_import_refused(checkout: Checkout, source: str, words: str) -> None:
    """On this machine the handler is imported, with only the packages of Lambda's runtime."""
    lock = checkout.wheel("plain", {"plain.py": "import hidden\n"})
    checkout.function("a", f"{HANDLER}{source}", lock=lock)
    checkout.write(**{"lambdas/shared/reads.py": "import os\nos.getenv('UNSET')\n"})

    with pytest.raises(BuildError) as refused:
        checkout.build("a", target=host())

    assert "lambdas/a/handler.py: cannot be imported from its zip" in str(refused.value)
    assert words in str(refused.value)
    assert not path_of(checkout.artifact("a", host()), checkout.dist).exists()


def test_endless_import(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler whose import does not end is refused."""
    monkeypatch.setattr(checks, "SECONDS", 0.5)
    checkout.function("a", f"import time\ntime.sleep(60)\n{HANDLER}")

    with pytest.raises(
        BuildError, match=r"cannot be imported from its zip: the import takes more than"
    ):
        checkout.build("a", target=host())


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs(checkout: Checkout, jobs: int) -> None:
    """Fewer than one job is refused."""
    with pytest.raises(BuildError, match=f"--jobs={jobs}: nothing would be built"):
        checkout.function("a").build("a", jobs=jobs)


def test_missing_setting(checkout: Checkout) -> None:
    """A missing setting is accepted, and the rest of the import is reported as unchecked."""
    checkout.function("a", f"import os, boto3\nTABLE = os.environ['TABLE_NAME']\n{HANDLER}")

    (line,) = build_module.unchecked(checkout.build("a", target=host()))

    assert line == "not checked: a: importing the handler stopped at the setting TABLE_NAME"


@pytest.mark.parametrize(
    "statement",
    [
        "int(os.getenv('LIMIT'))",
        "os.environ.get('LIMIT').split()",
        "boto3.resource('dynamodb', region_name='us-east-1').Table(os.getenv('LIMIT'))",
        "os.getenv('LIMIT') or sys.exit('LIMIT is not set')",
    ],
)
def test_a_setting_that_is_none(checkout: Checkout, statement: str) -> None:
    """An error in a file that has None in place of a setting is accepted like a missing setting."""
    checkout.function("a", f"import os, sys, boto3\nLIMIT = {statement}\n{HANDLER}")

    (line,) = build_module.unchecked(checkout.build("a", target=host()))

    assert line == "not checked: a: importing the handler stopped at the setting LIMIT"


@pytest.mark.parametrize(
    "statement",
    [
        "threading.Thread(target=threading.Event().wait).start()",
        "ThreadPoolExecutor().submit(threading.Event().wait)",
        "atexit.register(lambda: 1 / 0)",
        "sys.stdout = None",
        "assert f'{os.environ[\"LAMBDA_TASK_ROOT\"]}/lib' in os.environ['LD_LIBRARY_PATH'].split(':')",
    ],
)
def test_import_accepted(checkout: Checkout, statement: str) -> None:
    """The check ends when the handler is imported, whatever runs in the background."""
    imports = (
        "import atexit, os, sys, threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
    )
    checkout.function("a", f"{imports}{statement}\n{HANDLER}")

    (built,) = checkout.build("a", target=host())

    assert built.unchecked == ""


def test_after_a_setting(checkout: Checkout) -> None:
    """After a missing setting the remaining imports are read from the sources."""
    lock = checkout.wheel("plain", {"plain.py": "import gone\n"})
    source = f"import os\nTABLE = os.environ['TABLE_NAME']\nimport plain\n{HANDLER}"
    checkout.function("a", source, lock=lock)

    with pytest.raises(BuildError, match=r"plain\.py:1: imports gone, which is not in the zip"):
        checkout.build("a", target=host())


def test_other_key_errors(checkout: Checkout) -> None:
    """A KeyError that is not from the environment is an error."""
    checkout.function("a", f"SIZES = {{}}\nSIZE = SIZES['small']\n{HANDLER}")

    with pytest.raises(BuildError, match="KeyError: 'small'"):
        checkout.build("a", target=host())


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("ZIPPED", r"lambdas/a: [\d,]+ bytes zipped, and the limit is 100"),
        ("UNZIPPED", r"lambdas/a: [\d,]+ bytes unzipped, and the limit is 100"),
    ],
)
def test_too_large(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, limit: str, words: str
) -> None:
    """A zip above Lambda's limits is refused."""
    filled(checkout)
    monkeypatch.setattr(checks, limit, 100)

    with pytest.raises(BuildError, match=words):
        checkout.build("a")


def test_limits() -> None:
    """The limits are those of the Lambda developer guide, Quotas."""
    assert (checks.ZIPPED, checks.UNZIPPED) == (52_428_800, 262_144_000)


def test_all_problems(checkout: Checkout) -> None:
    """All problems of all functions are reported together; the other functions are built."""
    checkout.function("a", "import troposphere\n").function("b").function(
        "c", lock=_sdist(checkout)
    )

    with pytest.raises(BuildError) as refused:
        checkout.build("a", "b", "c")

    message = str(refused.value)
    assert "lambdas/a/handler.py:1: imports troposphere" in message
    assert "lambdas/a/handler.py: has no function handler" in message
    assert "onlysource" in message
    assert not isinstance(refused.value, StaleError)
    assert path_of(checkout.artifact("b"), checkout.dist).exists()


def test_duplicate_artifacts(checkout: Checkout) -> None:
    """An artifact that two stacks use is built once."""
    checkout.function("a")

    assert len(checkout.build("a", "a")) == 1


def test_record(checkout: Checkout) -> None:
    """The record of a zip has its checksum and sizes."""
    (built,) = checkout.function("a").build("a")

    record = json.loads(built.path.with_suffix(".json").read_text())

    assert {
        "sha256": built.sha256,
        "size": built.size,
        "unzipped": built.unzipped,
        "unchecked": built.unchecked,
    } == record


def test_isolated_import(checkout: Checkout) -> None:
    """The import has access to the zip and boto3, not to .venv or the environment of the shell."""
    source = """
        import os, sys
        import boto3, six
        assert os.environ["HOME"] == os.environ["TMPDIR"] and "SECRET" not in os.environ
        assert not [path for path in sys.path if path.endswith("site-packages")], sys.path
        try:
            import troposphere
        except ImportError:
            pass
        else:
            raise AssertionError
    """
    checkout.function("a", f"{textwrap.dedent(source)}{HANDLER}")

    assert checkout.build("a", target=host())


ATTACK = """
import json, os, pathlib, sys

def attempted(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__

found = {
    "environment": dict(os.environ),
    "home": attempted(lambda: sorted(os.listdir(USER))),
    "checkout": attempted(lambda: sorted(os.listdir(CHECKOUT))),
    "parents": [
        attempted(lambda: pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace"))
        for pid in (os.getppid(), PARENT)
    ],
    "terminal": attempted(lambda: open("/dev/tty") and "opened"),
    "written": attempted(lambda: pathlib.Path(CHECKOUT, "written").write_text("x")),
}
raise ImportError("SPIED" + json.dumps(found))
"""


@pytest.mark.parametrize("wanted", ["auto", "off"])
def test_a_malicious_package(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """A dependency is imported without the user's environment, and where possible files.

    Hooks of its installation are not run at all: wheels have none, and .pth files are not read.
    """
    key = "the user's own key"
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "HTTPS_PROXY"):
        monkeypatch.setenv(name, key)
    monkeypatch.setenv(sandbox.VARIABLE, wanted)
    sandbox.level.cache_clear()
    level = sandbox.level()
    ran = checkout.root / "ran"
    places = f"USER, CHECKOUT = {str(Path.home())!r}, {str(ROOT)!r}\nPARENT = {os.getpid()}\n"
    lock = checkout.wheel(
        "spy",
        {
            "spy/__init__.py": places + ATTACK,
            "spy.pth": f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n",
        },
    )
    checkout.function("a", f"import spy\n{HANDLER}", lock=lock)

    with pytest.raises(BuildError) as refused:
        checkout.build("a", target=host())
    sandbox.level.cache_clear()

    printed = refused.value.message.partition("SPIED")[2].rpartition("}")[0] + "}"
    found = json.loads(printed)
    (ROOT / "written").unlink(missing_ok=True)
    assert not ran.exists()
    assert {
        name
        for name in found["environment"]
        if not name.startswith(("AWS_", "LAMBDA_", "_HANDLER", "LC_CTYPE"))
    } == {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"}
    assert key not in found["environment"].values()
    assert found["terminal"] != "opened"
    if level == "namespaces":
        python = (
            Path(sandbox.python()).relative_to(Path.home()).parts[0:1]
            if (Path(sandbox.python()).is_relative_to(Path.home()))
            else ()
        )
        assert found["home"] in (list(python), "FileNotFoundError")
        assert found["checkout"] in ([], "FileNotFoundError")
        assert isinstance(found["written"], str)
        assert not [text for text in found["parents"] if key in text]
    else:  # As documented: only the environment is its own.
        assert "deployer" in found["checkout"]


def test_installing_without_credentials(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installer receives the settings to fetch packages, but no credentials of the user."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    monkeypatch.setenv("UV_INDEX_URL", "https://packages.example")

    given = install.environment()

    assert "AWS_SECRET_ACCESS_KEY" not in given
    assert given["https_proxy"] == "http://proxy.example"
    assert given["UV_INDEX_URL"] == "https://packages.example"
    assert "PATH" in given
