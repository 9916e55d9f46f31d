"""The packages of Lambda's Python runtime: boto3 and its dependencies.

Deployment packages do not contain them. Functions that run on this machine import them through symbolic links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

# Module by PyPI name (Lambda developer guide, Runtime-included SDK versions).
PACKAGES = {
    "boto3": "boto3",
    "botocore": "botocore",
    "jmespath": "jmespath",
    "python-dateutil": "dateutil",
    "s3transfer": "s3transfer",
    "six": "six",
    "urllib3": "urllib3",
}


def link(folder: Path) -> None:
    """Fill *folder* with symbolic links to the installed packages, and remove everything else in it."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = {path.name: path for path in _installed()}
    for path in folder.iterdir():
        if packages.get(path.name) != path.resolve():
            path.unlink(missing_ok=True)
    for name, path in packages.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(path)


def normalize_name(name: str) -> str:
    """Return the name of a package in its normalized form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> Iterator[Path]:
    """Yield the path of each installed package."""
    for module in PACKAGES.values():
        if (spec := find_spec(module)) and spec.origin:
            file = Path(spec.origin).resolve()
            yield file.parent if file.name == "__init__.py" else file
