"""The built files are read with their content types and cache headers, or refused."""

import base64
import hashlib
import os
import re
import subprocess
import sys

import pytest

from deployer.errors import ConfigError
from operations import project
from operations.site import files
from operations.site.files import (
    FIVE_MINUTES,
    IMMUTABLE,
    NO_CACHE,
    cache_control,
    content_type,
)

PAGE_OF_APPLICATION = (
    "a name without an extension, or beginning with @, is that of a page of the application"
)


@pytest.fixture
def folder(tmp_path):
    """A site with one page."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    return tmp_path


def write(folder, name, content="x"):
    """Write a file of the site."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("assets/index-BX3k_9aQ.js", "text/javascript; charset=utf-8"),
        ("sw.mjs", "text/javascript; charset=utf-8"),
        ("assets/index-BX3k_9aQ.css", "text/css; charset=utf-8"),
        ("assets/index-BX3k_9aQ.css.map", "application/json"),
        ("assets/index-BX3k_9aQ.js.map", "application/json"),
        ("data.json", "application/json"),
        ("site.webmanifest", "application/manifest+json"),
        ("decoder.wasm", "application/wasm"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("logo.svg", "image/svg+xml"),
        ("photo.JPG", "image/jpeg"),
        ("photo.jpeg", "image/jpeg"),
        ("photo.png", "image/png"),
        ("photo.webp", "image/webp"),
        ("photo.avif", "image/avif"),
        ("font.woff", "font/woff"),
        ("font.woff2", "font/woff2"),
        ("font.ttf", "font/ttf"),
        ("font.otf", "font/otf"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("sitemap.xml", "application/xml"),
        (".well-known/security.txt", "text/plain; charset=utf-8"),
        ("js", "text/plain; charset=utf-8"),
        ("a.js/LICENSE", "text/plain; charset=utf-8"),
        (".well-known/acme-challenge/token", "text/plain; charset=utf-8"),
        ("apple-app-site-association", "application/json"),
        (".well-known/apple-app-site-association", "application/json"),
        (".well-known/openid-configuration", "application/json"),
        (".well-known/host-meta", "application/xrd+xml"),
        (".well-known/webauthn", "application/json"),
        (".well-known/matrix/client", "application/json"),
        (".well-known/matrix/readme", "text/plain; charset=utf-8"),
        ("program.exe", None),
        ("ends.", None),
    ],
)
def test_type(name, type_):
    """The type follows from the name alone, and is not guessed."""
    assert content_type(name) == type_


def test_types_are_valid():
    """Each content type is a media type; only the text types have a charset."""
    for type_ in (*files.TYPES.values(), *files.TYPES_BY_NAME.values(), files.PLAIN):
        assert re.fullmatch(r"(application|audio|font|image|text|video)/[a-z0-9.+-]+(;.*)?", type_)
        assert type_.startswith("text/") == type_.endswith("; charset=utf-8")


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("index.html", NO_CACHE),
        ("about/index.html", NO_CACHE),
        ("assets/page-BX3k_9aQ.html", IMMUTABLE),
        ("assets/index-BX3k_9aQ.js", IMMUTABLE),
        ("assets/index-DiwrgTda.css", IMMUTABLE),
        ("assets/fonts/inter-C9-_aBcD.woff2", IMMUTABLE),
        ("app/assets/index-BX3k_9aQ.js", IMMUTABLE),
        ("assets/index-BX3k_9aQ.js.map", FIVE_MINUTES),
        ("assets/logo-wordmark.svg", FIVE_MINUTES),
        ("assets/logo.svg", FIVE_MINUTES),
        ("assets/fonts/Inter-SemiBold.woff2", FIVE_MINUTES),
        ("assets/logo-20240608.png", FIVE_MINUTES),
        ("assets/start-1024x768.png", FIVE_MINUTES),
        ("assets/scan-24-06-08.png", FIVE_MINUTES),
        ("assets/photo-iphone15.png", FIVE_MINUTES),
        ("assets/index-D-tfNpnx.js", IMMUTABLE),
        ("About.HTML", NO_CACHE),
        ("assets/index-BX3k.js", FIVE_MINUTES),
        ("images/index-BX3k_9aQ.png", FIVE_MINUTES),
        ("notassets/index-BX3k_9aQ.js", FIVE_MINUTES),
        ("favicon.ico", FIVE_MINUTES),
        ("sw.js", FIVE_MINUTES),
        ("site.webmanifest", FIVE_MINUTES),
    ],
)
def test_cache(name, cache):
    """Only files with a digest in their name are immutable; pages are not cached."""
    assert cache_control(name) == cache


