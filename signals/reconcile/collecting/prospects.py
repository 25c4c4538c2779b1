"""How stable the call is to be expected after more evidence was collected.

Preposterior analysis (Raiffa and Schlaifer 1961, Applied Statistical Decision Theory, chapter 5) on the policy's own
rules. The truth is taken to lie around today's estimate as far as its error says (a flat prior). After a collection
that brings the standard error from ``s`` to ``t`` the estimate will be somewhere in N(now, s^2 - t^2), and the call is
then as stable as draws from N(that estimate, t^2) make it. What is told is the mean of that stability over all the
places where the estimate may come to lie. A HOLD that only waits for evidence (``waiting``) is no settled call, however
often it is drawn.

A draw from N(estimate then, t^2), the estimate then being N(now, s^2 - t^2), is a draw from N(now, s^2): so one set of
draws serves every amount. Only how far the intervals reach changes; the draws that belong to one place of the estimate
then are those near it, by weights that are exact for normal errors. What the other signals show is drawn as today, and
so is how far raters agree: where that becomes surer too, a collection is worth a little more than is told. Only when
the evidence of several signals grows at once is it known better then, with the items that carry it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from signals.model import Signal
from signals.policy.engine import settle
from signals.reconcile.collecting.waiting import LABELS, Label, label_of
from signals.reconcile.draws import Redraw, Resampling
from signals.reconcile.redrawn import ONE, Redrawn
from signals.stats.power import NORMAL
from signals.workbench.simulation.columns import Table
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.drawn import Drawn
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.outcomes import SEED, Correlation, Setting
from signals.workbench.simulation.reach import Look, p_always, p_value
from signals.workbench.simulation.simulate import Key
from signals.workbench.simulation.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.int8]
    Known = Mapping[str, tuple[float, "Array"]]

DRAWS = 5_000
PLACES = 60
"""At how many places of the estimate then its stability is computed, equally likely ones."""

BINS, WIDEST = 600, 4.5
"""Of the drawn effects, in standard errors of today to each side."""

FUTURES, EACH = 200, 50
"""How many futures are drawn when the evidence of several signals grows at once, and draws in each of them.

