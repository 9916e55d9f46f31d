"""The pages of the site in headless Chromium, through CloudFront, the API and Cognito."""

from __future__ import annotations

import json
import re
import uuid
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from operations import demo
from tests.emulator.chromium import needs_chromium
from tests.emulator.own_emulator import wait_until
from tests.end_to_end.deployed import Deployed, describe_deployment
from tests.end_to_end.full_deployment.application.expiry import expire_post
from tests.end_to_end.full_deployment.application.pages import Visitor, chromium, new_visitor
from tests.lambdas.thumbnail.pictures import oriented_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Request, Route

pytestmark = needs_chromium

SIGN_IN_TEXT = "The email address or the password is not right."


@pytest.fixture(scope="module")
def deployed(running) -> Deployed:
    """The running application; another file has stopped and started it."""
    return describe_deployment(running[0].checkout)


@pytest.fixture(scope="module")
def windows(deployed) -> Iterator[tuple[Callable[[], Visitor], list[Visitor]]]:
    """Yield a function that opens a window, and the open windows."""
    opened: list[Visitor] = []
    port = urlsplit(deployed.endpoint.url).port
    with chromium() as browser:

        def open_window() -> Visitor:
            opened.append(new_visitor(browser, deployed, port))
            return opened[-1]

        yield open_window, opened


@pytest.fixture(autouse=True)
def silent_consoles(windows) -> Iterator[None]:
    """Require that no console reports an error or a violation of the content security policy."""
    _, opened = windows
    yield
    reports = [report for visitor in opened for report in visitor.reports]
    for visitor in opened:
        visitor.reports.clear()
    assert [] == reports


@pytest.fixture
def visitor(windows) -> Iterator[Visitor]:
    """Yield the window of an anonymous visitor."""
    open_window, opened = windows
    visitor = open_window()
    yield visitor
    visitor.page.context.close()
    opened.remove(visitor)
    assert [] == visitor.reports


@pytest.fixture(scope="module")
def ada(windows) -> Visitor:
    """The window of a user who signs up on the site."""
    ada = windows[0]()
    ada.sign_up("Ada Lovelace", "ada")
    ada.confirm(ada.newest_code("ada@example.com"))
    ada.is_signed_in()
    return ada


@pytest.fixture(scope="module")
def andrew(windows) -> Visitor:
    """The window of a demo account, in another browser context."""
    andrew = windows[0]()
    andrew.sign_in("andrewbrown@example.com", demo.PASSWORD)
    andrew.is_signed_in()
    return andrew


def publish(author: Visitor, message: str) -> None:
    """Write a post that expires after an hour, and wait until the API has stored it."""
    author.open("/")
    author.page.get_by_label("Expires after").select_option("1 hour")
    author.write("New post", message, "Post")
    expect(author.post(message).get_by_role("link", name="Open the post")).to_be_visible()


def unique(text: str) -> str:
    """Return a text that no other test writes."""
    return f"{text} {uuid.uuid4().hex[:8]}"


def test_sign_up(ada):
    """A new user is signed in after the code, and has the profile that was entered."""
    profile = ada.page.get_by_role("link", name="Profile")
    expect(profile).to_have_attribute("href", "/@ada")
    profile.click()

    ada.heading("Ada Lovelace")
    expect(ada.page.get_by_role("link", name="Edit profile")).to_be_visible()


def test_post_reply_like_search(ada, andrew):
    """Another user replies to a post and likes it; search and notifications show that."""
    message, reply = unique("Analytical"), unique("I see")
    publish(ada, message)

    andrew.open("/")
    expect(andrew.post(message).get_by_text("Expires in 1 hour")).to_be_attached()
    andrew.post(message).get_by_role("button", name="Like, 0 likes").click()
    andrew.post(message).get_by_role("link", name="Reply, 0 replies").click()
    andrew.write("New reply", reply, "Reply")
    expect(andrew.page.get_by_role("list", name="Replies").get_by_text(reply)).to_be_visible()

    ada.page.get_by_role("link", name="Search").click()
    ada.page.locator("main").get_by_role("searchbox").fill(message)
    found = ada.page.get_by_role("list", name="Results").get_by_role("article")
    expect(found).to_have_count(1)
    expect(found.get_by_role("button", name="Like, 1 like")).to_be_visible()
    expect(found.get_by_role("link", name="Reply, 1 reply")).to_be_visible()
    ada.page.get_by_role("link", name="Notifications").click()
    expect(ada.post(reply)).to_be_visible()


