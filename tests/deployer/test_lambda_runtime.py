"""The packages of Lambda's Python runtime."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from deployer import lambda_runtime


def test_packages_are_linked(tmp_path: Path) -> None:
    """The folder has a link to the installed module of each package."""
    folder = tmp_path / "runtime"

    lambda_runtime.link(folder)

    assert {"boto3", "botocore", "six.py"} <= {path.name for path in folder.iterdir()}
    assert (folder / "boto3").resolve() == Path(boto3.__file__).resolve().parent


def test_a_second_call_repairs_the_folder(tmp_path: Path) -> None:
    """Other files and wrong links are replaced; a correct link is not touched."""
    lambda_runtime.link(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    before = (tmp_path / "boto3").lstat()
    (tmp_path / "botocore").unlink()
    (tmp_path / "botocore").symlink_to(tmp_path)
    (tmp_path / "other").touch()

    lambda_runtime.link(tmp_path)

    assert names == {path.name for path in tmp_path.iterdir()}
    assert before == (tmp_path / "boto3").lstat()
    assert (tmp_path / "botocore").resolve().name == "botocore"


@pytest.mark.parametrize("name", ["Python_Dateutil", "python-dateutil", "python.-_dateutil"])
def test_names_are_normalized(name: str) -> None:
    """All spellings of a package have one normalized name (PEP 503)."""
    assert lambda_runtime.normalize_name(name) == "python-dateutil"
