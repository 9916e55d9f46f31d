"""Let posts of the running application expire, without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.database import MIGRATOR

if TYPE_CHECKING:
    from tests.end_to_end.deployed import Deployed


def expire_post(deployed: Deployed, post_uuid: str) -> None:
    """Move the creation and the expiry of a post two hours into the past."""
    with deployed.connect_with_token(MIGRATOR) as connection:
        connection.execute(
            "UPDATE activities SET created_at = created_at - interval '2 h', "
            "expires_at = expires_at - interval '2 h' WHERE uuid = %s",
            (post_uuid,),
        )
