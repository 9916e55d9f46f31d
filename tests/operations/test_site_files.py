import base64
import hashlib
import os
import re
import subprocess
import sys

import pytest

from deployer.errors import ConfigError, GuardError
from operations import project, site
from operations.site import files
from operations.site.files import A_WHILE, EACH_TIME, FOR_EVER, cache_of, type_of


@pytest.fixture
def folder(tmp_path):
    """A site of one page."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    return tmp_path


def write(folder, name, content="x"):
    """A file of the site."""
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
        ("program.exe", None),
        ("ends.", None),
    ],
)
def test_type(name, type_):
    """By the extension, whatever the machine thinks of it; nothing is guessed."""
    assert type_ == type_of(name)


def test_types_are_registered():
    """Each is a type of IANA's tree, in the form of a header; text says its encoding."""
    for type_ in (*files.TYPES.values(), *files.TYPES_BY_NAME.values(), files.PLAIN):
        assert re.fullmatch(r"(application|audio|font|image|text|video)/[a-z0-9.+-]+(;.*)?", type_)
        assert type_.startswith("text/") == type_.endswith("; charset=utf-8")


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("index.html", EACH_TIME),
        ("about/index.html", EACH_TIME),
        ("assets/page-BX3k_9aQ.html", FOR_EVER),
        ("assets/index-BX3k_9aQ.js", FOR_EVER),
        ("assets/index-DiwrgTda.css", FOR_EVER),
        ("assets/fonts/inter-C9-_aBcD.woff2", FOR_EVER),
        ("app/assets/index-BX3k_9aQ.js", FOR_EVER),
        ("assets/index-BX3k_9aQ.js.map", A_WHILE),
        ("assets/logo-wordmark.svg", A_WHILE),
        ("assets/logo.svg", A_WHILE),
        ("assets/index-BX3k.js", A_WHILE),
        ("images/index-BX3k_9aQ.png", A_WHILE),
        ("notassets/index-BX3k_9aQ.js", A_WHILE),
        ("favicon.ico", A_WHILE),
        ("sw.js", A_WHILE),
        ("site.webmanifest", A_WHILE),
    ],
)
def test_cache(name, cache):
    """Only what has a digest in its name is kept for ever; a page is asked about each time."""
    assert cache == cache_of(name)


def test_read(folder):
    """Every file by its path, with S3's form of its checksum; hidden ones stay at home."""
    for name in ("assets/a-BX3k_9aQ.js", ".well-known/security.txt", "ä b+%.txt"):
        write(folder, name)
    for name in (".DS_Store", ".vite/manifest.json", "assets/.gitkeep"):
        write(folder, name)

    found = files.read(folder)

    assert {"assets/a-BX3k_9aQ.js", ".well-known/security.txt", "ä b+%.txt", "index.html"} == set(
        found.files
    )
    assert (".DS_Store", ".vite/manifest.json", "assets/.gitkeep") == found.left_out
    sha256 = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert sha256 == found.files["assets/a-BX3k_9aQ.js"].sha256
    assert b"x" == found.read("ä b+%.txt")


@pytest.mark.parametrize("name", [None, "other.html", "app/index.html"])
def test_no_index(tmp_path, name):
    """A folder without the page of all pages would delete the site."""
    if name:
        write(tmp_path, name)

    with pytest.raises(ConfigError, match=r"there is no index\.html"):
        files.read(tmp_path)


def test_no_folder(tmp_path):
    """Nor is there one where there is no folder."""
    with pytest.raises(ConfigError, match=r"missing: there is no index\.html"):
        files.read(tmp_path / "missing")


def test_what_is_wrong_is_told_at_once(folder):
    """All of it, so that one more run is enough."""
    write(folder, "LICENSE.rst")
    write(folder, "@anna.html")
    write(folder, "line\nbreak\x7f.txt")
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "pictures").symlink_to("/etc")
    os.mkfifo(folder / "pipe.txt")

    with pytest.raises(ConfigError) as refused:
        files.read(folder)

    told = [line.removeprefix(f"{folder}: ") for line in refused.value.message.split("\n")]
    assert [
        "@anna.html: a name beginning with @ is that of a page of the application",
        "LICENSE.rst: no content type is known for it: see TYPES in operations/site/files.py",
        "line\\nbreak\\x7f.txt: its name has a control character",
        "link.txt: a symbolic link, which may lead anywhere",
        "pictures: a symbolic link, which may lead anywhere",
        "pipe.txt: no file",
    ] == told


def test_a_file_that_goes_on_the_way(folder):
    """A build that runs meanwhile takes it away; that is no bug of ours."""
    write(folder, "a.txt")
    found = files.read(folder)
    (folder / "a.txt").unlink()

    with pytest.raises(ConfigError) as told:
        found.read("a.txt")

    assert f"{folder}/a.txt: No such file or directory" == told.value.message
    assert "build the site again, then run this again" == told.value.hint


def refuse(*_):
    """What a disk says that breaks; it names no file."""
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize(("method", "place"), [("read_bytes", "/index.html"), ("iterdir", "")])
def test_a_file_that_cannot_be_read(folder, monkeypatch, method, place):
    """Nor a folder: it is told like whatever else is wrong with the site."""
    monkeypatch.setattr(f"pathlib.Path.{method}", refuse)

    with pytest.raises(ConfigError) as told:
        files.read(folder)

    assert f"{folder}{place}: Input/output error" == told.value.message


def test_a_name_that_is_no_text(folder):
    """S3 has names in UTF-8 only."""
    (folder / os.fsdecode(b"\xff.txt")).touch()

    with pytest.raises(ConfigError, match="its name is not UTF-8"):
        files.read(folder)


@pytest.mark.parametrize(
    "locale",
    [{}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
    ids=["of this machine", "of none"],
)
def test_names_are_utf_8_in_every_locale(folder, locale):
    """Two machines publish the same file under the same name, and read the same content."""
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

    assert "['index.html', '\\xe4 b.txt'] b'content'\n" == done.stdout


@pytest.mark.parametrize("named", ["", "frontend/dist", "docs/../frontend/dist"])
@pytest.mark.parametrize("link", ["frontend", "frontend/dist"])
def test_a_link_is_not_published(tmp_path, monkeypatch, link, named):
    """The folder is the checkout's own, or it is named."""
    root, own = tmp_path / "checkout", tmp_path / "own"
    for folder in (root / link).parent, own:
        folder.mkdir(parents=True)
    (root / link).symlink_to(own)
    monkeypatch.setattr(project, "ROOT", root)
    monkeypatch.setattr(project, "CALLED_FROM", root)

    with pytest.raises(GuardError, match=f"{link}: is a symbolic link to {own}"):
        site._inside(named)


def test_a_folder_outside_of_the_checkout_can_be_named(tmp_path, monkeypatch):
    """Then it is what is meant; a link is not."""
    monkeypatch.setattr(project, "ROOT", tmp_path / "checkout")
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")

    assert tmp_path / "own" == site._inside(str(tmp_path / "own"))
    with pytest.raises(GuardError, match="is a symbolic link"):
        site._inside(str(tmp_path / "link"))