def test_avatar(ada, andrew):
    """An uploaded picture is shown in the feed of another user, from the host of the assets."""
    message = unique("With a picture")
    publish(ada, message)
    ada.open("/settings/profile")
    picture = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": oriented_photo(6)}
    ada.page.locator("input[type=file]").set_input_files(picture)
    ada.button("Use this picture").click()
    expect(ada.page.get_by_text("Your picture was changed.")).to_be_visible()

    def shown() -> list[tuple[str, int]]:
        """Return the address and width of the picture beside the post."""
        andrew.open("/")
        image = andrew.post(message).locator("img.avatar")
        return image.evaluate_all(
            "images => images.filter(image => image.complete)"
            ".map(image => [image.src, image.naturalWidth])"
        )

    def is_uploaded() -> bool:
        return any("?v=" in address and width > 0 for address, width in shown())

    wait_until(is_uploaded, seconds=20)


def test_direct_messages(ada, andrew):
    """Two users exchange messages; an open conversation shows a new one without a reload."""
    first, second = unique("Hello Ada"), unique("Hello Andrew")
    andrew.open("/@ada")
    andrew.page.get_by_role("link", name="Send a message").click()
    andrew.write("New message", first, "Send")
    expect(andrew.page.get_by_role("list", name="Messages")).to_contain_text(first)

    ada.open("/messages")
    ada.page.get_by_role("link", name=re.compile("Andrew Brown")).click()
    expect(ada.page.get_by_role("list", name="Messages")).to_contain_text(first)
    ada.write("New message", second, "Send")

    expect(andrew.page.get_by_role("list", name="Messages")).to_contain_text(second)


def test_expiry_of_shown_post(ada, visitor):
    """A post disappears from an open page when it expires."""
    message = unique("Soon gone")
    publish(ada, message)
    visitor.page.clock.install()
    visitor.open("/")
    expect(visitor.post(message)).to_be_visible()

    visitor.page.clock.fast_forward("01:00:01")

    expect(visitor.post(message)).to_have_count(0)


def test_expired_post(deployed, ada, visitor):
    """The address of an expired post says that it has expired."""
    message = unique("Gone")
    publish(ada, message)
    link = ada.post(message).get_by_role("link", name="Open the post")
    path = link.get_attribute("href")
    expire_post(deployed, path.rpartition("/")[2])

    visitor.open(path)

    visitor.sees("This post does not exist, or it has expired.")
    visitor.expected("status of 404")


def test_sign_out(visitor):
    """After signing out, a browser has no token, and a reload does not restore the session."""
    visitor.sign_in("bayko@example.com", demo.PASSWORD)
    visitor.is_signed_in()

    visitor.page.get_by_role("banner").get_by_role("button", name="Sign out").click()

    expect(visitor.page.get_by_role("link", name="Join")).to_be_visible()
    visitor.reload()
    expect(visitor.page.get_by_role("link", name="Join")).to_be_visible()
    assert visitor.page.evaluate("localStorage.length") == 0


def test_wrong_password(visitor):
    """A wrong password and an unknown address have one text."""
    visitor.sign_in("andrewbrown@example.com", "wrong-Horse-7")
    visitor.sees(SIGN_IN_TEXT)
    visitor.sign_in("nobody@example.com", "wrong-Horse-7")
    visitor.sees(SIGN_IN_TEXT)

    visitor.expected("status of 400")


def test_wrong_code(visitor):
    """A wrong code is refused; the right one is accepted after that."""
    visitor.sign_up("Charles", "charles")
    code = visitor.newest_code("charles@example.com")

    visitor.confirm("000000" if code != "000000" else "111111")

    visitor.sees("This code is not right. Check it, or request a new one.")
    visitor.expected("status of 400")
    visitor.confirm(code)
    visitor.is_signed_in()


def test_expired_code(visitor, windows):
    """A code with which another window has changed the password can no longer be used."""
    email, password = "bayko@example.com", demo.PASSWORD
    other = windows[0]()
    for window in (visitor, other):
        window.open("/forgot")
        window.fill(email=email)
        window.button("Send a code").click()
        expect(window.page.get_by_label("Code", exact=True)).to_be_visible()
    code = other.newest_code(email)

    for window in (other, visitor):
        fields = {"code": code, "new_password": password, "repeat_the_new_password": password}
        window.fill(**fields)
        window.button("Change the password").click()
        if window is other:
            other.sees("Your password was changed.")

    visitor.sees("This code has expired. Request a new one.")
    visitor.expected("status of 400")


def test_taken_handle(visitor):
    """A handle that exists is refused while it is typed, in any case of its letters."""
    visitor.open("/signup")
    visitor.fill(handle="AndrewBrown")

    visitor.sees("This handle is taken. Choose another one.")


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
    assert 1 == len(lost)
    ada.reload()
    expect(ada.post(message)).to_have_count(1)


