"""Settings of every test run."""

from __future__ import annotations

import gc

import hypothesis
import pytest

# `./inv test --fast` leaves out these folders, the tests that use the emulator, and those that are
# marked as thorough.
THOROUGH = ("tests/bench", "tests/emulator", "tests/end_to_end", "tests/scanners")
# The files of these folders run in one worker, because they share a deployment or a database.
ONE_WORKER = ("tests/backend/", "tests/end_to_end/full_deployment/")

# On a busy machine any example may take longer than the default deadline of 200 ms, and the
# generation of examples longer than hypothesis allows.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


# Collected tests and imported modules are never garbage, and are millions of objects: without this,
# garbage collection takes a fifth of the CPU time of fast tests. See docs/benchmarks.md.
gc.disable()


def pytest_collection_finish():
    """Collect garbage from now on, without examining the objects that exist before the tests."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark thorough tests by folder and fixture before pytest applies `-m`."""
    for item in items:
        if item.nodeid.startswith(THOROUGH) or "server" in item.fixturenames:
            item.add_marker("thorough")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Run the tests of a file in one worker, and all files of each folder of ONE_WORKER in one."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return next((folder for folder in ONE_WORKER if file.startswith(folder)), file)

    return ByFile(config, log) if config.getoption("dist") == "loadscope" else None
