"""A client of user pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator_server import Aws


@pytest.fixture
def cognito(aws: Aws) -> Iterator[Any]:
    """Yield a client of Cognito without credentials, as the users of the application have."""
    config = Config(signature_version=UNSIGNED)
    client = boto3.client(
        "cognito-idp", "ca-central-1", endpoint_url=aws.endpoint.url, config=config
    )
    yield client
    client.close()
