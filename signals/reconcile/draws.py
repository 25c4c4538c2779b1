"""The evidence drawn anew: every signal around what was observed, the policy asked for each draw.

What it stands for is a bootstrap of the raw data: units and items drawn again, all numbers computed again, the policy
run again. The sampling distribution of the estimates is drawn instead of the data (``workbench.simulation``), centred
on the effects that were seen, over everything and by segment. How far raters agree, and people with a judge, is drawn
too (``agreeing``). Other numbers that do not follow from the effects (whether the split is right) stay as they were
measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from signals.model import CALLS, Call, Numbers, Reading, Release, Signal, SignalsError
from signals.policy import Policy
from signals.policy.facts import Facts, Scalar, Value, extract
from signals.policy.rules import Rules
from signals.readings import read
from signals.reconcile.agreeing import agreement_errors
from signals.reconcile.redrawn import ONE, PLAIN, Redrawn, Shape, Still, put_read, shape_of
from signals.workbench.simulation.columns import Table
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.drawn import Drawn
from signals.workbench.simulation.noise import Noise
from signals.workbench.simulation.outcomes import SEED, Correlation, Setting
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.release_design import designs_of
from signals.workbench.simulation.simulate import Key, Simulation, conditions_of
from signals.workbench.simulation.tally import Found
from signals.workbench.simulation.truth import Truth

DRAWS = 10_000
LEAST = 1e-9
"""A correlation nearer to 0 than this is none."""


@dataclass(frozen=True)
class Resampling:
    """What is needed to draw the evidence of one release anew.

    Attributes:
        policy: As loaded.
        release: Its kind picks the rules.
        numbers: By signal, as they are stored.
        as_of: The moment that ages are measured from.
        facts: As they were read, by full name.
        designs: The precision of every signal that is drawn.
        centre: What each of them is drawn around: the effects as they were read.
        shapes: Of their intervals.
        held: Facts of drawn signals that stay as they were read.
        correlations: Of the effects' errors (candidate minus control), by pair of drawn signals, as they are drawn.
        as_read: Signals that are not drawn, each with the reason.
        errors: Of the checks that are drawn, by full name, on the scale on which they are (``agreeing``).
    """

    policy: Policy
    release: Release
    numbers: Mapping[str, Numbers]
    as_of: datetime
    facts: Facts
    designs: Mapping[str, Design]
    centre: Mapping[str, Truth]
    shapes: Mapping[str, Shape]
    held: Mapping[str, Value] = field(default_factory=dict)
    correlations: Mapping[frozenset[str], float] = field(default_factory=dict)
    as_read: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    settled: dict[Key, Found] = field(default_factory=dict, repr=False, compare=False)

    @property
    def rules(self) -> Rules:
        """Those of the release's kind."""
        return self.policy.for_kind(self.release.kind)

    def calls(
        self,
        *,
        draws: int = DRAWS,
        seed: int = SEED,
        centre: Mapping[str, Truth | float] | None = None,
        designs: Mapping[str, Design] | None = None,
    ) -> dict[Call, float]:
        """Share of draws by call; they sum to 1.

        Args:
            draws: How many.
            seed: The same seed gives the same draws.
            centre: Draw around these instead, by signal: a number is the effect over everything (candidate minus
                control, in the signal's unit), and its segments move by as much as the whole.
            designs: Other precisions, by signal: more users, more items. A signal that was not drawn so far is drawn
                when it is given a design and a centre.

        Raises:
            SignalsError: For signals that cannot be drawn, or a number of draws that cannot be made.
        """
        used = {**self.designs, **(designs or {})}
        around = {name: self._around(name, used[name], (centre or {}).get(name)) for name in used}
        unknown = [name for name in centre or {} if name not in used]
        if unknown:
            why = self.as_read.get(unknown[0], "it is no signal of this policy")
            raise SignalsError(f"{unknown[0]} is not drawn: {why}", f"Drawn are: {', '.join(used) or 'none'}")
        run = Redraw(self, used, Setting(self.release.kind, draws, seed, Correlation(pairs=self.benefits())))
        tally = run.tallied([around])[0]
        counts = dict.fromkeys(CALLS, 0)
        for (call, *_), count in tally.outcomes.items():
            counts[call] += count
        return {call: count / draws for call, count in counts.items()}

    def undisturbed(self) -> dict[str, Value]:
        """The facts of a draw without noise: those of the readings, wherever the rules ask for them."""
        run = Redraw(self, self.designs, Setting(self.release.kind, 1))
        return run.table(self.centre, Still(), {}, ONE).row(0, run.facts)

    def benefits(self) -> dict[frozenset[str], float]:
        """Correlations of the benefits' errors, as they are drawn: those of effects, turned where lower is better."""
        signs = {name: signal.sign for name, signal in self.policy.signals.items()}
        return {pair: value * signs[min(pair)] * signs[max(pair)] for pair, value in self.correlations.items()}

    def _around(self, name: str, design: Design, given: Truth | float | None) -> Truth:
        if isinstance(given, Truth):
            if len(given.segments) != len(design.segments):
                raise SignalsError(f"{name} has {len(design.segments)} segments in this design", "Give each an effect")
            return given
        seen = self.centre.get(name)
        if seen is None:
            if given is None:
                raise SignalsError(f"{name} was not drawn so far", "Give it a centre beside its design")
            return Truth(given, (given,) * len(design.segments))
        if len(seen.segments) != len(design.segments):
            raise SignalsError(f"{name} has other segments in this design", "Keep those that were read")
        moved = 0.0 if given is None else given - seen.value
        return Truth(seen.value + moved, tuple(one + moved for one in seen.segments)) if moved else seen


