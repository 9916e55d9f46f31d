"""Zips as bytes."""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deployer.artifacts import zip_files
from deployer.artifacts.zip_files import Tree

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=8)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.binary(max_size=200), max_size=8)


def packed(files: dict[str, bytes], executable: frozenset[str] = frozenset()) -> bytes:
    file = io.BytesIO()
    zip_files.add(Tree(files, executable), file)
    return file.getvalue()


@given(TREES, st.randoms())
def test_any_tree(files: dict[str, bytes], chance) -> None:
    """A zip contains its input, independent of the order."""
    shuffled = list(files.items())
    chance.shuffle(shuffled)

    content = packed(files)

    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert files == {name: found.read(name) for name in found.namelist()}
    assert content == packed(dict(shuffled))


@given(TREES, TREES)
def test_added(files: dict[str, bytes], more: dict[str, bytes]) -> None:
    """Added files follow the existing ones, and the sizes of all are returned."""
    more = {f"more/{path}": content for path, content in more.items()}
    file = io.BytesIO(packed(files))

    sizes = zip_files.add(Tree(more), file)

    with zipfile.ZipFile(file) as found:
        assert [*sorted(files), *sorted(more)] == found.namelist()
        assert files | more == {name: found.read(name) for name in found.namelist()}
    assert {path: len(content) for path, content in (files | more).items()} == sizes


def test_no_traces_of_the_machine() -> None:
    """Entries have a fixed time, mode and system, and no extra fields."""
    files = {"b/y.py": b"y" * 1000, "a": b"", "b/x.so": b"\x7fELF"}

    with zipfile.ZipFile(io.BytesIO(packed(files))) as found:
        entries = found.infolist()

    assert [entry.filename for entry in entries] == ["a", "b/x.so", "b/y.py"]
    for entry in entries:
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == stat.S_IFREG | 0o644
        assert (entry.create_system, entry.extra, entry.comment) == (3, b"", b"")
    assert entries[2].compress_size < 50


@given(TREES)
def test_contents(files: dict[str, bytes]) -> None:
    """The files of a zip can be read by path."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "x.zip")
        file.write_bytes(packed(files))

        found = zip_files.Contents(file)

        assert dict(found) == files
        assert (len(found), "absent/absent/absent/absent" in found) == (len(files), False)


SAFE = st.text("ab.", min_size=1, max_size=3).filter(lambda name: set(name) != {"."})


@given(st.dictionaries(SAFE, st.tuples(st.binary(max_size=9), st.booleans()), max_size=6))
def test_modes(files: dict[str, tuple[bytes, bool]]) -> None:
    """Extraction keeps the executable bit of each file."""
    executable = frozenset(path for path, (_, runs) in files.items() if runs)
    contents = {path: content for path, (content, _) in files.items()}
    with tempfile.TemporaryDirectory() as folder:
        file, code = Path(folder, "x.zip"), Path(folder, "code")
        file.write_bytes(packed(contents, executable))

        zip_files.extract(file, code)

        found = {path: (code / path).stat().st_mode for path in files}
        assert contents == {path: (code / path).read_bytes() for path in files}
    assert found == {
        path: stat.S_IFREG | (0o755 if path in executable else 0o644) for path in files
    }
