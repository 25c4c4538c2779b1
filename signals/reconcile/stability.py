"""How sure a call is: the share of each call when the evidence is drawn anew, and what was held as it was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from signals.checks import CheckSpec, checks_of
from signals.model import Call, Signal, Stability
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
    heard = _heard(given)
    for name, why in given.as_read.items():
        if name in heard:
            yield f"{name} ({why})"
    yield from given.held
    for name in sorted({fact.rpartition(".segments.")[0] for fact in _asked(given) if ".segments.shrunk" in fact}):
        if name in given.designs and name not in given.as_read:
            yield f"{name}.segments.shrunk"
    call = settle(given.rules, given.facts).call
    for name, signal in given.policy.signals.items():
        if name not in heard or f"{name}.state" not in given.facts or given.facts[f"{name}.state"] == "missing":
            continue
        for spec in checks_of(signal.kind):
            drawn = name in given.designs and spec.name in DRAWN and bool(given.designs[name].segments)
            if not drawn and any(settle(given.rules, facts).call != call for facts in _otherwise(given, signal, spec)):
                yield f"{name}.{spec.name}"


def _asked(given: Resampling) -> set[str]:
    return {fact for one in conditions_of(given.rules) for fact in one.facts}


def _heard(given: Resampling) -> set[str]:
    """Signals that a row or a condition asks for."""
    return {row.signal for row in given.rules.hierarchy} | {fact.partition(".")[0] for fact in _asked(given)}


def _otherwise(given: Resampling, signal: Signal, spec: CheckSpec) -> Iterator[Mapping[str, Value]]:
    """The facts if a check had come out otherwise: where the policy asks that it passes, and where a condition asks."""
    key = f"{signal.name}.{spec.name}"
    if spec.name in signal.trust:
        now = float(given.facts.get(key, 0.0))  # type: ignore[arg-type]  # the fact of a check is a number or a flag
        far = abs(now) + 1.0
        never = now + far if spec.passes == ">=" else now - far
        yield _with(given, replace(signal, trust={**signal.trust, spec.name: never}))
        yield _with(given, replace(signal, trust={key: one for key, one in signal.trust.items() if key != spec.name}))
    if key in _asked(given):
        others: tuple[Value, ...] = (True, False) if spec.unit == "yes" else (-math.inf, math.inf)
        yield from ({**given.facts, key: other} for other in others)
        yield {name: value for name, value in given.facts.items() if name != key}


def _with(given: Resampling, signal: Signal) -> Mapping[str, Value]:
    """The facts with another trust of one signal."""
    signals = {**given.policy.signals, signal.name: signal}
    readings = {name: read(one, given.numbers.get(name), given.as_of) for name, one in signals.items()}
    return extract(signals, readings, given.release, given.as_of)
