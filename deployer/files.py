"""Write files atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the file *path* by one with *content*, which only its owner may read and write.

    Another process sees the old file or the new one, and a killed process leaves one of them. The
    content is not synced to the disk, so a power failure may lose both.
    """
    data = content.encode() if isinstance(content, str) else content
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
