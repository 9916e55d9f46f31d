"""The deletions of a destroy as text."""

from __future__ import annotations

from deployer.report import Style, deletions_text
from tests.deployer.report.samples import DELETIONS, listening


def test_what_is_deleted_and_what_is_kept() -> None:
    """A line per stack; below it each resource that holds data, and what must be confirmed."""
    assert deletions_text(DELETIONS).splitlines() == [
        "crd-x-messages  delete  CREATE_COMPLETE in ca-central-1",
        "                lost: Table (AWS::DynamoDB::Table): its data is deleted",
        "                kept: Bucket (AWS::S3::Bucket): it stays, and CloudFormation forgets it",
        "                is protected: needs --confirm=crd-x-messages",
        "crd-x-old       delete  CREATE_COMPLETE in ca-central-1, no longer a layer",
        "2 stacks to delete",
    ]


def test_nothing() -> None:
    """An account without stacks of the environment."""
    assert "nothing to delete\n" == deletions_text(())


def test_lost_data_is_red() -> None:
    """On a terminal the eye finds it first."""
    text = deletions_text(DELETIONS, style=Style(colour=True))

    assert "\x1b[1;31mlost:" in text
    assert "\x1b[33mkept:" in text


def test_a_reporter_shows_the_same() -> None:
    """It is shown before the question."""
    told, stream, _ = listening()

    told.deletions(DELETIONS)

    assert deletions_text(DELETIONS) == stream.getvalue()
