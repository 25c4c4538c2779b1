"""What a release's rows are told apart from: the quick way gives what the plain one does."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from signals.lookup import NAMED_STRAYS, _Strays
from signals.model import OTHER_RELEASES, Release, SetAside
from signals.store import Content

NAMES = ["a1", "A-1", "b1", "b2", "c", "d", "e", "f", "g", "h"]
KEYS = st.one_of(
    st.just(()),
    st.tuples(st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(lambda pair: tuple(sorted(pair))),
)
PARTS = st.dictionaries(KEYS, st.integers(0, 30), max_size=25)
ARMS = st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True)


def content(parts: dict[tuple[str, ...], int]) -> Content:
    plain = [{"key": list(key), "content": "0", "rows": rows, "last": ""} for key, rows in sorted(parts.items())]
    return Content({"parts": json.dumps(plain), "set_aside": "[]", "rows_kept": sum(parts.values())})


def release(number: int, arms: list[str]) -> Release:
    return Release(f"r{number}", "prompt", arms[0], arms[1], date(2026, 11, 10))


def plainly(one: Release, releases: list[Release], sources: list[dict[tuple[str, ...], int]]) -> tuple[Any, ...]:
    """One release at a time, asking every other one about every key."""
    rows: Counter[tuple[str, ...]] = Counter()
    for parts in sources:
        for key, count in parts.items():
            own = key == tuple(sorted(one.arms)) if len(key) == 2 else not key or key[0] in one.arms
            if not own and count:
                rows[key] += count
    others = [set(other.arms) for other in releases if other.id != one.id]
    strays = [key for key in rows if not any(arms.issuperset(key) for arms in others)]
    strays.sort(key=lambda key: (-rows[key], key))
    entries = [
        SetAside(rows[key], f"variant {key[0]} is neither arm", key[0], fault=False)
        if len(key) == 1
        else SetAside(rows[key], f"variants {' and '.join(key)} are not the two arms", fault=False)
        for key in strays[:NAMED_STRAYS]
    ]
    rest = strays[NAMED_STRAYS:]
    if rest:
        entries.append(
            SetAside(sum(rows[key] for key in rest), f"{len(rest)} other variants are neither arm", fault=False)
        )
    declared = sum(count for key, count in rows.items() if key not in strays)
    if declared:
        entries.append(SetAside(declared, OTHER_RELEASES, fault=False))
    return tuple(entries)


@given(st.lists(ARMS, min_size=1, max_size=6), st.lists(PARTS, min_size=1, max_size=3), st.booleans())
def test_rows_about_other_comparisons_are_told_apart_as_one_release_at_a_time_would(
    arms: list[list[str]], sources: list[dict[tuple[str, ...], int]], listed: bool
) -> None:
    """Of a release that is declared, and of one that is not any more."""
    releases = [release(number, pair) for number, pair in enumerate(arms)]
    declared = releases if listed else releases[1:]
    held = {f"s{number}": content(parts) for number, parts in enumerate(sources)}
    strays = _Strays(declared, held)
    for one in releases:
        assert strays.of(one, tuple(held)) == plainly(one, declared, sources)


def test_a_pair_of_an_arm_with_itself_is_told_once() -> None:
    one, other = release(0, ["b1", "c"]), release(1, ["d", "e"])
    parts: dict[tuple[str, ...], int] = {("b1", "b1"): 2, ("b1", "c"): 5, ("d", "d"): 3, ("f",): 1}
    for declared in ([one, other], [other]):
        found = _Strays(declared, {"s": content(parts)}).of(one, ("s",))
        assert found == plainly(one, declared, [parts])
        assert [entry.rows for entry in found] == [2, 1, 3]


def test_an_arm_that_the_evidence_spells_otherwise_is_found() -> None:
    held = {"s": content({("A-1",): 3, ("b1",): 4, ("c",): 1})}
    one, other = release(1, ["a1", "b1"]), release(2, ["c", "d"])
    strays = _Strays([one, other], held)
    assert strays.spelled_like("a1", one) == "A-1"
    assert strays.spelled_like("b1", one) is None
    assert strays.spelled_like("c", other) is None
    assert _Strays([one, release(3, ["A-1", "d"])], held).spelled_like("a1", one) is None
