"""Print parliament's findings about the NUMBER.json files of a folder. Run by parliament's Python.

The command `parliament` cannot be used for several files: a finding without a location receives the
location of the first finding, because version 1.6.4 has a mutable default argument.

If parliament does not recognize an action, it does not check the other actions of the statement. An
accepted finding about that action would hide other findings, so the policy is checked again without
the action.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import parliament
from parliament import (
    UnknownActionException,
    UnknownPrefixException,
    analyze_policy_string,
    config,
    enhance_finding,
    expand_action,
    override_config,
)

UNKNOWN = {"UNKNOWN_ACTION", "UNKNOWN_PREFIX"}


def main(folder: Path) -> None:
    """Print a JSON line for each file that was read, and one for each finding."""
    override_config(Path(parliament.__file__).parent / "community_auditors/config_override.yaml")
    for file in sorted(folder.glob("*.json"), key=lambda path: int(path.stem)):
        findings = _findings(file.read_text(encoding="utf-8"), str(file))
        print(json.dumps({"read": int(file.stem)}))
        for finding in map(enhance_finding, findings):
            print(json.dumps({"file": int(file.stem), **_row(finding)}))


def _findings(text: str, name: str) -> list:
    known = _without_unknown_actions(text)
    if known == text:
        return _analyze(text, name)
    unknown = [finding for finding in _analyze(text, name) if finding.issue in UNKNOWN]
    return [*unknown, *_analyze(known, name)]


def _analyze(text: str, name: str) -> list:
    return analyze_policy_string(
        text,
        name,
        ignore_private_auditors=True,
        include_community_auditors=True,
        config=config,
    ).findings


def _without_unknown_actions(text: str) -> str:
    """Remove the actions that parliament does not know. Each statement stays on its line."""
    head, *statements, tail = text.splitlines()
    return "\n".join([head, *map(_known_statement, statements), tail, ""])


def _known_statement(line: str) -> str:
    statement = json.loads(line.rstrip(","))
    actions = statement.get("Action", [])
    actions = [actions] if isinstance(actions, str) else actions
    known = [action for action in actions if _is_known(action)]
    if not known or known == actions:
        return line
    return json.dumps({**statement, "Action": known}) + ("," if line.endswith(",") else "")


def _is_known(action: str) -> bool:
    try:
        expand_action(action)
    except (UnknownActionException, UnknownPrefixException):
        return False
    return True


def _row(finding) -> dict[str, object]:
    location = finding.location
    return {
        "issue": finding.issue,
        "title": finding.title,
        "detail": str(finding.detail or finding.description),
        "line": location.get("line") or location.get("lineno"),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
