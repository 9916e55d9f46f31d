"""Signing up, in and out on the site, in headless Chromium with the emulated Cognito."""

from __future__ import annotations

import base64
import hmac
import re
import struct
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from operations import demo
from tests.emulator.chromium import needs_chromium
from tests.emulator.own_emulator import wait_until
from tests.end_to_end.full_deployment.application.pages import (
    PASSWORD,
    TOKEN_KEY,
    Visitor,
    create_user,
    refresh_token,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.end_to_end.deployed import Deployed

pytestmark = [needs_chromium, pytest.mark.usefixtures("silent_consoles")]

BAYKO = "bayko@example.com"
SIGN_IN_TEXT = "The email address or the password is not right."
WRONG_CODE_TEXT = "This code is not right. Check it, or request a new one."


def profile_link(page: Page) -> Locator:
    """Return the link to the profile of the user; its address has the handle."""
    return page.get_by_role("link", name="Profile")


def test_sign_up(ada):
    """A new user is signed in after the code, and has the profile that was entered."""
    expect(profile_link(ada.page)).to_have_attribute("href", "/@ada")
    profile_link(ada.page).click()

    ada.heading("Ada Lovelace")
    expect(ada.page.get_by_role("link", name="Edit profile")).to_be_visible()


def test_sign_out(visitor):
    """After signing out, a browser has no token, and a reload does not restore the session."""
    visitor.sign_in(BAYKO, demo.PASSWORD)
    visitor.is_signed_in()

    visitor.page.get_by_role("banner").get_by_role("button", name="Sign out").click()

    expect(visitor.page.get_by_role("link", name="Join")).to_be_visible()
    visitor.reload()
    expect(visitor.page.get_by_role("link", name="Join")).to_be_visible()
    assert visitor.page.evaluate("localStorage.length") == 0


@pytest.fixture
def bayko(windows) -> Iterator[Visitor]:
    """Yield the window of a demo account."""
    bayko = windows.open_as(BAYKO, demo.PASSWORD)
    yield bayko
    windows.close(bayko)


def test_back_after_sign_out(bayko):
    """A page that the browser kept is that of a visitor after a sign-out in another tab."""

    def sign_out(tab: Page) -> None:
        tab.get_by_role("button", name="Sign out").click()
        expect(tab.get_by_role("link", name="Join")).to_be_visible()

    bayko.leave_and_return(sign_out)

    expect(bayko.page.get_by_role("link", name="Join")).to_be_visible()
    wait_until(lambda: bool(bayko.page.evaluate("window.isKept")), seconds=20)


def test_back_after_another_sign_in(bayko):
    """A page that the browser kept is loaded again if another session has begun."""
    token = refresh_token(bayko.deployed, "andrewbrown@example.com", demo.PASSWORD)
    expect(profile_link(bayko.page)).to_have_attribute("href", "/@bayko")

    def begin(tab: Page) -> None:
        expect(profile_link(tab)).to_have_attribute("href", "/@bayko")  # It has its tokens.
        tab.evaluate(f"(token) => localStorage.setItem('{TOKEN_KEY}', token)", token)

    bayko.leave_and_return(begin)

    expect(profile_link(bayko.page)).to_have_attribute("href", "/@andrewbrown")


def test_another_sign_in(bayko):
    """An open page is loaded again if another user signs in in another tab."""
    tab = Visitor(bayko.page.context.new_page(), bayko.deployed, bayko.origin)
    tab.sign_in("andrewbrown@example.com", demo.PASSWORD)
    tab.is_signed_in()

    expect(profile_link(bayko.page)).to_have_attribute("href", "/@andrewbrown")


def test_wrong_password(visitor):
    """A wrong password and an unknown address have one text."""
    visitor.sign_in("andrewbrown@example.com", "wrong-Horse-7")
    visitor.sees(SIGN_IN_TEXT)
    visitor.fill(email="nobody@example.com")
    visitor.button("Sign in").click()
    expect(visitor.button("Sign in")).to_be_enabled()
    visitor.sees(SIGN_IN_TEXT)

    visitor.expected("status of 400")


def test_wrong_code(visitor):
    """A wrong code is refused; the right one is accepted after that."""
    visitor.sign_up("Charles", "charles")
    code = visitor.newest_code("charles@example.com")

    visitor.confirm(another(code))

    visitor.sees(WRONG_CODE_TEXT)
    visitor.expected("status of 400")
    visitor.confirm(code)
    visitor.is_signed_in()


def another(code: str) -> str:
    """Return a wrong code."""
    return "000000" if code != "000000" else "111111"


def request_code(visitor: Visitor, email: str) -> str:
    """Request and return a code for a new password."""
    visitor.open("/forgot")
    visitor.fill(email=email)
    visitor.button("Send a code").click()
    expect(visitor.page.get_by_label("Code", exact=True)).to_be_visible()
    return visitor.newest_code(email)


def change_password(visitor: Visitor, code: str, password: str) -> None:
    visitor.fill(code=code, new_password=password, repeat_the_new_password=password)
    visitor.button("Change the password").click()


def test_recovery(visitor):
    """A user who forgot the password chooses another one with a code, and signs in with it."""
    email, password = create_user(visitor.deployed, "grace"), "another-Horse-8"
    code = request_code(visitor, email)
    change_password(visitor, another(code), password)
    visitor.sees(WRONG_CODE_TEXT)
    visitor.expected("status of 400")

    change_password(visitor, code, password)

    visitor.page.get_by_role("status").get_by_role("link", name="Sign in").click()
    visitor.fill(email=email, password=password)
    visitor.button("Sign in").click()
    visitor.is_signed_in()


def test_expired_code(visitor, windows):
    """A code with which another window has changed the password can no longer be used."""
    other = windows.open()
    request_code(visitor, BAYKO)
    code = request_code(other, BAYKO)
    change_password(other, code, demo.PASSWORD)
    other.sees("Your password was changed.")
    windows.close(other)

    change_password(visitor, code, demo.PASSWORD)

    visitor.sees("This code has expired. Request a new one.")
    visitor.expected("status of 400")


def test_taken_handle(visitor):
    """A handle that exists is refused while it is typed, in any case of its letters, and not sent."""
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.headers.get("x-amz-target", "")))
    visitor.open("/signup")
    visitor.fill(name="A", email="a@example.com", new_password=PASSWORD, handle="AndrewBrown")

    visitor.sees("This handle is taken. Choose another one.")
    visitor.button("Create the account").click()
    visitor.heading("Create an account")
    assert [target for target in sent if target] == []


def totp(secret: str) -> str:
    """Return the code of an authenticator app now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    [number] = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"


def add_authenticator(deployed: Deployed, email: str) -> str:
    """Add an authenticator app to a user, and return its secret."""
    access_token = tokens(deployed, email, PASSWORD)["AccessToken"]
    with deployed.anonymous("cognito-idp") as cognito:
        secret = cognito.associate_software_token(AccessToken=access_token)["SecretCode"]
        cognito.verify_software_token(AccessToken=access_token, UserCode=totp(secret))
        cognito.set_user_mfa_preference(
            AccessToken=access_token,
            SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
        )
    return str(secret)


def test_authenticator(visitor):
    """A user with an authenticator app is asked for its code; a wrong one is refused."""
    email = create_user(visitor.deployed, "edith")
    secret = add_authenticator(visitor.deployed, email)
    visitor.sign_in(email, PASSWORD)
    visitor.sees("Enter the code of your authenticator app.")
    visitor.fill(code=another(totp(secret)))
    visitor.button("Continue").click()
    visitor.sees(re.compile("code is not right"))
    visitor.expected("status of 400")

    visitor.fill(code=totp(secret))
    visitor.button("Continue").click()

    visitor.is_signed_in()