The largest of shares counted in few draws is too large where two calls are about equally likely: by 0.06 at 50 draws.
"""


@dataclass(frozen=True)
class Prospect:
    """What is to be expected of the call.

    Attributes:
        stability: Expected stability of the likeliest settled call.
        shares: How often each call is to be expected; ``open`` is a HOLD that still waits.
    """

    stability: float
    shares: Mapping[Label, float]

    @property
    def likeliest(self) -> Label:
        """The settled call to be expected most."""
        return max(LABELS[:-1], key=lambda label: self.shares[label])


class Prospects:
    """The prospects of one release: asked for many collections, it makes the draws of what stays the same once."""

    def __init__(self, given: Resampling, draws: int = DRAWS, seed: int = SEED) -> None:
        self.given, self.seed = given, seed
        self.setting = Setting(given.release.kind, draws, seed, Correlation(pairs=given.benefits()))
        self._same: dict[tuple[str, Truth, int], Drawn] = {}
        self._labels: dict[Key, Label] = {}

    @cached_property
    def now(self) -> Prospect:
        """Today: every settled call's share of the draws."""
        return _alone(self._run({}, {}))

    def after(self, name: str, design: Design) -> Prospect:
        """When the evidence of one signal has become ``design``.

        Args:
            name: The signal; one that is drawn.
            design: Its precision then, and the numbers of its checks.
        """
        near, far = error_of(design, self._centre(name)), error_of(self.given.designs[name], self._centre(name))
        if not 0.0 < near < far * (1.0 - 1e-9):
            return _alone(self._run({name: design}, {}))
        codes = self._run({name: design}, {name: far / near})
        return _over_places(codes, self._last.effects(name), self._last.middle(name), near, far)

    def together(self, designs: Mapping[str, Design]) -> Prospect:
        """When the evidence of several signals has grown at once: futures are drawn, and stability within each."""
        moved, known = {}, {}
        rng = np.random.default_rng([self.seed, FUTURES])
        own = rng.standard_normal((len(self.given.designs), FUTURES))
        for name, luck in zip(self.given.designs, self._run_of(designs, {}).mix @ own, strict=True):
            if name in designs:
                near, far = (
                    error_of(designs[name], self._centre(name)),
                    error_of(self.given.designs[name], self._centre(name)),
                )
                sign = self.given.policy.signals[name].sign
                moved[name] = sign * math.sqrt(max(0.0, far**2 - near**2)) * np.repeat(luck, EACH)
        for name in self.given.designs:
            times = carried(self.given.policy.signals[name], designs.get(name), self.given.designs[name])
            known[name] = times, np.repeat(rng.standard_normal(FUTURES), EACH)
        codes = self._run(designs, moved, draws=FUTURES * EACH, known=known).reshape(FUTURES, EACH)
        shares = np.stack([(codes == place).mean(axis=1) for place in range(len(LABELS))])
        return Prospect(float(shares[:-1].max(axis=0).mean()), _named(shares.mean(axis=1)))

    def decisive(self, designs: Mapping[str, Design]) -> str | None:
        """What tells most about the call at these precisions; None when nothing does.

        A signal, for its effect, or a check that is drawn, by its full name. By the share of the calls' variance that
        lies between tenths of its draws.
        """
        codes = self._run(designs, {
            name: self._ratio(name, design) for name, design in designs.items() if self._ratio(name, design) > 1.0
        })  # fmt: skip
        told = {}
        drawn = {name: self._last.effects(name) for name in designs}
        drawn |= {check: one for check, one in self._last.agreeing().items() if check.partition(".")[0] in designs}
        for name, values in drawn.items():
            order = np.argsort(values, kind="stable")
            tenths = [np.bincount(part, minlength=len(LABELS)) / part.size for part in np.array_split(codes[order], 10)]
            told[name] = float(np.var(np.stack(tenths), axis=0).sum())
        best = max(told, key=lambda name: told[name], default=None)
        return best if best is not None and told[best] > 0.0 else None

    # --- one pass ----------------------------------------------------------------------------------------------------

    def _ratio(self, name: str, design: Design) -> float:
        near, far = error_of(design, self._centre(name)), error_of(self.given.designs[name], self._centre(name))
        return far / near if near > 0.0 else 1.0

    def _centre(self, name: str) -> float:
        return self.given.centre[name].value

    def _run_of(
        self, designs: Mapping[str, Design], moved: Mapping[str, Any], draws: int = 0, known: Known | None = None
    ) -> _Run:
        setting = replace(self.setting, draws=draws) if draws else self.setting
        return _Run(self.given, {**self.given.designs, **designs}, setting, moved, known or {})

    def _run(
        self, designs: Mapping[str, Design], moved: Mapping[str, Any], draws: int = 0, known: Known | None = None
    ) -> Codes:
        """Labels of all draws, as places in ``LABELS``."""
        run = self._last = self._run_of(designs, moved, draws, known)
        noise = Noise(Streams(self.seed), run.setting.draws, ONE.shares, tuple(run.designs), run.mix)
        drawn = {} if draws else {key: one for key, one in self._same.items() if key[0] not in designs}
        table = run.table(run.around, noise, drawn, ONE)
        run.drawn = drawn
        if not draws:
            self._same |= {key: one for key, one in drawn.items() if key[0] not in designs}
        return run.labels(table, self._labels)


class _Run(Redraw):
    """One pass over the draws, told apart by what the engine and ``waiting`` can tell apart."""

    def __init__(
        self, given: Resampling, designs: Mapping[str, Design], setting: Setting, moved: Mapping[str, Any],
        known: Known,
    ) -> None:  # fmt: skip
        super().__init__(given, designs, setting)
        self.around, self.moved, self.known = {name: given.centre[name] for name in self.designs}, moved, known
        self.drawn: dict[tuple[str, Truth, int], Drawn] = {}
        asked = (name for one in self.conditions for name in one.signals(self.policy.signals))
        self.ranked = tuple(dict.fromkeys((*self.ranked, *asked)))
        self.facts = tuple(dict.fromkeys((*(f"{name}.state" for name in self.ranked), *self.facts)))

    def draw(self, signal: Signal, truth: Truth, noise: Noise, look: Look) -> Redrawn:
        """One signal; the one that more is known of then has draws as far apart as today's."""
        one = super().draw(signal, truth, noise, look)
        if signal.name in self.moved:
            _spread(one, self.moved[signal.name])
        times, future = self.known.get(signal.name, (1.0, 0.0))
        if times > 1.0:
            # Together as far apart as today: what the future will have shown, and what it still leaves to chance.
            one.agreeing = math.sqrt(1.0 - 1.0 / times) * future + math.sqrt(1.0 / times) * one.agreeing
        return one

    def labels(self, table: Table, known: dict[Key, Label]) -> Codes:
        """What each draw comes to; ``known`` keeps what was settled before."""
        keys, firsts, back, _ = self._groups(table, np.ones(table.size, dtype=bool))
        codes = np.empty(len(keys), dtype=np.int8)
        for place, (key, first) in enumerate(zip(keys, firsts, strict=True)):
            if key not in known:
                facts = table.row(first, self.facts)
                known[key] = label_of(self.rules, settle(self.rules, facts), facts, self.policy.signals)
            codes[place] = LABELS.index(known[key])
        return codes[back]

    def effects(self, name: str) -> Array:
        """The drawn effects of a signal, candidate minus control."""
        return self._of(name).estimates.effect

    def agreeing(self) -> dict[str, Array]:
        """What each check that is drawn and asked for was drawn with, by its full name."""
        asked = {fact for one in self.conditions for fact in one.facts}
        asked |= {f"{name}.{check}" for name, signal in self.policy.signals.items() for check in signal.trust}
        found = {check: self._of(check.partition(".")[0]) for check in self.resampling.errors if check in asked}
        return {check: one.agreeing for check, one in found.items() if isinstance(one, Redrawn)}

    def middle(self, name: str) -> float:
        """What they are drawn around: the effect as it was read."""
        one = self._of(name)
        return one.truth.value + (one.shape.shift if isinstance(one, Redrawn) else 0.0)

    def _of(self, name: str) -> Drawn:
        return next(one for key, one in self.drawn.items() if key[0] == name)


