"""The installation of packages from a lock, without a network."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployer.artifacts import install
from deployer.artifacts.build import path_of
from deployer.errors import BuildError
from tests.deployer.artifacts.checkout import (
    ARM_TAG,
    HANDLER,
    Checkout,
    elf,
)

pytestmark = pytest.mark.thorough


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


def test_a_wheel_for_any_platform_needs_no_compiled_code(checkout: Checkout) -> None:
    """Some tools declare a wheel without compiled code as platform-specific, with the tag `any`."""
    wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py2-none-any\nTag: py3-none-any\n"
    lock = checkout.wheel("plain", {"plain.py": ""}, metadata={"WHEEL": wheel})
    checkout.function("a", f"import plain\n{HANDLER}", lock=lock)

    assert checkout.build("a")


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
