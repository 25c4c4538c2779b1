"""How a diagnosis is told: rows that add up, one sign, names that say whose number a cause is about."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import reconciled
from memo.verdicts import reading, verdict
from reconciled import around, cause

from signals.model import Interval, Reconciliation
from signals.told import (
    AGREED,
    NOT_DIAGNOSED,
    cause_name,
    not_known,
    rows,
    silent_decider,
    spoken_names,
    turned,
    uncontradicted,
)

PAIRS = [
    reconciled.judge_against_conversion(), reconciled.judge_against_panel(), reconciled.chance_only(),
    reconciled.widened(),
]  # fmt: skip


def mirrored(found: Reconciliation) -> Reconciliation:
    """The same pair told from the other signal: every number has the other sign."""

    def turn(one: Interval | None) -> Interval | None:
        return turned(one, -1.0)

    causes = tuple(replace(one, part=turn(one.part), quantity=turn(one.quantity)) for one in found.causes)
    return replace(found, gap=turn(found.gap), causes=causes)  # type: ignore[arg-type]  # it has one


def together(found: Reconciliation) -> Reconciliation:
    """What is not told from chance by itself is no chance as a sum: timing 0.2 and the rest 1.14."""
    new = {
        "noise": {"part": Interval(0.0, 0.0, 0.0), "share": 0.0, "p_value": 0.001, "p_adjusted": 0.005},
        "unexplained": {
            "part": around(1.34, 0.9), "blamed": False, "p_adjusted": 0.09, "share": 0.28, "evidence": "together",
        },
    }  # fmt: skip
    return replace(found, causes=tuple(replace(one, **new.get(one.name, {})) for one in found.causes))  # type: ignore[arg-type]


@pytest.mark.parametrize("found", [*PAIRS, *map(mirrored, PAIRS), together(reconciled.judge_against_conversion())])
def test_rows_add_up_to_the_gap_as_told_and_sums_to_what_is_inside_them(found: Reconciliation) -> None:
    told = rows(found)
    assert math.fsum(row.size for row in told) == pytest.approx(abs(found.gap.value or 0.0))
    for row in told:
        if row.inside:
            assert math.fsum(one.size for one in row.inside) == pytest.approx(row.size)


@pytest.mark.parametrize("found", PAIRS)
def test_a_part_has_one_sign_whichever_signal_is_the_higher(found: Reconciliation) -> None:
    assert [(row.name, row.part, row.quantity) for row in rows(found)] == [
        (row.name, row.part, row.quantity) for row in rows(mirrored(found))
    ]
    for row in rows(found):
        if row.cause.share is not None:
            assert math.copysign(1.0, row.cause.share) == math.copysign(1.0, row.size)


def test_what_can_be_chance_stands_inside_the_row_of_chance() -> None:
    found = reconciled.judge_against_conversion()
    named = {row.name: [one.name for one in row.inside] for row in rows(found)}
    assert named == {
        "population (judge)": [], "judge bias": [], "chance": ["timing (conversion)"], "unexplained rest": [],
    }  # fmt: skip
    more = cause("response", "judge", 0.0, 0.3, blamed=False, counts=False, share=None)
    two = {row.name: row for row in rows(replace(found, causes=(*found.causes, more)))}
    assert [one.name for one in two["chance, 2 parts together"].inside] == ["timing (conversion)", "response (judge)"]


def test_what_is_no_chance_only_as_a_sum_is_not_called_unexplained() -> None:
    row = rows(together(reconciled.judge_against_conversion()))[-1]
    assert (row.name, row.apart, row.p) == ("not told apart, 2 parts", True, 0.005)  # the p of the sum
    assert [(one.name, one.size, one.p) for one in row.inside] == [
        ("timing (conversion)", 0.2, 0.86), ("unexplained rest", 1.14, 0.09),
    ]  # fmt: skip
    found = together(reconciled.judge_against_conversion())
    own = replace(found, causes=tuple(replace(one, blamed=one.name != "noise") if one.counts else one
                                      for one in found.causes))  # fmt: skip
    last = rows(own)[-1]
    assert (last.name, last.p) == ("unexplained rest, and 1 more", 0.09)


def test_without_a_common_scale_a_number_is_what_a_correction_takes_off_its_signal() -> None:
    found = reconciled.no_scale()
    second = replace(found.causes[0], signal="cost", quantity=around(-0.03, 0.01))  # what is put on the second one
    told = rows(replace(found, causes=(found.causes[0], second)))
    assert [row.part for row in told] == [None, None]
    assert [row.quantity.value for row in told if row.quantity] == [0.04, 0.03]


def test_a_name_says_whose_number_it_is_about() -> None:
    found = reconciled.judge_against_conversion()
    population, bias = found.causes[0], found.causes[2]
    assert (cause_name(population, found), cause_name(bias, found)) == ("population (judge)", "judge bias")
    other = replace(bias, signal="judge_b")
    two = replace(found, causes=(bias, other))
    assert [cause_name(one, two) for one in two.causes] == ["judge bias (judge)", "judge bias (judge_b)"]
    both = [population, replace(population, signal="panel"), bias]
    assert spoken_names(both, found) == ["population of judge and of panel", "judge bias"]


def test_what_is_not_known_is_said_once_for_all_pairs() -> None:
    found = reconciled.judge_against_panel()
    said = not_known([found, found])
    assert said == (
        "Not known: population of judge (judge does not say whom it speaks for; map the same `segment.*` columns in "
        "its source); judge bias (people graded only 12 of the items; 20 are needed); construct (only 3 past releases "
        "have both; 10 are needed)."
    )
    other = replace(found, against="conversion", causes=tuple(
        replace(one, refused="only 4 past releases have both") if one.name == "construct" else one
        for one in found.causes
    ))  # fmt: skip
    assert "construct (judge against panel: only 3 past releases have both; 10 are needed)" in not_known([found, other])
    late = replace(found, causes=tuple(replace(one, remedy="map `at`") if one.name == "timing" else one
                                       for one in found.causes))  # fmt: skip
    assert not_known([late]).endswith("; nor construct.")
    assert not_known([reconciled.chance_only()]) == ""


def test_an_overruled_signal_that_nothing_contradicts_is_not_called_agreeing() -> None:
    judge, silent = reading("judge", "win", 0.1, 0.05), reading("conversion", "unclear", 0.1, 0.05)
    one = verdict(readings={"judge": judge, "conversion": silent}, decided_by="conversion", overruled=("judge",))
    assert uncontradicted(one) == (
        "Conversion is unclear, so nothing can be held against it: judge (win) is overruled, not contradicted."
    )
    assert uncontradicted(replace(one, overruled=())) == AGREED
    gone = replace(one, readings={"judge": judge, "conversion": replace(silent, state="missing")})
    assert uncontradicted(gone).startswith("Conversion has no evidence, so")
    assert silent_decider(one) == "Conversion is unclear, so nothing can be held against it."
    assert silent_decider(replace(one, decided_by="judge")) == ""
    torn = replace(one, readings={"judge": judge, "conversion": replace(silent, state="loss")})
    assert uncontradicted(torn) == NOT_DIAGNOSED
