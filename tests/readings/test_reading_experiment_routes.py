"""Whether a loop is closed and whether the router knew: the checks, and what an open loop does to a reading."""

from __future__ import annotations

from typing import Any

import pytest
from reading_kit import AS_OF, RELEASE, evidence, margin, measured, signal
from test_reading_judge_weighted import mix, scores

from signals.model import UNKNOWN_OUTCOME, Evidence, MixShare, Moments, OutcomeCell, RoutedCell, SetAside
from signals.readings import measure, read


def routed(variant: str, route: str, n: int, known: int, realised: float, predicted: float) -> RoutedCell:
    """All forecasts alike, so that everything about them follows."""
    off = known * realised * (1 - realised)
    chance = predicted * (1 - predicted)
    return RoutedCell(
        "", variant, route, min(int(10 * predicted), 9), n, known, realised, predicted, off, known * chance,
        known * (realised - predicted) * (1 - 2 * predicted), known * chance * (1 - 2 * predicted) ** 2,
    )  # fmt: skip


def of(*cells: RoutedCell, unknown: dict[str, int] | None = None, declared: bool = True) -> Evidence:
    """Outcome cells and reasons that go with the routed ones."""
    made, aside = [], [SetAside(0, UNKNOWN_OUTCOME, None, fault=False)] if declared else []
    for arm in RELEASE.arms:
        mine = [cell for cell in cells if cell.variant == arm]
        n = sum(cell.known for cell in mine) or 1_000
        x = sum(cell.known * cell.realised for cell in mine) or 900.0
        made.append(OutcomeCell("", arm, (), None, Moments(n, x / n, x * (n - x) / n)))
        lost = (unknown or {}).get(arm, sum(cell.n - cell.known for cell in mine))
        if lost:
            aside.append(SetAside(lost, UNKNOWN_OUTCOME, arm, fault=False, units=lost))
    return evidence(outcomes=tuple(made), routed=cells, set_aside=tuple(aside))


def why(numbers: Any, name: str) -> str:
    return str({one.name: one.why for one in numbers.measures}[name])


CLOSED = routed("old", "small", 2_000, 1_900, 0.92, 0.92), routed("old", "large", 2_000, 1_900, 0.94, 0.94)


def test_the_worst_route_is_what_is_known_of_the_loop() -> None:
    open_ended = routed("new", "small", 3_000, 300, 0.95, 0.95), routed("new", "large", 1_000, 990, 0.95, 0.95)
    tiny = routed("new", "human", 40, 0, 0.0, 0.95)  # one request in a hundred is not held against the loop
    numbers = measure(signal("experiment"), of(*CLOSED, *open_ended, tiny))
    assert measured(numbers, "outcome_known") == pytest.approx(0.1)
    assert why(numbers, "outcome_known").startswith("route small of new: 300 of 3,000 requests, the worst of 4")


def test_without_routes_the_worse_arm_is() -> None:
    numbers = measure(signal("experiment"), of(unknown={"old": 0, "new": 3_000}))
    assert measured(numbers, "outcome_known") == pytest.approx(0.25)
    closed = measure(signal("experiment"), of())
    assert measured(closed, "outcome_known") == 1.0
    silent = measure(signal("experiment"), of(declared=False))
    assert measured(silent, "outcome_known") is None
    assert "which outcomes nobody learned" in why(silent, "outcome_known")


def test_an_open_loop_is_untrusted_where_the_policy_asks_and_so_is_one_that_nobody_looked_at() -> None:
    asked = signal("experiment", margin=margin(0.02), trust={"outcome_known": 0.5})
    open_ended = of(*CLOSED, routed("new", "small", 4_000, 400, 0.97, 0.97))
    assert read(asked, measure(asked, open_ended), AS_OF).state == "untrusted"
    assert read(asked, measure(asked, of(declared=False)), AS_OF).state == "untrusted"
    closed = of(*CLOSED, routed("new", "small", 4_000, 3_800, 0.97, 0.97))
    assert read(asked, measure(asked, closed), AS_OF).state == "win"
    not_asked = signal("experiment", margin=margin(0.02))
    found = read(not_asked, measure(not_asked, open_ended), AS_OF)
    assert (found.state, found.checks["outcome_known"].status) == ("win", "warn")


def test_overconfidence_is_of_the_candidate_and_of_the_worst_route() -> None:
    proud = routed("old", "small", 2_000, 1_900, 0.60, 0.95)  # the control's fault is no fault of the release
    new = routed("new", "small", 1_000, 900, 0.80, 0.95), routed("new", "large", 1_000, 900, 0.95, 0.94)
    numbers = measure(signal("experiment"), of(proud, *new))
    low = measured(numbers, "max_overconfidence")
    error = (0.8 * 0.2 / 899) ** 0.5
    assert low == pytest.approx(0.15 - 1.9626 * error, abs=1e-4)  # one-sided 95 % shared by two routes; t of 899
    text = why(numbers, "max_overconfidence")
    assert text.startswith("route small: 95.0 % expected and 80.0 % realised over 900 known outcomes, the worst of 2")
    assert "Spiegelhalter z +" in text
    calm = measure(signal("experiment"), of(*CLOSED, routed("new", "small", 1_000, 900, 0.96, 0.95)))
    assert measured(calm, "max_overconfidence") == 0.0
    blind = measure(signal("experiment"), of(*CLOSED))
    assert measured(blind, "max_overconfidence") is None
    assert "no forecasts" in why(blind, "max_overconfidence")


LABELS = [(("plan", "free"),)] * 85 + [(("plan", "pro"),)] * 65


def shifted(cells: tuple[MixShare, ...], labels: Any = LABELS) -> Any:
    return measure(signal("judge"), evidence(scores=scores([0.0, 0.1] * 75, labels), mix=cells))


def test_mix_shift_of_a_judges_items() -> None:
    same = shifted(mix(({"plan": "free"}, 0.55), ({"plan": "pro"}, 0.45)))
    assert measured(same, "max_mix_shift") == 0.0
    off = shifted(mix(({"plan": "free"}, 0.3), ({"plan": "pro"}, 0.4), ({"plan": "admin"}, 0.3)))
    low = measured(off, "max_mix_shift")
    assert low is not None
    assert 0.2 < low < 0.3  # 30 % would have to be of other segments, less what 150 items show by chance
    assert "30.0 % of the items would have to be of other segments" in why(off, "max_mix_shift")
    assert "plan=admin: 0.0 % of the items and 30.0 % of traffic" in why(off, "max_mix_shift")


def test_items_of_segments_that_traffic_does_not_have_count_as_shifted() -> None:
    odd = LABELS[:75] + [(("plan", "beta"),)] * 75
    numbers = shifted(mix(({"plan": "free"}, 0.6), ({"plan": "pro"}, 0.4)), odd)
    assert (measured(numbers, "max_mix_shift") or 0.0) > 0.4
    assert "segments that traffic does not have: 50.0 % of the items and 0.0 % of traffic" in why(
        numbers, "max_mix_shift"
    )


def test_mix_shift_is_not_known_without_a_mix_or_labels() -> None:
    assert why(shifted(()), "max_mix_shift") == "the traffic mix is not known"
    unlabelled = shifted(mix(({"plan": "free"}, 1.0)), [()] * 150)
    assert measured(unlabelled, "max_mix_shift") is None
    assert "no item says its plan" in why(unlabelled, "max_mix_shift")
