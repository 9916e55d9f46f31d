"""Visitors of the site: windows of headless Chromium, each with its own storage."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from tests.emulator.chromium import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

    from tests.end_to_end.deployed import Deployed

PASSWORD = "correct-Horse-7"
TIMEOUT_MS = 20_000


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
        outbox = json.loads(self.deployed.checkout.run("emulator.outbox", "--json").out)
        codes = [row["secret"] for row in outbox["messages"] if row["to"] == email]
        return str(codes[-1])

    def expected(self, report: str) -> None:
        """Remove the reports that contain *report*; there must be one."""
        others = [text for text in self.reports if report not in text]
        assert len(others) < len(self.reports), self.reports
        self.reports[:] = others


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless browser."""
    assert CHROMIUM, "chromium is not on PATH: .ci/run installs it"
    with sync_playwright() as playwright:
        # Root cannot use the sandbox, and the pages are those of this repository.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_visitor(browser: Browser, deployed: Deployed, port: int) -> Visitor:
    """Return a window without a session, whose address bar is empty."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    expect.set_options(timeout=TIMEOUT_MS)
    visitor = Visitor(context.new_page(), deployed, f"http://cruddur.localhost:{port}")

    def report(message: ConsoleMessage) -> None:
        if message.type == "error":
            visitor.reports.append(f"{message.text} {message.location.get('url', '')}")

    visitor.page.on("console", report)
    visitor.page.on("pageerror", lambda error: visitor.reports.append(str(error)))
    return visitor
