"""Generate docs/policy.md from the table of rules."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.policy.model import Rule
from deployer.policy.rules import RULES

_TOP = """\
# Policy rules

<!-- Generated: `.venv/bin/python -m deployer.policy > docs/policy.md`. Edit deployer/policy/. -->

`./inv lint` checks the templates of each environment with cfn-lint and with these rules. The rules
cover requirements of this project, and cases that cfn-lint does not report. They see all stacks of
an environment at once, and take milliseconds. Values are normalized before they are compared: `443`
and `"443"` are equal, as are a parameter and its default, or `Fn::Join`, `Fn::Sub` and the text that
they result in. Both branches of `Fn::If` are checked (`deployer/policy/normalization.py`).

A finding has the line of the stack file or of the template in `build/`, and names the function or
class that solves it, if there is one. A deployment to an account refuses every finding. In the
emulator, findings of these rules are warnings; findings of cfn-lint stop the deployment there too.

To accept a finding, add an exemption with its reason and a date to `deployer/lint/exemptions.toml`.
An exemption that matches no finding is a finding itself (L0001). To add a rule, write a function in
the module of its subject in `deployer/policy/`, a row in `rules.py`, and a template without and one
with a violation in `tests/deployer/policy/`.

Sources: § is a chapter, and D and A are table rows, of the security notes of the project, which are
not in this repository. EC2.18 is a control of Security Hub, CKV_AWS_24 of checkov, CT.EC2.PR.3 of
Control Tower, APIG4 of cdk-nag. Defects are those of the original system: see
[parity.md](parity.md#defects).
"""


def markdown(rules: Sequence[Rule] = RULES) -> str:
    """Return the page."""
    rows = "".join(map(_row, rules))
    return f"{_TOP}\n| rule | requirement | solution | source |\n|---|---|---|---|\n{rows}"


def _row(rule: Rule) -> str:
    solution = f"`{rule.solution}`" if rule.solution else ""
    return f'| <a id="{rule.id}"></a>{rule.id} | {rule.sentence} | {solution} | {rule.source} |\n'
