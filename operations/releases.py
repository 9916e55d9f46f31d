"""The limits of this project's releases: the stack and the output with the release role."""

from __future__ import annotations

from deployer.releases import ReleaseLimits

LIMITS = ReleaseLimits(role_stack="foundation", role_output="ReleaseRole")
