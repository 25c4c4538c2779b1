"""The effect of thumbs: of all cells or the later ones, plain or with weighted segments, as it is or trimmed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from signals.model import Evidence, FeedbackCell, Moments, Segment
from signals.readings.feedback_arms import NOT_SHOWN, add_up
from signals.reconcile.sides.base import Mix
from signals.reconcile.sides.cells import Column, Totals, group_of
from signals.reconcile.sides.dual import Dual, greater, lesser, total
from signals.reconcile.sides.overlap import Later, Weighting, mix_of, over, sizes_of
from signals.stats.rates import kish

Per = Literal["per_response", "per_impression"]

NEAR = 2.5
"""Standard errors of the difference in response rates within which it is open which variant has more ratings."""

Arms = tuple[Sequence[FeedbackCell], Sequence[FeedbackCell]]


def arms_of(evidence: Evidence) -> Arms:
    """The cells of (control, candidate) that hold anything."""
    control, candidate = (
        [cell for cell in evidence.feedback if cell.variant == arm and (cell.moments.n or cell.impressions)]
        for arm in evidence.release.arms
    )
    return control, candidate


def responses_of(cell: FeedbackCell) -> float:
    """How many ratings a cell holds."""
    return cell.moments.n * (cell.moments.d_mean if cell.moments.d_mean is not None else 1.0)


def _not_shown(cell: FeedbackCell) -> str:
    """Why it is not known how many answers were shown behind a cell; empty when it is."""
    if cell.impressions is None:
        return NOT_SHOWN
    return "there are more ratings than answers shown" if responses_of(cell) > cell.impressions else ""


class Thumbs:
    """The cells of both arms, and what is known of them."""

    def __init__(self, arms: Arms, per: Per) -> None:
        self.arms, self.per = arms, per
        self.cells = (*arms[0], *arms[1])
        self.users = all(cell.users_known for cell in self.cells)
        self.why_not_shown = next((why for why in map(_not_shown, self.cells) if why), "")

    @property
    def shown(self) -> bool:
        """Whether it is known how many answers were shown."""
        return not self.why_not_shown

    def units(self, cells: Sequence[FeedbackCell], *, shown: bool) -> Moments:
        """Moments over independent units: users, answers shown, or responses.

        Raises:
            RefusedError: When answers shown are asked for, and not known.
        """
        arm = add_up(cells)
        return arm.per_answer(self.users) if shown else arm.per_response(self.users)

    def totals(self, late: frozenset[date], dimensions: tuple[str, ...]) -> Totals:
        """Groups as fine as the corrections need: by arm, half of the days and segment."""
        found: dict[tuple[int, bool, Segment], list[FeedbackCell]] = defaultdict(list)
        for arm, cells in enumerate(self.arms):
            for cell in cells:
                found[arm, cell.day in late, over(cell.segment, dimensions)].append(cell)
        return Totals([group_of(*key, self.units(found[key], shown=self.shown)) for key in sorted(found)])

    def shown_by(self, dimensions: tuple[str, ...]) -> Mix | None:
        """Shares of the answers shown, both arms together."""
        parts = [(over(cell.segment, dimensions), float(cell.impressions or 0)) for cell in self.cells]
        return mix_of("everyone who was shown an answer", parts)

    def sizes(self, dimensions: tuple[str, ...], later: Later | None) -> dict[Segment, tuple[float, float]]:
        """Ratings by segment: all, and those of the smaller arm (of the later days, where they are looked at alone)."""
        return sizes_of(
            [[(over(cell.segment, dimensions), cell.day, responses_of(cell)) for cell in cells] for cells in self.arms],
            later,
        )

    def independent(self) -> float:
        """The least effective number of people (or responses) behind either thumb of an arm."""
        least = math.inf
        for cells in self.arms:
            m = add_up(cells).per_response(self.users)
            d, dd, yd = (m.d_mean or 0.0), (m.d_m2 or 0.0), (m.yd or 0.0)
            down = kish(m.n, d - m.mean, max(0.0, m.m2 - 2.0 * yd + dd))
            least = min(least, kish(m.n, m.mean, m.m2), down)
        return least


@dataclass(frozen=True)
class Shape:
    """The effect of thumbs, of some of the cells, with weights, and trimmed.

    ``toward`` is +1 when the trimmed effect is Lee's upper bound, -1 when it is the lower one.
    """

    per: Per
    weighting: Weighting | None
    by_impressions: bool
    toward: float
    totals: Totals

    def effect(self, *, late: bool, population: bool, response: bool, slopes: bool = False) -> Dual:
        """Candidate minus control.

        Args:
            late: Of the later days only.
            population: Segments weighted.
            response: Trimmed, in the arm that has more ratings per answer shown on these days. It is one arm for all
                segments: chance turns the rates of some of them round, and bounds that were each taken their own way
                would add its size up.
            slopes: For the errors, not for the value: see ``steep``.
        """
        more = (self.steep if slopes else self.more)[late] if response else 0
        if not population or self.weighting is None:
            return self.part(late, None, response, more)
        shares = self.shares()
        return total(shares[cell] * self.part(late, cell, response, more) for cell in self.weighting.shares)

    def part(self, late: bool, cell: Segment | None, response: bool, more: int) -> Dual:
        """The effect of one segment, or of all."""

        def pick(column: Column, arm: int) -> Dual:
            return self.totals.sum(column, arm, late=late, cell=cell)

        if not response:
            under: Column = "x" if self.per == "per_impression" else "d"
            return pick("y", 1) / pick(under, 1) - pick("y", 0) / pick(under, 0)
        up, respond = ([pick(column, arm) / pick("x", arm) for arm in (0, 1)] for column in ("y", "d"))
        return trimmed((up[0], up[1]), (respond[0], respond[1]), more, self.toward)

    def shares(self) -> Mapping[Segment, Dual]:
        """The share of each segment; those of the answers shown are estimated, and so carry slopes."""
        assert self.weighting is not None  # noqa: S101 - asked for only with weights
        none = self.totals.sum("y", 0) * 0.0
        if not self.by_impressions:
            return {cell: none + part for cell, part in self.weighting.shares.items()}
        seen = {cell: total(self.totals.sum("x", arm, cell=cell) for arm in (0, 1)) for cell in self.weighting.shares}
        whole = total(seen.values())
        return {cell: one / whole for cell, one in seen.items()}

    @cached_property
    def more(self) -> tuple[int, int]:
        """The arm with more ratings per answer shown, on all days and on the later ones; the control at a tie."""
        every, later = (int(self.shift(late).value > 0.0) for late in self._scopes)
        return every, later

    @property
    def _scopes(self) -> tuple[bool, bool]:
        return False, any(group.late for group in self.totals.groups)

    def shift(self, late: bool) -> Dual:
        """Difference of the response rates."""
        rates = [self.totals.sum("d", arm, late=late) / self.totals.sum("x", arm, late=late) for arm in (0, 1)]
        return rates[1] - rates[0]

    def told_apart(self, late: bool) -> bool:
        """Whether it is beyond chance which arm has more ratings."""
        shift = self.shift(late)
        return abs(shift.value) > NEAR * math.sqrt(self.totals.variance(shift))

    @cached_property
    def steep(self) -> tuple[int, int]:
        """From which side of the kink the errors are taken: as if the control (0) or the candidate (1) had more.

        At the kink the bound rises more steeply on one side than on the other. While chance may have put the difference
        of the response rates on the wrong side, the error is that of the steeper one: that of the other would be too
        small for a truth that lies beyond the kink. Later days that go the way of all days are as sure as these.
        """
        found = []
        for late in self._scopes:
            plain = self.part(late, None, False, 0)
            spread = [self.totals.variance(self.part(late, None, True, more) - plain) for more in (0, 1)]
            sure = self.told_apart(late) or (self.more[late] == self.more[False] and self.told_apart(False))
            found.append(self.more[late] if sure else int(spread[1] > spread[0]))
        return found[0], found[1]


def trimmed(up: tuple[Dual, Dual], respond: tuple[Dual, Dual], more: int, toward: float) -> Dual:
    """One end of Lee's bounds on the difference of positives among those who would rate under either variant.

    Args:
        up: Positives per answer shown, (control, candidate).
        respond: Ratings per answer shown, (control, candidate).
        more: The arm whose extra ratings are trimmed: 0 control, 1 candidate.
        toward: Positive for the upper end, negative for the lower.
    """
    few = respond[1 - more]
    by_up = (up[1] - up[0]) / few
    by_down = by_up - (respond[1] - respond[0]) / few
    if toward > 0.0:
        # At most all who are left in the trimmed arm are satisfied (candidate), or none (control).
        ceiling = (respond[0] - up[0]) / few if more else up[1] / few
        return lesser(by_up if more else by_down, ceiling)
    floor = (-1.0) * up[0] / few if more else (up[1] - respond[1]) / few
    return greater(by_down if more else by_up, floor)
