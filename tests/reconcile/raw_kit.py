"""The bootstrap that stability stands for: raw data drawn again, measured again, read again, decided again.

Users and shown answers are drawn with replacement within their arm: of outcomes that are 0 or 1 a multinomial draw of
the counts of all cells is exactly that. Items are drawn with all that judge and people said of them, and raters with
all their grades; each copy is a new item and a new rater. (Where a panel decides this overstates its error: of values
that differ within items and raters only, drawing both counts the same error up to three times. McCullagh 2000,
Bernoulli 6:285; Owen 2007, Annals of Applied Statistics 1:386. The bundled standups are decided by their experiment.)
Agreement needs the raters as they are: one who is drawn twice agrees with himself, which lifts alpha, and leaves fewer
distinct ones in each mean, which lowers agreement with the judge. Then ``raters`` is off, and items only are drawn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np

from signals.lookup import Lookup
from signals.model import (
    CALLS,
    Evidence,
    FeedbackCell,
    ItemScore,
    Moments,
    Numbers,
    OutcomeCell,
    Project,
    Rating,
    Release,
)
from signals.policy import Policy, decide
from signals.readings import measure, read
from signals.review import moment_of, store_of

Rng = np.random.Generator


def evidence_of(project: Project, policy: Policy, release: Release) -> tuple[dict[str, Evidence], datetime]:
    """What the store holds of a release, by signal, and the moment to judge it at."""
    store, moment = store_of(project), moment_of(release, None)
    wanted = Lookup(project, store).wanted(policy.signals)
    return {one.signal.name: store.snapshot(release, one.sources, one.people, moment)[1] for one in wanted}, moment


def shares(
    policy: Policy,
    release: Release,
    evidence: Mapping[str, Evidence],
    as_of: datetime,
    times: int,
    seed: int,
    *,
    raters: bool = True,
) -> dict[str, float]:
    """The share of each call over so many bootstrap samples, of raters too or with the raters as they are."""
    rng = np.random.default_rng(seed)
    calls: Counter[str] = Counter()
    for _ in range(times):
        numbers = measured(policy, redrawn(evidence, rng, raters=raters))
        readings = {name: read(signal, numbers.get(name), as_of) for name, signal in policy.signals.items()}
        calls[decide(policy, release, readings, as_of, "").call] += 1
    return {call: calls[call] / times for call in CALLS}


def measured(policy: Policy, evidence: Mapping[str, Evidence]) -> dict[str, Numbers]:
    """Every signal's numbers."""
    return {name: measure(policy.signals[name], one) for name, one in evidence.items()}


def redrawn(evidence: Mapping[str, Evidence], rng: Rng, *, raters: bool = True) -> dict[str, Evidence]:
    """One bootstrap sample of all signals together: an item that judge and people share is drawn once."""
    items, people = _items(evidence, rng), _raters(evidence, rng)
    if not raters:
        people = dict.fromkeys(people, 1)
    return {
        name: replace(
            one,
            outcomes=_outcomes(one.outcomes, rng),
            feedback=_feedback(one.feedback, rng),
            scores=tuple(_score(score, copy) for score in one.scores for copy in range(items[score.item])),
            ratings=_ratings(one.ratings, items, people),
            human=_ratings(one.human, items, people),
        )
        for name, one in evidence.items()
    }


def _items(evidence: Mapping[str, Evidence], rng: Rng) -> dict[str, int]:
    """How often each item is drawn; those that people graded and those that they did not, each among themselves."""
    graded = {rating.item for one in evidence.values() for rating in one.ratings}
    scored = {score.item for one in evidence.values() for score in one.scores}
    found: dict[str, int] = {}
    for some in (graded & scored, graded - scored, scored - graded):
        found |= _times(sorted(some), rng)
    return found


def _raters(evidence: Mapping[str, Evidence], rng: Rng) -> dict[str, int]:
    return _times(sorted({rating.rater for one in evidence.values() for rating in one.ratings}), rng)


def _times(names: Sequence[str], rng: Rng) -> dict[str, int]:
    if not names:
        return {}
    counts = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)))
    return dict(zip(names, counts.tolist(), strict=True))


# A copy is the same in every sample, and to make one costs more than to find it again.
@cache
def _score(score: ItemScore, copy: int) -> ItemScore:
    return replace(
        score, record=f"{score.record}#{copy}", item=f"{score.item}#{copy}", content=f"{score.content}#{copy}"
    )


@cache
def _rating(one: Rating, copy: int, twin: int) -> Rating:
    return replace(one, record=f"{one.record}#{copy}#{twin}", item=f"{one.item}#{copy}", rater=f"{one.rater}#{twin}")


def _ratings(ratings: Sequence[Rating], items: Mapping[str, int], raters: Mapping[str, int]) -> tuple[Rating, ...]:
    return tuple(
        _rating(one, copy, twin)
        for one in ratings
        for copy in range(items[one.item])
        for twin in range(raters[one.rater])
    )


def _outcomes(cells: Sequence[OutcomeCell], rng: Rng) -> tuple[OutcomeCell, ...]:
    by_arm: dict[str, list[OutcomeCell]] = defaultdict(list)
    for cell in cells:
        by_arm[cell.variant].append(cell)
    found = []
    for some in by_arm.values():
        ones = [round(cell.moments.mean * cell.moments.n) for cell in some]
        zeros = [cell.moments.n - count for cell, count in zip(some, ones, strict=True)]
        drawn = _multinomial(np.array([zeros, ones]), rng)
        found += [
            replace(cell, moments=_counts(int(no + yes), int(yes)))
            for cell, no, yes in zip(some, *drawn, strict=True)
            if no + yes
        ]
    return tuple(found)


def _feedback(cells: Sequence[FeedbackCell], rng: Rng) -> tuple[FeedbackCell, ...]:
    by_arm: dict[str, list[FeedbackCell]] = defaultdict(list)
    for cell in cells:
        assert not cell.users_known
        by_arm[cell.variant].append(cell)
    found = []
    for some in by_arm.values():
        up = [round(cell.moments.mean * cell.moments.n) for cell in some]
        down = [cell.moments.n - count for cell, count in zip(some, up, strict=True)]
        silent = [(cell.impressions or 0) - cell.moments.n for cell in some]
        for cell, *drawn in zip(some, *_multinomial(np.array([silent, down, up]), rng), strict=True):
            nothing, no, yes = (int(one) for one in drawn)
            if no + yes:
                moments = replace(_counts(no + yes, yes), d_mean=1.0, d_m2=0.0, yd=0.0)
                found.append(replace(cell, impressions=nothing + no + yes, moments=moments))
    return tuple(found)


def _multinomial(counts: np.ndarray, rng: Rng) -> np.ndarray:
    total = int(counts.sum())
    return rng.multinomial(total, counts.ravel() / total).reshape(counts.shape)


def _counts(n: int, ones: int) -> Moments:
    p = ones / n
    return Moments(n, p, n * p * (1.0 - p), m3=n * p * (1.0 - p) * (1.0 - 2.0 * p))
