"""The errors in a table of a config file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from deployer.config import fields
from deployer.config.validation import (
    NetworkSetting,
    SettingError,
    closest,
    decode,
    format_key,
    validate,
)

GOOD = {
    "account": "012345678901",
    "nat": "single",
    "flow": True,
    "zones": ["a", "b"],
    "cidr": "10.0.0.0/16",
    "size": {"cpu": 256, "memory_mib": 512},
}


class Example(fields.Settings, frozen=True):
    account: fields.AccountId
    nat: Literal["none", "single"]
    flow: bool
    zones: Annotated[tuple[fields.Name, ...], Meta(min_length=2)]
    cidr: fields.Cidr
    size: fields.FargateSize
    days: fields.LogRetentionDays = 30
    count: Annotated[int, Meta(ge=1, le=10)] = 1
    ratio: float = 0.5
    region: fields.Region | None = None
    limits: dict[str, int] | None = None
    note: str = ""

    def __post_init__(self):
        if not self.flow and self.nat == "none":
            raise ValueError("flow may be false only with nat")


def facts(table) -> list[str]:
    results = validate({key: value for key, value in table.items() if value is not None}, Example)
    return [
        ": ".join(filter(None, (format_key(error.path), error.fact)))
        for error in results
        if isinstance(error, SettingError)
    ]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"account": "12345"}, "account: '12345' is not a 12-digit account id"),
        ({"account": 12345}, "account: 12345 is not a 12-digit account id; it needs quotes"),
        ({"account": None}, "account: missing; it takes a 12-digit account id"),
        ({"nat": "singel"}, "nat: 'singel' is not one of none, single; did you mean 'single'?"),
        ({"nat": "zzz"}, "nat: 'zzz' is not one of none, single"),
        ({"nat": None}, "nat: missing; it takes one of none, single"),
        ({"flow": "true"}, "flow: 'true' is not true or false; it takes no quotes"),
        ({"flow": 1}, "flow: 1 is not true or false"),
        ({"flow": None}, "flow: missing; it takes true or false"),
        ({"flow": False, "nat": "none"}, "flow may be false only with nat"),
        ({"zones": "a"}, "zones: 'a' is not a list of at least 2"),
        ({"zones": ["a"]}, "zones: a list of 1 is not a list of at least 2"),
        (
            {"zones": ["a", "B"]},
            (
                "zones[1]: 'B' is not a name of up to 20 lower-case letters, digits and single hyphens within,"
                " a letter first"
            ),
        ),
        (
            {"cidr": "10.0.0.1/16"},
            "cidr: 10.0.0.1/16 has host bits set; did you mean '10.0.0.0/16'?",
        ),
        (
            {"cidr": "10.0.0.0/8"},
            "cidr: '10.0.0.0/8' is not an IPv4 network of /16 to /28, such as 10.0.0.0/16",
        ),
        ({"cidr": 10}, "cidr: 10 is not an IPv4 network of /16 to /28, such as 10.0.0.0/16"),
        ({"size": 256}, "size: 256 is not a table"),
        ({"size": None}, "size: missing; it takes a table"),
        (
            {"size": {"cpu": 256, "memory_mib": 4096}},
            (
                "size.memory_mib: 256 CPU units go with 512 to 2048 MiB of memory, in steps, not 4096;"
                " did you mean 2048?"
            ),
        ),
        (
            {"size": {"cpu": 300, "memory_mib": 512}},
            (
                "size.cpu: 300 is not a CPU size of Fargate;"
                " there are 256, 512, 1024, 2048, 4096, 8192, 16384"
            ),
        ),
        (
            {"size": {"cpu": 256.0, "memory_mib": 512}},
            "size.cpu: 256.0 is not a CPU size of Fargate; it takes a whole number",
        ),
        ({"count": 11}, "count: 11 is not a whole number from 1 to 10"),
        ({"count": 1.0}, "count: 1.0 is not a whole number from 1 to 10"),
        ({"ratio": "0.5"}, "ratio: '0.5' is not a number; it takes no quotes"),
        (
            {"region": "Us-east1"},
            "region: 'Us-east1' is not an AWS region; did you mean 'us-east-1'?",
        ),
        ({"region": "moon"}, "region: 'moon' is not an AWS region"),
        ({"limits": {"a": "b"}}, "limits.a: 'b' is not a whole number; it takes no quotes"),
        ({"limits": []}, "limits: a list of 0 is not a table"),
        ({"note": 1}, "note: 1 is not text in quotes; it needs quotes"),
        ({"note": "a\nb"}, "note: has a line break or another character that cannot be seen"),
        (
            {"account": "012345678901\n"},
            "account: has a line break or another character that cannot be seen",
        ),
        (
            {"note": "zero\u200bwidth"},
            "note: has a line break or another character that cannot be seen",
        ),
        ({"cidr": None, "cidrr": "10.0.0.0/16"}, "cidrr: unknown key; did you mean 'cidr'?"),
        (
            {"size": None, "siz": {"cpu": 256, "memory_mib": 512}},
            "siz: unknown table; did you mean 'size'?",
        ),
        ({"rgion": "us-east-1"}, "rgion: unknown key; did you mean 'region'?"),
        (
            {"xyz": 1},
            (
                "xyz: unknown key; there are account, nat, flow, zones, cidr, size,"
                " days, count, ratio, region, limits, note"
            ),
        ),
    ],
)
def test_each_kind_of_error(change, fact):
    """Each kind of error has a fact and, where possible, a suggestion."""
    table = GOOD | change

    found = facts(table)

    assert [fact] == found


def test_a_valid_table_has_no_error():
    """Validating a valid table yields only its networks."""
    results = list(validate(GOOD, Example))

    assert [NetworkSetting(("cidr",), fields.Cidr("10.0.0.0/16"))] == results


plain = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(), st.datetimes()
)
keys = st.sampled_from([*Example.__struct_fields__, "cpu", "memory_mib", "other"])
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(change=st.dictionaries(keys, anything, max_size=2))
def test_msgspec_agrees_about_any_table(change):
    """Any table has an error if and only if msgspec would not convert it."""
    table = GOOD | change
    try:
        msgspec.convert(table, Example, dec_hook=decode)
        converts = str(table.get("note", "")).isprintable()
    except msgspec.ValidationError:
        converts = False

    found = facts(table)

    assert converts is (found == [])


def test_a_misspelt_table_is_validated():
    """The content of a misspelt table is validated as that of the right one."""
    table = GOOD | {"size": None, "siez": {"cpu": 1, "memory": 512}}

    found = facts(table)

    assert found == [
        "siez: unknown table; did you mean 'size'?",
        (
            "siez.cpu: 1 is not a CPU size of Fargate;"
            " there are 256, 512, 1024, 2048, 4096, 8192, 16384"
        ),
        "siez.memory: unknown key; did you mean 'memory_mib'?",
    ]


def test_a_secret_is_not_quoted():
    """A value of the wrong type or form is not quoted if it looks like a secret."""
    table = GOOD | {"account": "AKIA" + "IOSFODNN7EXAMPLE"}

    found = facts(table)

    assert found == ["account: what looks like a secret is not a 12-digit account id"]


@pytest.mark.parametrize(
    ("word", "near"),
    [("prd", "prod"), ("PROD", "prod"), ("deev", "dev"), ("staging", None), ("", None)],
)
def test_the_closest_name(word, near):
    """A nearly correct name is recognized as a typing error."""
    known = ["dev", "local", "prod"]

    found = closest(word, known)

    assert near == found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("network", "zones", 0), "network.zones[0]"),
        (("a-b", "c_1"), "a-b.c_1"),
        (("a b", "c.d"), '"a b"."c.d"'),
        (("line\nbreak", "\x1b[31m"), '"line\\nbreak"."\\u001b[31m"'),
    ],
)
def test_a_key_is_written_as_in_toml(path, text):
    """A key with other characters is in quotes and escaped, so it cannot change the terminal."""
    assert format_key(path) == text
