"""Every test of a stack that takes `config` or `emitted` runs for each environment."""

from __future__ import annotations

import functools

import pytest

from tests.stacks.templates import ENVIRONMENTS, config_of, emit


@pytest.fixture(params=ENVIRONMENTS)
def config(request):
    """The configuration of each environment in turn."""
    return config_of(request.param)


@pytest.fixture
def emitted(config):
    """The layers of each environment in turn, by name; made once, so nobody may change them."""
    return _emitted(config.env.name)


@functools.cache
def _emitted(environment):
    return emit(config_of(environment))
