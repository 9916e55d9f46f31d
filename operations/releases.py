"""The limits of this project's releases: the stacks that they skip, and their service role."""

from __future__ import annotations

from deployer.releases import ReleaseLimits
from stacks.permissions.resources import MANUAL_STACKS

LIMITS = ReleaseLimits(
    manual_stacks=MANUAL_STACKS,
    role_stack="foundation",
    role_output="ReleaseRole",
)
