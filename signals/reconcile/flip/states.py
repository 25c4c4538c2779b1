"""Flips of signals that have no say: what if they were there, or could be trusted.

Their numbers are not known, so the call is asked for with every answer that the rules about those numbers can give, and
a flip is told only when all of them come to one call. Guardrails are taken not to fire, which the words then say.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from signals.model import Call, Flip, Signal, State
from signals.policy.conditions import Condition
from signals.policy.engine import settle
from signals.policy.facts import UNTRUSTED_HIDES
from signals.policy.syntax import Has
from signals.reconcile.flip import words
from signals.reconcile.flip.case import WhatIf, fixed, state_of
from signals.reconcile.flip.rank import CONTRARY, NEW, Found, by_steps
from signals.workbench.situations.grids import inner
from signals.workbench.situations.making import conditions

MOST = 6
"""Rules whose answer is open: with more, every combination of answers would be too many to ask."""


def states(case: WhatIf) -> Iterator[Found]:
    """Of every ranked signal that is missing or untrusted."""
    for name in dict.fromkeys(row.signal for row in case.rules.hierarchy):
        now: Any = case.facts[f"{name}.state"]
        if now not in ("missing", "untrusted"):
            continue
        signal, own = case.policy.signals[name], case.own.get(name)
        stands = None
        if own is not None and own.low is not None and own.high is not None:
            stands = state_of(own.low, own.high, own.margin, trusted=True, ripe=own.ripe, distance=signal.distance)
        wanted: tuple[State, ...] = ("loss", "flat") if signal.distance else ("win", "loss", "flat")
        for state in dict.fromkeys((*wanted, *([stands] if stands else []))):
            if (state == "flat" and signal.margin is None) or (state in ("win", "flat") and own and not own.ripe):
                continue
            if own is not None and state == stands:
                to = case.with_own(name, own.facts(state, ripe=own.ripe))
                quiet: tuple[str, ...] = ()
            else:
                found = _assumed(case, signal, state)
                if found is None:
                    continue
                to, quiet = found
            if to != case.call:
                text = words.believed(name, now, state, as_it_stands=state == stands, quiet=quiet, to=to)
                flip = Flip(f"{name}.state", now, state, to, "is", state, None, text)
                yield by_steps(flip, 0.0 if state == stands else NEW if stands is None else CONTRARY)


def _assumed(case: WhatIf, signal: Signal, state: State) -> tuple[Call, tuple[str, ...]] | None:
    """The call if the signal were in a state that its numbers do not show, and the guardrails taken not to fire.

    None when the call hangs on its numbers.
    """
    name = signal.name
    hidden = {f"{name}.{key}" for key in UNTRUSTED_HIDES}
    facts: dict[str, Any] = {key: value for key, value in case.facts.items() if key not in hidden}
    facts[f"{name}.state"] = state
    if signal.margin is not None and state in ("win", "flat"):
        facts[f"{name}.non_inferior"] = True
    if state == "flat":
        facts |= {f"{name}.material": False, f"{name}.equivalent": True}
    hanging = [id(one) for one in conditions(case.rules) if _open(one, name, facts)]
    if len(hanging) > MOST:
        return None
    guardrails = {id(rule.when): rule.id for rule in case.rules.guardrails if id(rule.when) in hanging}
    for quiet in ({}, guardrails) if guardrails else ({},):
        asked = [key for key in hanging if key not in quiet]
        calls = {
            settle(fixed(case.rules, dict.fromkeys(quiet, False) | dict(zip(asked, answers, strict=True))), facts).call
            for answers in itertools.product((True, False), repeat=len(asked))
        }
        if len(calls) == 1:
            return calls.pop(), tuple(quiet.values())
    return None


def _open(condition: Condition, signal: str, facts: Mapping[str, Any]) -> bool:
    """Whether its answer hangs on numbers of the signal that are not there."""
    absent = {key for key in condition.facts if key.startswith(f"{signal}.") and _absent(key, facts)}
    if not absent:
        return False
    asks = any(isinstance(one, Has) and one.name.key in absent for one in inner(condition.tree))
    return asks or condition.holds(facts) is None


def _absent(key: str, facts: Mapping[str, Any]) -> bool:
    """Names of a segment are there with the list that they are of."""
    head, dot, _ = key.partition(".segments.")
    return f"{head}.segments" not in facts if dot else key not in facts
