"""Two edits of one text: joined when they are apart, refused when they touch, and no line lost either way."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.workbench.edits.merge import merge

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "  d\n"]), max_size=12)


@st.composite
def edits(draw: st.DrawFn, base: list[str], name: str) -> list[str]:
    """The base with some lines dropped and lines of one's own put in."""
    mine: list[str] = []
    for number, line in enumerate([*base, ""]):
        what = draw(st.sampled_from(["keep", "keep", "keep", "drop", "add", "replace"]))
        if what in ("add", "replace"):
            mine.append(f"{name}{number}\n")
        if what in ("keep", "add"):
            mine.append(line)
    return mine


@st.composite
def triples(draw: st.DrawFn) -> tuple[str, str, str]:
    base = draw(LINES)
    return "".join(base), "".join(draw(edits(base, "mine"))), "".join(draw(edits(base, "theirs")))


@given(triples())
def test_what_is_joined_holds_both_edits_and_nothing_else(texts: tuple[str, str, str]) -> None:
    base, mine, theirs = texts
    joined = merge(base, mine, theirs)
    assert joined == merge(base, theirs, mine)
    assert merge(base, mine, base) == merge(base, base, mine) == merge(base, mine, mine) == mine
    if joined is None:
        return
    lines = [Counter(text.splitlines(keepends=True)) for text in (base, mine, theirs, joined)]
    for line in set().union(*lines):
        old, ours, other, found = (count[line] for count in lines)
        if ours == old:
            assert found == other
        elif other == old:
            assert found == ours
        elif line.startswith(("mine", "theirs")):
            assert found == 1


@given(st.integers(0, 30), st.integers(0, 30))
def test_edits_are_joined_exactly_when_a_line_lies_between_them(one: int, other: int) -> None:
    base = [f"{number}\n" for number in range(31)]
    mine, theirs = list(base), list(base)
    mine[one], theirs[other] = "mine\n", "theirs\n"
    joined = merge("".join(base), "".join(mine), "".join(theirs))
    if abs(one - other) < 2:
        assert joined is None
    else:
        both = list(mine)
        both[other] = "theirs\n"
        assert joined == "".join(both)


@pytest.mark.parametrize(
    "base, mine, theirs, joined",
    [
        ("a", "a\nb", "c\na", None),
        ("a\nb\nc\n", "a\nb\nc", "A\nb\nc\n", "A\nb\nc"),
        ("a\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nc\r\n", "A\r\nb\r\nC\r\n"),
        ("", "a\n", "b\n", None),
        ("a\nb\nc\n", "", "a\nb\nc\nd\n", None),
        ("a\nb\nc\n", "a\nsame\nb\nc\n", "a\nsame\nb\nc\nd\n", "a\nsame\nb\nc\nd\n"),
    ],
)
def test_small_cases(base: str, mine: str, theirs: str, joined: str | None) -> None:
    assert merge(base, mine, theirs) == joined


def test_thousands_of_equal_lines_are_refused_at_once() -> None:
    base = "\n" * 60_000
    assert merge(base, "a" + base, base + "b") is None
