"""The stacks whose permissions are tested."""

import pytest
from msgspec.structs import replace

from tests.stacks.templates import config_of, emit


@pytest.fixture(scope="module")
def all_stacks():
    """All stacks of `prod`, with every optional resource.

    The environment is not protected, because ECS Exec is refused in a protected one.
    """
    config = config_of("prod")
    env = replace(config.env, protect=False)
    cluster = replace(config.cluster, access_logs=True)
    cdn = replace(config.cdn, access_logs=True)
    service = replace(config.service, enable_exec=True, secrets=("ROLLBAR_ACCESS_TOKEN",))
    verifier = replace(service, name="verifier", image="verifier", port=5555)
    changes = {"env": env, "cluster": cluster, "cdn": cdn, "service": service}
    return emit(replace(config, **changes, verifier=verifier))
