"""Tests of cruddur.app."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cruddur.app import create_app
from cruddur.settings import SettingsError
from tests.backend.clusters import ROOT
from tests.backend.environment import ENVIRONMENT


def test_the_environment_is_enough(monkeypatch):
    """The application starts from its environment alone, and connects to nothing."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGHOST", "/nowhere")

    assert create_app().test_client().get("/api/health-check").status_code == 200


def test_an_incomplete_environment(monkeypatch):
    """Without its variables the application does not start."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SettingsError, match="FRONTEND_URL: is not set; BACKEND_URL: is not set"):
        create_app()


def test_an_import_does_no_work():
    """Importing every module starts no thread and connects to nothing."""
    program = (
        "import pkgutil, sys, threading\n"
        "def refuse(event, arguments):\n"
        "    assert event not in ('socket.connect', 'socket.getaddrinfo'), arguments\n"
        "sys.addaudithook(refuse)\n"
        "import cruddur\n"
        "names = [m.name for m in pkgutil.walk_packages(cruddur.__path__, 'cruddur.')]\n"
        "for name in names: __import__(name)\n"
        "print(len(names) > 30, threading.active_count())\n"
    )
    path = f"{ROOT}/backend:{ROOT}/lambdas"
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": path, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (finished.stdout, finished.stderr) == ("True 1\n", "")
