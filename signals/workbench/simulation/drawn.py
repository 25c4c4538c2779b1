"""Draws -> facts: the state, the numbers and the checks that each drawn release would be read to have.

The scalar twins are ``signals.readings.state.read`` and ``signals.policy.facts.extract``: a test holds that both say
the same of the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from signals.checks import BY_NAME, CheckSpec
from signals.model import Signal
from signals.policy.facts import UNTRUSTED_HIDES, facts_of
from signals.stats.power import NORMAL
from signals.stats.tails import normal_cdf
from signals.workbench.simulation import strata
from signals.workbench.simulation.columns import CODE, Column, Table
from signals.workbench.simulation.design import DRAWN, Design, scaled
from signals.workbench.simulation.intervals import Estimates, estimates
from signals.workbench.simulation.noise import Noise
from signals.workbench.simulation.reach import Look, counted_look
from signals.workbench.simulation.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signals.workbench.simulation.columns import Codes, Mask

    Array = NDArray[np.float64]

WEEK = 7.0


def put_missing(table: Table, signal: Signal) -> None:
    """The one fact of a signal without evidence."""
    state = Column(np.full(table.size, CODE["missing"], dtype=np.int8))
    table.put(f"{signal.name}.state", lambda: state)


class Drawn:
    """One signal at one look, over all draws of a chunk."""

    def __init__(self, signal: Signal, design: Design, truth: Truth, noise: Noise, look: Look) -> None:
        look = counted_look(signal, design, look)
        self.signal, self.truth, self.noise, self.look = signal, truth, noise, look
        self.design = scaled(design, look.share) if design.grows and look.share < 1.0 else design
        self.refused = bool(design.refused) or design.se is None

    @cached_property
    def estimates(self) -> Estimates:
        """The voting estimate."""
        return estimates(self.signal, self.design, self.truth.value, self.noise, self.look)

    @cached_property
    def parts(self) -> Sequence[strata.SegmentDraws]:
        """The segments."""
        return strata.draw(self.signal, self.design, self.truth, self.noise, self.look)

    @cached_property
    def heterogeneity(self) -> Column | None:
        """The check of that name."""
        return strata.heterogeneity(self.signal, self.parts)

    @cached_property
    def reversals(self) -> Column | None:
        """The check of that name."""
        return strata.reversals(self.estimates.effect, self.parts)

    @cached_property
    def interval(self) -> tuple[Array, Array]:
        """Bounds of the benefit: positive is good. No numbers where the interval is refused."""
        low, high = self.estimates.low, self.estimates.high
        if self.signal.sign < 0:
            low, high = -high, -low
        return np.where(self.estimates.refused, np.nan, low), np.where(self.estimates.refused, np.nan, high)

    @cached_property
    def margin(self) -> Array | float | None:
        """The margin; of control as drawn when it is relative."""
        margin = self.signal.margin
        if margin is None or not margin.relative:
            return None if margin is None else margin.value
        control = self.estimates.control
        if isinstance(control, np.ndarray):
            return np.where(control == 0.0, np.nan, np.abs(control) * margin.value)
        return margin.absolute(control)

    def put(self, table: Table) -> None:
        """Add the facts to a table; each is made when it is first asked for."""
        name = self.signal.name
        for spec in facts_of(self.signal.kind):
            if spec.type != "list":
                table.put(f"{name}.{spec.name}", partial(self.fact, spec.name))
        if self.design.segments and not self.refused:
            table.put_list(f"{name}.segments", self.elements, self.believed)

    # --- checks -----------------------------------------------------------------------------------------------------

    def check(self, name: str) -> Column | None:
        """The measured number of a check; None when it cannot be computed."""
        if name in DRAWN and self.design.segments and not self.refused:
            return self.heterogeneity if name == "heterogeneity_p" else self.reversals
        value = self.design.checks.get(name)
        if name == "full_weeks" and value is not None and self.look.share < 1.0:
            # Whole weeks so far: a sample that arrives evenly has had this share of its days.
            days = self.design.days if self.design.days is not None else WEEK * value
            value = min(value, float(int(days * self.look.share + 1e-9) // int(WEEK)))
        return None if value is None else Column(value)

    def passes(self, sort: str) -> Mask | bool:
        """Whether every check of that sort that the policy asks for passes."""
        good: Mask | bool = True
        for name, threshold in self.signal.trust.items():
            spec = BY_NAME[name]
            if spec.sort != sort:
                continue
            found = self.check(name)
            if found is None:
                return False
            held = found.values >= threshold if spec.passes == ">=" else found.values <= threshold  # type: ignore[operator]  # checks are numbers
            good = np.logical_and(good, np.logical_and(held, found.exists))
        return good

    # --- state ------------------------------------------------------------------------------------------------------

    @cached_property
    def state(self) -> Codes:
        """State codes, first match first: as ``readings.state.read``."""
        if self.refused:
            return np.full(self.noise.size, CODE["untrusted"], dtype=np.int8)
        low, high = self.interval
        margin = np.nan if self.margin is None else self.margin
        found = np.full(low.shape, CODE["unclear"], dtype=np.int8)
        found[(low > -margin) & (high < margin)] = CODE["flat"]
        found[high < 0.0] = CODE["loss"]
        found[low > 0.0] = CODE["win"]
        if self.signal.distance and self.margin is not None:
            found[:] = CODE["unclear"]
            found[low > -margin] = CODE["flat"]
            found[high <= -margin] = CODE["loss"]
        unripe = np.logical_not(self.passes("maturity"))
        found[((found == CODE["win"]) | (found == CODE["flat"])) & unripe] = CODE["unclear"]
        found[np.isnan(low) | np.logical_not(self.passes("validity"))] = CODE["untrusted"]
        return found

    @cached_property
    def believed(self) -> Mask:
        """Where numbers may be shown."""
        return np.asarray(self.state != CODE["untrusted"])

    # --- facts ------------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> Column | None:
        """One fact by its name without the signal's; absent where a number is not one."""
        if name == "state":
            return Column(self.state)
        found = self._fact(name)
        if found is None or name not in UNTRUSTED_HIDES:
            return found
        return Column(found.values, self.believed & found.exists)

    def _fact(self, name: str) -> Column | None:
        if name in BY_NAME:
            return _as_flag(BY_NAME[name], self.check(name))
        plain = {"n": lambda: Column(self.design.n), "age": lambda: self.check("max_age"), "margin": self._margin}
        if name in plain or self.refused:
            return plain[name]() if name in plain else None
        drawn = {
            "benefit": lambda: Column(self.signal.sign * self.estimates.effect),
            "benefit.low": lambda: Column(self.interval[0]),
            "benefit.high": lambda: Column(self.interval[1]),
            "p_value": lambda: Column(self.estimates.p_value(), ~np.isnan(self.interval[0])),
            "mde": self._mde,
            "power": self._power,
            "non_inferior": self._non_inferior,
            "equivalent": self._equivalent,
            "material": self._material,
        }
        return drawn[name]()

    def _margin(self) -> Column | None:
        if self.refused:
            margin = self.signal.margin.absolute(self.design.control) if self.signal.margin else None
        else:
            margin = self.margin  # type: ignore[assignment]  # one for all draws, or one each
        return None if margin is None else Column(margin)

    @cached_property
    def _limit(self) -> Array:
        """The margin as numbers; none where there is none."""
        return np.asarray(np.nan if self.margin is None else self.margin, dtype=float)

    def _non_inferior(self) -> Column:
        low, ripe = self.interval[0], self.passes("maturity")
        # Early evidence proves no harmlessness, whatever there is to compare it with.
        return Column((low > -self._limit) & ripe, (~np.isnan(low) & ~np.isnan(self._limit)) | np.logical_not(ripe))

    def _equivalent(self) -> Column:
        (low, high), ripe = self.interval, self.passes("maturity")
        known = ~np.isnan(low) & ~np.isnan(self._limit)
        return Column((low > -self._limit) & (high < self._limit) & ripe, known | np.logical_not(ripe))

    def _material(self) -> Column:
        low, high = self.interval
        return Column((low >= self._limit) | (high <= -self._limit), ~np.isnan(low) & ~np.isnan(self._limit))

    def _reach(self) -> tuple[Array, Mask]:
        """Standard errors to each side, and where that can be told."""
        low, high = self.interval
        se = self.estimates.se
        known = ~np.isnan(low) & (se > 0.0) & (high > low)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(known, (high - low) / 2.0 / se, 1.0), known

    def _mde(self) -> Column:
        reach, known = self._reach()
        return Column((reach + NORMAL.inv_cdf(0.8)) * self.estimates.se, known)

    def _power(self) -> Column:
        reach, known = self._reach()
        shift = self._limit / np.where(known, self.estimates.se, 1.0)
        return Column(normal_cdf(shift - reach) + normal_cdf(-shift - reach), known & ~np.isnan(self._limit))

    def elements(self) -> Sequence[Mapping[str, Column]]:
        """The segments as conditions ask for them."""
        return strata.elements(self.signal, self.design, self.parts)


def _as_flag(spec: CheckSpec, found: Column | None) -> Column | None:
    return Column(bool(found.values)) if spec.unit == "yes" and found is not None else found
