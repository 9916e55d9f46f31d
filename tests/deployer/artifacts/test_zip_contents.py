"""The files of a built zip, and their bytes."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from deployer.artifacts import host, target
from deployer.artifacts.build import path_of
from tests.deployer.artifacts.checkout import (
    HANDLER,
    Checkout,
    age,
    filled,
    read,
    run,
)

pytestmark = pytest.mark.thorough


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
