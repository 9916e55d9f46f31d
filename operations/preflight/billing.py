"""Check that budgets can be created: in a new account, IAM users and roles cannot access billing."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned

BUDGET = "AWS::Budgets::Budget"
REGION = "us-east-1"  # The only endpoint of AWS Budgets.
_REFUSED = {"AccessDenied", "AccessDeniedException"}


def billing(planned: Planned) -> Iterator[Finding]:
    """Find out whether AWS Budgets refuses the caller.

    It would also refuse to create a budget, and CloudFormation would roll back the whole stack.
    """
    if not planned.of(BUDGET):
        return
    target = planned.target
    try:
        target.account.client("budgets", REGION).describe_budgets(AccountId=target.env.account)
    except CloudError as error:
        if error.aws_code not in _REFUSED:
            raise
        yield Finding(
            "manual",
            "AWS Budgets refuses the caller",
            "as the root user, activate IAM access on the page Account of the Billing console, or"
            " set monthly_budget_usd = 0 in [monitoring]",
        )
