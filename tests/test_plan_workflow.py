"""The comment of the plan workflow: one for each environment, updated and never repeated."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from deployer.report.offline_plan_markdown import marker
from deployer.template_yaml import load

WORKFLOW = load((Path(__file__).parents[1] / ".github" / "workflows" / "plan.yml").read_text())
COMMENT = WORKFLOW["jobs"]["comment"]
# A gh that prints the ids in $IDS for a listing, and records all other calls.
GH = """#!/bin/sh
case "$*" in
    *--paginate*) printf '%s' "$IDS" ;;
    *) echo "$*" >> "$CALLS" ;;
esac
"""


def post(folder: Path, ids: str = "", title: str = "### prod: 1 changed") -> list[str]:
    """Run the script of the comment with one plan, and return the calls that write."""
    (folder / "plans").mkdir()
    (folder / "plans" / "prod.md").write_text(f"{marker('prod')}\n{title}\n")
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    calls = folder / "calls"
    calls.touch()
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "REPOSITORY": "o/r",
        "NUMBER": "7",
        "IDS": ids,
        "CALLS": str(calls),
    }
    script = COMMENT["steps"][-1]["run"]
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return calls.read_text().splitlines()


def test_the_first_comment_is_created(tmp_path: Path) -> None:
    """Without a comment of the environment, one is created."""
    assert post(tmp_path) == [
        "api --silent --method POST repos/o/r/issues/7/comments -F body=@plans/prod.md"
    ]


def test_a_later_plan_updates_the_comment(tmp_path: Path) -> None:
    """The first comment of the environment is updated, even if there are several."""
    assert post(tmp_path, "11\n12\n") == [
        "api --silent --method PATCH repos/o/r/issues/comments/11 -F body=@plans/prod.md"
    ]


def test_no_changes_need_no_comment(tmp_path: Path) -> None:
    """A plan without changes only updates a comment."""
    assert post(tmp_path, title="### prod: no changes") == []


def test_a_file_without_marker_is_refused(tmp_path: Path) -> None:
    """A file that is not a plan is not posted."""
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a.md").write_text("hello\n")

    done = subprocess.run(
        ["bash", "-e", "-c", COMMENT["steps"][-1]["run"]], cwd=tmp_path, check=False
    )

    assert done.returncode == 1


def test_only_the_job_without_code_may_write() -> None:
    """The job that runs code of the pull request reads; the one that writes has no checkout."""
    writing = {
        name: job
        for name, job in WORKFLOW["jobs"].items()
        if "write" in json.dumps(job["permissions"])
    }

    assert [*writing] == ["comment"]
    assert "checkout" not in json.dumps(COMMENT["steps"])
    assert "./inv" not in json.dumps(COMMENT["steps"])
    assert "head.repo.full_name == github.repository" in COMMENT["if"]
    assert WORKFLOW["permissions"] == {}
