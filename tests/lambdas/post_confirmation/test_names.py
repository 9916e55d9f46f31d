"""Names keep their appearance, and handles are transliterated."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from post_confirmation.names import HANDLE_LENGTH, NAME_LENGTH, handle, has_hidden, visible_text

ZWNJ, ZWJ = "\u200c", "\u200d"
FAMILY = ZWJ.join("👨👩👧👦")
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"می{ZWNJ}خواهم", id="Persian"),
        pytest.param(f"ක්{ZWJ}රිස්ටි", id="Sinhala"),
        pytest.param(f"അവന്{ZWJ}", id="Malayalam, at the end"),
        pytest.param(f"അവന്{ZWJ} മോഹന്{ZWJ}", id="Malayalam, at the end of a word"),
        pytest.param(FAMILY, id="family"),
        pytest.param(f"Ann ❤\ufe0f{ZWJ}🔥", id="heart on fire"),
        pytest.param(f"Mia 👩🏽{ZWJ}🚀", id="astronaut"),
        pytest.param(SCOTLAND, id="flag of Scotland"),
        pytest.param("葛\U000e0100城", id="a variant of a Chinese character"),
        pytest.param("\U00016ea0\U00016ebb", id="letters of Unicode 17"),
        pytest.param("\U000323b0", id="a Chinese character of Unicode 17"),
        pytest.param("Zoe\u0308", id="combining"),
    ],
)
def test_visible_characters_are_kept(name: str) -> None:
    """A name keeps its characters, also those that are newer than the tables of Python."""
    assert name == visible_text(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\0Londo\n\u202eMollari ", "Londo Mollari"),
        ("Lon\u00addo\ufeff", "Londo"),
        (f"{ZWJ}Ann{ZWNJ}", "Ann"),
        (f"Ann{ZWJ} Lee", "Ann Lee"),
        (f"Ann {ZWJ}Lee", "Ann Lee"),
        (f"A{ZWJ}{ZWJ}{ZWNJ}B", f"A{ZWJ}B"),
        ("A\ufe0f\ufe0fB", "A\ufe0fB"),
        ("A \ufe0fB", "A B"),
        ("A\u2800B", "A B"),
        ("A\u200bB", "AB"),
        ("A\U000e0041B", "AB"),
        ("\ud800A", "A"),
        ("x" * (NAME_LENGTH - 1) + ZWJ + "y", "x" * (NAME_LENGTH - 1)),
        (f"{'x' * (NAME_LENGTH - 1)} y", "x" * (NAME_LENGTH - 1)),
    ],
    ids=ascii,
)
def test_invisible_characters_are_removed(text: str, name: str) -> None:
    """Invisible characters are removed, and so is a joiner that joins nothing."""
    assert name == visible_text(text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \n\t\u3000",
        "\u3164",
        "\uffa0\u115f\u1160",
        "\u2800",
        "\u2060\ufeff",
        "\u17b4\u034f",
        ZWJ,
        f"{ZWNJ} {ZWJ}",
        "\ufe0f",
        "\U0001d159",
        "\x7f\x85\u2028",
        "\U000e0020\U000e007f",
    ],
    ids=ascii,
)
def test_an_invisible_name_is_empty(name: str) -> None:
    """A name without visible characters becomes empty."""
    assert visible_text(name) == ""


@given(st.text(st.characters(codec="utf-8")) | st.text(f"aß {ZWNJ}{ZWJ}\ufe0f\u2800\u3164ന്👩"))
@example(f"{'x' * (NAME_LENGTH - 1)}{ZWJ}{ZWJ}y")
def test_any_name(text: str) -> None:
    """Any name becomes short and one line; cleaning it again changes nothing."""
    name = visible_text(text)

    assert len(name) <= NAME_LENGTH
    assert name == " ".join(name.split())
    assert name == visible_text(name)
    assert not has_hidden(
        re.sub("[\u200c\u200d\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e01ef]", "", name)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("londo", "londo"),
        ("_Londo_1_", "_Londo_1_"),
        ("x" * 30, "x" * 30),
        ("Łukasz", "Lukasz"),
        ("Øyvind", "Oyvind"),
        ("Straße", "Strasse"),
        ("Đorđe", "Dorde"),
        ("Þór", "Thor"),
        ("\u0131s\u0131", "isi"),
        ("José K.", "Jose_K"),
        ("@londo.mollari", "londo_mollari"),
        ("Nguyễn Thị", "Nguyen_Thi"),
        ("Лондо", "Londo"),
        ("Βασίλης", "Vasilis"),
        ("皇帝", "HuangDi"),
        ("ﬁn\uff11", "fin1"),
        ("👑", "crown"),
        ("x" * 29 + " yz", "x" * 29),
        ("", ""),
        ("...", ""),
        ("\U000323b0", ""),
        (ZWJ, ""),
    ],
    ids=ascii,
)  # fmt: skip
def test_handles_are_transliterated(text: str, expected: str) -> None:
    """A valid handle is kept; letters of any script are transliterated to ASCII."""
    assert expected == handle(text)


@given(st.text(st.characters(codec="utf-8")))
def test_any_handle(text: str) -> None:
    """Any text becomes a valid or empty handle, which stays the same if converted again."""
    result = handle(text)

    assert result == "" or re.fullmatch(f"[0-9A-Za-z_]{{1,{HANDLE_LENGTH}}}", result)
    assert result == handle(result)
