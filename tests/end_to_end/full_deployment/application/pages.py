"""Visitors of the site: windows of headless Chromium, each with its own storage."""

from __future__ import annotations

import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

import emulator
from tests.emulator.chromium import CHROMIUM
from tests.srp import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, StorageState

    from tests.end_to_end.deployed import Deployed

PASSWORD = "correct-Horse-7"
TIMEOUT_MS = 20_000
TOKEN_KEY = "cruddur.refresh-token"  # As in frontend/src/session/tokens.ts.
SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.hadRecentInput ? 0 : entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Visitor:
    """A window that shows pages of the site at *origin*, and what its console has reported.

    The console has JavaScript errors, failed requests and violations of the content security policy.
    """

    page: Page
    deployed: Deployed
    origin: str
    reports: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(f"{self.origin}{path}")

    def reload(self) -> None:
        self.page.reload()

    def leave_and_return(self, meanwhile: Callable[[Page], None]) -> None:
        """Open another page, call *meanwhile* with a second tab, and go back.

        The variable `isKept` of the page is whether the browser has kept the page as it was.
        """
        self.page.evaluate(
            "() => { window.onpageshow = ({ persisted }) => { window.isKept = persisted; }; }"
        )
        self.open("/about")
        tab = self.page.context.new_page()
        tab.goto(f"{self.origin}/about")
        meanwhile(tab)
        tab.close()
        # A page that was kept does not load again.
        self.page.go_back(wait_until="commit")

    def has_loaded(self, heading: str | re.Pattern[str]) -> None:
        """Wait for the heading of a page and for its content."""
        self.heading(heading)
        expect(self.page.locator("main .skeleton")).to_have_count(0)

    def heading(self, text: str | re.Pattern[str]) -> None:
        """Wait for the heading of a page."""
        expect(self.page.locator("main h1")).to_have_text(text)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """Return a button of the page, not one beside it."""
        return self.page.locator("main").get_by_role("button", name=name, exact=True)

    def fill(self, **texts: str) -> None:
        """Fill in the fields of a form by their labels; a space is written as `_`."""
        for label, text in texts.items():
            name = label.replace("_", " ").capitalize()
            self.page.locator("main").get_by_label(name, exact=True).fill(text)

    def sees(self, text: str) -> None:
        """Wait for a text in the page."""
        expect(self.page.locator("main").get_by_text(text, exact=True)).to_be_visible()

    def post(self, message: str) -> Locator:
        """Return the post, reply or notification with this text."""
        return self.page.get_by_role("article").filter(has_text=message)

    def write(self, form: str, text: str, button: str) -> None:
        """Fill in and send the form for a post, reply or message."""
        self.page.get_by_role("form", name=form).get_by_role("textbox").fill(text)
        self.button(button).click()

    def sign_up(self, name: str, handle: str, password: str = PASSWORD) -> None:
        """Fill in and send the form for a new account, whose address is HANDLE@example.com."""
        self.open("/signup")
        with self.page.expect_response(f"**/@{handle}/short"):
            self.fill(handle=handle)
        self.fill(name=name, email=f"{handle}@example.com", new_password=password)
        self.button("Create the account").click()
        self.heading("Confirm your email")
        self.expected(f"/@{handle}/short")  # The handle is free, so the API answers with 404.

    def confirm(self, code: str) -> None:
        self.fill(code=code)
        self.button("Confirm").click()

    def sign_in(self, email: str, password: str) -> None:
        """Fill in and send the form for signing in."""
        self.open("/signin")
        self.fill(email=email, password=password)
        self.button("Sign in").click()

    def is_signed_in(self) -> None:
        """Wait for the home page of a member."""
        expect(self.page.get_by_role("form", name="New post")).to_be_visible()

    def newest_code(self, email: str) -> str:
        """Return the code that was sent to *email* last."""
        return newest_code(self.deployed, email)

    def expected(self, report: str) -> None:
        """Remove the reports that contain *report*; there must be one."""
        others = [text for text in self.reports if report not in text]
        assert len(others) < len(self.reports), self.reports
        self.reports[:] = others


