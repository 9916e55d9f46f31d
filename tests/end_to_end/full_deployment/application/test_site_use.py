"""Posts, replies, likes, pictures and messages on the site, in headless Chromium.

The pages use CloudFront, the API and Cognito of the emulator.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.emulator.chromium import needs_chromium
from tests.emulator.own_emulator import wait_until
from tests.end_to_end.full_deployment.application.expiry import expire_post
from tests.end_to_end.full_deployment.application.pages import publish, unique
from tests.lambdas.thumbnail.pictures import oriented_photo

POLL_MS = 5000  # As in frontend/src/messages/queries.ts.

pytestmark = [needs_chromium, pytest.mark.usefixtures("silent_consoles")]


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
    expect(ada.button("Save")).to_be_disabled()  # It would lose the picture.
    ada.button("Use this picture").click()
    expect(ada.page.get_by_text("Your picture was changed.")).to_be_visible()
    expect(ada.button("Save")).to_be_enabled()

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
    tab = andrew.page.context.new_page()
    tab.clock.install()
    tab.goto(andrew.page.url)
    expect(tab.get_by_role("list", name="Messages")).to_contain_text(first)

    ada.open("/messages")
    ada.page.get_by_role("link", name=re.compile("Andrew Brown")).click()
    expect(ada.page.get_by_role("list", name="Messages")).to_contain_text(first)
    ada.write("New message", second, "Send")
    expect(ada.page.get_by_role("list", name="Messages")).to_contain_text(second)
    tab.clock.run_for(POLL_MS)

    expect(tab.get_by_role("list", name="Messages")).to_contain_text(second)
    tab.close()


def test_expiry_of_shown_post(ada, visitor):
    """A post disappears from an open page when it expires."""
    message = unique("Soon gone")
    publish(ada, message)
    visitor.page.clock.install()
    visitor.open("/")
    expect(visitor.post(message)).to_be_visible()

    visitor.page.clock.fast_forward("01:00:01")

    expect(visitor.post(message)).to_have_count(0)


def test_expired_post(ada, visitor):
    """The address of an expired post says that it has expired."""
    message = unique("Gone")
    publish(ada, message)
    link = ada.post(message).get_by_role("link", name="Open the post")
    path = link.get_attribute("href")
    expire_post(ada.deployed, path.rpartition("/")[2])

    visitor.open(path)

    visitor.sees("This post does not exist, or it has expired.")
    visitor.expected("status of 404")
