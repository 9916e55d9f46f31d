"""Print docs/policy.md: `python -m deployer.policy > docs/policy.md`."""

from __future__ import annotations

import sys

from deployer.policy.rules_page import markdown

sys.stdout.write(markdown())
