"""Record new avatars of users, so that the addresses of their avatars change.

The SNS notification of a new avatar has an avatar id, which is derived from the Cognito id of a user and cannot be
reversed. So the avatar ids of users are stored in PostgreSQL when the first notification needs them.
The Lambda function post_confirmation, which adds users, cannot store the ids: it may be deployed
before the migration that adds the column.
"""

from __future__ import annotations

from uuid import UUID

from cruddur.database import Database, Transaction
from cruddur.statements import Statement
from shared.avatars import avatar_id

_UPDATE = Statement("sql/update_avatar_version.sql")
_EXISTS = Statement("sql/avatar_exists.sql")
_WITHOUT_ID = Statement("sql/users_without_avatar_uuid.sql")
_SET_IDS = Statement("sql/set_avatar_uuids.sql")

_BATCH = 500


def record(database: Database, avatar_uuid: str, version: str) -> bool:
    """Record the *version* of an avatar; return whether a user has the avatar id *avatar_uuid*.

    A version is the padded S3 sequencer of the upload, so the order of texts is that of uploads. An older or equal version changes nothing, so notifications may
    arrive repeatedly and in any order. Raises ProblemError 503 while a user's row stays locked.
    """
    parameters = {"avatar_uuid": avatar_uuid, "version": version}
    with database.transaction() as transaction:
        all_stored = False
        # The last check is after the last batch: a concurrent transaction may have stored the id.
        while not transaction.one(_EXISTS, parameters, bool):
            if all_stored:
                return False
            all_stored = not _store_ids(transaction)
        transaction.execute(_UPDATE, parameters)
        return True


def _store_ids(transaction: Transaction) -> bool:
    """Store the avatar ids of up to _BATCH users without a stored id; return whether there were any."""
    users = transaction.all(_WITHOUT_ID, {"limit": _BATCH}, lambda uuid, sub: (uuid, sub))
    if not users:
        return False
    ids = [UUID(avatar_id(sub)) for _, sub in users]
    transaction.execute(_SET_IDS, {"users": [uuid for uuid, _ in users], "avatars": ids})
    return True
