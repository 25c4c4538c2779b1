"""The ways out of a HOLD: what evidence, how much of it, why, by when at the current rate, and who owns it.

How much is computed in ``amounts``, from the reading's own stored errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta

from signals.checks import BY_NAME
from signals.model import Check, Need, Reading, RuleOutcome, Signal
from signals.policy.amounts import behind, plan, short, shortfall
from signals.policy.case import Case
from signals.policy.engine import Walked
from signals.policy.facts import units
from signals.policy.rules import Guardrail, Requirement
from signals.policy.wording import claim, title
from signals.words import plural

INTERVAL = "evidence from which an interval can be made"


def ways_out(case: Case) -> tuple[Need, ...]:
    """For a HOLD only: one need per signal that could change the call, most direct first."""
    found: dict[str, Need] = {}
    for need in _all(case):
        found.setdefault(need.signal, need)
    return tuple(found.values())


def _all(case: Case) -> Iterable[Need]:
    asked: list[tuple[Guardrail | Requirement, RuleOutcome]] = [
        *zip(case.rules.guardrails, case.guardrails, strict=True),
        *zip(case.rules.ship_requires, case.ship_requires, strict=True),
    ]
    for rule, result in asked:
        if _blocks(case, rule, result):
            yield from _rule(case, rule, result)
    if case.outcome.reason not in ("guardrail", "ship-requires", "cannot-evaluate"):
        yield from _rows(case)


def _rows(case: Case) -> Iterable[Need]:
    """Of the row that holds; else of every row that could still answer something else."""
    outcome = case.outcome
    if outcome.first is not None:
        walked = outcome.rows[outcome.first]
        yield _signal(case, walked.row.signal, f"the policy holds while it is {walked.state}")
        return
    for walked in outcome.rows:
        if walked.heard is not False and walked.state in ("untrusted", "missing", "unclear") and _could_speak(walked):
            yield _signal(case, walked.row.signal, "a clear reading could decide")
    for walked in outcome.rows:
        if walked.heard is not True and walked.answer not in (None, "hold"):
            yield _silenced(case, walked)
    if outcome.reason in ("conflict", "otherwise"):
        yield _people(case)


def _blocks(case: Case, rule: Guardrail | Requirement, result: RuleOutcome) -> bool:
    """Whether this rule stands between the release and a SHIP now."""
    if case.outcome.reason == "guardrail":
        return result.rule == case.outcome.rule
    if case.outcome.reason not in ("ship-requires", "cannot-evaluate"):
        return False
    return result.holds is None or (isinstance(rule, Requirement) and result.holds is False)


def _could_speak(walked: Walked) -> bool:
    return any(walked.row.calls.get(state) not in (None, "hold") for state in ("win", "loss", "flat"))


def _rule(case: Case, rule: Guardrail | Requirement, result: RuleOutcome) -> Iterable[Need]:
    """Every signal that the rule asks about and that more or better evidence could change."""
    condition = rule.when if isinstance(rule, Guardrail) else rule.that
    names = condition.signals(case.policy.signals)
    open_ = [name for name in names if case.state(name) in ("untrusted", "missing", "unclear")]
    what = "guardrail" if isinstance(rule, Guardrail) else "requirement"
    for name in open_:
        yield _signal(case, name, f"{what} {rule.id} waits for it")
    if open_:
        return
    for fact in result.unknown:
        yield _fact(case, fact, f"{what} {rule.id} asks for it")
    if not result.unknown:
        signal = names[0] if names else ""
        need = f"a candidate for which {rule.id} {'does not hold' if what == 'guardrail' else 'holds'}"
        yield Need(signal, need, f"{result.why}; it waits for no more evidence", owner=_owner(case, signal))


def _signal(case: Case, name: str, why: str) -> Need:
    """What one signal lacks."""
    signal = case.policy.signals[name]
    reading = case.readings.get(name)
    owner = _owner(case, name)
    if reading is None or reading.state == "missing":
        return Need(
            name, f"{name} evidence for {case.release.id}",
            f"{reading.why if reading else 'no source feeds it'}; {why}. Pull its source, or add one with "
            f"`signal: {name}`", owner=owner,
        )  # fmt: skip
    if reading.state == "untrusted":
        return _untrusted(case, reading, owner, why)
    if reading.state == "unclear":
        return _unclear(case, signal, reading, owner)
    return Need(
        name, f"a candidate that does better on {name}, or a recorded decision to override",
        f"{claim(signal, reading)}; {why}, and waits for no more {name} evidence", owner=owner,
    )  # fmt: skip


# --- untrusted ------------------------------------------------------------------------------------------------------


def _broken(reading: Reading, sort: str) -> list[Check]:
    return [one for one in reading.checks.values() if one.required and one.sort == sort and one.status != "pass"]


def _untrusted(case: Case, reading: Reading, owner: str, why: str) -> Need:
    broken = _broken(reading, "validity")
    if not broken:
        counts = behind(reading)
        found = short(case, reading, counts, f"{reading.why.rstrip('.')}; {why}", owner) if counts else None
        return found or Need(reading.signal, INTERVAL, reading.why, owner=owner)
    found = short(case, reading, broken, why, owner)
    if found is not None:
        return found
    gaps = [shortfall(case, reading, check) for check in broken]
    remedies = dict.fromkeys(
        _remedy(check) if gap is None else f"At least {plural(gap[0], f'more {gap[1]}')}"
        for check, gap in zip(broken, gaps, strict=True)
    )
    whys = "; ".join(check.why.rstrip(".") for check in broken)
    return Need(reading.signal, "; ".join(remedies), f"{whys}; {why}", owner=owner)


def _remedy(check: Check) -> str:
    spec = BY_NAME.get(check.name)
    return spec.todo(known=check.value is not None).rstrip(".") if spec else f"Repair {check.name}"


# --- unclear --------------------------------------------------------------------------------------------------------


def _unclear(case: Case, signal: Signal, reading: Reading, owner: str) -> Need:
    unripe = _broken(reading, "maturity")
    low, high, margin = reading.benefit.low, reading.benefit.high, reading.margin
    clear = low is not None and high is not None and (low > 0 or high < 0 or _inside(low, high, margin))
    if unripe and clear:
        what = "; ".join(dict.fromkeys(_remedy(check) for check in unripe))
        return Need(signal.name, what, reading.why, by=_ripe(case, unripe), owner=owner)
    if low is None or high is None or not units(reading):
        return Need(signal.name, INTERVAL, reading.why, owner=owner)
    if margin is None:
        return _no_margin(case, signal, owner)
    return plan(case, signal, reading, owner)


def _no_margin(case: Case, signal: Signal, owner: str) -> Need:
    owner = case.policy.owner or owner
    if signal.margin is None:
        why = "without one, no amount of data shows that nothing changed"
        return Need(signal.name, f"a margin for {signal.name} in the policy", why, owner=owner)
    why = f"{signal.margin.text} of a control level that is zero or unknown is no margin"
    return Need(signal.name, f"a margin for {signal.name} that is not relative", why, owner=owner)


def _inside(low: float, high: float, margin: float | None) -> bool:
    return margin is not None and low > -margin and high < margin


def _ripe(case: Case, unripe: list[Check]) -> date | None:
    """When the weeks will be whole; None when something else is unripe too."""
    if len(unripe) != 1 or unripe[0].name != "full_weeks" or unripe[0].threshold is None:
        return None
    return case.release.started + timedelta(days=math.ceil(7 * unripe[0].threshold))


# --- the rest -------------------------------------------------------------------------------------------------------


def _fact(case: Case, fact: str, why: str) -> Need:
    """A fact that does not exist although its signal is there."""
    name, _, rest = fact.partition(".")
    check = BY_NAME.get(rest)
    if check is not None:
        what = check.todo(known=False).rstrip(".")
    elif rest.startswith("segments"):
        wanted = ", ".join(f"segment.{one}" for one in case.policy.signals[name].segments)
        what = (
            f"{name} evidence by segment: map {wanted} in its source"
            if rest == "segments"
            else (f"more {name} evidence in that segment")
        )
    elif rest in ("non_inferior", "equivalent", "material", "margin", "power"):
        what = f"a margin for {name} that can be computed"
    else:
        what = f"{name} evidence that gives {rest}"
    return Need(name, what, f"{fact} does not exist; {why}", owner=_owner(case, name))


def _silenced(case: Case, walked: Walked) -> Need:
    """A row that would have answered: what its condition found, and the remedies of the checks in it."""
    when = walked.row.when
    name = walked.row.signal
    found = str(when.explain(case.facts)) if when is not None else ""
    asked = [(fact, BY_NAME.get(fact.split(".")[1])) for fact in (when.facts if when else ())]
    what = (
        "; ".join(dict.fromkeys(spec.todo(known=fact in case.facts).rstrip(".") for fact, spec in asked if spec))
        or f"{name} heard: {when.text if when else ''}"
    )
    why = f"{title(name)} would say {walked.answer}, but its row is silenced: {found}"
    return Need(name, what, why, owner=_owner(case, name))


def _people(case: Case) -> Need:
    owner = case.policy.owner or case.release.owner
    return Need("", "a recorded decision, or a row that settles it", "no more evidence is asked for", owner=owner)


def _owner(case: Case, name: str) -> str:
    signal = case.policy.signals.get(name)
    return (signal.owner if signal else "") or case.policy.owner or case.release.owner