def resampling(
    policy: Policy,
    release: Release,
    numbers: Mapping[str, Numbers],
    as_of: datetime,
    *,
    correlations: Mapping[frozenset[str], float] | None = None,
    family: int = 1,
) -> Resampling:
    """Make ready to draw the evidence of a release anew.

    Args:
        policy: As loaded.
        release: Its kind picks the rules.
        numbers: By signal, as ``signals.readings.measure`` gave them.
        as_of: The moment that ages are measured from.
        correlations: Of the sampling errors of two signals' voting effects (candidate minus control), by pair; others
            are 0. Those of signals that are not drawn do not count. Where they contradict each other the nearest ones
            that do not are taken.
        family: How many candidates shared the error rate when the numbers were computed.
    """
    readings = {name: read(signal, numbers.get(name), as_of) for name, signal in policy.signals.items()}
    facts = extract(policy.signals, readings, release, as_of)
    designs = designs_of(policy, numbers, as_of, family=family, source=f"release {release.id}")
    as_read = {name: why for name, one in readings.items() if (why := _not_drawn(one, designs.get(name)))}
    designs = {name: design for name, design in designs.items() if name not in as_read}
    centre = {name: _centre(numbers[name], design) for name, design in designs.items()}
    shapes = {
        name: shape_of(policy.signals[name], design, centre[name], numbers[name]) for name, design in designs.items()
    }
    pairs = {pair: value for pair, value in (correlations or {}).items() if pair <= designs.keys()}
    made = Resampling(
        policy, release, numbers, as_of, facts, designs, centre, shapes, {}, _possible(tuple(designs), pairs), as_read,
        agreement_errors(numbers, designs),
    )  # fmt: skip
    return _as_read(made)


def _not_drawn(one: Reading, design: Design | None) -> str:
    if one.state == "missing" or design is None:
        return "missing"
    if design.refused or design.se is None:
        return f"no interval: {design.refused or 'its error is not known'}"
    return ""


def _centre(numbers: Numbers, design: Design) -> Truth:
    effects = {one.name: one.effect for one in numbers.segments}
    whole = numbers.estimates[numbers.voting].effect
    return Truth(whole or 0.0, tuple(effects[one.name] or 0.0 for one in design.segments))


