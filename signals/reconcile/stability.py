"""How sure a call is: the share of each call when the evidence is drawn anew, and what was held as it was measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from signals.checks import CheckSpec, checks_of
from signals.model import Call, Reading, Stability
from signals.policy.engine import settle
from signals.policy.facts import Value, extract
from signals.readings import read
from signals.reconcile.draws import DRAWS, Resampling
from signals.words import steadiness
from signals.workbench.simulation.design import DRAWN
from signals.workbench.simulation.simulate import conditions_of


def stability(resampling: Resampling, draws: int = DRAWS) -> Stability:
    """How often each call is made when the evidence is drawn anew.

    Args:
        resampling: Of the release.
        draws: How many.

    Returns:
        Shares of the calls that were made at least once; what was held as it is, and the correlations that were drawn.

    Raises:
        SignalsError: For a number of draws that cannot be made.
    """
    shares = resampling.calls(draws=draws)
    correlated = sorted((min(pair), max(pair), value) for pair, value in resampling.correlations.items())
    return Stability(
        {call: share for call, share in shares.items() if share > 0.0},
        draws,
        tuple(_fixed(resampling)),
        tuple(correlated),
    )


def told(found: Stability, call: Call) -> str:
    """One sentence: how often the evidence, drawn anew, gives the call that was made, and which others."""
    return steadiness(found.calls, found.draws, call)


# --- what was held --------------------------------------------------------------------------------------------------


def _fixed(given: Resampling) -> Iterator[str]:
    """Signals that are not drawn, facts that are held, and the checks that the call as it stands depends on."""
    asked = {fact for one in conditions_of(given.rules) for fact in one.facts}
    heard = {row.signal for row in given.rules.hierarchy} | {fact.partition(".")[0] for fact in asked}
    for name, why in given.as_read.items():
        if name in heard:
            yield f"{name} ({why})"
    yield from given.held
    for name in given.designs:
        if any(fact.startswith(f"{name}.segments.shrunk") for fact in asked):
            yield f"{name}.segments.shrunk"
    readings = {
        name: read(signal, given.numbers.get(name), given.as_of) for name, signal in given.policy.signals.items()
    }
    call = settle(given.rules, given.facts).call
    for name, signal in given.policy.signals.items():
        if name not in heard or readings[name].state == "missing":
            continue
        segments = name in given.designs and bool(given.designs[name].segments)
        for spec in checks_of(signal.kind):
            drawn = segments if spec.name in DRAWN else f"{name}.{spec.name}" in given.errors
            others = () if drawn else _otherwise(given, readings, spec, name, asked)
            if any(settle(given.rules, facts).call != call for facts in others):
                yield f"{name}.{spec.name}"


def _otherwise(
    given: Resampling, readings: Mapping[str, Reading], spec: CheckSpec, name: str, asked: Collection[str]
) -> Iterator[Mapping[str, Value]]:
    """The facts if a check had come out otherwise: where the signal's trust asks for it, and where a condition does."""
    signal, check, key = given.policy.signals[name], readings[name].checks[spec.name], f"{name}.{spec.name}"
    if spec.name in signal.trust:
        rest = {other: limit for other, limit in signal.trust.items() if other != spec.name}
        # A check that passes is made to fail by a limit out of reach; one that does not is no longer asked for.
        now = check.value or 0.0
        far = abs(now) + 1.0
        never = {spec.name: now + far if spec.passes == ">=" else now - far} if check.status == "pass" else {}
        other = read(replace(signal, trust=rest | never), given.numbers.get(name), given.as_of)
        yield extract(given.policy.signals, {**readings, name: other}, given.release, given.as_of)
    if key in asked:
        values: tuple[Value, ...] = (True, False) if spec.unit == "yes" else (-math.inf, math.inf)
        yield from ({**given.facts, key: value} for value in values)
        yield {fact: value for fact, value in given.facts.items() if fact != key}