def test_no_network(ada):
    """A post that is written without a network is kept, and sent when the network is back."""
    message = unique("Later")
    ada.open("/")
    ada.page.wait_for_load_state("networkidle")
    ada.page.context.set_offline(True)  # the parameter has no other name
    ada.write("New post", message, "Post")
    ada.sees("You are offline. What you send is sent later.")
    expect(ada.button("Waiting…")).to_be_visible()

    ada.page.context.set_offline(False)

    expect(ada.post(message).get_by_role("link", name="Open the post")).to_be_visible()
    ada.reload()
    expect(ada.post(message)).to_have_count(1)


def test_expired_access_token(andrew):
    """Requests whose token the API refuses share one exchange of the refresh token."""
    exchanges: list[str] = []
    refused: list[str] = []
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
    conversations.get_by_role("link", name=re.compile("Ada Lovelace")).click()
    expect(andrew.page.get_by_role("list", name="Messages")).to_contain_text("Hello Ada")
    andrew.page.unroute("**/api/**")
    andrew.page.remove_listener("request", count)

    andrew.expected("status of 401")
    assert 1 == len(exchanges)
    assert 1 == len(set(refused))


def violations(visitor: Visitor) -> list[tuple[str, Any]]:
    """Return the rules of axe that the page violates, each with the elements."""
    response = Axe().run(visitor.page).response
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in response["violations"]
    ]


def assert_page(visitor: Visitor, path: str, heading: str) -> None:
    """Open a page in light and reload it in dark; check its heading and accessibility in both."""
    visitor.page.emulate_media(color_scheme="light")
    visitor.open(path)
    visitor.heading(heading)
    visitor.page.wait_for_load_state("networkidle")
    light = violations(visitor)
    visitor.page.emulate_media(color_scheme="dark")
    visitor.reload()
    visitor.heading(heading)
    visitor.page.wait_for_load_state("networkidle")

    assert ([], []) == (light, violations(visitor))


@pytest.fixture(scope="module")
def anonymous(windows) -> Visitor:
    """The window of an anonymous visitor, for tests that only look at pages."""
    return windows[0]()


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Home"),
        ("/search?q=this", "Search"),
        ("/signup", "Create an account"),
        ("/confirm?email=ada@example.com", "Confirm your email"),
        ("/signin", "Sign in"),
        ("/forgot", "Recover your password"),
        ("/about", "About"),
        ("/terms", "Terms"),
        ("/privacy", "Privacy"),
        ("/@andrewbrown", "Andrew Brown"),
        ("/messages", "Sign in"),
        ("/no/such/page", "Not found"),
    ],
)
def test_page_of_visitor(anonymous, path, heading):
    """Each page opens by its address, opens again after a reload, and is accessible."""
    assert_page(anonymous, path, heading)


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Home"),
        ("/notifications", "Notifications"),
        ("/messages", "Messages"),
        ("/messages/new", "New message"),
        ("/messages/new/andrewbrown", "New message"),
        ("/settings/profile", "Edit profile"),
        ("/@ada", "Ada Lovelace"),
    ],
)
def test_page_of_member(ada, path, heading):
    """Each page of a member opens by its address, also after a reload, and is accessible."""
    assert_page(ada, path, heading)


def test_page_of_post(ada):
    """The page of a post opens by its address, also after a reload, and is accessible."""
    ada.open("/@andrewbrown")
    link = ada.page.get_by_role("link", name="Open the post").first

    assert_page(ada, link.get_attribute("href"), "Post")


def test_page_of_conversation(ada):
    """A conversation opens by its address, also after a reload, and is accessible."""
    ada.open("/messages")
    link = ada.page.get_by_role("link", name=re.compile("Andrew Brown"))

    assert_page(ada, link.get_attribute("href"), "Andrew Brown")


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_long_texts(visitor, width):
    """The longest names and texts, and counts of four digits, do not make the page scroll sideways."""
    item = {
        "uuid": str(uuid.uuid4()),
        "handle": "h" * 30,
        "display_name": "W" * 100,
        "avatar_url": "",
        "message": "M" * 280,
        "replies_count": 1234,
        "reposts_count": 9999,
        "likes_count": 4321,
        "liked": True,
        "reposted": True,
        "reply_to_activity_uuid": None,
        "expires_at": None,
        "created_at": "2026-01-01T00:00:00Z",
    }
    feed = {"items": [item], "next_cursor": None}

    def respond(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": visitor.origin}
        route.fulfill(headers=headers, content_type="application/json", body=json.dumps(feed))

    visitor.page.route("**/api/activities/home", respond)
    visitor.page.set_viewport_size({"width": width, "height": 700})
    visitor.open("/")
    expect(visitor.post("MMM")).to_be_visible()

    root = "document.documentElement"
    assert visitor.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
