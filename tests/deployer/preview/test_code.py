"""The changed files and packages of a function."""

from __future__ import annotations

from deployer.preview.code import code_change, function_of
from deployer.preview.values import CodeChange, FileChange, PackageChange

HANDLER, LOCK = "lambdas/greet/handler.py", "lambdas/greet/requirements.txt"
SHARED = "lambdas/shared/log.py"


def test_files_are_named_with_their_changed_lines() -> None:
    """Changed, added and removed files have the numbers of their lines."""
    before = {HANDLER: b"a\nb\n", "lambdas/greet/old.py": b"x\n", SHARED: b"1\n"}
    after = {HANDLER: b"a\nc\nd\n", "lambdas/greet/new.py": b"y\n", SHARED: b"1\n"}

    assert code_change("greet", before, after, [*after]) == CodeChange(
        "greet",
        (
            FileChange(HANDLER, "changed", 2, 1),
            FileChange("lambdas/greet/new.py", "added", 1, 0),
            FileChange("lambdas/greet/old.py", "removed", 0, 1),
        ),
        (),
    )


def test_packages_are_named_with_their_versions() -> None:
    """The lock is compared by package: updated, added and removed."""
    before = {LOCK: b"a==1.0 \\\n    --hash=sha256:00\nb==2.0 ; python_version > '3'\n"}
    after = {LOCK: b"a==1.1 \\\n    --hash=sha256:11\nc==3.0\n"}

    assert code_change("greet", before, after, ()).packages == (
        PackageChange("a", "1.0", "1.1"),
        PackageChange("b", "2.0", ""),
        PackageChange("c", "", "3.0"),
    )
    assert code_change("greet", before, after, ()).files == ()


def test_the_function_is_named_by_its_key() -> None:
    """The key of the zip has the folder of the function."""
    key = f"releases/lambdas/greet/{'0' * 32}.zip"

    assert function_of({"Code": {"S3Key": key}}) == "greet"
    assert function_of({"Code": {"ZipFile": "x"}}) == ""
    assert function_of({}) == ""
