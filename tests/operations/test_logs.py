"""What was logged, once and on and on."""

from __future__ import annotations

import time

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from operations import logs
from tests.operations.answers import Account, Client, opened

SERVICE = {"service": {"LogGroup": "/service"}}
AT = 1_700_000_000_123  # 2023-11-14 22:13:20.123 UTC, in milliseconds.


def event(message: str, at: int = AT, **more: str) -> dict[str, object]:
    """A line in one of two streams."""
    return {"timestamp": at, "message": message, "logStreamName": "one"} | more


def test_all_pages(monkeypatch, capsys) -> None:
    """An empty page is not the last one; what has several lines stays together; times are UTC."""
    pages = [
        {"events": [event("first\n")]},
        {"events": []},
        {"events": [event("Traceback\n  in x\n", AT + 1), event("", AT + 2)]},
    ]
    client = Client(filter_log_events=pages)
    opened(monkeypatch, Account(SERVICE, {"logs": client}))
    before = time.time()

    logs.logs(Context(), service=True, since="2h")

    assert [
        "2023-11-14 22:13:20.123  first",
        "2023-11-14 22:13:20.124  Traceback",
        "                           in x",
        "2023-11-14 22:13:20.125  ",
    ] == capsys.readouterr().out.splitlines()
    [(_, asked)] = client.asked
    assert "/service" == asked["logGroupName"]
    assert asked["startTime"] == pytest.approx((before - 7200) * 1000, abs=5000)


def test_hostile_lines(monkeypatch, capsys) -> None:
    """A line cannot move the cursor, and a secret that got into the log goes no further."""
    line = "\x1b[2Jgone password='hunter2'\n\x1b[2Jagain"
    client = Client(filter_log_events=[{"events": [event(line)]}])
    opened(monkeypatch, Account(SERVICE, {"logs": client}))

    logs.logs(Context(), service=True)

    told = [line[25:] for line in capsys.readouterr().out.splitlines()]
    assert ["\\x1b[2Jgone password='[secret]'", "\\x1b[2Jagain"] == told


class Growing(Client):
    """A log that grows between two looks at it: each of *looks* is what it has then."""

    def __init__(self, looks: list[list[dict[str, object]]]) -> None:
        super().__init__()
        self.looks = looks
        self.since: list[int] = []

    def get_paginator(self, action: str) -> object:
        """What it has now, in one page."""
        return self

    def paginate(self, *, startTime: int, **_: object) -> list[object]:  # noqa: N803
        """CloudWatch filters by time."""
        self.since.append(startTime)
        now = self.looks.pop(0)
        return [{"events": [each for each in now if each["timestamp"] >= startTime]}]

    def wait(self, _: float) -> None:
        """What `time.sleep` does: Ctrl-C once it has been looked at often enough."""
        if not self.looks:
            raise KeyboardInterrupt


def test_follow(monkeypatch, capsys) -> None:
    """Each line once, and a late one as well; Ctrl-C ends it with 130."""
    old, new = event("old", eventId="1"), event("new", AT + 60_000, eventId="3")
    twin = event("old", eventId="4")  # The same words at the same time are another event.
    late = event("late", AT + 59_000, eventId="2")
    client = Growing([[old], [old, twin, new], [late, new], [late, new]])
    opened(monkeypatch, Account(SERVICE, {"logs": client}))

    monkeypatch.setattr(time, "sleep", client.wait)
    monkeypatch.setattr(time, "time", lambda: AT / 1000)
    with pytest.raises(Exit) as ended:
        logs.logs(Context(), service=True, follow=True, since="1m")

    told = [line[25:] for line in capsys.readouterr().out.splitlines()]
    assert ["old", "old", "new", "late"] == told
    assert 130 == ended.value.code
    late_by = logs.LATE_SECONDS * 1000
    assert [AT - 60_000, AT - late_by, AT + 60_000 - late_by] == client.since[:3]


def test_follow_from_within_a_millisecond(monkeypatch, capsys) -> None:
    """What was logged in it is asked for each time, and told once: a clock is finer than a log."""
    client = Growing([[event("a")]] * 3)
    opened(monkeypatch, Account(SERVICE, {"logs": client}))

    monkeypatch.setattr(time, "sleep", client.wait)
    monkeypatch.setattr(time, "time", lambda: AT / 1000 + 0.0004)
    with pytest.raises(Exit):
        logs.logs(Context(), service=True, follow=True, since="0s")

    assert [AT, AT, AT] == client.since
    assert ["a"] == [line[25:] for line in capsys.readouterr().out.splitlines()]


def test_without_numbers(monkeypatch, capsys) -> None:
    """The emulator does not number events: then time, stream and words tell them apart."""
    client = Growing([[event("a")], [event("a"), event("b")]])
    opened(monkeypatch, Account(SERVICE, {"logs": client}))

    monkeypatch.setattr(time, "sleep", client.wait)
    monkeypatch.setattr(time, "time", lambda: AT / 1000)
    with pytest.raises(Exit):
        logs.logs(Context(), service=True, follow=True)

    assert ["a", "b"] == [line[25:] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("since", "seconds"), [("0s", 0), ("90s", 90), ("15m", 900), ("12h", 43200), ("7d", 604800)]
)
def test_since(since: str, seconds: int) -> None:
    """A number and a unit."""
    assert seconds == logs.seconds(since)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"service": True, "since": "yesterday"}, "--since=yesterday: not a time"),
        ({"service": True, "since": "-1m"}, "--since=-1m: not a time"),
        ({"service": True, "since": "15"}, "--since=15: not a time"),
        ({}, "whose log?"),
        ({"service": True, "function": "thumbnail"}, "whose log?"),
        ({"function": "thumbnail"}, "--function=thumbnail: there is no such function"),
    ],
    ids=["word", "negative", "no unit", "nobody's", "two", "unknown"],
)
def test_refused(monkeypatch, capsys, how, said: str) -> None:
    """What is meant has to be clear, before AWS is asked."""
    opened(monkeypatch, Account(SERVICE))

    with pytest.raises(Exit):
        logs.logs(Context(), **how)

    told = capsys.readouterr()
    assert f"error: {said}\nhint:" in told.err
    assert "" == told.out


def test_before_a_deploy(monkeypatch, capsys) -> None:
    """The hint says how there will be a log."""
    opened(monkeypatch, Account())

    with pytest.raises(Exit):
        logs.logs(Context(), service=True)

    assert "hint: ./inv deploy --stack=service --env=x\n" in capsys.readouterr().err