def _possible(names: tuple[str, ...], pairs: Mapping[frozenset[str], float]) -> dict[frozenset[str], float]:
    """The correlations that estimates can have, nearest to those that were asked for.

    Each pair was estimated by itself, so three of them may contradict each other by a little. Negative eigenvalues are
    set to 0 and the diagonal back to 1 (Rebonato and Jaeckel 2000, Journal of Risk 2:17-27).
    """
    wanted = np.eye(len(names))
    for pair, value in pairs.items():
        first, second = (names.index(name) for name in pair)
        wanted[first, second] = wanted[second, first] = max(-1.0, min(1.0, value))
    values, vectors = np.linalg.eigh(wanted)
    if len(names) and values.min() < 0.0:
        rooted = vectors * np.sqrt(np.maximum(values, 0.0))
        rooted /= np.sqrt((rooted**2).sum(axis=1, keepdims=True))
        wanted = np.clip(rooted @ rooted.T, -1.0, 1.0)
    return {
        frozenset((one, two)): float(wanted[i, i + 1 + j])
        for i, one in enumerate(names)
        for j, two in enumerate(names[i + 1 :])
        if abs(wanted[i, i + 1 + j]) > LEAST
    }


def _as_read(made: Resampling) -> Resampling:
    """Hold what a draw without noise does not reproduce: a signal by its state, else a fact that a condition asks for.

    Both are rare (a bound that lies on a threshold to the last digit); a draw around a wrong centre is never made.
    """
    conditions = tuple(conditions_of(made.rules))
    found = made.undisturbed()
    off = [name for name in made.designs if found.get(key := f"{name}.state", made.facts[key]) != made.facts[key]]
    kept = {name: design for name, design in made.designs.items() if name not in off}
    as_read = {**made.as_read, **dict.fromkeys(off, "its draws do not reproduce its reading")}
    asked = {fact for one in conditions if one.holds(found) is not one.holds(made.facts) for fact in one.facts}
    held = {
        fact: made.facts[fact]
        for fact in sorted(asked)
        if fact in made.facts and fact.partition(".")[0] in kept and not fact.endswith(".state")
    }
    pairs = {pair: value for pair, value in made.correlations.items() if pair <= kept.keys()}
    errors = {check: error for check, error in made.errors.items() if check.partition(".")[0] in kept}
    return replace(made, designs=kept, as_read=as_read, held=held, correlations=pairs, errors=errors)


class Redraw(Simulation):
    """The policy over draws around what was read: drawn signals by their shapes, the others as they were read."""

    def __init__(self, resampling: Resampling, designs: Mapping[str, Design], setting: Setting) -> None:
        super().__init__(resampling.policy, designs, setting)
        self.resampling = resampling
        self.settled = resampling.settled
        self.constant = {
            key: value for key, value in resampling.facts.items() if key.partition(".")[0] not in self.designs
        }

    def refuse(self) -> None:
        """Nothing: what is not drawn stays as it was read."""

    def table(
        self, known: Mapping[str, Truth], noise: Noise, drawn: dict[tuple[str, Truth, int], Drawn], look: Look
    ) -> Table:
        """Facts of all draws of a chunk."""
        table = super().table(known, noise, drawn, look)
        put_read(table, self.constant)
        return table

    def draw(self, signal: Signal, truth: Truth, noise: Noise, look: Look) -> Redrawn:
        """One signal."""
        given, name = self.resampling, signal.name
        return Redrawn(
            signal,
            self.designs[name],
            truth,
            noise,
            look,
            given.shapes.get(name, PLAIN),
            _shrunk(given.facts.get(f"{name}.segments")),
            {key: value for key, value in given.held.items() if key.startswith(f"{name}.")},
            given.errors,
        )


def _shrunk(elements: object) -> dict[str, dict[str, Scalar]]:
    if not isinstance(elements, tuple):
        return {}
    return {
        str(one["name"]): {key: value for key, value in one.items() if key.partition(".")[0] == "shrunk"}
        for one in elements
    }
