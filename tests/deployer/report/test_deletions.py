"""The deletions of a destroy as text."""

from __future__ import annotations

from deployer.report import Style, deletions_text
from tests.deployer.report.samples import DELETIONS, make_reporter


def test_deleted_and_retained_data() -> None:
    """Each stack has a line, followed by its resources with data and the required confirmation."""
    assert deletions_text(DELETIONS).splitlines() == [
        "crd-x-messages  delete  CREATE_COMPLETE in ca-central-1",
        "                lost: Table (AWS::DynamoDB::Table): its data is deleted",
        "                kept: Bucket (AWS::S3::Bucket): it is retained, outside of any stack",
        "                is protected: needs --confirm=crd-x-messages",
        "crd-x-old       delete  CREATE_COMPLETE in ca-central-1, no longer in layers()",
        "2 stacks to delete",
    ]


def test_nothing() -> None:
    """An account without stacks of the environment has nothing to delete."""
    assert deletions_text(()) == "nothing to delete\n"


def test_lost_data_is_red() -> None:
    """Lost data is red, retained data is yellow."""
    text = deletions_text(DELETIONS, style=Style(colour=True))

    assert "\x1b[1;31mlost:" in text
    assert "\x1b[33mkept:" in text


def test_a_reporter_shows_the_same() -> None:
    """A reporter shows the same text as `destroy --dry-run`."""
    reporter, stream, _ = make_reporter()

    reporter.deletions(DELETIONS)

    assert deletions_text(DELETIONS) == stream.getvalue()
