"""The stacks and the service role of this project's releases."""

from __future__ import annotations

from deployer.releases import ReleaseLimits

# The manual stacks define permissions: of a release, or of the publisher of the site.
LIMITS = ReleaseLimits(
    manual_stacks=("foundation", "pipeline", "site-publisher"),
    role_stack="foundation",
    role_output="ReleaseRole",
)
