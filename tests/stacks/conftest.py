"""Fixtures that run a test for each environment."""

from __future__ import annotations

import functools

import pytest

from tests.stacks.templates import ENVIRONMENTS, config_of, emit


@pytest.fixture(params=ENVIRONMENTS)
def config(request):
    """Return the settings of each environment in turn."""
    return config_of(request.param)


@pytest.fixture
def emitted(config):
    """Return the stacks of each environment by name; they are cached, so do not modify them."""
    return _emitted(config.env.name)


@functools.cache
def _emitted(environment):
    return emit(config_of(environment))
