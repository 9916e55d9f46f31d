"""The stacks and the service role of this project's releases."""

from __future__ import annotations

from deployer.releases import ReleaseLimits

# Each of the manual stacks defines permissions: of a release, or of who publishes the site.
LIMITS = ReleaseLimits(
    manual_stacks=("foundation", "pipeline", "site-publisher"),
    role_stack="foundation",
    role_output="ReleaseRole",
)
