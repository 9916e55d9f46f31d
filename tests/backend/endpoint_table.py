"""All endpoints over PostgreSQL, with a request that succeeds for a member.

In a path, tests replace POST by the id of a post of Andrew, and ANDREW by his handle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cruddur.endpoints import Access


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the API, and requests to it."""

    method: str
    path: str
    access: Access
    body: dict[str, Any] | None = None
    is_list: bool = False
    query: str = ""
    missing: tuple[str, ...] = ()
    """The codes of the errors of an empty object, or of an empty query string."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


PUBLIC, OPTIONAL, REQUIRED = Access.PUBLIC, Access.OPTIONAL, Access.REQUIRED
_PROFILE = {"display_name": "Andrew", "bio": "A bio"}

ENDPOINTS = [
    Endpoint("GET", "/api/health-check", PUBLIC),
    Endpoint("GET", "/api/ready", PUBLIC),
    Endpoint("GET", "/api/activities/home", OPTIONAL, is_list=True),
    Endpoint("GET", "/api/activities/notifications", REQUIRED, is_list=True),
    Endpoint(
        "GET",
        "/api/activities/search",
        OPTIONAL,
        is_list=True,
        query="term=hello",
        missing=("search_term_blank",),
    ),
    Endpoint(
        "POST",
        "/api/activities",
        REQUIRED,
        body={"message": "Hello", "ttl": "7-days"},
        missing=("message_blank", "ttl_blank"),
    ),
    Endpoint(
        "POST",
        "/api/activities/POST/reply",
        REQUIRED,
        body={"message": "Hello"},
        missing=("message_blank",),
    ),
    Endpoint("PUT", "/api/activities/POST/like", REQUIRED),
    Endpoint("DELETE", "/api/activities/POST/like", REQUIRED),
    Endpoint("PUT", "/api/activities/POST/repost", REQUIRED),
    Endpoint("DELETE", "/api/activities/POST/repost", REQUIRED),
    Endpoint("GET", "/api/activities/@ANDREW", OPTIONAL, is_list=True),
    Endpoint("GET", "/api/activities/@ANDREW/status/POST", OPTIONAL, is_list=True),
    Endpoint("GET", "/api/users/@ANDREW/short", PUBLIC),
    Endpoint("GET", "/api/profile", REQUIRED),
    Endpoint(
        "PUT", "/api/profile/update", REQUIRED, body=_PROFILE, missing=("display_name_blank",)
    ),
    Endpoint(
        "POST", "/api/profile/update", REQUIRED, body=_PROFILE, missing=("display_name_blank",)
    ),
]
