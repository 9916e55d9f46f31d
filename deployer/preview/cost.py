"""Compare the monthly cost of templates, as far as `deployer.prices` has the prices."""

from __future__ import annotations

from deployer.model.template_tree import TemplateTree
from deployer.prices import PRICES


def cost_difference(before: TemplateTree | None, after: TemplateTree | None) -> float:
    """Return the difference in USD a month of what is charged without any use.

    A resource whose number of units depends on a reference or a condition is ignored.
    """
    return round(monthly_cost(after) - monthly_cost(before), 2)


def monthly_cost(tree: TemplateTree | None) -> float:
    """Return the cost in USD a month of a template and those nested in it."""
    if tree is None:
        return 0.0
    return sum(_cost(template) for _, template in tree.walk())


def _cost(template: TemplateTree) -> float:
    total = 0.0
    for resource in template.resources.values():
        for price in PRICES:
            if price.type == resource.get("Type"):
                try:
                    units = price.count(resource.get("Properties", {}), template.resources)
                except (KeyError, TypeError, ValueError):
                    continue  # A property is absent, or a reference.
                total += units * price.usd_per_month
    return total
