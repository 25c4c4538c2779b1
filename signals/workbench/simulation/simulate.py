"""Operating characteristics: how often a policy makes each call when the true effects are these.

Every draw is one release: the estimates of all signals are drawn from their sampling distribution, turned into the
facts that the product would read, and decided by the policy's own engine. The engine depends on facts only through the
states of the signals and the answers of the conditions. So draws are grouped by those, and ``settle`` is asked once per
group with the facts of its first draw: the result is that of asking it for every draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from signals.model import STATES, ReleaseKind, Signal, SignalsError
from signals.policy.conditions import Condition
from signals.policy.engine import settle
from signals.policy.rules import Policy, Rules
from signals.workbench.simulation.columns import TRUE, Column, Table, truth
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.drawn import Drawn, put_missing
from signals.workbench.simulation.noise import Noise, Streams, mixing
from signals.workbench.simulation.outcomes import STEPS, Characteristics, Point, Setting
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.tally import Found, Tally, state_codes
from signals.workbench.simulation.truth import NOTHING, Effect, Truth, margin_of, resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 20_000
MOST_DRAWS, MOST_LOOKS = 10_000_000, 1_000

Key = int | bytes


def simulate(
    policy: Policy,
    designs: Mapping[str, Design],
    truth: Mapping[str, Effect | float] | None = None,
    setting: Setting | None = None,
) -> Point:
    """Draw releases at one set of true effects and decide each.

    Args:
        policy: As loaded.
        designs: The precision of each signal; a signal without one is ``missing``.
        truth: True effects by signal; a plain number is candidate minus control in the signal's own unit. Signals that
            are not named do not differ.
        setting: Draws, seed, correlation, looks.

    Raises:
        SignalsError: For effects, designs or settings that cannot be.
    """
    return Simulation(policy, designs, setting or Setting()).at([truth or {}])[0]


def operating_characteristics(
    policy: Policy,
    designs: Mapping[str, Design],
    *,
    vary: Sequence[str] = (),
    truth: Mapping[str, Effect | float] | None = None,
    steps: Sequence[float] = STEPS,
    setting: Setting | None = None,
) -> Characteristics:
    """False-ship and false-rollback rate, power at the margin, and the chance of each call along a true effect.

    Args:
        policy: As loaded.
        designs: The precision of each signal.
        vary: The signals whose effects move, all by as many of their own margins (default: that of the first row that
            has a design).
        truth: True effects of the others (default: no difference).
        steps: Where the curve is drawn, in margins of benefit.
        setting: Draws, seed, correlation, looks.

    Raises:
        SignalsError: When nothing can be varied, and as ``simulate``.
    """
    setting = setting or Setting()
    truth = dict(truth or {})
    run = Simulation(policy, designs, setting)
    moving = tuple(vary) or _first(policy, designs, setting.kind)
    for name in moving:
        if name not in designs:
            raise SignalsError(f"{name} has no design, so its effect cannot be varied", _known(designs))
    margins = all(margin_of(policy.signals[name], designs[name]) for name in moving)

    wanted = sorted({*steps, -1.0, 1.0})
    truths = [
        truth | {name: _step(designs[name], truth.get(name), step, margins, policy) for name in moving}
        for step in wanted
    ]
    null, asked, *moved = run.at([{}, truth, *truths])
    points = {step: replace(point, at=step) for step, point in zip(wanted, moved, strict=True)}
    return Characteristics(
        policy.name,
        {name: design.unit for name, design in designs.items()},
        moving,
        "margin" if margins else "standard error",
        null,
        points[1.0],
        points[-1.0],
        tuple(points[step] for step in sorted(set(steps))),
        setting,
        asked if truth else None,
    )


def _step(design: Design, given: Effect | float | None, step: float, margins: bool, policy: Policy) -> Effect:
    own = given.segments if isinstance(given, Effect) else {}
    if margins:
        return Effect(step, "m", own)
    return Effect(policy.signals[design.signal].sign * step * (design.se or 0.0), "", own)


def _first(policy: Policy, designs: Mapping[str, Design], kind: ReleaseKind) -> tuple[str, ...]:
    for row in policy.for_kind(kind).hierarchy:
        if row.signal in designs and not designs[row.signal].refused:
            return (row.signal,)
    raise SignalsError("no row's signal has a design, so there is nothing to vary", _known(designs))


def _known(designs: Mapping[str, Design]) -> str:
    return f"Signals with a design: {', '.join(designs) or 'none'}"


# --- the draws ------------------------------------------------------------------------------------------------------


class Simulation:
    """A policy with designs and setting: asked at several truths, it settles each situation once."""

    def __init__(self, policy: Policy, designs: Mapping[str, Design], setting: Setting) -> None:
        _check(policy, designs, setting)
        self.policy, self.setting = policy, setting
        self.rules = policy.for_kind(setting.kind)
        self.designs = {name: designs[name] for name in policy.signals if name in designs}
        self.conditions = tuple(conditions_of(self.rules))
        self.refuse()
        self.ranked = tuple(dict.fromkeys(row.signal for row in self.rules.hierarchy))
        states = [f"{name}.state" for name in self.ranked]
        self.facts = tuple(dict.fromkeys([*states, *(fact for one in self.conditions for fact in one.facts)]))
        correlation = setting.correlation
        self.mix = mixing(tuple(self.designs), correlation.common, correlation.pairs)
        self.shares = tuple((number + 1) / setting.looks for number in range(setting.looks))
        self.settled: dict[Key, Found] = {}

    def refuse(self) -> None:
        """Refuse conditions whose facts are not drawn.

        Raises:
            SignalsError: For those.
        """
        _refuse_shrunk(self.conditions)

    def at(self, truths: Sequence[Mapping[str, Effect | float]]) -> list[Point]:
        """Chances at several sets of true effects: all from the same draws, so that they differ by the effects only."""
        known = [self._resolved(truth) for truth in truths]
        return [
            tally.point({name: truth.value for name, truth in one.items()}, self.setting.draws, self._own(given, one))
            for given, one, tally in zip(truths, known, self.tallied(known), strict=True)
        ]

    def tallied(self, known: Sequence[Mapping[str, Truth]]) -> list[Tally]:
        """What the draws come to at several sets of true effects, one per signal with a design."""
        tallies = [Tally(tuple(self.designs), self.setting.looks) for _ in known]
        streams = Streams(self.setting.seed)
        left = self.setting.draws
        while left:
            size = min(CHUNK, left)
            noise = Noise(streams, size, self.shares, tuple(self.designs), self.mix)
            drawn: dict[tuple[str, Truth, int], Drawn] = {}
            for one, tally in zip(known, tallies, strict=True):
                self._chunk(one, noise, drawn, tally)
            left -= size
        return tallies

    def _own(self, given: Mapping[str, Effect | float], known: Mapping[str, Truth]) -> dict[str, Mapping[str, float]]:
        """Effects of segments that were given one of their own."""
        found: dict[str, Mapping[str, float]] = {}
        for name, effect in given.items():
            own = effect.segments if isinstance(effect, Effect) else {}
            values = zip(self.designs[name].segments, known[name].segments, strict=True)
            if own:
                found[name] = {one.name: value for one, value in values if one.name in own}
        return found

    def _resolved(self, truths: Mapping[str, Effect | float]) -> dict[str, Truth]:
        for name in truths:
            if name not in self.designs:
                raise SignalsError(f"{name} has no design, so it has no effect", _known(self.designs))
        return {
            name: resolve(self.policy.signals[name], design, truths.get(name, NOTHING))
            for name, design in self.designs.items()
        }

    def _chunk(
        self, known: Mapping[str, Truth], noise: Noise, drawn: dict[tuple[str, Truth, int], Drawn], tally: Tally
    ) -> None:
        """One chunk of draws through all looks. ``drawn`` keeps signals whose effect was the same before."""
        going = np.ones(noise.size, dtype=bool)
        for number in range(len(self.shares)):
            table = self.table(known, noise, drawn, Look(number, self.shares))
            last = number == len(self.shares) - 1
            keys, firsts, back, counts = self._groups(table, going)
            ends = np.zeros(len(keys), dtype=bool)
            for place, (key, first) in enumerate(zip(keys, firsts, strict=True)):
                found = self._settle(key, table, first)
                if last or found[0] != "hold":
                    ends[place] = True
                    tally.outcomes[found] += int(counts[place])
                    tally.ends[number] += int(counts[place])
            ended = np.flatnonzero(going)[ends[back]]
            tally.see(table, ended)
            going[ended] = False
            if not going.any():
                return

    def _settle(self, key: Key, table: Table, draw: int) -> Found:
        found = self.settled.get(key)
        if found is None:
            outcome = settle(self.rules, table.row(draw, self.facts))
            found = self.settled[key] = outcome.call, outcome.rule, outcome.decided_by, outcome.reason
        return found

    def table(
        self, known: Mapping[str, Truth], noise: Noise, drawn: dict[tuple[str, Truth, int], Drawn], look: Look
    ) -> Table:
        table = Table(noise.size)
        kind, age = Column(self.setting.kind), Column(self.setting.age * 86_400.0 * look.share)
        table.put("release.kind", lambda: kind)
        table.put("release.age", lambda: age)
        for name, signal in self.policy.signals.items():
            if name not in self.designs:
                put_missing(table, signal)
                continue
            key = name, known[name], look.number
            if key not in drawn:
                drawn[key] = self.draw(signal, known[name], noise, look)
            drawn[key].put(table)
        return table

    def draw(self, signal: Signal, truth: Truth, noise: Noise, look: Look) -> Drawn:
        """One signal at one look."""
        return Drawn(signal, self.designs[signal.name], truth, noise, look)

    def _groups(
        self, table: Table, where: NDArray[np.bool_]
    ) -> tuple[list[Key], list[int], NDArray[np.intp], NDArray[np.intp]]:
        """Draws that the engine cannot tell apart: keys, a draw of each, each draw's group, sizes."""
        parts = [(state_codes(table, f"{name}.state"), len(STATES)) for name in self.ranked]
        parts += [(truth(one.tree, table), TRUE + 1) for one in self.conditions]
        places = np.flatnonzero(where)
        packed: NDArray[Any] = np.zeros(places.size, dtype=np.int64)
        if math.prod(base for _, base in parts) < 2**62:
            for values, base in parts:
                packed = packed * base + values[places]
        else:
            rows = np.ascontiguousarray(np.stack([values[places].astype(np.uint8) for values, _ in parts], axis=1))
            packed = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
        unique, first, back, counts = np.unique(packed, return_index=True, return_inverse=True, return_counts=True)
        keys: list[Key] = [one if isinstance(one, int) else bytes(one) for one in unique.tolist()]
        return keys, places[first].tolist(), back, counts