@dataclass
class Windows:
    """The open windows of a browser."""

    browser: Browser
    deployed: Deployed
    opened: list[Visitor] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://cruddur.localhost:{urlsplit(self.deployed.endpoint.url).port}"

    def open_as(self, email: str, password: str) -> Visitor:
        """Open a window at the home page, with a session that another visit has begun."""
        token = refresh_token(self.deployed, email, password)
        stored = [{"name": TOKEN_KEY, "value": token}]
        visitor = self.open({"origins": [{"origin": self.origin, "localStorage": stored}]})
        visitor.open("/")
        visitor.has_loaded("Home")
        # The profile is requested with the tokens of the exchange, which has ended then.
        profile = visitor.page.get_by_role("link", name="Profile")
        expect(profile).to_have_attribute("href", re.compile("^/@"))
        return visitor

    def open(self, storage: StorageState | None = None) -> Visitor:
        """Open a window, whose address bar is empty; without *storage*, it has no session."""
        context = self.browser.new_context(
            locale="en-GB", reduced_motion="reduce", storage_state=storage
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(SHIFTS)
        expect.set_options(timeout=TIMEOUT_MS)
        visitor = Visitor(context.new_page(), self.deployed, self.origin)

        def report(message: ConsoleMessage) -> None:
            if message.type == "error":
                visitor.reports.append(f"{message.text} {message.location.get('url', '')}")

        visitor.page.on("console", report)
        visitor.page.on("pageerror", lambda error: visitor.reports.append(str(error)))
        self.opened.append(visitor)
        return visitor

    def close(self, visitor: Visitor) -> None:
        """Close a window; its console must be empty."""
        visitor.page.context.close()
        self.opened.remove(visitor)
        assert visitor.reports == [], visitor.reports

    def take_reports(self) -> list[str]:
        """Return what the consoles have reported, and clear them."""
        reports = [report for visitor in self.opened for report in visitor.reports]
        for visitor in self.opened:
            visitor.reports.clear()
        return reports


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless browser."""
    assert CHROMIUM, "chromium is not on PATH: .ci/run installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox"
            ],  # Root cannot use it, and the pages are those of this repository.
            ignore_default_args=["--disable-back-forward-cache"],  # Users have this cache.
        )
        yield browser
        browser.close()


def publish(author: Visitor, message: str) -> None:
    """Write a post that expires after an hour, and wait until the API has stored it."""
    author.open("/")
    author.page.get_by_label("Expires after").select_option("1 hour")
    author.write("New post", message, "Post")
    expect(author.post(message).get_by_role("link", name="Open the post")).to_be_visible()


def unique(text: str) -> str:
    """Return a text that no other test writes."""
    return f"{text} {uuid.uuid4().hex[:8]}"


def create_user(deployed: Deployed, handle: str) -> str:
    """Create a confirmed user with PASSWORD, and return the address HANDLE@example.com."""
    email, users = f"{handle}@example.com", deployed.outputs["users"]
    attributes = {"email": email, "name": handle.capitalize(), "preferred_username": handle}
    with deployed.anonymous("cognito-idp") as cognito:
        cognito.sign_up(
            ClientId=users["Client"],
            Username=email,
            Password=PASSWORD,
            UserAttributes=[{"Name": name, "Value": text} for name, text in attributes.items()],
        )
        code = newest_code(deployed, email)
        cognito.confirm_sign_up(ClientId=users["Client"], Username=email, ConfirmationCode=code)
    return email


def newest_code(deployed: Deployed, email: str) -> str:
    """Return the code that was sent to *email* last."""
    sent = emulator.messages(deployed.endpoint)
    return [message.secret for message in sent if message.to == email][-1]


def tokens(deployed: Deployed, email: str, password: str) -> dict[str, str]:
    """Sign a user in and return the tokens."""
    users = deployed.outputs["users"]
    with deployed.anonymous("cognito-idp") as cognito:
        return sign_in(cognito, users["Pool"], users["Client"], email, password)


def refresh_token(deployed: Deployed, email: str, password: str) -> str:
    """Sign a user in and return the refresh token."""
    return tokens(deployed, email, password)["RefreshToken"]
