"""The table of rules as a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.policy.model import Rule
from deployer.policy.rules import RULES

_TOP = """\
# The rules of our own

<!-- Generated: `.venv/bin/python -m deployer.policy > docs/policy.md`. Edit deployer/policy/. -->

What `./inv lint` asks of the templates of each environment besides cfn-lint: what no linter can
know of this system, or knows and does not say. They see all stacks of an environment at once, and
cost milliseconds. A value is compared in one spelling: `443` and `"443"`, a parameter and its
default, `Fn::Join`, `Fn::Sub` and the text that they make are the same, and both branches of
`Fn::If` are looked at (`deployer/policy/normalization.py`).

A finding we live with stands in `deployer/lint/exemptions.toml`, with its reason and a date; one
that nothing needs any more is a finding itself (L0001). To add a rule: a function in the module of
its family in `deployer/policy/`, a line in `rules.py`, and a template that is clean and one that
is not in `tests/deployer/policy/`.

Sources: §2 and the like are parts of the project's security notes, D and A rows of their tables;
EC2.18 is a control of Security Hub, CKV_AWS_24 of checkov, CT.EC2.PR.3 of Control Tower, APIG4 of
cdk-nag. A defect is one of the system that this one replaces.
"""


def markdown(rules: Sequence[Rule] = RULES) -> str:
    """The whole page."""
    rows = [f"| {rule.id} | {rule.sentence} | {rule.source} |\n" for rule in rules]
    return f"{_TOP}\n| rule | what has to be so | source |\n|---|---|---|\n{''.join(rows)}"
