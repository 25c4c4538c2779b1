"""An experiment weighted to traffic: what it estimates, what it refuses, and how often its interval is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal
from test_reading_experiment_quantile import P90, quantile_cell

from signals.model import Estimate, Metric, MixShare, OutcomeCell
from signals.readings import measure, read
from signals.stats.means import welch
from signals.stats.moments import from_arrays
from signals.stats.proportion import score_interval

MEAN = Metric("usd", "mean")
SHARES = {"small": 0.2, "large": 0.8}
EFFECT = {"small": -2.0, "large": 1.0}
"""The bench is nearly all small, where the candidate is cheaper; traffic is large, where it is dearer."""


def mix(shares: Any = None, value: Any = None, name: str = "batch") -> tuple[MixShare, ...]:
    value = value or {}
    return tuple(MixShare(key, ((name, key),), share, value.get(key)) for key, share in (shares or SHARES).items())


def drawn(seed: int = 1, sizes: Any = None) -> dict[tuple[str, str], Any]:
    random = np.random.default_rng(seed)
    sizes = sizes or {"small": 400, "large": 60}
    return {
        (arm, key): random.normal(10.0 + (EFFECT[key] if arm == "new" else 0.0), 1.0, size)
        for key, size in sizes.items()
        for arm in ("old", "new")
    }


def cells(values: dict[tuple[str, str], Any], **fields: Any) -> tuple[OutcomeCell, ...]:
    return tuple(
        OutcomeCell("", arm, (("batch", key),), None, from_arrays(some), **fields)
        for (arm, key), some in values.items()
    )


def weighted(outcomes: Any, shares: Any = None, **fields: Any) -> Estimate:
    declared: dict[str, Any] = {"metric": MEAN, "estimate": "reweighted", **fields}
    found = measure(signal("experiment", **declared), evidence(outcomes=outcomes, mix=shares or mix()))
    assert found.voting == "reweighted"
    return found.estimates["reweighted"]


def test_it_is_the_mean_of_the_segments_effects_by_their_share_of_traffic() -> None:
    values = drawn()
    numbers = measure(signal("experiment", metric=MEAN, estimate="reweighted"),
                      evidence(outcomes=cells(values), mix=mix()))  # fmt: skip
    raw, found = numbers.estimates["raw"], numbers.estimates["reweighted"]
    each = {key: welch(from_arrays(values["new", key]), from_arrays(values["old", key]), 0.95) for key in SHARES}
    assert found.effect == pytest.approx(sum(SHARES[key] * each[key].effect for key in SHARES))
    below = sum((SHARES[key] * (each[key].effect - each[key].low)) ** 2 for key in SHARES) ** 0.5
    assert found.low == pytest.approx(found.effect - below)
    assert (raw.effect or 0.0) < -1.0 < 0.0 < (found.low or 0.0)  # the bench says cheaper, the traffic dearer
    assert found.control == pytest.approx(sum(SHARES[key] * values["old", key].mean() for key in SHARES))
    assert found.n_effective == pytest.approx(1.0 / (0.04 / 800 + 0.64 / 120))
    assert measured(numbers, "coverage") == 1.0
    assert "MOVER" in found.method


def test_proportions_keep_the_score_interval_of_each_segment() -> None:
    counts = {
        ("new", "small"): (3, 40),
        ("old", "small"): (1, 40),
        ("new", "large"): (9, 30),
        ("old", "large"): (4, 30),
    }
    ones = {key: np.repeat([1.0, 0.0], [x, n - x]) for key, (x, n) in counts.items()}
    found = weighted(cells(ones), metric=Metric("converted", "proportion"))
    each = {key: score_interval(*counts["new", key], *counts["old", key], 0.95) for key in SHARES}
    above = sum((SHARES[key] * (each[key].high - each[key].effect)) ** 2 for key in SHARES) ** 0.5
    assert found.high == pytest.approx((found.effect or 0.0) + above)
    assert (found.high or 0.0) - (found.effect or 0.0) != pytest.approx((found.effect or 0.0) - (found.low or 0.0))


def test_quantiles_are_weighted_by_segment_and_not_the_quantile_of_all() -> None:
    values = drawn(sizes={"small": 2000, "large": 900})
    quantiles = [quantile_cell(arm, some, segment=(("batch", key),)) for (arm, key), some in values.items()]
    whole = [quantile_cell(arm, np.concatenate([values[arm, key] for key in SHARES])) for arm in ("old", "new")]
    numbers = measure(
        signal("experiment", metric=P90, estimate="reweighted", segments=("batch",)),
        evidence(outcomes=cells(values), quantiles=(*whole, *quantiles), mix=mix()),
    )
    found = numbers.estimates["reweighted"]
    value = {(cell.variant, dict(cell.segment)["batch"]): cell.value for cell in quantiles}
    want = sum(SHARES[key] * (value["new", key] - value["old", key]) for key in SHARES)
    assert found.effect == pytest.approx(want)
    assert (found.low or 0.0) < sum(SHARES[key] * EFFECT[key] for key in SHARES) < (found.high or 0.0)
    assert [one.name for one in numbers.segments] == ["batch=large", "batch=small"]


def test_traffic_without_evidence_is_named_and_fails_the_check_that_asks() -> None:
    shares = mix({"small": 0.2, "large": 0.5, "huge": 0.3}, {"small": 0.1, "large": 0.1, "huge": 0.8})
    asked = signal("experiment", metric=MEAN, estimate="reweighted", margin=margin(0.5), trust={"coverage": 0.9})
    numbers = measure(asked, evidence(outcomes=cells(drawn()), mix=shares))
    found = numbers.estimates["reweighted"]
    assert measured(numbers, "coverage") == pytest.approx(0.7)
    assert found.warnings[0].startswith("no interval from 30.0 % of traffic (batch=huge)")
    assert found.control == pytest.approx(10.0, abs=0.2)  # the rest is weighted to one
    reading = read(asked, numbers, AS_OF)
    assert (reading.state, "coverage" in reading.why) == ("untrusted", True)
    assert "value_weighted" not in numbers.estimates  # the segments with an interval have a fifth of the value


@pytest.mark.parametrize(
    "fields, why",
    [
        ({"mix": ()}, "the traffic mix is not known"),
        ({"mix": mix({"small": 0.1, "huge": 0.9})}, "less than half: none of batch=huge"),
        ({"mix": mix(name="plan")}, "do not say their plan"),
        ({"mix": (*mix(), *mix({"de": 1.0}, name="locale"))}, "one table of joint shares"),
        ({"outcomes": cells(drawn(), counted="clusters", members=400)}, "one cluster may reach over"),
    ],
)
def test_what_cannot_be_weighted_is_refused_and_never_the_raw_number(fields: Any, why: str) -> None:
    asked = signal("experiment", metric=MEAN, estimate="reweighted", margin=margin(0.5))
    numbers = measure(asked, evidence(**{"outcomes": cells(drawn()), "mix": mix(), **fields}))
    found = numbers.estimates["reweighted"]
    assert (found.low, why in str(found.refused)) == (None, True), found.refused
    assert read(asked, numbers, AS_OF).state == "untrusted"


def test_without_units_it_is_missing_and_not_untrusted() -> None:
    asked = signal("experiment", metric=MEAN, estimate="reweighted")
    assert read(asked, measure(asked, evidence(mix=mix())), AS_OF).state == "missing"


def test_it_stands_beside_the_raw_number_where_that_votes() -> None:
    numbers = measure(signal("experiment", metric=MEAN), evidence(outcomes=cells(drawn()), mix=mix()))
    assert numbers.voting == "raw"
    assert numbers.estimates["reweighted"].effect != numbers.estimates["raw"].effect
    assert "reweighted" not in measure(signal("experiment", metric=MEAN), evidence(outcomes=cells(drawn()))).estimates


def test_a_family_widens_every_segment() -> None:
    one = weighted(cells(drawn()))
    found = measure(
        signal("experiment", metric=MEAN, estimate="reweighted"),
        evidence(outcomes=cells(drawn()), mix=mix(), family=4),
    ).estimates["reweighted"]
    assert (found.low or 0.0) < (one.low or 0.0)
    assert found.p_value == pytest.approx(min(1.0, 4.0 * (one.p_value or 0.0)), rel=0.2)


# --- coverage -------------------------------------------------------------------------------------------------------


def test_one_look_covers_what_it_says() -> None:
    """Skewed outcomes, and a sample whose mix is the reverse of the traffic's: 300 simulations."""
    truth = 0.2 * (np.exp(0.32) - np.exp(0.18)) + 0.8 * (np.exp(0.68) - np.exp(0.68))
    random, held = np.random.default_rng(8), 0
    for _ in range(300):
        values = {
            (arm, key): random.lognormal(level, 0.6, random.poisson(size))
            for (arm, key), level, size in (
                (("old", "small"), 0.0, 250), (("new", "small"), 0.14, 250),
                (("old", "large"), 0.5, 80), (("new", "large"), 0.5, 80),
            )
        }  # fmt: skip
        found = weighted(cells(values))
        held += (found.low or 0.0) <= truth <= (found.high or 0.0)
    assert 0.92 <= held / 300 <= 0.98


