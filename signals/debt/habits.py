"""Debts that show only over time: checks that have warned for weeks, unheard signals, overrides that have run out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from signals.checks import BY_NAME
from signals.debt.owed import NOT_KNOWN, Debt, Severity
from signals.debt.scene import Occasion, Scene
from signals.model import Check, Verdict
from signals.standing import standings
from signals.words import plural

IN_A_ROW = 3
"""Readings in a row, weeks of an open release or releases, of which every one warned."""

FOR = timedelta(days=7)
"""How far apart the first and the last of them must be: releases that were judged on one day are one occasion."""

RELEASES = 3
"""Releases in which a signal was never heard, below which that is a bad start and no habit."""

ELSEWHERE = frozenset({"last_pull", "max_golden_age"})
"""Checks that have a kind of debt of their own."""


def check_warns(scene: Scene, elsewhere: frozenset[tuple[str, str]] = frozenset()) -> Iterator[Debt]:
    """A check has warned or failed at ``IN_A_ROW`` readings in a row up to now, first and last at least ``FOR`` apart.

    The readings are those of an open release now and at the end of the same day of each week before, then those of the
    newest closed releases, each as of its own moment. A reading in which the check could not be computed neither counts
    nor breaks the row. High when the check fails (the policy asks for it) and the signal can change a call; medium when
    it warns and the signal can; else low. A check that the policy asks for and that could not be computed in as many
    readings is not known: high when the signal can change a call (it is untrusted all the while), else low.

    ``elsewhere``: (signal, check) pairs that another debt has told already.
    """
    for name, signal in scene.policy.signals.items():
        lines = scene.lines(name)
        checks = dict.fromkeys(check for line in lines for one in line[:1] for check in one.reading.checks)
        for check in checks:
            if check in ELSEWHERE or (name, check) in elsewhere:
                continue
            rows = [_row(line, check, ("warn", "fail")) for line in lines]
            row = max(rows, key=lambda one: (len(one), one[-1:] and one[0].release), default=())
            if _lasts(row):
                yield _warned(scene, name, row[0].reading.checks[check], row)
            elif check in signal.trust:
                blind = max((_row(line, check, ("unknown",)) for line in lines), key=len)
                if _lasts(blind):
                    yield _blind(scene, name, blind[0].reading.checks[check], blind)


def _row(line: Sequence[Occasion], check: str, of: tuple[str, ...]) -> tuple[Occasion, ...]:
    """The newest readings in a row whose check has one of these statuses."""
    found = []
    for one in line:
        status = one.reading.checks[check].status
        if status in of:
            found.append(one)
        elif status != "unknown":
            break
    return tuple(found)


def _lasts(row: Sequence[Occasion]) -> bool:
    return len(row) >= IN_A_ROW and row[0].case.as_of - row[-1].case.as_of >= FOR


def _warned(scene: Scene, name: str, check: Check, row: Sequence[Occasion]) -> Debt:
    spec, ranked = BY_NAME[check.name], name in scene.ranked
    fails = check.status == "fail"
    severity: Severity = "low" if not ranked else "high" if fails else "medium"
    word = "failed" if fails else "warned"
    detail = f", {check.detail}" if check.detail else ""
    after = "A warning that stays is read past, while its signal goes on voting."
    if fails:
        after = (
            f"Until it passes, {name} {'has no say' if check.sort == 'validity' else 'can neither win nor be flat'}."
        )
    return Debt(
        "check-warns", severity, name,
        f"{name}: `{check.name}` has {word} {_over(row)}. Newest, {row[0].release}: {check.why}{detail}.",
        f"Measured: {spec.meaning}. {after}", spec.remedy, row[-1].case.as_of, scene.owner(name),
    )  # fmt: skip


def _blind(scene: Scene, name: str, check: Check, row: Sequence[Occasion]) -> Debt:
    todo = BY_NAME[check.name].todo(known=False)
    return Debt(
        "check-warns", "high" if name in scene.ranked else "low", name,
        f"{NOT_KNOWN}`{check.name}` of {name}, {_over(row)}. Newest, {row[0].release}: {check.why}.",
        f"The policy asks for it, so {name} is untrusted all the while.",
        f"Bring what it needs, or take `{check.name}` out of `trust:` of {name}. {todo}",
        row[-1].case.as_of, scene.owner(name),
    )  # fmt: skip


def _over(row: Sequence[Occasion]) -> str:
    """``in 6 readings in a row (4 releases)``."""
    releases = plural(len({one.release for one in row}), "releases")
    return f"in {len(row)} readings in a row ({releases})"


def signal_unheard(scene: Scene) -> Iterator[Debt]:
    """A signal that is fed and has a row was heard in no release: medium, low below ``RELEASES`` releases.

    Heard is a state of win, loss, flat or unclear in a row that may speak. Every release that has begun is asked, the
    newest first, until all signals have been heard. Since the start of the oldest release.
    """
    rows = {row.signal for rules in (scene.policy.rules, *scene.policy.kinds.values()) for row in rules.hierarchy}
    waiting = {name: Counter[str]() for name in scene.policy.signals if name in rows and scene.sources(name)}
    first: datetime | None = None
    asked = 0
    for case in scene.cases:
        if not waiting:
            break
        verdict = scene.verdict(case)
        if verdict is None:
            continue
        asked += 1
        start = datetime.combine(case.release.started, time(), UTC)
        first = start if first is None else min(first, start)
        for name in list(waiting):
            why = _unheard(verdict, name)
            if why is None:
                del waiting[name]
            else:
                waiting[name][why] += 1
    for name, reasons in waiting.items() if asked else ():
        told = ", ".join(f"{why} in {count}" for why, count in reasons.most_common())
        yield Debt(
            "never-heard", "medium" if asked >= RELEASES else "low", name,
            f"{name} was never heard in {plural(asked, 'releases')}: {told}.",
            "The room believes that it counts; no call has ever rested on it, and nobody knows what it would say.",
            _way_to_be_heard(reasons, name), first, scene.owner(name),
        )  # fmt: skip


def _unheard(verdict: Verdict, name: str) -> str | None:
    """Why a signal was not heard; None when it was."""
    state = verdict.readings[name].state
    if state in ("missing", "untrusted"):
        return state
    mine = [row for row in verdict.trace if row.signal == name]
    if not mine:
        return "not in that hierarchy"
    return "silenced" if all(row.role == "silenced" for row in mine) else None


def _way_to_be_heard(reasons: Counter[str], name: str) -> str:
    worst = reasons.most_common(1)[0][0]
    return {
        "missing": f"See that the sources of {name} name the releases' variants: `signals verdict` lists strays.",
        "untrusted": f"Mend the checks that fail, or ask for what {name} can meet: see `trust:`.",
        "silenced": f"Read the `when:` of its rows: it has never held. Mend {name}, or take the row out.",
    }.get(worst, f"Take {name} out of the policy, or give it a row where these releases are decided.")


def override_expired(scene: Scene) -> Iterator[Debt]:
    """An override is past its end or its follow-up date, and nobody decided anew or told how it turned out. High.

    Only what was recorded by then counts, of decisions as of outcomes.
    """
    decisions, overrides, outcomes = scene.store.recorded()
    made = [one for one in decisions if one.at <= scene.now]
    told = [one for one in outcomes if one.at <= scene.now]
    owners = {release.id: release.owner for release in scene.project.releases}
    for one in standings(made, overrides, told, scene.now):
        if one.status != "expired" or one.override is None:
            continue
        decision = one.decision
        ended = one.override.until is not None
        yield Debt(
            "override-expired", "high", decision.release,
            f"Decision {decision.number} by {decision.by} ({decision.call}, against {decision.recommended}) "
            f"{one.until}.",
            "An override is a debt with a date: past it, nobody answers for going against the verdict."
            if ended
            else "Somebody promised to look again, and whether the override was right is not known.",
            f"Decide anew (`signals decide`), or say how it turned out: `signals outcome {decision.number} good|bad`.",
            one.override.due, owners.get(decision.release, "") or scene.policy.owner,
        )  # fmt: skip
