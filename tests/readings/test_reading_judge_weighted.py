from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.model import ItemScore, MixShare, Segment
from signals.readings import measure, read


def scores(differences: Any, labels: list[Segment], **fields: Any) -> tuple[ItemScore, ...]:
    return tuple(
        ItemScore(f"{k}{arm}", str(k), arm, "quality", 0.4 + (float(d) if arm == "new" else 0.0), fingerprint="j",
                  segment=label, **fields)
        for k, (d, label) in enumerate(zip(differences, labels, strict=True))
        for arm in ("old", "new")
    )  # fmt: skip


def mix(
    *cells: tuple[dict[str, str], float], window: str = "", value: list[float] | None = None
) -> tuple[MixShare, ...]:
    return tuple(
        MixShare(f"{window}{k}", tuple(sorted(labels.items())), share, value[k] if value else None, window)
        for k, (labels, share) in enumerate(cells)
    )


PRO, FREE = (("plan", "pro"),), (("plan", "free"),)
LABELS = [PRO] * 40 + [FREE] * 60
D = np.concatenate([np.random.default_rng(1).normal(0.2, 0.1, 40), np.random.default_rng(2).normal(0.0, 0.1, 60)])
TRAFFIC = mix(({"plan": "pro"}, 0.9), ({"plan": "free"}, 0.1), value=[0.5, 0.5])


def test_post_stratified_to_the_newest_window() -> None:
    old = mix(({"plan": "pro"}, 0.1), ({"plan": "free"}, 0.9), window="2026-09")
    new = mix(({"plan": "pro"}, 9.0), ({"plan": "free"}, 1.0), window="2026-10", value=[0.5, 0.5])
    s = signal("judge", estimate="reweighted", margin=margin(0.05))
    numbers = measure(s, evidence(scores=scores(D, LABELS), mix=(*old, *new)))
    found = numbers.estimates["reweighted"]
    assert found.effect == pytest.approx(0.9 * D[:40].mean() + 0.1 * D[40:].mean())
    assert found.candidate - found.control == pytest.approx(found.effect)  # type: ignore[operator]
    assert "post-stratified to the share of traffic by plan" in found.method
    assert found.warnings == ()
    kish = 1 / (0.81 / 40 + 0.01 / 60)
    assert found.n_effective == pytest.approx(kish)
    assert measured(numbers, "min_effective_items") == pytest.approx(kish)
    assert measured(numbers, "coverage") == 1
    value = numbers.estimates["value_weighted"]
    assert value.effect == pytest.approx((D[:40].mean() + D[40:].mean()) / 2)
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.voting, reading.effect) == ("win", "reweighted", found.effect)
    assert numbers.estimates["raw"].effect == pytest.approx(D.mean())


def test_value_needs_every_share_of_it() -> None:
    part = (*TRAFFIC[:1], MixShare("x", FREE, 0.1, None))
    numbers = measure(signal("judge"), evidence(scores=scores(D, LABELS), mix=part))
    assert "reweighted" in numbers.estimates
    assert "value_weighted" not in numbers.estimates


def test_raked_when_the_mix_gives_margins() -> None:
    rng = np.random.default_rng(3)
    labels = [
        (("locale", str(rng.choice(["de", "en"]))), ("plan", str(rng.choice(["free", "pro"])))) for _ in range(80)
    ]
    d = np.array([0.1 * (label[0][1] == "en") + 0.2 * (label[1][1] == "pro") for label in labels])
    d = d + rng.normal(0, 0.01, 80)
    margins = mix(({"plan": "pro"}, 0.9), ({"plan": "free"}, 0.1), ({"locale": "en"}, 0.2), ({"locale": "de"}, 0.8))
    numbers = measure(signal("judge"), evidence(scores=scores(d, labels), mix=margins))
    found = numbers.estimates["reweighted"]
    assert found.effect == pytest.approx(0.1 * 0.2 + 0.2 * 0.9, abs=0.01)  # additive effects: the margins say it all
    assert "raked to the share of traffic by locale, plan" in found.method


def test_traffic_without_items_is_named() -> None:
    some = mix(({"plan": "pro"}, 0.6), ({"plan": "free"}, 0.1), ({"plan": "team"}, 0.3))
    numbers = measure(signal("judge"), evidence(scores=scores(D, LABELS), mix=some))
    found = numbers.estimates["reweighted"]
    assert found.effect == pytest.approx((0.6 * D[:40].mean() + 0.1 * D[40:].mean()) / 0.7)
    assert found.warnings == ("no item from 30.0 % of traffic (plan=team): it speaks for the rest only",)
    assert measured(numbers, "coverage") == pytest.approx(0.7)
    reading = read(signal("judge", trust={"coverage": 0.8}), numbers, AS_OF)
    assert reading.state == "untrusted"


def test_coverage_of_margins_is_that_of_the_worst() -> None:
    margins = mix(({"plan": "pro"}, 1.0), ({"locale": "en"}, 0.2), ({"locale": "de"}, 0.8))
    labels: list[Segment] = [(("locale", "de"), ("plan", "pro"))] * 100
    assert measured(measure(signal("judge"), evidence(scores=scores(D, labels), mix=margins)), "coverage") == 0.8


def test_items_outside_the_mix_do_not_count() -> None:
    labels = [*LABELS[:-20], *[(("plan", "beta"),)] * 20]
    found = measure(signal("judge"), evidence(scores=scores(D, labels), mix=TRAFFIC)).estimates["reweighted"]
    assert found.effect == pytest.approx(0.9 * D[:40].mean() + 0.1 * D[40:80].mean())
    assert found.n_control == 80
    assert "20 items in no segment of the mix do not count" in found.warnings


def test_a_segment_of_one_item_warns() -> None:
    labels = [*LABELS[:-1], (("plan", "team"),)]
    some = mix(({"plan": "pro"}, 0.4), ({"plan": "free"}, 0.3), ({"plan": "team"}, 0.3))
    found = measure(signal("judge"), evidence(scores=scores(D, labels), mix=some)).estimates["reweighted"]
    assert found.low is not None
    assert any("too few items in plan=team" in warning for warning in found.warnings)
    assert "one item counts as 30" in found.warnings


@pytest.mark.parametrize(
    "given, why",
    [
        ((), "traffic mix is not known"),
        (mix(({"country": "fr"}, 1.0)), "no item falls in a segment of the traffic mix (country)"),
        (mix(({"plan": "pro"}, 0.0)), "has no shares"),
        (mix(({"plan": "pro"}, 0.0), ({"plan": "team"}, 1.0)), "segments without traffic only"),
    ],
)
def test_no_weights_no_number(given: tuple[MixShare, ...], why: str) -> None:
    s = signal("judge", estimate="reweighted")
    numbers = measure(s, evidence(scores=scores(D, LABELS), mix=given))
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.effect) == ("untrusted", None)
    assert why in reading.why
    assert measured(numbers, "min_effective_items") is None
    # Nobody asked for it: then it is not there at all.
    assert "reweighted" not in measure(signal("judge"), evidence(scores=scores(D, LABELS), mix=given)).estimates


def test_no_evidence_is_missing_whatever_votes() -> None:
    s = signal("judge", estimate="reweighted")
    assert read(s, measure(s, evidence(mix=TRAFFIC)), AS_OF).state == "missing"
