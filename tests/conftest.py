"""Settings of every test run."""

from __future__ import annotations

import hypothesis
import pytest

# `./inv test --fast` leaves out these folders, the tests that use the emulator, and those that are
# marked as thorough.
THOROUGH = ("tests/bench", "tests/emulator", "tests/end_to_end", "tests/scanners")
FULL_DEPLOYMENT = "tests/end_to_end/full_deployment/"

# On a busy machine any example may take longer than the default deadline of 200 ms, and the
# generation of examples longer than hypothesis allows.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark thorough tests by folder and fixture before pytest applies `-m`."""
    for item in items:
        if item.nodeid.startswith(THOROUGH) or "server" in item.fixturenames:
            item.add_marker("thorough")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Run the tests of a file in one worker, and all files that share the full deployment in one."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return FULL_DEPLOYMENT if file.startswith(FULL_DEPLOYMENT) else file

    return ByFile(config, log) if config.getoption("dist") == "loadscope" else None
