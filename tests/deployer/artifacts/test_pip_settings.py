"""The settings of pip as variables of uv."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deployer.artifacts import install, pip_settings

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], {}),
        (["global.index-url='https://a.example/simple'"], {"UV_DEFAULT_INDEX": "https://a.example/simple"}),
        (
            [":env:.index-url='https://env'", "install.index-url='b'", "global.index-url='a'"],
            {"UV_DEFAULT_INDEX": "https://env"},
        ),
        (["install.index-url='b'", "global.index-url='a'"], {"UV_DEFAULT_INDEX": "b"}),
        (["global.extra-index-url='\\nhttps://a\\nhttps://b'"], {"UV_INDEX": "https://a https://b"}),
        (["global.find-links='/a /b'"], {"UV_FIND_LINKS": "/a,/b"}),
        (["global.trusted-host='a b:8080'"], {"UV_INSECURE_HOST": "a b:8080"}),
        (["global.cert='/etc/ca.pem'"], {"SSL_CERT_FILE": "/etc/ca.pem"}),
        (["global.client-cert='/etc/me.pem'"], {"SSL_CLIENT_CERT": "/etc/me.pem"}),
        (
            ["global.proxy='http://proxy:3128'"],
            {"HTTP_PROXY": "http://proxy:3128", "HTTPS_PROXY": "http://proxy:3128"},
        ),
        (["global.no-index='true'"], {"UV_NO_INDEX": "true"}),
        (["download.index-url='a'", "global.timeout='60'", "nonsense"], {}),
    ],
)  # fmt: skip
def test_translation(lines: list[str], expected: dict[str, str]) -> None:
    """Each setting is translated; settings of other commands are omitted."""
    assert expected == pip_settings.translate(lines)


def given(environ: dict[str, str]) -> dict[str, str]:
    """Return the environment of uv in a separate process with *environ*."""
    code = "import json; from deployer.artifacts import install; print(json.dumps(install.environment()))"
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "PIP_")) and name not in {"SSL_CERT_FILE", *BUNDLES}
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | {"PIP_CONFIG_FILE": os.devnull} | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
pip_made_it = pytest.mark.skipif(
    not install.pip_settings.find_spec("pip"), reason="uv made this .venv: there is no pip in it"
)


@pip_made_it
def test_files_and_variables_of_pip(tmp_path: Path) -> None:
    """pip.conf and PIP_ variables are translated; variables of uv have precedence."""
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\nindex-url = https://file.example/simple\nproxy = http://p:1\n")
    found = given({"PIP_CONFIG_FILE": str(conf)})
    by_variable = given({"PIP_CONFIG_FILE": str(conf), "PIP_INDEX_URL": "https://variable.example"})
    by_uv = given(
        {"PIP_INDEX_URL": "https://pip.example", "UV_DEFAULT_INDEX": "https://uv.example"}
    )

    assert found["UV_DEFAULT_INDEX"] == "https://file.example/simple"
    assert found["HTTPS_PROXY"] == "http://p:1"
    assert by_variable["UV_DEFAULT_INDEX"] == "https://variable.example"
    assert by_uv["UV_DEFAULT_INDEX"] == "https://uv.example"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [((), "/etc/bundle.pem"), (("global.cert='/etc/ca.pem'",), "/etc/ca.pem")],
)
def test_certificates(
    monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], expected: str
) -> None:
    """The CA bundle of requests is used, unless pip has its own."""
    monkeypatch.setattr(pip_settings, "_config_lines", lambda: lines)
    monkeypatch.setattr(pip_settings, "find_spec", lambda _: True)

    found = pip_settings.environment({"REQUESTS_CA_BUNDLE": "/etc/bundle.pem"})

    assert expected == found["SSL_CERT_FILE"]
    assert found["UV_SYSTEM_CERTS"] == "true"


def test_without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip nothing is translated."""
    monkeypatch.setattr(pip_settings, "find_spec", lambda _: None)

    assert pip_settings.environment({"PIP_INDEX_URL": "https://pip.example"}) == {}


class Index(BaseHTTPRequestHandler):
    """A package index without packages that records requests."""

    requested_paths: list[str]

    def do_GET(self) -> None:
        """Answer that there is no such package."""
        type(self).requested_paths.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def index() -> Iterator[tuple[str, list[str]]]:
    """The URL of an index, and the requests that it received."""
    handler = type("Handler", (Index,), {"requested_paths": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple", handler.requested_paths
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pip_made_it
def test_uv_uses_the_index_of_pip(tmp_path: Path, index: tuple[str, list[str]]) -> None:
    """Packages of a function are fetched from the index of pip."""
    url, requested_paths = index
    env = given({"PIP_INDEX_URL": url, "NO_PROXY": "127.0.0.1"}) | {
        "UV_CACHE_DIR": str(tmp_path / "cache")
    }

    subprocess.run(
        [install.uv(), "pip", "install", "--target", str(tmp_path / "to"), "no-such-package"],
        env=env,
        capture_output=True,
        check=False,
    )

    assert requested_paths[:1] == ["/simple/no-such-package/"]
