"""What Lambda's Python has besides the standard library: boto3, and what boto3 needs.

It is in no zip, and all that a function finds on this machine beside its own zip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# By the name on PyPI: the module (Lambda developer guide, Runtime-included SDK versions).
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
    """Make *folder* hold exactly these packages, as links to the ones that we run with."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for path in _here()}
    for found in folder.iterdir():
        if wanted.get(found.name) != found.resolve():
            found.unlink(missing_ok=True)
    for name, path in wanted.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(path)


def normal(name: str) -> str:
    """The *name* of a package as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _here() -> Iterator[Path]:
    """Where each package is installed; one that is not is left out, as nobody here uses it."""
    from importlib.util import find_spec  # Stacks import this module, and never link.

    for module in PACKAGES.values():
        if (spec := find_spec(module)) and spec.origin:
            file = Path(spec.origin).resolve()
            yield file.parent if file.name == "__init__.py" else file
