"""Run by the Python that has parliament: prints its findings about NUMBER.json files of a folder.

Its own command does the same for all files at once, but mixes up whose finding it was: what has
no place in a policy gets that of the first one (a mutable default argument, in 1.6.4).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import parliament
from parliament import analyze_policy_string, config, enhance_finding, override_config


def main(folder: Path) -> None:
    """A JSON a line: which file, and what about it."""
    override_config(Path(parliament.__file__).parent / "community_auditors/config_override.yaml")
    for file in sorted(folder.glob("*.json"), key=lambda path: int(path.stem)):
        policy = analyze_policy_string(
            file.read_text(encoding="utf-8"),
            str(file),
            ignore_private_auditors=True,
            include_community_auditors=True,
            config=config,
        )
        print(json.dumps({"read": int(file.stem)}))
        for each in map(enhance_finding, policy.findings):
            print(json.dumps({"file": int(file.stem), **_told(each)}))


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
