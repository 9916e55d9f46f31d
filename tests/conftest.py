"""Settings of every test run."""

from __future__ import annotations

import hypothesis
import pytest

FULL_DEPLOYMENT = "tests/end_to_end/full_deployment/"

# On a busy machine any example may take longer than the default deadline of 200 ms.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one worker, and so the files that share the full deployment."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return FULL_DEPLOYMENT if file.startswith(FULL_DEPLOYMENT) else file

    return ByFile(config, log) if config.getoption("dist") == "loadscope" else None
