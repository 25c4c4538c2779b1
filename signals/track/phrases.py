"""The track record in sentences that a standup can read aloud; refusals say what there is and what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from signals.model import State
from signals.past import FEWEST_RELEASES
from signals.track.record import GapTrend, PolicyRecord, Rate, SignalRecord, TrackRecord
from signals.words import level, moment, p_value, plural, share

RELATED = "it shares its control or both arms with an earlier release, so it is no evidence of its own"
SILENT: tuple[State, ...] = ("untrusted", "missing")


def _takes(have: str) -> str:
    return f"{have}, and it takes {FEWEST_RELEASES}"


def few_outcomes(signal: str, releases: int) -> str:
    """Too few releases with an outcome."""
    return _takes(f"{plural(releases, 'past releases')} with a known outcome heard {signal}")


def few_beside(signal: str, releases: int) -> str:
    """Too few releases that another signal decided."""
    return _takes(
        f"in {plural(releases, 'past releases')} both {signal} and another signal that decided said win, loss or flat"
    )


def few_gaps(releases: int) -> str:
    """Too few releases with both numbers."""
    return _takes(f"{plural(releases, 'past releases')} {'has' if releases == 1 else 'have'} both")


def few_known(releases: int) -> str:
    """Too few outcomes for the policy's record."""
    return _takes(f"{plural(releases, 'past releases')} {'has' if releases == 1 else 'have'} a known outcome")


def few_decided(releases: int) -> str:
    """Too few decisions."""
    return _takes(f"people decided {plural(releases, 'past releases')}")


def rate(one: Rate) -> str:
    """``7 of 12 (32–81 %)``, in brackets the interval of the share; without it when refused."""
    if not one.of:
        return "–"
    within = "" if one.low is None or one.high is None else f" ({100 * one.low:.0f}–{share(one.high, 0)})"
    return f"{one.times} of {one.of}{within}"


def tail(one: Rate, confidence: float) -> str:
    """``, 58 % (95 % CI 32 to 81 %)``, to follow the counts; empty when refused."""
    if one.low is None or one.high is None:
        return ""
    return f", {share(one.times / one.of, 0)} ({level(confidence)} {100 * one.low:.0f} to {share(one.high, 0)})"


def decimals(value: float | None, *, signed: bool = True) -> str:
    """Two decimals: ``+0.77``; None is an en dash."""
    if value is None:
        return "–"
    text = f"{value:{'+' if signed else ''}.2f}"
    return text.lstrip("+-") if float(text) == 0.0 else text.replace("-", "−")


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


# --- one signal -----------------------------------------------------------------------------------------------------


def signal_told(found: SignalRecord, confidence: float) -> SignalRecord:
    """With its sentences."""
    total = sum(found.states.values())
    silent = [f"{found.states[state]} {state}" for state in SILENT if found.states.get(state)]
    but = f" ({', '.join(silent)})" if silent else ""
    told = [f"{found.signal} was heard in {found.heard} of {plural(total, 'past releases')}{but}"]
    if found.decided:
        told.append(f"it decided {found.decided} of them")
    words = [sentence("; ".join(told))]
    if found.agreed.refused:
        words.append(sentence(f"how often it agrees with the signal that decides is not said: {found.agreed.refused}"))
    elif found.agreed.of:
        counts = f"{found.agreed.times} of {plural(found.agreed.of, 'releases')}"
        words.append(f"It said the same as another signal that decided in {counts}{tail(found.agreed, confidence)}.")
    if found.right.refused:
        words.append(sentence(f"how often it is right is not said: {found.right.refused}"))
    else:
        for one, state, out in ((found.win_good, "win", "good"), (found.loss_bad, "loss", "bad")):
            if one.of:
                many = state if one.of == 1 else f"{state}es" if state == "loss" else f"{state}s"
                counts = f"Of its {one.of} {many} with a known outcome, {one.times}"
                words.append(f"{counts} turned out {out}{tail(one, confidence)}.")
    return replace(found, words=tuple(words))


def beside_left(found: TrackRecord, one: SignalRecord) -> str:
    """Which releases the counts beside the signal that decided leave out; empty where there are none."""
    left = [f"the {one.decided} that {one.signal} decided itself" if one.decided > 1 else
            f"the one that {one.signal} decided itself"] if one.decided else []  # fmt: skip
    if found.undecided:
        left.append(f"{_listed(found.undecided)}, which no signal decided")
    return f"Left out of the {plural(found.releases, 'past releases')}: {' and '.join(left)}." if left else ""


def gap_told(found: GapTrend) -> GapTrend:
    """With its sentence."""
    pair = f"{found.signal} and {found.against}"
    if found.refused:
        return replace(found, words=sentence(f"the gap between {pair} is not followed: {found.refused}"))
    words = f"Over {plural(len(found.gaps), 'past releases')} the gap between {pair} "
    slope = found.slope
    if slope.value is None:
        words += "has no trend that could be estimated."
    else:
        interval = f"{decimals(slope.low)} to {decimals(slope.high)}, p {p_value(found.p_value)}"
        if slope.low is not None and slope.low > 0.0:
            words += f"grew by {decimals(slope.value, signed=False)} margins a release ({interval})."
        elif slope.high is not None and slope.high < 0.0:
            words += f"shrank by {decimals(-slope.value, signed=False)} margins a release ({interval})."
        else:
            words += f"shows no trend ({decimals(slope.value)} margins a release, {interval})."
    alarm = found.alarm
    if alarm is not None:
        rate_words = (
            f"when nothing changes it sounds in at most {share(alarm.chance)} of records of {alarm.over} releases"
        )
        if alarm.at is None or alarm.since is None:
            words += f" The alarm is silent; {rate_words}."
        else:
            now = "" if alarm.still else ", and has fallen below its limit since"
            words += (
                f" ALARM: {found.signal} has promised more than {found.against} delivered since "
                f"{found.releases[alarm.since]}; noticed at {found.releases[alarm.at]}{now}. "
                f"{sentence(rate_words)}"
            )
    return replace(found, words=words)


