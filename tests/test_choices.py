"""What a decision has to say before it is recorded: every field, and who counts as somebody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.choices import Field, day_end, decision_faults, outcome_faults, refuse, same_person, visible
from signals.model import SignalsError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)


def faults(**given: Any) -> dict[Field, str]:
    """Of an override that has everything, but for what is given."""
    said: dict[str, Any] = {"recommended": "hold", "call": "ship", "by": "Ann", "because": "we know", "second": "Bo",
                            "until": LATER, "follow_up": None, "now": NOW}  # fmt: skip
    return decision_faults(**{**said, **given})


def test_an_override_with_everything_has_no_fault() -> None:
    assert faults() == {}
    assert faults(until=None, follow_up=LATER) == {}
    assert faults(until=NOW + timedelta(days=366)) == {}


def test_as_recommended_takes_who_and_why_alone() -> None:
    assert faults(recommended="ship", second="", until=None) == {}
    assert set(faults(recommended="ship", second="", until=None, by=" ", because="\n")) == {"by", "because"}


@pytest.mark.parametrize(
    "given, field, says",
    [
        ({"by": ""}, "by", "needs who decides"),
        ({"by": "\u200b\u2060"}, "by", "needs who decides"),
        ({"by": "a" * 201}, "by", "at most 200"),
        ({"because": "  "}, "because", "needs a reason"),
        ({"because": "x" * 10_001}, "because", "at most 10,000"),
        ({"because": "a\0b"}, "because", "cannot be kept"),
        ({"because": "a\ud800"}, "because", "cannot be kept"),
        ({"second": "b\0o"}, "second", "cannot be kept"),
        ({"second": ""}, "second", "needs a second person"),
        ({"second": "\u200b"}, "second", "needs a second person"),
        ({"second": "ann"}, "second", "somebody else than Ann"),
        ({"until": None}, "date", "needs a date"),
        ({"until": NOW}, "date", "not in the future"),
        ({"until": None, "follow_up": datetime(2020, 1, 1, tzinfo=UTC)}, "date", "not in the future"),
        ({"follow_up": LATER}, "date", "one date"),
        ({"recommended": "ship"}, "date", "only an override"),
        ({"by": "."}, "by", "needs who decides"),
        ({"by": "\u2800"}, "by", "needs who decides"),
        ({"second": "\u3164"}, "second", "needs a second person"),
        ({"second": "\u115f"}, "second", "needs a second person"),
        ({"second": "-"}, "second", "needs a second person"),
        ({"because": "\u2800\ufe0f"}, "because", "needs a reason"),
        ({"until": LATER.replace(tzinfo=None)}, "date", "has no zone"),
        ({"until": datetime(9999, 12, 31, tzinfo=UTC)}, "date", "more than 366 days away"),
        ({"until": None, "follow_up": NOW + timedelta(days=367)}, "date", "more than 366 days away"),
        ({"call": "maybe"}, "call", "ship, hold, rollback"),
    ],
)
def test_each_fault_is_told_at_its_field(given: dict[str, Any], field: Field, says: str) -> None:
    found = faults(**given)
    assert list(found) == [field]
    assert says in found[field]


def test_the_second_person_of_an_accepted_decision_is_somebody_else_too() -> None:
    assert list(faults(recommended="ship", until=None, second="ANN ")) == ["second"]


@pytest.mark.parametrize(
    "one, other",
    [
        ("Ann", " ann "),
        ("Ann Lee", "ANN\u00a0 LEE"),
        ("Jos\u00e9", "JOSE\u0301"),
        ("Stra\u00dfe", "STRASSE"),
        ("\uff21nn", "Ann"),
        ("A\u200bnn", "Ann"),
        ("Ann\ufe0f", "Ann"),
        ("A\u034fnn", "Ann"),
        ("Ann\U000e0100", "Ann"),
        ("Ann\u3164", "Ann"),
        ("Ada <ada@example.com>", "ADA"),
        ("Ada <ada@example.com>", "Ada@Example.com"),
        ("Ada <ada@example.com>", "Countess <ada@example.com>"),
    ],
)
def test_two_spellings_of_one_person(one: str, other: str) -> None:
    assert same_person(one, other)
    assert same_person(other, one)


@pytest.mark.parametrize("other", ["Anna", "Ann B", "", "ann@example.com"])
def test_other_people_are_other_people(other: str) -> None:
    assert not same_person("Ann", other)


@given(st.text(), st.text())
def test_somebody_visible_is_themselves_and_nobody_is_nobody(one: str, other: str) -> None:
    assert same_person(one, one) == bool(visible(one))
    assert same_person(one, other) == same_person(other, one)


def test_a_day_ends_with_its_last_second_in_utc() -> None:
    assert day_end("2026-12-01") == LATER
    assert day_end(" 2026-12-01T09:00+02:00 ") == datetime(2026, 12, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-13-01", "20261201T09:00", "2026-12-01T09:00", "", "0001-01-01T00:00+09:00"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(SignalsError, match=r"no date|no zone"):
        day_end(text)


def test_an_outcome_needs_who_and_evidence() -> None:
    assert outcome_faults("good", "Eve", "churn rose") == {}
    assert set(outcome_faults("", "", " ")) == {"outcome", "by", "because"}


def test_every_fault_is_a_line_in_the_order_of_the_form() -> None:
    with pytest.raises(SignalsError) as raised:
        refuse(faults(by="", second="", until=None))
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert "--by" in lines[0]
    assert "--second" in lines[1]
    assert "--until" in lines[2]
    refuse({})