def test_at_any_look_the_bounds_of_quantiles_are_added() -> None:
    """Each segment's at half of the error rate: valid together at every moment, whatever they have in common."""
    values = drawn(sizes={"small": 2500, "large": 1500})
    quantiles = tuple(quantile_cell(arm, some, segment=(("batch", key),)) for (arm, key), some in values.items())
    looked: dict[str, Any] = {"metric": P90, "estimate": "reweighted", "looks": "continuous"}
    asked = signal("experiment", **looked, planned_units=4000)
    found = measure(asked, evidence(outcomes=cells(values), quantiles=quantiles, mix=mix())).estimates["reweighted"]
    alone = [
        measure(
            signal("experiment", **looked, confidence=0.975, planned_units=2000),
            evidence(
                outcomes=cells(values), quantiles=tuple(q for q in quantiles if dict(q.segment)["batch"] == key),
                mix=mix({key: 1.0}),
            ),
        ).estimates["reweighted"]
        for key in SHARES
    ]  # fmt: skip
    for bound in ("low", "high"):
        want = sum(share * getattr(one, bound) for share, one in zip(SHARES.values(), alone, strict=True))
        assert getattr(found, bound) == pytest.approx(want)
    assert "Bonferroni over 2 segments" in found.method
    assert ((found.p_value or 0.0) < 0.05) == ((found.low or 0.0) > 0.0 or (found.high or 0.0) < 0.0)


