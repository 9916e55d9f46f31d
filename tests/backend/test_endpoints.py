"""Tests of cruddur.endpoints: every endpoint over PostgreSQL, and every kind of request."""

from __future__ import annotations

import re
import uuid

import pytest

from cruddur.endpoints import Access, operation_of
from cruddur.limits import BODY_BYTES
from tests.backend.api import Api, Member, problem
from tests.backend.endpoint_table import ENDPOINTS, Endpoint
from tests.lambdas.access_tokens import access_token, claims

# Blueprints with tests of their own.
ELSEWHERE = {"messages", "webhooks"}

WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body]
LISTS = [endpoint for endpoint in ENDPOINTS if endpoint.is_list]


@pytest.fixture
def send(andrew: Member):
    """Send the request of an endpoint, by default a valid one."""
    post = andrew.post("/api/activities", {"message": "Hello", "ttl": "1-day"}).json["uuid"]

    def sent(client: Api, endpoint: Endpoint, **options):
        path = endpoint.path.replace("POST", post).replace("ANDREW", andrew.handle)
        query = "&".join(filter(None, (endpoint.query, options.pop("query", ""))))
        if endpoint.body and not options.keys() & {"json", "data"}:
            options["json"] = endpoint.body
        return client.send(endpoint.method, f"{path}?{query}", **options)

    return sent


def test_every_endpoint_is_in_the_table(application):
    """The table has the methods, the paths and the identities of all endpoints of PostgreSQL."""
    declared = {
        (method, _template(rule.rule), operation.access)
        for rule in application.url_map.iter_rules()
        if (operation := operation_of(application.view_functions[rule.endpoint]))
        and rule.endpoint.split(".")[0] not in ELSEWHERE
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(row.method, row.path, row.access) for row in ENDPOINTS} == declared


def _template(rule: str) -> str:
    path = re.sub(r"<handle:\w+>", "ANDREW", rule)
    return re.sub(r"<id:\w+>", "POST", path)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_anonymous_requests(send, api, endpoint):
    """An endpoint that needs a member refuses a request without a token, and no other does."""
    response = send(api, endpoint)

    if endpoint.access is Access.REQUIRED:
        assert problem(response) == (401, [("cognito_user_id_blank", "authorization")])
        assert response.headers["WWW-Authenticate"] == "Bearer"
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
@pytest.mark.parametrize("value", ["Bearer x", "Bearer ", "Basic dTpw", "", f"Bearer {'x' * 9000}"])
def test_invalid_tokens(send, api, endpoint, value):
    """An invalid token is refused, also where anonymous requests are allowed."""
    response = send(api, endpoint, headers={"Authorization": value})

    if endpoint.access is Access.PUBLIC:
        assert response.status_code == 200
    else:
        assert problem(response) == (401, [("token_invalid", "authorization")])


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_members(send, andrew, endpoint):
    """A member may send every request."""
    assert send(andrew, endpoint).status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_other_members(send, bayko, endpoint):
    """Another member may send every request: none of them changes an object of Andrew."""
    before = bayko.get("/api/activities/@andrewbrown").json["profile"]
    response = send(bayko, endpoint)
    after = bayko.get("/api/activities/@andrewbrown").json["profile"]

    assert (response.status_code, after) == (200, before)