# --- several signals at once ----------------------------------------------------------------------------------------


def rate_refusals(found: TrackRecord) -> tuple[str, ...]:
    """Why shares of the signals are not given, one sentence per sort of share."""
    lines = []
    for title, what in (
        ("agreed", "releases in which another signal decided and both said win, loss or flat"),
        ("right", "releases with a known outcome that it was heard in"),
    ):
        few = [(one.signal, getattr(one, title)) for one in found.signals if getattr(one, title).refused]
        if few:
            have = [f"{name} has {rate.have}" if not place else f"{name} {rate.have}"
                    for place, (name, rate) in enumerate(few)]  # fmt: skip
            lines.append(f"Shares take {found.needed} {what}: {_listed(have)}.")
    return tuple(lines)


def pair_refusals(found: TrackRecord) -> tuple[str, ...]:
    """Why some pairs have no correlation, one sentence per reason."""
    reasons: dict[str, list[str]] = {}
    for one in found.pairs:
        if one.refused:
            reasons.setdefault(one.refused, []).append(f"{one.signal} and {one.other}")
    return tuple(f"No correlation of {'; '.join(names)}: {why}." for why, names in reasons.items())


def pair_notes(found: TrackRecord) -> tuple[str, ...]:
    """What the correlations that are given need to have said of them."""
    shown = [one for one in found.pairs if not one.refused]
    notes = []
    if any(one.shared for one in shown):
        notes.append("* Both measure the same people or items: the interval holds whatever their errors share.")
    if any(one.clamped for one in shown):
        notes.append(
            "† Less the noise, the estimate lay beyond 1: the measured benefits go together as closely as they could."
        )
    return tuple(notes)


def gap_lines(found: TrackRecord) -> tuple[str, ...]:
    """What is to be said of the gaps: one sentence each where they are followed, one per reason where not."""
    lines = [one.gap.words for one in found.signals if one.gap and not one.gap.refused]
    reasons: dict[str, list[str]] = {}
    for one in found.signals:
        if one.gap and one.gap.refused:
            reasons.setdefault(one.gap.refused, []).append(one.signal)
    for why, names in reasons.items():
        gaps = "gap" if len(names) == 1 else "gaps"
        verb = "is" if len(names) == 1 else "are"
        lines.append(f"The {gaps} of {_listed(names)} to {found.outcome_signal} {verb} not followed: {why}.")
    return tuple(lines)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# --- policy and whole -----------------------------------------------------------------------------------------------


def policy_told(found: PolicyRecord, confidence: float) -> PolicyRecord:
    """With its sentences."""
    words = []
    stopped, shipped = found.harms_stopped, found.wins_shipped
    if stopped.of:
        words.append(
            f"Of {plural(stopped.of, 'releases')} that turned out bad, the policy stops "
            f"{stopped.times}{tail(stopped, confidence)}."
        )
    if shipped.of:
        words.append(
            f"Of {plural(shipped.of, 'releases')} that turned out good, it ships "
            f"{shipped.times}{tail(shipped, confidence)}."
        )
    if not (stopped.of or shipped.of):
        words.append("Nobody has said yet how a past release turned out: declare `outcome: good` or `bad` with it.")
    elif stopped.refused:
        words.append(sentence(f"shares are not given: {stopped.refused}"))
    if found.overridden.of:
        words.append(
            f"People went against the verdict that they saw in {found.overridden.times} of "
            f"{plural(found.overridden.of, 'decisions')}{tail(found.overridden, confidence)}."
        )
    return replace(found, words=tuple(words))


def told(found: TrackRecord) -> TrackRecord:
    """With the sentences about the whole, and what is missing."""
    if not found.known:
        why = " A release counts when people decided it, or when it has an `as_of`." if found.left_out else ""
        return replace(found, words=(f"There is no past release yet, and it takes {found.needed}.{why}",))
    span = "" if found.first is None else f", from {moment(found.first)} to {moment(found.last)}"
    words = [f"{plural(found.releases, 'past releases')}{span}; the outcome of {found.outcomes} is known."]
    missing = []
    if found.releases < found.needed:
        missing.append(f"{found.needed - found.releases} more past {_noun(found.needed - found.releases, 'releases')}")
    if found.outcomes < found.needed:
        few = found.needed - found.outcomes
        missing.append(f"the outcome of {few} more ({_where(found)})")
    if missing:
        words.append(f"Shares and intervals take {found.needed} releases each. Missing: {' and '.join(missing)}.")
    alarms = []
    for one in found.signals:
        alarm = one.gap.alarm if one.gap else None
        if one.gap and alarm and alarm.since is not None:
            since = one.gap.releases[alarm.since]
            alarms.append(f"ALARM: {one.signal} has promised more than {one.gap.against} delivered since {since}.")
    return replace(found, alarms=tuple(alarms), words=(*words, *alarms))


def _noun(amount: int, noun: str) -> str:
    return noun.removesuffix("s") if amount == 1 else noun


def _where(found: TrackRecord) -> str:
    unknown = found.releases - found.outcomes
    have = "has" if unknown == 1 else "have"
    return f"`outcome: good` or `bad` in sources.yaml; {unknown} past {_noun(unknown, 'releases')} {have} neither"
