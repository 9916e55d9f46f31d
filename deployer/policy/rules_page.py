"""Generate docs/policy.md from the table of rules."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.policy.model import Rule
from deployer.policy.rules import RULES

_TOP = """\
# Policy rules

<!-- Generated: `.venv/bin/python -m deployer.policy > docs/policy.md`. Edit deployer/policy/. -->

`./inv lint` checks the templates of each environment with cfn-lint and with these rules. The rules
cover requirements of this project, and cases that cfn-lint does not report. A rule receives all
stacks of an environment together, so it can follow imports. All rules take milliseconds. Values are
normalized before they are compared (`deployer/policy/normalization.py`): `443` equals `"443"`, a
parameter equals its default, and `Fn::Join` and `Fn::Sub` equal the text that they produce. Both
branches of `Fn::If` are checked.

A finding has the line of the stack file or of the template in `build/`. The column "solution" has
the function or class that satisfies the rule, if there is one; the finding names it too. A
deployment to an account stops at every finding. In the emulator, findings of these rules are only
warnings, but findings of cfn-lint stop the deployment.

To accept a finding, add an exemption with its reason and a date to `deployer/lint/exemptions.toml`.
An exemption that matches no finding is a finding itself (L0001).

To add a rule, write a function in the module of its subject in `deployer/policy/`, and add a row to
`rules.py`. In `tests/deployer/policy/`, add a template without a violation and one with a violation.

The column "source": EC2.18 is a control of Security Hub, CKV_AWS_24 of checkov, CT.EC2.PR.3 of
Control Tower, APIG4 of cdk-nag. [parity.md](parity.md#defects) lists the defects of the original
system. "this project" is a requirement without another source.
"""


def markdown(rules: Sequence[Rule] = RULES) -> str:
    """Return the page."""
    rows = "".join(map(_row, rules))
    return f"{_TOP}\n| rule | requirement | solution | source |\n|---|---|---|---|\n{rows}"


def _row(rule: Rule) -> str:
    solution = f"`{rule.solution}`" if rule.solution else ""
    return f'| <a id="{rule.id}"></a>{rule.id} | {rule.sentence} | {solution} | {rule.source} |\n'
