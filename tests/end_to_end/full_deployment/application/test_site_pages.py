"""Every page of the site in headless Chromium: addresses, accessibility, layout and keyboard."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.emulator.chromium import needs_chromium
from tests.end_to_end.full_deployment.application.pages import Visitor, unique
from tests.lambdas.thumbnail.pictures import oriented_photo

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Route

pytestmark = [needs_chromium, pytest.mark.usefixtures("silent_consoles")]

SCREEN, PHONE = (1280, 800), (360, 740)
LARGEST_SHIFT = 0.02  # A fifth of what web.dev calls good for the cumulative layout shift.
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # What colours change.
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def violations(visitor: Visitor, options: dict[str, Any] | None = None) -> list[tuple[str, Any]]:
    """Return the rules of axe that the page violates, each with the elements."""
    response = Axe().run(visitor.page, options=options).response
    return [
        (violation["id"], [(node["html"], node["failureSummary"]) for node in violation["nodes"]])
        for violation in response["violations"]
    ]


def resize(visitor: Visitor, size: tuple[int, int]) -> None:
    visitor.page.set_viewport_size({"width": size[0], "height": size[1]})


def faults(visitor: Visitor) -> list[bool]:
    """Return whether the page moved while it was loading, and whether it scrolls sideways."""
    return visitor.page.evaluate(f"[shift > {LARGEST_SHIFT}, {OVERFLOWS}]")


def assert_page(visitor: Visitor, path: str, heading: str) -> None:
    """Open a page on a large screen in light, and reload it on a phone in dark; check it in both."""
    visitor.page.emulate_media(color_scheme="light")
    resize(visitor, SCREEN)
    visitor.open(path)
    visitor.has_loaded(heading)
    light, on_screen = violations(visitor), faults(visitor)
    visitor.page.emulate_media(color_scheme="dark")
    resize(visitor, PHONE)
    visitor.reload()
    visitor.has_loaded(heading)

    assert (light, violations(visitor, CONTRAST)) == ([], [])
    assert [on_screen, faults(visitor)] == [[False, False]] * 2


@pytest.fixture(scope="module")
def anonymous(windows) -> Visitor:
    """The window of an anonymous visitor, for tests that only look at pages."""
    return windows.open()


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
    ada.open("/messages/new/andrewbrown")
    ada.write("New message", unique("Hello"), "Send")
    ada.heading("Andrew Brown")
    ada.open("/messages")
    link = ada.page.get_by_role("link", name=re.compile("Andrew Brown"))

    assert_page(ada, link.get_attribute("href"), "Andrew Brown")


def answer(visitor: Visitor, path: str, body: Any) -> None:
    """Respond to requests for *path* with *body* in place of the API."""

    def respond(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": visitor.origin}
        if route.request.method == "OPTIONS":
            headers["Access-Control-Allow-Headers"] = "authorization"
        route.fulfill(headers=headers, content_type="application/json", body=json.dumps(body))

    visitor.page.route(path, respond)


LONG = {"handle": "h" * 30, "display_name": "W" * 100, "avatar_url": ""}


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_long_texts(anonymous, width):
    """The longest names and texts, and counts of four digits, do not make the page scroll sideways."""
    item = {
        **LONG,
        "uuid": str(uuid.uuid4()),
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
    answer(anonymous, "**/api/activities/home", {"items": [item], "next_cursor": None})
    resize(anonymous, (width, 700))
    anonymous.open("/")
    expect(anonymous.post("MMM")).to_be_visible()
    anonymous.page.unroute("**/api/activities/home")

    assert faults(anonymous) == [False, False]


def test_newest_message(ada):
    """A long conversation opens at its newest message, which the form does not cover."""
    group = str(uuid.uuid4())
    common = {**LONG, "message_group_uuid": group, "created_at": "2026-01-01T00:00:00Z"}
    items = [
        {**common, "uuid": str(uuid.uuid4()), "user_uuid": group, "message": text}
        for text in ["the newest", *["M" * 1024] * 5]
    ]
    answer(ada, f"**/api/messages/{group}", {"items": items, "next_cursor": None})
    resize(ada, PHONE)
    ada.open(f"/messages/{group}")
    newest = ada.page.get_by_text("the newest")
    expect(newest).to_be_in_viewport()
    ada.page.unroute(f"**/api/messages/{group}")

    message, form = newest.bounding_box(), ada.page.get_by_role("form").bounding_box()
    assert message["y"] + message["height"] <= form["y"]


def tab_to(visitor: Visitor, element: Locator, most: int = 20) -> None:
    """Press the Tab key, *most* times, until *element* has the focus."""
    for _ in range(most):
        visitor.page.keyboard.press("Tab")
        if element.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the Tab key does not reach {element}")


def test_keyboard(ada):
    """A member skips the navigation, writes a post and likes it with the keyboard alone."""
    message, keyboard = unique("Typed"), ada.page.keyboard
    resize(ada, SCREEN)
    ada.open("/")
    ada.has_loaded("Home")
    tab_to(ada, ada.page.get_by_role("link", name="Skip to the content"))
    keyboard.press("Enter")
    tab_to(ada, ada.page.get_by_role("textbox", name="New post"), most=1)
    keyboard.type(message)
    tab_to(ada, ada.page.get_by_label("Expires after"), most=1)
    keyboard.press("End")
    tab_to(ada, ada.button("Post"), most=1)
    keyboard.press("Enter")
    posted = ada.post(message)
    expect(posted.get_by_text("Expires in 1 hour")).to_be_attached()
    expect(posted.get_by_role("link", name="Open the post")).to_be_visible()
    tab_to(ada, posted.get_by_role("button", name=re.compile("^Like")))
    keyboard.press("Space")

    expect(posted.get_by_role("button", name="Like, 1 like")).to_be_visible()


def test_navigation_by_keyboard(ada):
    """A link of the navigation leads to its page, whose content has the focus then."""
    resize(ada, SCREEN)
    ada.open("/")
    ada.is_signed_in()

    tab_to(ada, ada.page.get_by_role("link", name="Messages"))
    ada.page.keyboard.press("Enter")

    ada.heading("Messages")
    expect(ada.page.locator("main")).to_be_focused()


def test_crop_by_keyboard(ada):
    """A new picture is moved with the arrow keys and enlarged with the slider."""
    keyboard = ada.page.keyboard
    ada.open("/settings/profile")
    picture = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": oriented_photo(1)}
    ada.page.locator("input[type=file]").set_input_files(picture)
    shown = ada.page.locator("canvas")
    drawn = "canvas => canvas.toDataURL()"
    before = shown.evaluate(drawn)

    tab_to(ada, ada.page.get_by_label("Zoom"))
    keyboard.press("End")
    enlarged = shown.evaluate(drawn)
    keyboard.press("Shift+Tab")
    keyboard.press("ArrowRight")
    moved = shown.evaluate(drawn)

    assert len({before, enlarged, moved}) == 3
    tab_to(ada, ada.button("Cancel"))
    keyboard.press("Enter")
    expect(shown).to_have_count(0)
