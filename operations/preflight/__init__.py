"""Check, without changing anything, whether the first deploy to an account would succeed.

`run` runs the checks of `CHECKS`. Each reads the account, compares it with what the templates of
the stacks that are not deployed need, and yields what has to be done first.
"""

from __future__ import annotations

from operations.preflight.billing import billing
from operations.preflight.checks import Check, Planned, run
from operations.preflight.domain import domain
from operations.preflight.names import names
from operations.preflight.offers import database, zones
from operations.preflight.permissions import permissions
from operations.preflight.quotas import quotas
from operations.preflight.service_roles import service_roles

CHECKS = (
    Check("permissions", "the caller may create and delete every resource", permissions),
    Check("service roles", "every service-linked role exists", service_roles),
    Check("quotas", "the quotas suffice", quotas),
    Check("domain", "the hosted zone is in the account", domain),
    Check("names", "no name is taken", names),
    Check("zones", "the region has enough availability zones", zones),
    Check("database", "RDS offers the instance class and version", database),
    Check("billing", "the caller can read budgets", billing),
)

__all__ = ["CHECKS", "Check", "Planned", "run"]
