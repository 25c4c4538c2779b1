"""How people read the same evidence without a policy: what the casebook holds the verdict against.

Each reader gets the same readings and looks at what a results page shows: the raw estimate of each signal, as benefit,
with its plain 95 % test. No margin but to compare loudness, no check, no segment, no correction, no rank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from signals.model import Call, Estimate, Reading, Verdict

Z = 1.959964
"""Two-sided 95 %."""

Reader = Callable[[Verdict], Call | None]
"""The call that a reader makes; None when there is nothing that such a reader reads."""


def loudest(verdict: Verdict) -> Call | None:
    """The largest number wins: the benefit that is most margins away from zero.

    So reads a standup without a policy, where whoever has the most impressive figure speaks last. Signals are put on
    one scale by their margins, which is more than most rooms do; signals without a margin are not heard.
    """
    heard = [(abs(benefit) / reading.margin, benefit) for reading, benefit in _benefits(verdict) if reading.margin]
    if not heard:
        return None
    _, benefit = max(heard)
    return "ship" if benefit > 0 else "rollback" if benefit < 0 else "hold"


def majority(verdict: Verdict) -> Call | None:
    """Each signal has one vote, up or down when it is significant by itself; more ups than downs ship.

    So reads a scorecard: a table of green, grey and red cells, counted.
    """
    votes = [_sign(z) for z in _scores(verdict.readings.values())]
    return _call(sum(votes)) if votes else None


def pooled(verdict: Verdict) -> Call | None:
    """All benefits in one test: Stouffer's sum of the signals' z-scores over the root of their number.

    So reads whoever wants one score for the release: an overall evaluation criterion with equal weights.
    Stouffer et al. (1949), The American Soldier, volume 1.
    """
    scores = list(_scores(verdict.readings.values()))
    return _call(_sign(math.fsum(scores) / math.sqrt(len(scores)))) if scores else None


def ab_only(verdict: Verdict) -> Call | None:
    """The A/B test's main metric with a fixed 95 % test, and nothing else.

    So reads a product team that trusts only what users do. The main metric is the experiment that the policy ranks
    first, else the one that it declares first.
    """
    return _one(first(verdict, "experiment"))


def judge_only(verdict: Verdict) -> Call | None:
    """The LLM judge on the golden set with a fixed 95 % test, and nothing else.

    So reads an evaluation gate in continuous integration. The signal named ``judge`` speaks where there is one, else
    the judge that the policy ranks first.
    """
    named = verdict.readings.get("judge")
    return _one(named if named is not None and named.kind == "judge" else first(verdict, "judge"))


READERS: Mapping[str, Reader] = {
    "loudest number": loudest,
    "majority": majority,
    "pooled z": pooled,
    "A/B only": ab_only,
    "judge only": judge_only,
}
"""By the name that tables use."""


def calls(verdict: Verdict) -> dict[str, Call | None]:
    """What each of them says of one release."""
    return {name: reader(verdict) for name, reader in READERS.items()}


def score(reading: Reading) -> float | None:
    """The z-score of a signal's raw benefit; None where there is no number or no error of it.

    Of a release with several controls it is the least of those against each.
    """
    several = [name for name in reading.estimates if name.startswith("versus ")]
    every = [_z(reading, reading.estimates.get(name)) for name in several or ["raw"]]
    known = [z for z in every if z is not None]
    return min(known) if known and len(known) == len(every) else None


def _z(reading: Reading, one: Estimate | None) -> float | None:
    if one is None or one.effect is None or not one.se:
        return None
    return (one.effect if reading.better == "higher" else -one.effect) / one.se


def _benefits(verdict: Verdict) -> Iterable[tuple[Reading, float]]:
    for reading in verdict.readings.values():
        raw = reading.estimates.get("raw")
        if raw is not None and raw.effect is not None:
            yield reading, raw.effect if reading.better == "higher" else -raw.effect


def _scores(readings: Iterable[Reading]) -> Iterable[float]:
    return (z for z in map(score, readings) if z is not None)


def first(verdict: Verdict, kind: str) -> Reading | None:
    """The signal of a kind that the policy ranks first, else the one that it declares first."""
    ranked = [row.signal for row in verdict.trace]
    order = dict.fromkeys([*(name for name in ranked if name in verdict.readings), *verdict.readings])
    return next((verdict.readings[name] for name in order if verdict.readings[name].kind == kind), None)


def _one(reading: Reading | None) -> Call | None:
    z = score(reading) if reading is not None else None
    return None if z is None else _call(_sign(z))


def _sign(z: float) -> int:
    return (z > Z) - (z < -Z)


def _call(sign: int) -> Call:
    return "ship" if sign > 0 else "rollback" if sign < 0 else "hold"
