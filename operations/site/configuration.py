"""The configuration of the built site: the addresses of an environment, and no secrets.

A build contains no addresses, so that every environment publishes the same files. The site reads
config.json, which `site.sync` writes for the environment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from operations import addresses, project

if TYPE_CHECKING:
    from operations.target import Target

OUTPUTS = {"users": ("Pool", "Client"), "avatars": ("Api", "ApiDomain")}


def content(target: Target) -> bytes:
    """Return config.json for an environment; frontend/src/configuration.ts reads it."""
    return f"{json.dumps(configuration(target), indent=2)}\n".encode()


def configuration(target: Target) -> dict[str, str]:
    """Return the configuration. Raise CloudError if a stack that it needs is not deployed."""
    outputs = target.outputs(OUTPUTS)
    endpoint = target.account.url
    if endpoint:
        cognito = f"{endpoint}/"
        uploads = f"{endpoint}/_aws/execute-api/{outputs['avatars', 'Api']}/$default"
    else:
        cognito = f"https://cognito-idp.{target.env.region}.amazonaws.com/"
        uploads = f"https://{outputs['avatars', 'ApiDomain']}"
    return {
        "api": addresses.url(target, "api."),
        "assets": addresses.url(target, "assets."),
        "cognito": cognito,
        "traces": project.settings(target.environment).cdn.traces_url,
        "uploads": uploads,
        "userPool": outputs["users", "Pool"],
        "userPoolClient": outputs["users", "Client"],
    }
