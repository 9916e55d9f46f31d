"""Run by the Python that has parliament: prints its findings about NUMBER.json files of a folder.

Its own command does the same for all files at once, but mixes up whose finding it was: what has
no place in a policy gets that of the first one (a mutable default argument, in 1.6.4).

And of a statement with an action that it does not know it looks at nothing else, so that an
accepted one would hide the rest. So it is asked again, without that action.
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
    """A JSON a line: which file, and what about it."""
    override_config(Path(parliament.__file__).parent / "community_auditors/config_override.yaml")
    for file in sorted(folder.glob("*.json"), key=lambda path: int(path.stem)):
        findings = _findings(file.read_text(encoding="utf-8"), str(file))
        print(json.dumps({"read": int(file.stem)}))
        for each in map(enhance_finding, findings):
            print(json.dumps({"file": int(file.stem), **_told(each)}))


def _findings(text: str, name: str) -> list:
    known = _known(text)
    if known == text:
        return _analyzed(text, name)
    unknown = [each for each in _analyzed(text, name) if each.issue in UNKNOWN]
    return [*unknown, *_analyzed(known, name)]


def _analyzed(text: str, name: str) -> list:
    return analyze_policy_string(
        text,
        name,
        ignore_private_auditors=True,
        include_community_auditors=True,
        config=config,
    ).findings


def _known(text: str) -> str:
    """The policy without actions that parliament does not know, each statement on its line."""
    head, *statements, tail = text.splitlines()
    return "\n".join([head, *map(_of_known, statements), tail, ""])


def _of_known(line: str) -> str:
    statement = json.loads(line.rstrip(","))
    actions = statement.get("Action", [])
    known = [one for one in ([actions] if isinstance(actions, str) else actions) if _is_known(one)]
    if not known or known in (actions, [actions]):
        return line
    return json.dumps({**statement, "Action": known}) + ("," if line.endswith(",") else "")


def _is_known(action: str) -> bool:
    try:
        expand_action(action)
    except (UnknownActionException, UnknownPrefixException):
        return False
    return True


def _told(finding) -> dict[str, object]:
    where = finding.location
    return {
        "issue": finding.issue,
        "title": finding.title,
        "detail": str(finding.detail or finding.description),
        "line": where.get("line") or where.get("lineno"),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