def _spread(one: Redrawn, by: float | Array) -> None:
    """Give draws another scatter than their intervals tell of; the intervals go with them.

    Args:
        one: A signal as it is drawn at its precision then.
        by: How many times farther from the centre every draw lies, or by how much each one is moved, shape (draws,).
    """
    was = one.estimates
    shift = by if isinstance(by, np.ndarray) else (by - 1.0) * (was.effect - one.truth.value - one.shape.shift)
    effect = was.effect + shift

    def tested() -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = effect / was.se
        if one.design.rule == "always":
            return np.minimum(1.0, one.design.family * p_always(one.signal, one.design, statistic**2))
        return p_value(one.signal, one.design, one.look, statistic, one.design.df)

    one.estimates = replace(was, effect=effect, low=was.low + shift, high=was.high + shift, p_value=tested)
    if one.design.segments:
        one.parts = tuple(replace(part, effect=part.effect + shift) for part in one.parts)


def carried(signal: Signal, then: Design | None, now: Design) -> float:
    """How many times as many items tell then how far raters agree; a judge's are those that people graded."""
    if then is None:
        return 1.0
    before, after = (
        (one.checks.get("min_overlap") if signal.kind == "judge" else min(one.n_control, one.n_candidate))
        for one in (now, then)
    )
    return after / before if before and after else 1.0


def error_of(design: Design, true: float) -> float:
    """The standard error of the estimate where the true effect is ``true``, in the signal's unit."""
    if design.law != "proportion" or design.control is None:
        return design.se or 0.0
    p0, p1 = design.control, min(1.0, max(0.0, design.control + true))
    return math.sqrt((p0 * (1.0 - p0) / design.n_control + p1 * (1.0 - p1) / design.n_candidate) / design.worth)


# --- from labels to stability ---------------------------------------------------------------------------------------


def _named(shares: Array) -> dict[Label, float]:
    return dict(zip(LABELS, shares.tolist(), strict=True))


def _alone(codes: Codes) -> Prospect:
    """Nothing more is learnt of any effect."""
    shares = np.bincount(codes, minlength=len(LABELS)) / codes.size
    return Prospect(float(shares[:-1].max()), _named(shares))


def _over_places(codes: Codes, effects: Array, middle: float, near: float, far: float) -> Prospect:
    """Stability at every place of the estimate then, and its mean.

    The weights turn draws from N(middle, far^2) into draws from N(place, near^2). They are the same for all draws of
    one bin, of which there are so many that the narrowest weights fall into several.
    """
    scaled = (effects - middle) / far
    bins = np.clip(((scaled + WIDEST) * (BINS / (2.0 * WIDEST))).astype(np.int64), 0, BINS - 1)
    counted = np.bincount(bins * len(LABELS) + codes, minlength=BINS * len(LABELS)).reshape(BINS, len(LABELS))
    middles = (np.arange(BINS) + 0.5) * (2.0 * WIDEST / BINS) - WIDEST
    places = np.array([NORMAL.inv_cdf((number + 0.5) / PLACES) for number in range(PLACES)])
    apart = middles[None, :] * (far / near) - places[:, None] * math.sqrt((far / near) ** 2 - 1.0)
    logs = (middles**2 - apart**2) / 2.0
    found = np.exp(logs - logs.max(axis=1, keepdims=True)) @ counted
    shares = found / found.sum(axis=1, keepdims=True)
    return Prospect(float(shares[:, :-1].max(axis=1).mean()), _named(shares.mean(axis=0)))