def test_read(folder):
    """Files have a key and a checksum in S3's format; hidden files are not published."""
    for name in ("assets/a-BX3k_9aQ.js", ".well-known/host-meta", "ä b+%.txt"):
        write(folder, name)
    for name in (".DS_Store", ".vite/manifest.json", "assets/.gitkeep"):
        write(folder, name)

    found = files.read(folder)

    assert (set(found.files)) == {
        "assets/a-BX3k_9aQ.js",
        ".well-known/host-meta",
        "ä b+%.txt",
        "index.html",
    }
    assert found.hidden == (".DS_Store", ".vite/manifest.json", "assets/.gitkeep")
    sha256 = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert sha256 == found.files["assets/a-BX3k_9aQ.js"].sha256
    assert found.read("ä b+%.txt") == b"x"


@pytest.mark.parametrize("name", [None, "other.html", "app/index.html"])
def test_no_index(tmp_path, name):
    """A folder without index.html is refused: publishing it would delete the site."""
    if name:
        write(tmp_path, name)

    with pytest.raises(ConfigError, match=r"there is no index\.html"):
        files.read(tmp_path)


def test_no_folder(tmp_path):
    """A missing folder is reported like a folder without an index."""
    with pytest.raises(ConfigError, match=r"missing: there is no index\.html"):
        files.read(tmp_path / "missing")


def test_all_problems_are_in_one_error(folder):
    """One error lists all files that cannot be published."""
    write(folder, "LICENSE.rst")
    write(folder, "@anna.html")
    write(folder, "CNAME")
    write(folder, "cafe\u0301.txt")
    long_path = "/".join(["d" * 200] * 5 + ["long-name.txt.txt.txt"])
    write(folder, long_path)
    write(folder, "line\nbreak\x7f.txt")
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "pictures").symlink_to("/etc")
    os.mkfifo(folder / "pipe.txt")

    with pytest.raises(ConfigError) as refused:
        files.read(folder)

    problems = [line.removeprefix(f"{folder}: ") for line in refused.value.message.split("\n")]
    assert problems == [
        f"@anna.html: {PAGE_OF_APPLICATION}",
        f"CNAME: {PAGE_OF_APPLICATION}",
        "LICENSE.rst: its content type is unknown: see TYPES in operations/site/files.py",
        ("cafe\u0301.txt: its name is not in Unicode normalization form C, unlike the links to it"),
        f"{long_path}: its path has more than 1024 bytes",
        "line\\nbreak\\x7f.txt: its name has a control character",
        "link.txt: is a symbolic link",
        "pictures: is a symbolic link",
        "pipe.txt: is not a regular file",
    ]


def test_a_file_that_was_deleted_meanwhile(folder):
    """A file that a running build has deleted is an error for the operator, not a traceback."""
    write(folder, "a.txt")
    found = files.read(folder)
    (folder / "a.txt").unlink()

    with pytest.raises(ConfigError) as raised:
        found.read("a.txt")

    assert raised.value.message == f"{folder}/a.txt: No such file or directory"
    assert raised.value.hint == "build the site again, then rerun this"


def fail(*_):
    """Fail like a broken disk; the error names no file."""
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize(("method", "path"), [("read_bytes", "/index.html"), ("iterdir", "")])
def test_a_file_that_cannot_be_read(folder, monkeypatch, method, path):
    """A file or folder that cannot be read is an error with its path."""
    monkeypatch.setattr(f"pathlib.Path.{method}", fail)

    with pytest.raises(ConfigError) as raised:
        files.read(folder)

    assert raised.value.message == f"{folder}{path}: Input/output error"


def test_a_name_that_is_not_utf_8(folder):
    """A file name that is not UTF-8 is refused, because S3 supports no other."""
    (folder / os.fsdecode(b"\xff.txt")).touch()

    with pytest.raises(ConfigError, match="its name is not UTF-8"):
        files.read(folder)


@pytest.mark.parametrize(
    "locale",
    [{}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
    ids=["default", "C"],
)
def test_names_are_utf_8_in_every_locale(folder, locale):
    """The key of a file does not depend on the locale."""
    write(folder, "ä b.txt", "content")
    code = (
        "import sys; from pathlib import Path; from operations.site import files;"
        "found = files.read(Path(sys.argv[1]));"
        "print(ascii(sorted(found.files)), found.read('\\u00e4 b.txt'))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, folder],
        cwd=project.ROOT,
        env=os.environ | locale,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "['index.html', '\\xe4 b.txt'] b'content'\n"
