"""Sources: how each one does, and the debts of those that fail, fall silent or are not used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal

from signals.debt.owed import NOT_KNOWN, Debt, masked, sentence
from signals.debt.scene import LOG, Scene, ended
from signals.model import SetAside, Source
from signals.project import shape_of
from signals.review import misplaced
from signals.store import Content, Key, PullReport, own_keys
from signals.words import duration, moment, plural

RHYTHM = 3.0
"""A source is silent when nothing new came for this many times its usual gap between pulls that brought new rows."""

GAPS = 3
"""Gaps between such pulls that are needed before they are called usual."""

SHORTEST_GAP = 86_400.0
"""Seconds that a usual gap counts as at least: several pulls on one day are somebody trying things."""

Status = Literal["failing", "never pulled", "not used", "silent", "not known", "nothing due", "fine"]


@dataclass(frozen=True)
class SourceHealth:
    """One source as it stands. ``why`` is one clause; times are UTC.

    Attributes:
        name: As ``sources.yaml`` calls it.
        signal: Which signal it feeds.
        connector: What reads it.
        status: How it does; ``nothing due``: no open release waits for it.
        why: One clause: why this status.
        pulled: When it was last read or found unchanged; None when never.
        read: Rows read by the pull that the store holds; None when there is none.
        kept: Rows kept.
        set_aside: Rows that were not, with reasons, the most rows first; addresses in them are masked.
        newest: Its newest evidence; None when it has no times.
        since: Since when it has been failing or silent.
    """

    name: str
    signal: str
    connector: str
    status: Status
    why: str
    pulled: datetime | None = None
    read: int | None = None
    kept: int | None = None
    set_aside: tuple[SetAside, ...] = ()
    newest: datetime | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Finding:
    """What was found out about a source: its status, why, since when, what to do, and whether verdicts are refused."""

    status: Status
    why: str
    remedy: str = ""
    since: datetime | None = None
    refuses: bool = False


Findings = Mapping[str, Finding]
"""By name of the source."""


def findings(scene: Scene) -> Findings:
    """How each source does."""
    releases = {*scene.project.releases, *(case.release for case in scene.cases)}
    arms = {key for release in releases for key in own_keys(release)}
    return {source.name: _finding(scene, source, arms) for source in scene.project.sources}


def health(scene: Scene, found: Findings) -> tuple[SourceHealth, ...]:
    """Every source, in the order of ``sources.yaml``."""
    rows = []
    for source in scene.project.sources:
        held, mine = _held(scene, source), found[source.name]
        aside = tuple(replace(entry, why=masked(entry.why)) for entry in held.set_aside if entry.rows) if held else ()
        rows.append(
            SourceHealth(
                source.name, source.signal, source.connector, mine.status, mine.why,
                pulled=held.checked if held else None,
                read=held.rows_read if held else None,
                kept=held.rows_kept if held else None,
                set_aside=tuple(sorted(aside, key=lambda entry: (-entry.rows, entry.why, entry.variant or ""))),
                newest=held.last_at if held else None,
                since=mine.since,
            )
        )  # fmt: skip
    return tuple(rows)


def _finding(scene: Scene, source: Source, arms: set[Key]) -> Finding:
    """The first that holds of: misplaced, never pulled, failing, about no release, silent."""
    wrong = misplaced(replace(scene.project, sources=(source,)), scene.policy)
    if wrong:
        why = wrong[0].what.removeprefix(f"source {source.name!r} ")
        return Finding("not used", why, wrong[0].remedy, refuses=True)
    log, held = scene.pulls(source.name), _held(scene, source)
    if not log:
        return Finding("never pulled", "it was never pulled", f"Run `signals pull --source {source.name}`")
    if log[0].status == "failed":
        return _failing(log, held, source)
    content = scene.lookup.held.get(source.name)
    return (_stray(scene, content, arms) if content else None) or _silent(scene, source, held or log[0])


def source_failing(scene: Scene, every: Findings) -> Iterator[Debt]:
    """The newest pull of a source failed, or it was never pulled: high when its signal can change a call, else medium.

    Since the first of the failures in a row.
    """
    if scene.project.sources and not any(scene.pulls(source.name) for source in scene.project.sources):
        what = f"Nothing was ever pulled: {plural(len(scene.project.sources), 'sources')} are declared."
        why = "No signal can be heard."
        yield Debt("source-failing", "high", "sources", what, why, "Run `signals pull`.", owner=scene.policy.owner)
        return
    for source in scene.project.sources:
        found = every[source.name]
        if found.status not in ("failing", "never pulled"):
            continue
        yield Debt(
            "source-failing", "high" if source.signal in scene.ranked else "medium", source.name,
            sentence(f"{source.name}: {found.why}"),
            f"{source.signal} speaks from older evidence, or not at all, and nothing in its number shows it.",
            sentence(found.remedy), found.since, scene.owner(source.signal),
        )  # fmt: skip


def source_silent(scene: Scene, every: Findings) -> Iterator[Debt]:
    """An open release waits for a source, and nothing new came for too long: high when its signal can change a call.

    Too long is more than the ``max_age`` of its signal, by its newest evidence; without one (or where its rows have no
    times) ``RHYTHM`` times its usual gap between pulls that brought new rows, of which ``GAPS`` gaps must be known.
    With neither it is not known: low. A release waits for a source that holds evidence of it, or that is the only one
    of its signal. What nobody waits for cannot be late.
    """
    for source in scene.project.sources:
        found = every[source.name]
        if found.status not in ("silent", "not known"):
            continue
        silent = found.status == "silent"
        yield Debt(
            "source-silent", ("high" if source.signal in scene.ranked else "medium") if silent else "low", source.name,
            sentence(f"{source.name}: {found.why}") if silent else NOT_KNOWN + sentence(found.why),
            f"An old number of {source.signal} beside new ones of the others is a disagreement of dates.",
            sentence(found.remedy), found.since, scene.owner(source.signal),
        )  # fmt: skip


def source_idle(scene: Scene, every: Findings) -> Iterator[Debt]:
    """A source that no signal can read (high: every verdict is refused), or that is about no release (low)."""
    for source in scene.project.sources:
        found = every[source.name]
        if found.status != "not used":
            continue
        yield Debt(
            "source-idle", "high" if found.refuses else "low", source.name, sentence(f"{source.name} {found.why}"),
            "Every verdict is refused until it is mended." if found.refuses
            else "Somebody believes that it is heard, and it is not.",
            sentence(found.remedy), None, scene.owner(source.signal),
        )  # fmt: skip


def _held(scene: Scene, source: Source) -> PullReport | None:
    """The newest pull that was stored."""
    return next((one for one in scene.pulls(source.name) if one.status != "failed"), None)


def _failing(log: tuple[PullReport, ...], held: PullReport | None, source: Source) -> Finding:
    row = []
    for one in log:
        if one.status != "failed":
            break
        row.append(one)
    said = masked((row[0].error or "no reason was given").splitlines()[0]).rstrip(". ")
    what, _, mend = said.rpartition(f"source {source.name!r}: ")[2].partition(". ")
    least = "at least " if len(row) >= LOG else ""
    many = f", like {least}the {len(row) - 1} before it" if len(row) > 1 else ""
    kept = f"what was read on {moment(held.checked)} still speaks" if held else "it has brought nothing yet"
    why = f"the last pull, {moment(row[0].started)}, failed{many} ({what}); {kept}"
    return Finding("failing", why, f"{mend or 'Mend it'}, then `signals pull --source {source.name}`", row[-1].started)


def _stray(scene: Scene, content: Content, arms: set[Key]) -> Finding | None:
    """A source whose rows name variants, none of which is an arm of any release."""
    keys = [key for key, part in content.parts.items() if part.rows]
    if not keys or () in keys or not scene.project.releases:
        return None
    if not arms.isdisjoint(keys):
        return None
    names = sorted({name for key in keys for name in key})
    more = f" and {plural(len(names) - 3, 'others')}" if len(names) > 3 else ""
    why = f"is about {', '.join(names[:3])}{more}, and no release has these as its two arms"
    return Finding(
        "not used", why, f"Declare the release in {scene.project.sources_path.name}, or mend the variant in `map:`"
    )


def _silent(scene: Scene, source: Source, held: PullReport) -> Finding:
    if not scene.open:
        return Finding("nothing due", "no release is open")
    if not _waited_for(scene, source):
        return Finding("nothing due", f"other sources bring {source.signal} of the open releases")
    last = _newest(scene, source) or held.last_at
    allowed = scene.policy.signals[source.signal].trust.get("max_age")
    asked = (scene.now - held.checked).total_seconds()
    if allowed is not None and last is not None:
        age = (scene.now - ended(last)).total_seconds()
        told = f"its newest evidence is {'from today' if age <= 0 else f'{duration(age)} old'}"
        if age <= allowed:
            return Finding("fine", f"{told}; {source.signal} allows {duration(allowed)}")
        since = ended(last) + timedelta(seconds=allowed)
        return Finding("silent", f"{told}, and {source.signal} allows {duration(allowed)}", _ask(asked, allowed), since)
    log = [one.started for one in scene.pulls(source.name) if one.status == "changed" and one.new > 0]
    usual = _usual_gap(log)
    if usual is None:
        lacks = "its rows have no times" if allowed is not None else f"{source.signal} sets no `max_age`"
        why = f"whether {source.name} has fallen silent: {lacks}, and its usual gap shows only after {GAPS + 1} pulls"
        way = "Pull it on a schedule, so that its rhythm shows"
        if allowed is None:
            way += f", or set `trust: {{max_age: …}}` on {source.signal}"
        elif shape_of(source) != "traffic_mix":  # which has no times
            way += ", or map `at` to the time of a row"
        return Finding("not known", f"{why} with new rows", way)
    gap, limit = max(0.0, (scene.now - log[0]).total_seconds()), RHYTHM * usual
    told = f"its last new rows came {duration(gap)} ago, and it usually brings some every {duration(usual)}"
    if gap <= limit:
        return Finding("fine", told)
    return Finding("silent", told, _ask(asked, limit), log[0] + timedelta(seconds=limit))


def _waited_for(scene: Scene, source: Source) -> bool:
    """Whether an open release takes evidence from the source, or could take it from no better one."""
    if _holds(scene, source):
        return True
    others = [other for other in scene.sources(source.signal) if other.name != source.name]
    if any(_newest(scene, other) for other in others):
        return False
    # Nobody has evidence of an open release yet: the one that brought something last is the one to ask.
    lasts = {other.name: held.last_at for other in others if (held := _held(scene, other)) and held.last_at}
    mine = _held(scene, source)
    return mine is not None and all(mine.last_at is not None and mine.last_at >= last for last in lasts.values())


def _holds(scene: Scene, source: Source) -> bool:
    """Whether the source holds rows of an open release, or rows that are about every release."""
    content = scene.lookup.held.get(source.name)
    return content is not None and any(part.rows for case in scene.open for _, part in content.own_parts(case.release))


def _newest(scene: Scene, source: Source) -> datetime | None:
    """The newest evidence that the source holds of the open releases; None when there is none, or none with a time."""
    content = scene.lookup.held.get(source.name)
    if content is None:
        return None
    lasts = [part.last for case in scene.open for _, part in content.own_parts(case.release) if part.rows]
    return max((last for last in lasts if last is not None), default=None)


def _ask(asked: float, limit: float) -> str:
    """Whom to ask: us, when nobody has pulled for long, or the tool, which brings nothing."""
    if asked > limit:
        return f"Run `signals pull`, and put it on a schedule: nobody has looked for {duration(asked)}"
    return "Find out why its tool writes nothing new (a job that stopped, an export that was moved), then pull"


def _usual_gap(pulls: Sequence[datetime]) -> float | None:
    """The median gap between pulls that brought new rows (newest first), in seconds; None when too few are known."""
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(pulls)]
    return max(median(gaps), SHORTEST_GAP) if len(gaps) >= GAPS else None
