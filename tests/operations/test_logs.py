"""The log of a function or a service is read once, or followed."""

from __future__ import annotations

import time

import pytest

from deployer.errors import CloudError, ConfigError
from operations import logs
from tests.operations.fake_account import Account, Client, target

SERVICE = {"service": {"LogGroup": "/service"}}
AT = 1_700_000_000_123  # 2023-11-14 22:13:20.123 UTC, in milliseconds.


def event(message: str, at: int = AT, **others: str) -> dict[str, object]:
    """Return an event of a log stream."""
    return {"timestamp": at, "message": message, "logStreamName": "one"} | others


def read(client: Client, start: int = AT, *, follow: bool = False) -> list[str]:
    """Read the log of the service until Ctrl-C, and return its lines without times."""
    texts = logs.read(
        target(Account(SERVICE, {"logs": client})), "", service=True, start=start, follow=follow
    )
    lines: list[str] = []
    try:
        for text in texts:
            lines += text.splitlines()
    except KeyboardInterrupt:
        assert follow
    return lines


def test_all_pages_are_read() -> None:
    """An empty page is not the last one; further lines of an event are indented; times are UTC."""
    pages = [
        {"events": [event("first\n")]},
        {"events": []},
        {"events": [event("Traceback\n  in x\n", AT + 1), event("", AT + 2)]},
    ]
    client = Client(filter_log_events=pages)

    lines = read(client, AT - 1)

    assert lines == [
        "2023-11-14 22:13:20.123  first",
        "2023-11-14 22:13:20.124  Traceback",
        "                           in x",
        "2023-11-14 22:13:20.125  ",
    ]
    assert client.calls == [
        ("filter_log_events", {"logGroupName": "/service", "startTime": AT - 1})
    ]


def test_control_characters_and_secrets() -> None:
    """Control characters are escaped, and likely secrets are masked."""
    line = "\x1b[2Jgone password='hunter2'\n\x1b[2Jagain"
    client = Client(filter_log_events=[{"events": [event(line)]}])

    lines = [line[25:] for line in read(client)]

    assert lines == ["\\x1b[2Jgone password='[secret]'", "\\x1b[2Jagain"]


class GrowingLog(Client):
    """A log that grows between two reads; each list in *reads* is its content at one read."""

    def __init__(self, reads: list[list[dict[str, object]]]) -> None:
        super().__init__()
        self.reads = reads
        self.starts: list[int] = []

    def get_paginator(self, operation: str) -> object:
        """Return this log as the paginator of its only page."""
        return self

    def paginate(self, *, startTime: int, **_: object) -> list[object]:  # noqa: N803  # boto's name
        """Return the current content from *startTime* on."""
        self.starts.append(startTime)
        content = self.reads.pop(0)
        return [{"events": [event for event in content if event["timestamp"] >= startTime]}]

    def sleep(self, _: float) -> None:
        """Replace `time.sleep`: interrupt after the last read."""
        if not self.reads:
            raise KeyboardInterrupt


def follow(monkeypatch: pytest.MonkeyPatch, log: GrowingLog, start: int = AT) -> list[str]:
    """Follow *log* and return its lines without times."""
    monkeypatch.setattr(time, "sleep", log.sleep)
    return [line[25:] for line in read(log, start, follow=True)]


def test_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is returned once, also a late one."""
    old, new = event("old", eventId="1"), event("new", AT + 60_000, eventId="3")
    twin = event("old", eventId="4")  # Another event with the same message and time.
    late = event("late", AT + 59_000, eventId="2")
    log = GrowingLog([[old], [old, twin, new], [late, new], [late, new]])

    lines = follow(monkeypatch, log, AT - 60_000)

    overlap = logs.LATE_SECONDS * 1000
    assert lines == ["old", "old", "new", "late"]
    assert log.starts[:3] == [AT - 60_000, AT - overlap, AT + 60_000 - overlap]


def test_follow_within_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """If several reads are within a millisecond, an event is still returned once."""
    log = GrowingLog([[event("a")]] * 3)

    lines = follow(monkeypatch, log)

    assert log.starts == [AT, AT, AT]
    assert lines == ["a"]


def test_events_without_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, stream and message identify an event of the emulator, which has no event ids."""
    log = GrowingLog([[event("a")], [event("a"), event("b")]])

    assert follow(monkeypatch, log) == ["a", "b"]


@pytest.mark.parametrize(
    ("since", "seconds"), [("0s", 0), ("90s", 90), ("15m", 900), ("12h", 43200), ("7d", 604800)]
)
def test_since(since: str, seconds: int) -> None:
    """A duration is a number and a unit."""
    assert logs.seconds(since) == seconds


@pytest.mark.parametrize("since", ["yesterday", "-1m", "15"], ids=["word", "negative", "no unit"])
def test_an_invalid_duration(since: str) -> None:
    """The error names the flag."""
    with pytest.raises(ConfigError, match=f"--since={since}: not a duration"):
        logs.seconds(since)


@pytest.mark.parametrize(
    ("function", "service", "message"),
    [
        ("", False, "--function or --service is required"),
        ("thumbnail", True, "--function or --service is required"),
        ("thumbnail", False, "--function=thumbnail: no such function"),
    ],
    ids=["none", "both", "unknown"],
)
def test_one_log_must_be_selected(function: str, message: str, *, service: bool) -> None:
    """An ambiguous selection is refused without a call of AWS."""
    client = Client()
    account = Account(SERVICE, {"logs": client})

    with pytest.raises(ConfigError, match=message):
        list(logs.read(target(account), function, service=service, start=AT, follow=False))

    assert client.calls == []


def test_the_service_is_not_deployed() -> None:
    """The hint names the stack to deploy."""
    with pytest.raises(CloudError) as raised:
        list(logs.read(target(Account()), "", service=True, start=AT, follow=False))

    assert raised.value.hint == "run ./inv deploy --stack=service --env=x"


def test_a_pattern() -> None:
    """CloudWatch Logs filters the events, so the pattern is passed as it is."""
    client = Client(filter_log_events=[{"events": [event("x")]}])
    selected = target(Account(SERVICE, {"logs": client}))

    list(logs.read(selected, "", service=True, start=AT, follow=False, pattern='{ $.a = "b" }'))

    [(_, arguments)] = client.calls
    assert arguments == {
        "logGroupName": "/service",
        "startTime": AT,
        "filterPattern": '{ $.a = "b" }',
    }
