"""Debts of judges: an old golden set, a judge that changed without anchors, and one that people cannot correct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from signals.asking import Case
from signals.checks import BY_NAME, DAY
from signals.debt.owed import NOT_KNOWN, Debt, Severity
from signals.debt.scene import Occasion, Scene, kinds_of
from signals.model import Signal
from signals.store import Look
from signals.store.judges import JudgeVersion
from signals.words import duration, moment, plural

ENOUGH_ANCHORS = 10
"""Outputs that both judge versions must have scored: as many as the check ``judge_drift_p`` needs."""

USABLE = 20
"""Items that people graded under both variants, below which nothing corrects a judge."""

DUE_SOON = timedelta(days=30)
"""How long before its limit an ageing golden set is announced: new items take time to write."""

RUBRIC_PER_ITEM = 2.0
"""Items per judge version below which each item has a rubric, and so a version, of its own."""


def golden_set_old(scene: Scene) -> Iterator[Debt]:
    """Half of a golden set's items are older than ``max_golden_age`` (the policy's, else the catalogue's) allows.

    High when the policy asks for that check and the signal can change a call, else medium; low when the limit is less
    than ``DUE_SOON`` away, or when the source does not say when the items were written (not known). Judged by the
    reading of every open release, else of the newest closed one, as of then; the oldest golden set speaks.
    """
    for signal in kinds_of(scene.policy, "judge"):
        limit = signal.trust.get("max_golden_age", BY_NAME["max_golden_age"].default or 0.0)
        aged = [(made, one) for one in scene.newest(signal.name) if (made := _written(one)) is not None]
        why = "Users ask other things by now: the judge's effect is about yesterday's questions, the others' is not."
        owner = scene.owner(signal.name)
        if not aged:
            said = [
                _no_pairs(one) or _reason(one.reading.checks["max_golden_age"].why) for one in scene.newest(signal.name)
            ]
            if said:
                what = f"{NOT_KNOWN}how old the golden set of {signal.name} is ({said[0]})."
                remedy = "Map `made`, the time when an item was written, in the judge's source."
                yield Debt("golden-set-old", "low", signal.name, what, why, remedy, owner=owner)
            continue
        made, one = min(aged, key=lambda pair: (pair[0], pair[1].release))
        past = made + timedelta(seconds=limit)
        age = (one.case.as_of - made).total_seconds()
        told = f"half of its items were written by {moment(made.date())}, and {duration(limit)} are allowed"
        remedy = "Add items from recent traffic, and retire those that nobody asks any more."
        if one.case.as_of > past:
            asked = "max_golden_age" in signal.trust and signal.name in scene.ranked
            what = (
                f"The golden set of {signal.name} was {plural(round(age / DAY), 'days')} old at {one.release}: {told}."
            )
            severity: Severity = "high" if asked else "medium"
            yield Debt("golden-set-old", severity, signal.name, what, why, remedy, past, owner)
        elif past - one.case.as_of <= DUE_SOON:
            what = f"The golden set of {signal.name} will be too old on {moment(past.date())}: {told}."
            yield Debt("golden-set-old", "low", signal.name, what, why, remedy, owner=owner)


def _written(one: Occasion) -> datetime | None:
    """By when half of the items were written: the check measures it back from the newest score."""
    age = one.reading.checks["max_golden_age"].value
    return None if age is None or one.reading.as_of is None else one.reading.as_of - timedelta(seconds=age)


def overlap_small(scene: Scene) -> Iterator[Debt]:
    """Too few items were graded by people under both variants, or the corrected estimate was refused all the same.

    Too few is fewer than ``USABLE``, or than the policy's ``min_overlap``. High when the corrected number is the one
    that votes and the signal can change a call, medium when it can change a call otherwise, else low. Judged by the
    reading of every open release, else of the newest closed one; the smallest overlap speaks. Since the oldest of the
    newest releases in a row that had it.
    """
    for signal in kinds_of(scene.policy, "judge"):
        poor = [(one, told) for one in scene.newest(signal.name) if (told := _uncorrected(signal, one))]
        if not poor:
            continue
        one, told = min(poor, key=lambda pair: (pair[0].reading.checks["min_overlap"].value or 0.0, pair[0].release))
        votes = signal.estimate == "corrected"
        ranked = signal.name in scene.ranked
        what = f"People cannot correct {signal.name} at {one.release}: {told}."
        few = (one.reading.checks["min_overlap"].value or 0.0) < _wanted(signal)
        yield Debt(
            "overlap-small", ("high" if votes else "medium") if ranked else "low", signal.name, what,
            "Whether the judge sees what people see stays an opinion: its bias cannot be told from an effect.",
            f"Have people grade {_wanted(signal)} or more of its items, drawn at random, under both variants."
            if few else "Mend what the refusal names, or have people grade more items under both variants.",
            _poor_since(scene, signal), scene.owner(signal.name),
        )  # fmt: skip


def _wanted(signal: Signal) -> int:
    return max(USABLE, round(signal.trust.get("min_overlap", 0.0)))


def _uncorrected(signal: Signal, one: Occasion) -> str:
    """Why nobody can correct this reading; empty when it can be."""
    checks = one.reading.checks
    if _no_pairs(one):
        return _no_pairs(one)
    overlap, bias = checks["min_overlap"], checks["judge_bias_p"]
    if overlap.value is None:
        return _reason(overlap.why)
    if overlap.value < _wanted(signal):
        return f"they graded {plural(overlap.value, 'items')} under both variants, and {_wanted(signal)} are needed"
    found = one.reading.estimates.get("corrected")
    if found is not None and found.refused is None:
        return ""
    if found is not None and found.refused:
        return found.refused
    return _reason(bias.why) if bias.value is None else "the corrected estimate was refused"


def _poor_since(scene: Scene, signal: Signal) -> datetime | None:
    """The oldest moment of those in a row, from now on back, at which nobody could correct it."""
    firsts = []
    for line in scene.lines(signal.name):
        row = []
        for one in line:
            if not _uncorrected(signal, one):
                break
            row.append(one.case.as_of)
        firsts += row[-1:]
    return min(firsts, default=None)


def _no_pairs(one: Occasion) -> str:
    """Said when there are scores, but no item has them in both arms: then nothing else can be said of the items."""
    return "" if one.reading.checks["min_items"].value else f"no item of {one.release} was scored in both arms"


def _reason(why: str) -> str:
    """The reason in ``golden age is not known: REASON``."""
    return why.partition(" is not known: ")[2] or why


# --- a judge that changed -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Era:
    """The versions of one judge that scored one stretch of one release, in both arms where there are such."""

    case: Case
    versions: frozenset[str]
    sources: frozenset[str]
    since: datetime | None
    per_item: bool


def judge_changed(scene: Scene) -> Iterator[Debt]:
    """The newest change of a judge from one release (or part of one) to the next left fewer than ``ENOUGH_ANCHORS``.

    Anchors are outputs that both versions scored. A judge has changed when no version of before scores after. High
    when the first release under the new one is still open and the signal can change a call; medium when that release
    is closed; low when the signal cannot change a call. Not known (never more than medium) when a source does not name
    the version, when each item has a version of its own, or when before and after come from different sources, which
    may call one judge by two names. One release has nothing to be compared with.
    """
    for signal in kinds_of(scene.policy, "judge"):
        names = [source.name for source in scene.sources(signal.name)]
        if not names or not scene.cases:
            continue
        with scene.store.look() as look:
            found = look.judge_versions(names, scene.now)
            for scorer in sorted({one.scorer for one in found}):
                if signal.scorer in (None, scorer):
                    eras = _eras(scene, look, names, [one for one in found if one.scorer == scorer])
                    change = _newest_change(eras)
                    if change is None:
                        continue
                    before, after = change
                    plain = not (before.per_item or after.per_item or "" in before.versions | after.versions)
                    both = look.anchors(names, scorer, before.versions, after.versions, scene.now) if plain else 0
                    if both < ENOUGH_ANCHORS:
                        yield _changed(scene, signal, before, after, both)


def _changed(scene: Scene, signal: Signal, before: _Era, after: _Era, both: int) -> Debt:
    name = signal.name
    first, later = before.case.release.id, after.case.release.id
    old, new = _some(before.versions), _some(after.versions)
    if "" in before.versions | after.versions:
        unsure = "a source does not say which judge version scored"
    elif before.per_item or after.per_item:
        unsure = "each item has a rubric, and so a judge version, of its own, and the items are others"
    elif not before.sources & after.sources:
        unsure = f"{_some(before.sources)} calls it {old}, and {_some(after.sources)} calls it {new}"
    else:
        unsure = ""
    if unsure:
        span = f"all of {later} was" if first == later else f"{first} and {later} were"
        what = f"{NOT_KNOWN}whether {span} scored by one judge: {unsure}."
        remedy = f"Name its version in one way everywhere, or have today's judge score outputs of {first} again."
    else:
        span = f"within {later}" if first == later else f"between {first} and {later}"
        anchored = f"only {plural(both, 'outputs')} {'was' if both == 1 else 'were'}" if both else "no output was"
        what = f"{name} went from judge {old} to {new} {span}, and {anchored} scored by both."
        remedy = f"Score at least {ENOUGH_ANCHORS} outputs of {first} again with the new judge (anchors)."
    severity: Severity = "low"
    if name in scene.ranked:
        severity = "high" if after.case.open and not unsure else "medium"
    why = "A new judge's habit looks exactly like an effect, and what people corrected was the old one."
    return Debt("judge-changed", severity, name, what, why, remedy, after.since, scene.owner(name))


def _newest_change(eras: Sequence[_Era]) -> tuple[_Era, _Era] | None:
    """The newest two neighbours without a version in common."""
    changes = [(old, new) for old, new in pairwise(eras) if not old.versions & new.versions or "" in new.versions]
    return changes[-1] if changes else None


def _eras(scene: Scene, look: Look, names: Sequence[str], found: Sequence[JudgeVersion]) -> list[_Era]:
    """Release by release in the order of their start; versions that took turns within a release one after the other."""
    eras: list[_Era] = []
    scored: dict[str, list[JudgeVersion]] = {}
    for version in found:
        scored.setdefault(version.variant, []).append(version)
    for case in sorted(scene.cases, key=lambda case: (case.release.started, case.release.id)):
        arms = [scored.get(arm, []) for arm in case.release.variants]
        if not all(arms):
            continue
        versions = [{one.fingerprint for one in arm} for arm in arms]
        # A version that scored one arm only scored anchors, as long as another one scored them all.
        chosen = set.intersection(*versions) or set.union(*versions)
        mine = [one for arm in arms for one in arm if one.fingerprint in chosen]
        per_item = len(chosen) > 2 and sum(one.items for one in mine) / len(mine) < RUBRIC_PER_ITEM
        for turn in [sorted(chosen)] if per_item else _first_hand(_turns(mine), mine, scene, look, names):
            its = [one for one in mine if one.fingerprint in turn]
            first = min((one.first for one in its if one.first is not None), default=None)
            start = datetime.combine(case.release.started, time(), UTC)
            eras.append(_Era(case, frozenset(turn), frozenset(one.source for one in its), first or start, per_item))
    return eras


def _first_hand(
    turns: list[list[str]], mine: Sequence[JudgeVersion], scene: Scene, look: Look, names: Sequence[str]
) -> list[list[str]]:
    """The turns without those that scored again what the largest one has scored: they brought anchors."""

    def outputs(turn: list[str]) -> int:
        return sum(one.items for one in mine if one.fingerprint in turn)

    if len(turns) < 2:
        return turns
    main = max(turns, key=outputs)
    arms = {one.variant for one in mine}

    def again(turn: list[str]) -> bool:
        both = look.anchors(names, mine[0].scorer, main, turn, scene.now, arms)
        return turn is not main and 2 * both >= outputs(turn)

    return [turn for turn in turns if not again(turn)]


def _turns(mine: Sequence[JudgeVersion]) -> list[list[str]]:
    """Versions in the order of time; those whose times touch sit side by side, as a jury does."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for one in mine:
        if one.first is None or one.last is None:
            return [sorted({other.fingerprint for other in mine})]
        low, high = spans.get(one.fingerprint, (one.first, one.last))
        spans[one.fingerprint] = min(low, one.first), max(high, one.last)
    turns: list[list[str]] = []
    until: datetime | None = None
    for name in sorted(spans, key=lambda name: (spans[name], name)):
        if until is not None and spans[name][0] <= until:
            turns[-1].append(name)
        else:
            turns.append([name])
        until = spans[name][1] if until is None else max(until, spans[name][1])
    return turns


def _some(names: frozenset[str]) -> str:
    """Up to three names, hashes cut short."""
    shown = [name[:15] if name.startswith("sha256:") else name[:40] for name in sorted(names)]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more
