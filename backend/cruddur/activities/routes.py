"""The endpoints of posts, replies, likes and reposts."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint

from cruddur import services
from cruddur.activities import queries
from cruddur.activities.models import (
    NewPost,
    NewReply,
    ProfilePage,
    Reactions,
    SearchQuery,
    Thread,
)
from cruddur.activities.queries import Reaction
from cruddur.endpoints import Access, endpoint
from cruddur.identity import Identity
from cruddur.pages import PageQuery
from cruddur.posts import Post, PostPage

blueprint = Blueprint("activities", __name__, url_prefix="/api/activities")

_TAG = "activities"
_WRITE_ERRORS = (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
_REACTION_ERRORS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


@blueprint.get("/home")
@endpoint(Access.OPTIONAL, tag=_TAG)
def home(query: PageQuery, identity: Identity | None) -> PostPage:
    """List the newest posts of all users.

    With a token, each post also states whether the user likes or reposted it.
    """
    return queries.home(services.current(), identity, query)


@blueprint.get("/search")
@endpoint(Access.OPTIONAL, tag=_TAG)
def search(query: SearchQuery, identity: Identity | None) -> PostPage:
    """Search posts and replies for all words of a term.

    The last word of the term may be the beginning of a word. The newest posts are first.
    """
    page = PageQuery(query.cursor, query.limit)
    return queries.search(services.current(), identity, query.term, page)


@blueprint.post("")
@endpoint(Access.REQUIRED, tag=_TAG, errors=_WRITE_ERRORS)
def create(body: NewPost, identity: Identity) -> Post:
    """Write a post that expires after `ttl`."""
    return queries.create(services.current(), identity, body)


@blueprint.post("/<id:activity_uuid>/reply")
@endpoint(Access.REQUIRED, tag=_TAG, errors=(*_WRITE_ERRORS, HTTPStatus.NOT_FOUND))
def reply(activity_uuid: str, body: NewReply, identity: Identity) -> Post:
    """Write a reply to a post or to another reply; it expires with the post."""
    return queries.reply(services.current(), identity, activity_uuid, body)


@blueprint.put("/<id:activity_uuid>/like")
@endpoint(Access.REQUIRED, tag=_TAG, errors=_REACTION_ERRORS)
def like(activity_uuid: str, identity: Identity) -> Reactions:
    """Like a post. A second request changes nothing."""
    return _react(identity, activity_uuid, Reaction.LIKE)


@blueprint.delete("/<id:activity_uuid>/like")
@endpoint(Access.REQUIRED, tag=_TAG, errors=_REACTION_ERRORS)
def unlike(activity_uuid: str, identity: Identity) -> Reactions:
    """Remove a like. A second request changes nothing."""
    return _react(identity, activity_uuid, Reaction.LIKE, undo=True)


@blueprint.put("/<id:activity_uuid>/repost")
@endpoint(Access.REQUIRED, tag=_TAG, errors=_REACTION_ERRORS)
def repost(activity_uuid: str, identity: Identity) -> Reactions:
    """Repost a post. A second request changes nothing."""
    return _react(identity, activity_uuid, Reaction.REPOST)


@blueprint.delete("/<id:activity_uuid>/repost")
@endpoint(Access.REQUIRED, tag=_TAG, errors=_REACTION_ERRORS)
def undo_repost(activity_uuid: str, identity: Identity) -> Reactions:
    """Remove a repost. A second request changes nothing."""
    return _react(identity, activity_uuid, Reaction.REPOST, undo=True)


@blueprint.get("/@<handle:handle>")
@endpoint(Access.OPTIONAL, tag=_TAG, errors=(HTTPStatus.NOT_FOUND,))
def profile(handle: str, query: PageQuery, identity: Identity | None) -> ProfilePage:
    """Return the profile of a user, and their newest posts."""
    current = services.current()
    found = queries.profile(current, handle)
    return ProfilePage(found, queries.posts_of_user(current, identity, found.uuid, query))


@blueprint.get("/@<handle:handle>/status/<id:activity_uuid>")
@endpoint(Access.OPTIONAL, tag=_TAG, errors=(HTTPStatus.NOT_FOUND,))
def status(handle: str, activity_uuid: str, query: PageQuery, identity: Identity | None) -> Thread:
    """Return a post or a reply of a user, and its replies, the oldest first."""
    current = services.current()
    found = queries.post(current, identity, activity_uuid, handle)
    return Thread(found, queries.replies(current, identity, activity_uuid, query))


def _react(
    identity: Identity, activity_uuid: str, reaction: Reaction, *, undo: bool = False
) -> Reactions:
    return queries.react(services.current(), identity, activity_uuid, reaction, undo=undo)
