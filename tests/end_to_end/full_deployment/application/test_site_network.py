"""Lost responses, a lost network and refused tokens on the site, in headless Chromium."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.emulator.chromium import needs_chromium
from tests.emulator.own_emulator import wait_until
from tests.end_to_end.full_deployment.application.pages import publish, unique

if TYPE_CHECKING:
    from playwright.sync_api import Request, Route

pytestmark = [needs_chromium, pytest.mark.usefixtures("silent_consoles")]


REQUESTS = """
performance.getEntriesByType("resource")
  .filter(({ name }) => name.endsWith("/api/activities/home"))
  .map(({ initiatorType }) => initiatorType)
"""


def test_preload(visitor):
    """The feed of a visitor is requested once, by the page while the application is loading."""
    visitor.open("/")
    visitor.has_loaded("Home")

    assert visitor.page.evaluate(REQUESTS) == ["link"]


def send_to_api(request: Request) -> None:
    """Send a request of the page to the API, and drop the response."""
    address = urlsplit(request.url)
    connection = HTTPConnection("127.0.0.1", address.port, timeout=60)
    headers = {**request.headers, "host": address.netloc}
    connection.request("POST", address.path, body=request.post_data_buffer, headers=headers)
    assert connection.getresponse().status == 200
    connection.close()


def test_lost_response(ada):
    """A post whose response was lost is sent again, and is stored once."""
    message = unique("Once")
    lost: list[str] = []

    def lose_first(route: Route) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.request.url)
        send_to_api(route.request)
        route.abort("connectionreset")

    ada.page.route("**/api/activities", lose_first)
    publish(ada, message)
    ada.page.unroute("**/api/activities")

    ada.expected("ERR_CONNECTION_RESET")
    assert len(lost) == 1
    ada.reload()
    expect(ada.post(message)).to_have_count(1)


def test_reload_while_sending(ada):
    """After a reload in the middle of a post, its text is in the form; sent again, it is stored once."""
    message = unique("Again")
    stored: list[str] = []

    def keep_response(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        send_to_api(route.request)
        stored.append(route.request.url)

    ada.open("/")
    ada.page.route("**/api/activities", keep_response)
    ada.page.get_by_label("Expires after").select_option("1 hour")
    ada.write("New post", message, "Post")
    expect(ada.post(message)).to_contain_text("Sending…")
    wait_until(lambda: bool(ada.page.wait_for_timeout(20) or stored), seconds=20)

    ada.reload()
    ada.page.unroute("**/api/activities")  # Before the reload, this would continue the request.

    form = ada.page.get_by_role("form", name="New post")
    expect(form.get_by_role("textbox")).to_have_value(message)
    ada.button("Post").click()
    expect(form.get_by_role("textbox")).to_have_value("")
    ada.reload()
    expect(ada.post(message)).to_have_count(1)


def test_no_network(ada):
    """A post that is written without a network is kept, and sent when the network is back."""
    message = unique("Later")
    ada.open("/")
    ada.has_loaded("Home")
    ada.page.context.set_offline(True)  # the parameter has no other name
    ada.write("New post", message, "Post")
    ada.sees("You are offline. What you send is sent later.")
    expect(ada.button("Waiting…")).to_be_visible()

    ada.page.context.set_offline(False)

    expect(ada.post(message).get_by_role("link", name="Open the post")).to_be_visible()
    ada.reload()
    expect(ada.post(message)).to_have_count(1)


def test_expired_access_token(ada, andrew):
    """Requests whose token the API refuses share one exchange of the refresh token."""
    exchanges: list[str] = []
    refused: list[str] = []
    ada.open("/messages/new/andrewbrown")
    ada.write("New message", "Hello Andrew", "Send")
    expect(ada.page.get_by_role("list", name="Messages")).to_contain_text("Hello Andrew")
    andrew.open("/")
    andrew.is_signed_in()

    def refuse_first_token(route: Route) -> None:
        token = route.request.headers.get("authorization", "")
        if not token or exchanges or route.request.method == "OPTIONS":
            route.continue_()
            return
        refused.append(token)
        problem = {"title": "Unauthorized", "status": 401, "errors": [{"code": "token_invalid"}]}
        route.fulfill(
            status=401,
            headers={"Access-Control-Allow-Origin": andrew.origin},
            content_type="application/problem+json",
            body=json.dumps(problem),
        )

    def count(request: Request) -> None:
        if "GetTokensFromRefreshToken" in request.headers.get("x-amz-target", ""):
            exchanges.append(request.url)

    andrew.page.on("request", count)
    andrew.page.route("**/api/**", refuse_first_token)
    andrew.page.get_by_role("link", name="Messages").click()
    conversations = andrew.page.get_by_role("list", name="Conversations")
    conversations.get_by_role("link", name=re.compile("Ada Lovelace")).first.click()
    expect(andrew.page.get_by_role("list", name="Messages")).to_contain_text("Hello Andrew")
    andrew.page.unroute("**/api/**")
    andrew.page.remove_listener("request", count)

    andrew.expected("status of 401")
    assert len(exchanges) == 1
    assert len(set(refused)) == 1