def test_looked_at_often_it_misses_in_fewer_than_one_in_twenty() -> None:
    """All looks of a release together: a fixed interval misses in about a third of such releases."""
    random = np.random.default_rng(2)
    times, missed = 40, np.zeros(2)
    for _ in range(times):
        segment, arm = random.choice(2, 6000, p=[0.6, 0.4]), random.integers(0, 2, 6000)
        y = random.normal(segment, 1.0 + segment)  # no effect anywhere
        wrong = [False, False]
        for n in np.geomspace(1000, 6000, 6).astype(int):
            some = cells({
                (name, key): y[:n][(segment[:n] == s) & (arm[:n] == a)]
                for a, name in enumerate(("old", "new"))
                for s, key in enumerate(SHARES)
            })  # fmt: skip
            for which, looks in enumerate(("continuous", "fixed")):
                found = weighted(some, looks=looks, planned_units=6000)
                wrong[which] |= not (found.low or 0.0) <= 0.0 <= (found.high or 0.0)
        missed += wrong
    assert missed[0] <= 0.05 * times
    assert missed[1] > 0.05 * times


def test_planned_looks_are_refused() -> None:
    from datetime import date

    values = drawn()
    dated = tuple(
        OutcomeCell("", arm, (("batch", key),), date(2026, 11, day), from_arrays(some))
        for (arm, key), some in values.items()
        for day in (1, 9)
    )
    found = weighted(dated, looks=(date(2026, 11, 5), date(2026, 11, 12)))
    assert "at planned looks there is no reweighted estimate" in str(found.refused)
