"""Names of operations, and what MiniStack looks up for them."""

import pytest

from emulator.access import operation_names


@pytest.mark.parametrize(("name", "expected"), [("emulator", False), ("s3", True), ("s4", False)])
def test_service_names(name, expected):
    """MiniStack is asked for every name but that of admin requests, which would be slow."""
    asked = []

    def is_aws_service(name):
        asked.append(name)
        return name == "s3"

    assert operation_names._without_admin_requests(is_aws_service)(name) is expected
    assert asked == ([] if name == "emulator" else [name])
