"""Read and write posts, likes and reposts in PostgreSQL."""

from __future__ import annotations

from enum import Enum
from typing import Any
from uuid import UUID

from cruddur import limits
from cruddur.activities.models import NewPost, NewReply, Profile, Reactions
from cruddur.avatars import with_avatar_url
from cruddur.database import Database, MissingReferenceError, Transaction
from cruddur.idempotency import key_reused
from cruddur.identity import Identity
from cruddur.members import member_uuid
from cruddur.pages import NEWEST, OLDEST, PageQuery, Position, cut, position
from cruddur.posts import Post, PostPage, position_of
from cruddur.problems import ProblemError, not_found
from cruddur.services import Services
from cruddur.statements import Statement

_HOME = Statement("activities/sql/home.sql")
# The best plan for a frequent word differs from the one for a rare word.
_SEARCH = Statement("activities/sql/search.sql", prepare=False)
_POSTS_OF_USER = Statement("activities/sql/posts_of_user.sql")
_REPLIES = Statement("activities/sql/replies.sql")
_ACTIVITY = Statement("activities/sql/activity.sql")
_SAME_REQUEST = Statement("activities/sql/same_request.sql")
_PROFILE = Statement("activities/sql/profile.sql")
_CREATE = Statement("activities/sql/create.sql")
_REPLY = Statement("activities/sql/reply.sql")


class Reaction(Enum):
    """A like or a repost of a post; the values are the names of SQL files."""

    LIKE = "like"
    REPOST = "repost"


_ADD = {reaction: Statement(f"activities/sql/{reaction.value}.sql") for reaction in Reaction}
_REMOVE = {
    reaction: Statement(f"activities/sql/undo_{reaction.value}.sql") for reaction in Reaction
}


def home(services: Services, viewer: Identity | None, query: PageQuery) -> PostPage:
    """Return the newest posts of all users."""
    return _page(services, _HOME, viewer, query, NEWEST)


def search(services: Services, viewer: Identity | None, term: str, query: PageQuery) -> PostPage:
    """Return the newest posts and replies that contain all words of *term*."""
    return _page(services, _SEARCH, viewer, query, NEWEST, term=term)


def posts_of_user(
    services: Services, viewer: Identity | None, user: UUID, query: PageQuery
) -> PostPage:
    """Return the newest posts of a user."""
    return _page(services, _POSTS_OF_USER, viewer, query, NEWEST, user_uuid=user)


def replies(
    services: Services, viewer: Identity | None, activity_uuid: str, query: PageQuery
) -> PostPage:
    """Return the replies to a post, the oldest first."""
    return _page(services, _REPLIES, viewer, query, OLDEST, activity_uuid=activity_uuid)


def profile(services: Services, handle: str) -> Profile:
    """Return the profile of a user. Raises ProblemError 404 if no user has *handle*."""
    to_profile = with_avatar_url(Profile, services.settings.assets_url)
    found = services.database.one(_PROFILE, {"handle": handle}, to_profile)
    if found is None:
        raise not_found("user_not_found", "handle", "There is no user with this handle.")
    return found


def post(services: Services, viewer: Identity | None, activity_uuid: str, handle: str) -> Post:
    """Return a post or a reply of the user with *handle*.

    Raises ProblemError 404 if the user has no such post.
    """
    found = _find(services.database, services, viewer, activity_uuid)
    if found is None or found.handle.lower() != handle.lower():
        raise _no_post()
    return found


def create(services: Services, author: Identity, new: NewPost) -> Post:
    """Add a post and return it."""
    with services.database.transaction() as transaction:
        parameters = {
            "user_uuid": member_uuid(transaction, author),
            "message": new.message,
            "lifetime": limits.LIFETIMES[new.ttl],
            "activity_uuid": None,  # A post is not a reply: same_request.sql compares this.
            "uuid": new.idempotency_key,
        }
        return _add(services, transaction, author, _CREATE, parameters)


def reply(services: Services, author: Identity, activity_uuid: str, new: NewReply) -> Post:
    """Add a reply to a post and return it. Raises ProblemError 404 if the post is not visible."""
    try:
        with services.database.transaction() as transaction:
            parameters = {
                "user_uuid": member_uuid(transaction, author),
                "message": new.message,
                "activity_uuid": activity_uuid,
                "uuid": new.idempotency_key,
            }
            return _add(services, transaction, author, _REPLY, parameters)
    except MissingReferenceError:  # A concurrent request deleted the post.
        raise _no_post() from None


def react(
    services: Services, user: Identity, activity_uuid: str, reaction: Reaction, *, undo: bool
) -> Reactions:
    """Add or remove a reaction, and return the reactions to the post.

    A repeated request changes nothing. Raises ProblemError 404 if the post is not visible.
    """
    statement = (_REMOVE if undo else _ADD)[reaction]
    try:
        with services.database.transaction() as transaction:
            member = member_uuid(transaction, user)
            transaction.execute(statement, {"user_uuid": member, "activity_uuid": activity_uuid})
            found = _find(transaction, services, user, activity_uuid)
    except MissingReferenceError:
        raise _no_post() from None
    if found is None:
        raise _no_post()
    return Reactions(
        uuid=found.uuid,
        replies_count=found.replies_count,
        reposts_count=found.reposts_count,
        likes_count=found.likes_count,
        liked=found.liked,
        reposted=found.reposted,
    )


def _page(
    services: Services,
    statement: Statement,
    viewer: Identity | None,
    query: PageQuery,
    first: Position,
    **parameters: Any,
) -> PostPage:
    """Return the posts after the cursor of *query*, or after *first* if there is no cursor."""
    parameters |= position(query, first).parameters
    parameters |= {"viewer": _viewer_id(viewer), "limit": query.limit + 1}
    rows = services.database.all(
        statement, parameters, with_avatar_url(Post, services.settings.assets_url)
    )
    return PostPage(*cut(rows, query.limit, position_of))


def _add(
    services: Services,
    transaction: Transaction,
    author: Identity,
    statement: Statement,
    parameters: dict[str, Any],
) -> Post:
    """Add a post with *statement*, and return the post as a later request would read it.

    A repeated request returns the post that the first request added. Raises ProblemError 404 if the
    post to reply to is not visible, and 409 if the idempotency key belongs to another request.
    """
    uuid = transaction.one(statement, parameters, str)
    if uuid is None and parameters["uuid"]:
        uuid = _uuid_of_same_request(transaction, parameters)
    added = None if uuid is None else _find(transaction, services, author, uuid)
    if added is None:
        raise _no_post()
    return added


def _uuid_of_same_request(transaction: Transaction, parameters: dict[str, Any]) -> str | None:
    """Return the id of the post that an earlier, equal request added, or None if there is no such post."""
    match transaction.one(_SAME_REQUEST, parameters, bool):
        case True:
            return str(parameters["uuid"])
        case False:
            raise key_reused()
        case _:
            return None


def _find(
    source: Database | Transaction, services: Services, viewer: Identity | None, activity_uuid: str
) -> Post | None:
    parameters = {"viewer": _viewer_id(viewer), "activity_uuid": activity_uuid}
    return source.one(_ACTIVITY, parameters, with_avatar_url(Post, services.settings.assets_url))


def _viewer_id(viewer: Identity | None) -> str | None:
    return viewer.cognito_user_id if viewer else None


def _no_post() -> ProblemError:
    detail = "There is no such post, or it has expired."
    return not_found("activity_not_found", "activity_uuid", detail)
