"""The tag of an image is a commit; tests/commands/test_image.py builds images."""

from __future__ import annotations

import pytest

from deployer.errors import GuardError
from operations.image import Source, refuse_dirty

pytestmark = pytest.mark.thorough

COMMIT = "0123456789abcdef"


def test_the_tag() -> None:
    """The tag is the commit, with a suffix if there are uncommitted changes."""
    assert Source(COMMIT, is_dirty=False).tag == COMMIT
    assert Source(COMMIT, is_dirty=True).tag == f"{COMMIT}-dirty"


def test_uncommitted_changes_are_refused() -> None:
    """A push of uncommitted changes is refused; the error names the commit."""
    refuse_dirty(Source(COMMIT, is_dirty=False))

    with pytest.raises(
        GuardError, match="backend/ or lambdas/shared/ differs from commit 0123456789ab"
    ):
        refuse_dirty(Source(COMMIT, is_dirty=True))
