"""Check, without changing anything, whether the first deploy to an account would succeed.

`run` runs the checks of `CHECKS`. Each reads the account, compares it with what the templates of
the stacks that are not deployed need, and yields what has to be done first.
"""

from __future__ import annotations

from operations.preflight.billing import billing
from operations.preflight.build_quotas import builds
from operations.preflight.checks import Check, Planned, run
from operations.preflight.clock_skew import clock
from operations.preflight.connection import connection
from operations.preflight.domain import domain
from operations.preflight.email import email
from operations.preflight.holds import holds
from operations.preflight.names import names
from operations.preflight.offers import database, zones
from operations.preflight.permissions import permissions
from operations.preflight.quotas import quotas
from operations.preflight.resource_types import resource_types
from operations.preflight.service_roles import service_roles

CHECKS = (
    Check("clock", "the clock agrees with that of AWS", clock),
    Check("permissions", "the caller may create and delete every resource", permissions),
    Check("service roles", "every service-linked role exists", service_roles),
    Check("quotas", "the quotas suffice", quotas),
    Check("builds", "CodeBuild starts builds in every environment of the projects", builds),
    Check("domain", "the hosted zone is in the account and serves the domain", domain),
    Check("names", "no name that must be unique is taken in the account", names),
    Check("types", "CloudFormation has every resource type", resource_types),
    Check("zones", "the region has enough availability zones", zones),
    Check("database", "RDS offers the instance class and version", database),
    Check("billing", "the caller can read budgets", billing),
    Check("email", "SES can send the emails, or none is sent with it", email),
    Check("connection", "no connection has to be authorized", connection),
    Check("holds", "the account has used CloudFront, CodeBuild and load balancers before", holds),
)

__all__ = ["CHECKS", "Check", "Planned", "run"]
