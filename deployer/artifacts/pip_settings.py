"""Translate the settings of pip for uv, if ./inv created .venv with pip because uv is missing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec

# The variables of uv for each setting of pip. Lists are separated by spaces, as in pip.
_FOR_UV = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "no-index": ("UV_NO_INDEX",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "proxy": ("HTTP_PROXY", "HTTPS_PROXY"),
}
_SECTIONS = ("global", "install", ":env:")  # Each has precedence over those before it.
_LINE = re.compile(r"(global|install|:env:)\.([a-z-]+)=(.*)")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # pip reads both, and uv reads neither.


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables of uv with the effect of pip's settings; none if pip is not installed.

    pip also trusts the certificates of the system, and selects the best version of all indexes.
    """
    if not find_spec("pip"):
        return {}
    bundle = next((environ[name] for name in _BUNDLES if environ.get(name)), "")
    variables = {"UV_SYSTEM_CERTS": "true", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    return variables | ({"SSL_CERT_FILE": bundle} if bundle else {}) | translate(_config_lines())


def translate(lines: Iterable[str]) -> dict[str, str]:
    """Return the settings in *lines* of `pip config list` as variables of uv."""
    matches = [match for line in lines if (match := _LINE.fullmatch(line))]
    matches.sort(key=lambda match: _SECTIONS.index(match[1]))
    settings = {match[2]: _unquoted(match[3]) for match in matches}
    return {
        variable: _value(variable, settings[name])
        for name, variables in _FOR_UV.items()
        if settings.get(name)
        for variable in variables
    }


def _unquoted(literal: str) -> str:
    """Return a value, which pip prints as a Python literal."""
    try:
        return str(ast.literal_eval(literal))
    except (SyntaxError, ValueError):
        return literal


def _value(variable: str, text: str) -> str:
    words = text.split()
    return ",".join(words) if variable == "UV_FIND_LINKS" else " ".join(words)


@cache
def _config_lines() -> tuple[str, ...]:
    """Return pip's settings from its files and the environment."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    completed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return tuple(completed.stdout.splitlines())