@pytest.mark.parametrize(
    "endpoint", [row for row in ENDPOINTS if row.access is Access.REQUIRED], ids=str
)
def test_users_without_a_row(send, api, endpoint):
    """A user whose sign-up is not complete has empty lists, no profile, and cannot write."""
    stranger = access_token(claims(sub=str(uuid.uuid4())))
    response = send(api, endpoint, headers={"Authorization": f"Bearer {stranger}"})

    if endpoint.is_list:
        assert response.json == {"items": [], "next_cursor": None}
    else:
        assert problem(response) == (403, [("profile_missing", "authorization")])


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b'{"message": "\\ud800"}', b'{"message": 1}}', b"[" * 20_000, b"NaN"],
)
def test_bodies_that_are_not_json(send, andrew, endpoint, data):
    """A body that is not JSON is refused with 400."""
    response = send(andrew, endpoint, data=data, content_type="application/json")

    assert problem(response) == (400, [])


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
@pytest.mark.parametrize("data", ["[]", '"text"', "1", "null", '[{"message": "Hello"}]'])
def test_bodies_that_are_not_objects(send, andrew, endpoint, data):
    """JSON that is not an object is refused with 422."""
    response = send(andrew, endpoint, data=data, content_type="application/json")

    assert problem(response) == (422, [("body_invalid", "")])


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_missing_fields(send, andrew, endpoint):
    """Each missing field is reported, with the code of the original application."""
    expected = [(code, code.removesuffix("_blank")) for code in endpoint.missing]

    assert problem(send(andrew, endpoint, json={})) == (422, expected)


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
@pytest.mark.parametrize("value", [1, True, [], {}, 1.5])
def test_fields_of_another_type(send, andrew, endpoint, value):
    """Each field of another type is reported."""
    fields = list(endpoint.body)

    response = send(andrew, endpoint, json=dict.fromkeys(fields, value))

    assert problem(response) == (422, [(f"{field}_invalid", field) for field in fields])


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_unknown_fields_are_ignored(send, andrew, endpoint):
    """Fields that the endpoint does not have, such as the author, have no effect."""
    extra = {"uuid": str(uuid.uuid4()), "user_uuid": "x", "handle": "bayko", "likes_count": 9}

    response = send(andrew, endpoint, json=endpoint.body | extra)

    assert (response.status_code, response.json["handle"]) == (200, "andrewbrown")
    assert response.json.get("likes_count", 0) == 0


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_bodies_above_the_limit(send, andrew, endpoint):
    """A body above the limit is refused with 413."""
    body = endpoint.body | {"ignored": "x" * BODY_BYTES}

    assert problem(send(andrew, endpoint, json=body)) == (413, [])


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
)
def test_other_content_types(send, andrew, endpoint, content_type):
    """A body of another type is refused with 415, so that a form of another site cannot post."""
    response = send(andrew, endpoint, data=b"{}", content_type=content_type)

    assert problem(response) == (415, [])


@pytest.mark.parametrize("path", sorted({endpoint.path for endpoint in ENDPOINTS}))
def test_other_methods(andrew, path):
    """A method that the path does not support is refused with 405 and the supported methods."""
    supported = {row.method for row in ENDPOINTS if row.path == path}
    path = path.replace("POST", str(uuid.uuid4())).replace("ANDREW", "andrewbrown")
    supported |= {"OPTIONS"} | ({"HEAD"} if "GET" in supported else set())

    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - supported:
        response = andrew.send(method, path)
        assert problem(response) == (405, [])
        assert set(response.headers["Allow"].split(", ")) == supported


@pytest.mark.parametrize("endpoint", LISTS, ids=str)
@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "bm9wZQ", "W10", "WyJ4IiwieSJd", "a" * 513, "WzEsMl0", "%27--", "eyJhIjoxfQ=="],
)
def test_invalid_cursors(send, andrew, endpoint, cursor):
    """A cursor that the server did not return is refused with 422."""
    status, [(code, field)] = problem(send(andrew, endpoint, query=f"cursor={cursor}"))

    assert (status, field) == (422, "cursor")
    assert code in {"cursor_invalid", "cursor_exceed_max_chars"}


@pytest.mark.parametrize("endpoint", LISTS, ids=str)
@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1e9", "", "9" * 30, "1.5"])
def test_invalid_limits(send, andrew, endpoint, limit):
    """A number of items that is not between 1 and 100 is refused with 422."""
    response = send(andrew, endpoint, query=f"limit={limit}")

    assert problem(response) == (422, [("limit_invalid", "limit")])


@pytest.mark.parametrize(
    "path",
    [
        "/api/activities/x/reply",
        "/api/activities/00000000-0000-0000-0000-00000000000/like",
        "/api/activities/00000000000000000000000000000000/like",
        "/api/activities/00000000-0000-0000-0000-000000000000%00/like",
        "/api/activities/@andrewbrown/status/1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_malformed_ids(andrew, path, method):
    """An id that is not a UUID is a path that does not exist."""
    assert problem(andrew.send(method, path)) == (404, [])


@pytest.mark.parametrize(
    "handle",
    [
        "..%2f",
        "a" * 31,
        "%D0%B0ndrewbrown",
        "andrew%20brown",
        "",
        "a%00",
        "%27OR%271%27=%271",
        "a.b",
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/api/activities/@{}",
        "/api/users/@{}/short",
        f"/api/activities/@{{}}/status/{uuid.UUID(int=0)}",
    ],
)
def test_malformed_handles(andrew, path, handle):
    """A malformed handle is not found, also if it looks like the handle of a user."""
    assert problem(andrew.get(path.format(handle)))[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/activities/home/x", "//api/activities/home", "/favicon.ico", "/console"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths(api, path, method):
    """An unknown path is a problem like any other, and there is no debugger."""
    assert problem(api.send(method, path)) == (404, [])
