"""The banner: one or two sentences, true of the numbers, about 250 characters where possible."""

from __future__ import annotations

from collections.abc import Sequence

from signals.model import Need
from signals.policy.case import Case
from signals.policy.engine import Walked
from signals.policy.wording import claim, listed, title

ROOM = 250


def sentence(case: Case, needs: Sequence[Need] = ()) -> str:
    """What decided, with its numbers; then what there is room for."""
    reason = case.outcome.reason
    makers = {
        "decided": _decided,
        "guardrail": _guardrail,
        "ship-requires": _required,
        "cannot-evaluate": _unknown,
        "untrusted": _untrusted,
        "missing-signal": _missing,
        "conflict": _conflict,
        "needs-data": _open,
        "otherwise": _otherwise,
    }
    first, *more = makers[reason](case, needs)
    text = f"{first}."
    for part in more:
        if part and len(text) + len(part) + 2 <= ROOM:
            text += f" {part}."
    return " ".join(text.split())


def _of(case: Case, name: str) -> str:
    reading = case.readings.get(name)
    if reading is None:
        return f"{title(name)} has no evidence for this release"
    return claim(case.policy.signals[name], reading)


def _decided(case: Case, _needs: Sequence[Need]) -> list[str]:
    outcome = case.outcome
    walked = _first(case)
    if walked is None:
        return _otherwise(case, _needs)
    text = _of(case, walked.row.signal)
    if outcome.call == "hold":
        text += ", and the policy holds on that"
    if outcome.call == "ship":
        text += _doubted(case, walked.row.signal)
    roles = zip(outcome.rows, outcome.roles, strict=True)
    agree = list(dict.fromkeys(row.row.signal for row, role in roles if role == "agrees"))
    agreed = f"{title(listed(agree))} agree{'s' if len(agree) == 1 else ''}" if agree else ""
    return [text, _moved(walked), _overruled(case), agreed]


def _doubted(case: Case, name: str) -> str:
    """A ship may rest on a signal of which checks warn that the policy does not ask for: never without a word."""
    reading = case.readings.get(name)
    warned = [check.name for check in reading.checks.values() if check.status == "warn"] if reading else []
    if not warned:
        return ""
    names = listed([one.removeprefix("min_").removeprefix("max_").replace("_", " ") for one in warned])
    return f". But {'a check warns' if len(warned) == 1 else 'checks warn'}: {names}"


def _moved(walked: Walked) -> str:
    return f"Override {walked.moved_by} put {walked.row.signal} first" if walked.moved_by else ""


def _overruled(case: Case) -> str:
    names = [f"{name} ({case.state(name)})" for name in case.outcome.overruled]
    return f"Overruled: {listed(names)}" if names else ""


def _guardrail(case: Case, _needs: Sequence[Need]) -> list[str]:
    outcome = case.outcome
    fired = next(one for one in case.guardrails if one.rule == outcome.rule)
    walked = _first(case)
    alone = walked.says if walked else case.rules.otherwise
    return [
        f"Guardrail {fired.id} calls for {outcome.call}: {fired.why}",
        f"The hierarchy alone would have said {alone}",
        fired.because.rstrip("."),
    ]


def _required(case: Case, needs: Sequence[Need]) -> list[str]:
    failed = next(one for one in case.ship_requires if one.rule == case.outcome.rule)
    rule = next(one for one in case.rules.ship_requires if one.rule == failed.rule)
    names = rule.that.signals(case.policy.signals)
    open_ = [name for name in names if case.state(name) == "unclear"]
    who = _first(case)
    speaker = f"{title(who.row.signal)} says ship" if who else "No row answered"
    if open_:
        return [
            _of(case, open_[0]) + _planned(open_[0], needs),
            f"{speaker}, but a SHIP requires {_in_words(failed.condition)}",
        ]
    return [f"{speaker}, but what a SHIP requires does not hold: {failed.why}", failed.because.rstrip(".")]


def _in_words(condition: str) -> str:
    """``conversion.non_inferior`` -> ``conversion to be non-inferior``; most other conditions as they are written."""
    name, dot, fact = condition.partition(".")
    told = {"non_inferior": "non-inferior", "equivalent": "equivalent"}.get(fact) if dot else None
    return f"{name} to be {told}" if told else f"“{condition}”"


def _planned(name: str, needs: Sequence[Need]) -> str:
    need = next((need for need in needs if need.signal == name and need.amount and need.then), None)
    return f"; {need.what}{',' if ', ' in need.what else ''} {need.then}" if need else ""


def _unknown(case: Case, _needs: Sequence[Need]) -> list[str]:
    rules = (*case.guardrails, *case.ship_requires)
    failed = next(one for one in rules if one.rule == case.outcome.rule)
    what = "guardrail" if failed.call else "requirement"
    names = dict.fromkeys(fact.split(".")[0] for fact in failed.unknown)
    states = [f"{name} is {case.state(name)}" for name in names if case.state(name) in ("missing", "untrusted")]
    why = f" ({listed(states)})" if states else ""
    walked = _first(case)
    said = f"{title(walked.row.signal)} said ship" if walked else ""
    return [f"No ship yet: {what} {failed.id} cannot be evaluated: {failed.why}{why}", said]


def _untrusted(case: Case, needs: Sequence[Need]) -> list[str]:
    name = _culprit(case, "untrusted")
    need = next((need for need in needs if need.signal == name), None)
    text = _of(case, name)
    remedy = need.what.rstrip(".") if need else ""
    return [f"No verdict yet: {text[:1].lower()}{text[1:]}", remedy[:1].upper() + remedy[1:], _overruled(case)]


def _missing(case: Case, _needs: Sequence[Need]) -> list[str]:
    rows = [walked for walked in case.outcome.rows if walked.heard is not False and walked.state == "missing"]
    first = _first(case)
    names = list(dict.fromkeys(walked.row.signal for walked in ([first] if first else rows)))
    return [f"No verdict yet: there is no {listed(names)} evidence for this release", _overruled(case)]


def _conflict(case: Case, _needs: Sequence[Need]) -> list[str]:
    heard = [walked for walked in case.outcome.rows if walked.heard is not False]
    wins = list(dict.fromkeys(walked.row.signal for walked in heard if walked.state == "win"))
    losses = list(dict.fromkeys(walked.row.signal for walked in heard if walked.state == "loss"))
    return [
        f"The evidence contradicts itself, {listed(wins)} a win and {listed(losses)} a loss, and no row settles it",
        _of(case, losses[0]),
    ]


def _open(case: Case, needs: Sequence[Need]) -> list[str]:
    name = _culprit(case, "unclear")
    return [_of(case, name) + _planned(name, needs), _overruled(case)]


def _otherwise(case: Case, _needs: Sequence[Need]) -> list[str]:
    states = listed([f"{name} is {state}" for name, state in _states(case).items()])
    return [f"No row of the hierarchy answers ({states}), and the policy then says {case.outcome.call}"]


def _states(case: Case) -> dict[str, str]:
    return {walked.row.signal: walked.state for walked in case.outcome.rows}


def _first(case: Case) -> Walked | None:
    return None if case.outcome.first is None else case.outcome.rows[case.outcome.first]


def _culprit(case: Case, state: str) -> str:
    """The signal that the reason is about: of the row that answered, else the first row heard in that state."""
    walked = _first(case)
    if walked is not None:
        return walked.row.signal
    return next(row.row.signal for row in case.outcome.rows if row.heard is not False and row.state == state)
