"""A judge corrected by people under any weighting of its items.

Without other weights it is the reading's own correction: prediction-powered inference (Angelopoulos, Duchi and Zrnic
2023, arXiv:2311.01453), error rates (Rogan and Gladen 1978) where the graded items are unlike the others, people alone
where they saw hardly a difference. With the items weighted to a population the estimate aims at people's difference in
that population:

- Where every segment has grades in five clusters, people's mean of each segment is corrected by its own judge's scores
  and counts with the segment's share. That is right whatever the judge's error is from segment to segment. The weight
  of the judge is estimated in segments with twenty grades and is 1 in thinner ones.
- Else one correction serves all segments: the weighted judge's mean minus the mean of judge minus people over the
  graded items. That is right when the judge errs alike in all segments, which is then all that the grades can tell.
- Error rates are taken to be the same in all segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import chdtrc

from signals.model import Carrier, Estimate, Signal
from signals.readings.judge_corrected import STRATUM, UNBALANCED, USABLE, strata_of, with_people
from signals.readings.judge_raters import part_of
from signals.readings.judged import Item
from signals.readings.labels import NO_GRADES, Labels
from signals.reconcile.sides.items import Clusters, Raters, Weighting, moves_of
from signals.reconcile.sides.mixes import THICK, Unreachable
from signals.stats.calibrate import corrected_mean
from signals.stats.difference import RefusedError
from signals.stats.misclassified import error_rates
from signals.stats.panel import RaterPart
from signals.words import plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signals.reconcile.sides.base import Array

MOST_CARRIERS = 10

How = Literal["ppi", "alone", "rates"]


@dataclass(frozen=True)
class Bias:
    """What people's grades say of a judge's items.

    Attributes:
        items: All that the judge scored in both arms.
        clusters: That they are in.
        graded: Which of them people graded under both variants, shape (items,).
        people: Their difference, 0 where not graded, shape (items,).
        pairs: Their grades of (control, candidate), shape (items, 2).
        how: What the reading's own correction is.
        own: The reading's corrected estimate.
        raters: What the choice of raters adds; None when it adds nothing, or that is not known.
        strata: The strata of the reading's own correction; None is one.
        words: What the correction was made from, in one clause.
    """

    items: Sequence[Item]
    clusters: Clusters
    graded: NDArray[np.bool_]
    people: Array
    pairs: Array
    how: How
    own: Estimate
    raters: Raters | None
    strata: Sequence[int] | None
    words: str

    @property
    def judge(self) -> Array:
        """The judge's difference of each item, shape (items,)."""
        return np.array([item.difference for item in self.items])

    @property
    def carries(self) -> NDArray[np.bool_]:
        """Which clusters hold graded items, shape (clusters,)."""
        return np.bincount(self.clusters.index, weights=self.graded, minlength=self.clusters.size) > 0

    def plain(self) -> tuple[float, Array, Array]:
        """Without other weights: the estimate, each cluster's move, and how much each item's grades count."""
        even = self.graded / self.graded.sum()
        if self.how == "ppi":
            given = [float(h) if known else None for h, known in zip(self.people, self.graded, strict=True)]
            found = corrected_mean(self.judge.tolist(), given, self.clusters.index.tolist(), 0.95, self.strata)
            return found.difference.effect, found.pulls, even
        if self.how == "rates":
            return *self._rates(Weighting.plain(len(self.items))), even
        only = Weighting(np.where(self.graded, 0, -1), np.ones(1), None, np.ones(len(self.items)))
        left = only.means(self.clusters, [self.people])[0]
        return float(left[0]), moves_of(left, only.factor(self.clusters)), even

    def by_segment(self, weighting: Weighting) -> bool:
        """Whether every segment has grades in enough clusters to be corrected by itself."""
        here = self.graded & (weighting.place >= 0)
        kinds = weighting.shares.size
        held = np.unique(self.clusters.index[here] * kinds + weighting.place[here])
        return bool((np.bincount(held % kinds, minlength=kinds) >= THICK).all())

    def even(self, weighting: Weighting) -> Weighting | None:
        """The items as they are, corrected by segment: when people graded some segments more often than others.

        A correction over all items at once takes the graded items for a random draw. Where they are not (chi-square
        over the segments), the difference between segments would pass for a bias of the judge. None when they are, when
        the reading stratifies already, or when the segments do not hold every item and enough grades.
        """
        inside = weighting.place >= 0
        if self.how != "ppi" or self.strata is not None or not inside.all() or self.graded.all():
            return None
        kinds = weighting.shares.size
        counts = np.bincount(weighting.place, minlength=kinds)
        grades = np.bincount(weighting.place, weights=self.graded, minlength=kinds)
        wanted = counts * self.graded.mean()
        missing = counts - wanted
        distance = float(((grades - wanted) ** 2 * (1.0 / wanted + 1.0 / missing)).sum())
        if kinds < 2 or chdtrc(kinds - 1, distance) >= UNBALANCED:
            return None
        found = Weighting(weighting.place, counts / counts.sum(), None, np.ones(inside.size))
        if not self.by_segment(found):
            return None
        held = np.bincount(self.clusters.index * kinds + weighting.place, minlength=self.clusters.size * kinds)
        left = counts - held.reshape(self.clusters.size, kinds)
        return replace(found, without=left / left.sum(axis=1, keepdims=True))

    def scope(self, weighting: Weighting, even: Weighting | None) -> str:
        """What the evidence says of where people's correction holds."""
        if even is not None:
            return ", some segments more often than others: corrected by segment"
        if self.how == "rates" or self.by_segment(weighting):
            return ""
        return ", too few of some segments: one correction for all"

    def weighted(self, weighting: Weighting) -> tuple[float, Array, Array]:
        """With the items weighted: as ``plain``."""
        factor = weighting.factor(self.clusters, self.carries)
        if self.how == "rates":
            return *self._rates(weighting), self.graded / self.graded.sum()
        if not self.by_segment(weighting):
            return self._one_for_all(weighting)
        left, counts = self._segments(weighting)
        return float(left[0]), moves_of(left, factor), counts

    def _segments(self, weighting: Weighting) -> tuple[Array, Array]:
        """The regression estimator within each segment, with each cluster left out; how much grades count."""
        h, t, known = self.people, weighting.tilt, self.graded.astype(float)
        f = self.judge - float(self.judge.mean())
        inside, kinds = weighting.place >= 0, weighting.shares.size
        grades = np.bincount(weighting.place[inside], weights=known[inside], minlength=kinds)
        thin = np.append(grades < STRATUM, False)[weighting.place].astype(float)
        tiny = 1e-12 * float((f**2).mean())
        columns = [
            known, np.ones(f.size), thin, t, t * f, known * t, known * t * h, known * t * f,
            known * h, known * f, known * h * f, f, f * f,
        ]  # fmt: skip

        def terms(sums: Array) -> Array:
            n_known, n, n_thin, t_all, tf, t_known, th, tf_known, kh, kf, khf, f1, ff = sums
            covariance = (khf - kh * kf / n_known) / np.maximum(n_known - 1.0, 1.0)
            variance = (ff - f1**2 / n) / np.maximum(n - 1.0, 1.0)
            flat = variance <= tiny
            # The judge's word on the items that were not graded counts for 0 to 1.
            most = n / np.maximum(n - n_known, 1.0)
            slope = np.clip(np.where(flat, 0.0, covariance / np.where(flat, 1.0, variance)), 0.0, most)
            slope = np.where(n_thin > 0.5, 1.0, slope) * (self.how == "ppi")
            weighs = t_known > 0.0
            mean = np.where(weighs, (th - slope * tf_known) / np.where(weighs, t_known, 1.0), 0.0)
            mean = mean + slope * np.where(t_all > 0.0, tf / np.where(t_all > 0.0, t_all, 1.0), 0.0)
            return np.stack([t_all / n, t_all / n * mean])

        sums = weighting.left(self.clusters, columns, terms)
        whole = [
            np.bincount(weighting.place[inside], weights=one[inside], minlength=kinds)
            for one in (np.ones(f.size), t, known * t)
        ]
        each = weighting.shares * (whole[1] / whole[0]) / np.where(whole[2] > 0.0, whole[2], np.inf) / sums[0, 0]
        return sums[1] / sums[0], np.where(inside, known * t * each[weighting.place], 0.0)

    def _one_for_all(self, weighting: Weighting) -> tuple[float, Array, Array]:
        """The weighted judge less his mean error over all graded items."""
        errors = Weighting(np.where(self.graded, 0, -1), np.ones(1), None, weighting.tilt)
        left = (
            weighting.means(self.clusters, [self.judge])[0]
            - errors.means(self.clusters, [self.judge - self.people])[0]
        )  # fmt: skip
        everywhere = Weighting(np.zeros(len(self.items), dtype=np.intp), np.ones(1), None, weighting.tilt)
        # Clusters outside the population still say how the judge errs: none may be missing from the factor.
        factor = np.maximum(weighting.factor(self.clusters, self.carries), 0.0)
        factor = np.where(factor > 0.0, factor, everywhere.factor(self.clusters, self.carries))
        counts = self.graded * weighting.tilt
        return float(left[0]), moves_of(left, factor), counts / counts.sum()

    def _rates(self, weighting: Weighting) -> tuple[float, Array]:
        """Weighted pass rates, corrected for how often the judge errs on the graded items."""
        scores = np.array([(item.control, item.candidate) for item in self.items])
        passed = weighting.means(self.clusters, [scores[:, 0], scores[:, 1]])
        known = self.graded.astype(float)
        columns = []
        for arm in (0, 1):
            columns += [known * self.pairs[:, arm], known * self.pairs[:, arm] * scores[:, arm]]
            columns += [known * (1.0 - self.pairs[:, arm]), known * (1.0 - self.pairs[:, arm]) * (1.0 - scores[:, arm])]
        own = np.stack([np.bincount(self.clusters.index, weights=one, minlength=self.clusters.size) for one in columns])
        whole = own.sum(axis=1, keepdims=True)
        sums = np.concatenate([np.ones((1, passed.shape[1])), passed, np.concatenate([whole, whole - own], axis=1)])
        left = error_rates(sums)[0]
        moves = left[1:] - left[0]
        for here in (self.carries, ~self.carries):
            if here.sum() > 1:
                moves[here] = (moves[here] - moves[here].mean()) * np.sqrt((here.sum() - 1) / here.sum())
            else:
                moves[here] = 0.0
        return float(left[0]), moves

    def carriers(self) -> tuple[Carrier, ...]:
        """The graded items that carry most of the judge's error, in the direction of its mean."""
        gaps = np.where(self.graded, self.judge - self.people, 0.0)
        total = float(gaps.sum())
        if abs(total) <= 1e-12 * float(np.abs(gaps).sum()):
            return ()
        shares = gaps / total
        order = sorted(np.flatnonzero(shares > 0.0).tolist(), key=lambda k: (-shares[k], self.items[k].name))
        return tuple(
            Carrier(self.items[k].name, self.items[k].difference, float(self.people[k]), float(shares[k]))
            for k in order[:MOST_CARRIERS]
        )