def conditions_of(rules: Rules) -> Iterable[Condition]:
    """Every condition that the engine may ask."""
    yield from (row.when for row in rules.hierarchy if row.when is not None)
    yield from (rule.when for rule in rules.overrides)
    yield from (rule.when for rule in rules.guardrails)
    yield from (rule.that for rule in rules.ship_requires)


def _check(policy: Policy, designs: Mapping[str, Design], setting: Setting) -> None:
    if not 1 <= setting.draws <= MOST_DRAWS:
        raise SignalsError(f"{setting.draws:,} draws cannot be made", f"Choose 1 to {MOST_DRAWS:,}")
    if not 1 <= setting.looks <= MOST_LOOKS:
        raise SignalsError(f"{setting.looks:,} looks cannot be simulated", f"Choose 1 to {MOST_LOOKS:,}")
    unknown = [name for name in designs if name not in policy.signals]
    if unknown:
        raise SignalsError(
            f"{', '.join(unknown)} is not a signal of this policy", f"It has {', '.join(policy.signals)}"
        )


def _refuse_shrunk(conditions: Sequence[Condition]) -> None:
    for one in conditions:
        if any(fact.split(".")[-1] == "shrunk" or ".segments.shrunk" in fact for fact in one.facts):
            raise SignalsError(
                f"the condition {one.text!r:.80} asks for shrunk segments, which a simulation does not draw",
                "Ask for adjusted.low or adjusted.high: they hold for all segments at once",
            )
