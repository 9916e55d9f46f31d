"""The settings of the application, from the environment that stacks/service.py defines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.endpoints import endpoint

# Every variable that a task must have; see stacks/service.py and stacks/parts/containers.py.
REQUIRED = (
    "FRONTEND_URL",
    "BACKEND_URL",
    "ASSETS_URL",
    "PGHOST",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "DDB_MESSAGE_TABLE",
    "AVATAR_TOPIC_ARN",
    "AWS_COGNITO_USER_POOL_ID",
    "AWS_COGNITO_USER_POOL_CLIENT_ID",
    "AWS_DEFAULT_REGION",
)

COLLECTOR_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"  # The collector of traces, if there is one.

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class SettingsError(Exception):
    """The environment is not valid; the message lists every fault."""


@dataclass(frozen=True)
class Settings:
    """Everything that differs between environments.

    URLs have no path and no trailing slash. *cognito_url* and *sns_url* are empty on AWS; the
    emulator sets them. *has_collector* is true if traces are exported.
    """

    frontend_url: str
    backend_url: str
    assets_url: str
    region: str
    user_pool: str
    user_pool_client: str
    message_table: str
    avatar_topic: str
    cognito_url: str = ""
    sns_url: str = ""
    has_collector: bool = False

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may call the API."""
        return frozenset({self.frontend_url, self.backend_url})

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings in *environ*. Raises SettingsError, with all faults."""
        if faults := list(_faults(environ)):
            raise SettingsError("; ".join(faults))
        return cls(
            frontend_url=environ["FRONTEND_URL"],
            backend_url=environ["BACKEND_URL"],
            assets_url=environ["ASSETS_URL"],
            region=environ["AWS_DEFAULT_REGION"],
            user_pool=environ["AWS_COGNITO_USER_POOL_ID"],
            user_pool_client=environ["AWS_COGNITO_USER_POOL_CLIENT_ID"],
            message_table=environ["DDB_MESSAGE_TABLE"],
            avatar_topic=environ["AVATAR_TOPIC_ARN"],
            cognito_url=endpoint(environ, "COGNITO_IDP"),
            sns_url=endpoint(environ, "SNS"),
            has_collector=bool(environ.get(COLLECTOR_VARIABLE)),
        )


def _faults(environ: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name}: is not set" for name in REQUIRED if not environ.get(name))
    for name in ("FRONTEND_URL", "BACKEND_URL", "ASSETS_URL"):
        value = environ.get(name)
        if value and not _ORIGIN.fullmatch(value):
            yield f'{name}: "{value}" is not an exact origin such as https://example.com'
    if environ.get("FLASK_DEBUG", "0").lower() not in {"", "0", "false", "no"}:
        yield "FLASK_DEBUG: is set: unset it, because the debugger executes code of visitors"