def bias_of(
    signal: Signal, items: Sequence[Item], labels: Labels, unit: str, clusters: Clusters, *, fixed: bool = False
) -> Bias | Unreachable:
    """What people's grades allow, or why nothing and which grades would.

    Args:
        signal: The judge.
        items: Those that it scored in both arms.
        labels: People's grades on the judge's scale.
        unit: Of the judge's scores.
        clusters: Of the items.
        fixed: The word of these very raters is the rule: their choice adds no error.
    """
    made = with_people(signal, items, labels, unit)
    own = made.estimates.get("corrected")
    if made.why_not is not None or own is None:
        return _wanting(labels, made.why_not or "there is no correction by people")
    if own.refused is not None or own.effect is None:
        more = f"people grade {STRATUM} more items of the golden set under both variants"
        return Unreachable(own.refused or "the corrected number has no interval", more)
    graded = np.array([item.name in labels.pairs for item in items], dtype=bool)
    pairs = np.array([labels.pairs.get(item.name, (0.0, 0.0)) for item in items], dtype=float).reshape(-1, 2)
    people = pairs[:, 1] - pairs[:, 0]
    how: How = "rates" if own.method.startswith("Rogan") else "alone" if own.method.startswith("people only") else "ppi"
    part = part_of(labels)
    raters = None
    if isinstance(part, RaterPart) and labels.raters > 1 and how == "ppi" and not fixed:
        order = {item.name: k for k, item in enumerate(items)}
        cells = [(order[item], rater) for item, rater, _ in labels.cells]
        raters = Raters.of(cells, part, -1.0 if labels.mirrored else 1.0)
    strata = strata_of(signal, items, labels)[1] if how == "ppi" else None
    if strata is not None:
        given = [float(h) if known else None for h, known in zip(people, graded, strict=True)]
        try:
            corrected_mean([item.difference for item in items], given, clusters.index.tolist(), 0.95, strata)
        except RefusedError:
            strata = None
    words = f"{plural(labels.raters, 'raters')} graded {graded.sum():,} of the {len(items):,} items"
    return Bias(items, clusters, graded, people, pairs, how, own, raters, strata, words)


def _wanting(labels: Labels, why: str) -> Unreachable:
    """Why people cannot correct the judge, and what they would have to grade, or whoever set it up to declare."""
    if labels.refused and labels.graded != 0 and labels.refused != NO_GRADES:
        what, _, remedy = labels.refused.partition(": ")
        return Unreachable(what, remedy or "people grade the judge's items on the judge's scale")
    more = max(USABLE - (labels.graded or 0), 1)
    which = plural(more, "more items" if labels.graded else "items")
    return Unreachable(why, f"people grade {which} of the golden set under both variants")
