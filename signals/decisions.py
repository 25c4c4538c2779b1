"""The log of decisions: what people did with verdicts, where each stands today, and how it turned out.

``review.record`` appends a decision; here it is found again, filtered, exported, and given its outcome.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signals.asking import Case, memory_of
from signals.choices import outcome_faults, refuse, same_person
from signals.model import Call, Decision, DecisionOutcome, Project, SignalsError, Turned, utc
from signals.review import family_size, moment_of, policy_of, store_of
from signals.standing import Stale, Standing, Status, as_told, stale, standings
from signals.words import clean

if TYPE_CHECKING:
    from signals.review import Review
    from signals.roles import Person

MIN_PREFIX = 6  # hexadecimal digits that name an entry


@dataclass(frozen=True)
class Wanted:
    """Which decisions of the log; everything by default.

    Attributes:
        release: Its id.
        by: Who decided, as ``choices.same_person`` compares names.
        call: What was decided.
        overrides: Only those against their verdict.
        statuses: Only these; empty is all.
        with_outcome: Only those that somebody has told the outcome of.
        since: Only those recorded then or later.
    """

    release: str = ""
    by: str = ""
    call: Call | None = None
    overrides: bool = False
    statuses: tuple[Status, ...] = ()
    with_outcome: bool = False
    since: datetime | None = None

    def takes(self, one: Standing) -> bool:
        """Whether the log shows it."""
        decision = one.decision
        return (
            self.release in ("", decision.release)
            and (not self.by or same_person(self.by, decision.by))
            and self.call in (None, decision.call)
            and (decision.override or not self.overrides)
            and (not self.statuses or one.status in self.statuses)
            and (one.outcome is not None or not self.with_outcome)
            and (self.since is None or decision.at >= self.since)
        )


def log(
    project: Project, wanted: Wanted | None = None, *, look: bool = True, now: datetime | None = None
) -> tuple[Standing, ...]:
    """The decisions that are wanted, the newest first, each with how it stands.

    Args:
        project: Whose log.
        wanted: Which; all when None.
        look: Hold those that count today against the verdict of today. A release that is no longer declared, or that
            no verdict can be made of, is not looked at, and says so (``Standing.looked``).
        now: The moment that dates of overrides are held against; now by default.
    """
    moment = now or datetime.now(UTC)
    found = [one for one in standings(*store_of(project).recorded(), moment) if (wanted or Wanted()).takes(one)]
    return look_again(project, found) if look else tuple(found)


def look_again(project: Project, found: Sequence[Standing]) -> tuple[Standing, ...]:
    """The same decisions, those that count held against the verdict of today; see ``log``."""
    changed = _changed(project, [one.decision for one in found if one.superseded_by is None])
    return tuple(
        replace(one, stale=changed[one.decision.entry], looked=True) if one.decision.entry in changed else one
        for one in found
    )


def _changed(project: Project, decisions: Sequence[Decision]) -> dict[str, Stale | None]:
    """By entry, what has changed since each decision; those without a verdict of today are left out."""
    from signals.policy import verdict_json

    declared = {release.id: release for release in project.releases}
    decisions = [one for one in decisions if one.release in declared]
    if not decisions:
        return {}
    store = store_of(project)
    try:
        policy = policy_of(project)
        memory = memory_of(project, store)
    except SignalsError:
        return {}  # the log is there whatever the policy's state; `policy check` says what is wrong with it
    asker = memory.asker(policy)
    numbers = {one.hash: one.number for one in reversed(store.versions())}
    found: dict[str, Stale | None] = {}
    cases = []
    for one in decisions:
        release = declared[one.release]
        try:
            case = Case(release, moment_of(release, None), True, family_size(project, release), None, "")
            verdict = asker.verdict(case, blind=True)  # as a review of the release says it
        except SignalsError:
            continue
        cases.append(case)
        if isinstance(verdict, SignalsError):
            continue
        found[one.entry] = stale(as_told(one, store.verdict_text(one.verdict_hash)), verdict_json(verdict), numbers)
    memory.forget(cases)
    return found


def find(project: Project, ref: str) -> Decision:
    """The decision that somebody means: its number, or the beginning of its entry's hash.

    Raises:
        SignalsError: When there is none, or several begin so.
    """
    made = store_of(project).decisions()
    word = ref.strip().removeprefix("#").lower()
    if word.isascii() and word.isdigit():
        for one in made:
            if one.number == int(word):
                return one
    start = "sha256:" + word.removeprefix("sha256:")
    if re.fullmatch(rf"[0-9a-f]{{{MIN_PREFIX},64}}", start.removeprefix("sha256:")):
        alike = [one for one in made if one.entry.startswith(start)]
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise SignalsError(f"{clean(ref)!r} begins the hash of {len(alike)} decisions", "Give more digits")
    if not made:
        raise SignalsError("no decision is recorded yet", "`signals decide` records one")
    raise SignalsError(f"there is no decision {clean(ref)!r}", f"Known: 1 to {made[0].number}; see `signals decisions`")


def as_decided(project: Project, decision: Decision) -> tuple[Review, Stale | None]:
    """The verdict that a decision was made on, made anew: its policy, its moment, what the store holds of then.

    Returns:
        The verdict, and what is otherwise than in the one that was decided on: evidence that was pulled over since.
        None when nothing is.

    Raises:
        SignalsError: When the release is no longer declared, or evidence or policy of then do not load.
    """
    from signals.policy import verdict_json
    from signals.review import parsed, review

    store = store_of(project)
    text = store.policy_text(decision.policy_hash)
    seen = store.verdicts_seen([decision.verdict_hash]).get(decision.verdict_hash)
    policy = parsed(text, project.policy_path.name) if text is not None else None
    found = review(decision.release, project, policy=policy, as_of=seen[0] if seen else None)
    return found, stale(as_told(decision, store.verdict_text(decision.verdict_hash)), verdict_json(found.verdict))


def turn_out(
    project: Project,
    decision: Decision,
    outcome: Turned,
    by: str,
    because: str,
    *,
    person: Person | None = None,
    token: str = "",
) -> DecisionOutcome:
    """Append how a decision turned out; told again, the newest counts and all stay.

    Args:
        project: In whose store it was recorded.
        decision: As it was recorded.
        outcome: ``good`` or ``bad``.
        by: Who says so; of somebody who is signed in the name of the sign-in counts.
        because: The evidence, in words; a link is text like any other.
        person: Who is signed in; None when nobody has to be.
        token: Of the form that this comes from: the same form again records nothing.

    Raises:
        SignalsError: Without a name or evidence, or with a role that may not.
    """
    from signals.roles import require

    require(person, "reviewer", "record an outcome")
    by, because = (person.name if person else by).strip(), because.strip()
    refuse(outcome_faults(outcome, by, because))
    now = datetime.now(UTC).replace(microsecond=0)
    return store_of(project).turn_out(DecisionOutcome(decision.entry, outcome, by, because, now, token=token))


# --- the whole log as a file ----------------------------------------------------------------------------------------

COLUMNS = (
    "number", "release", "call", "recommended", "override", "by", "second", "because", "at", "until", "follow_up",
    "status", "superseded_by", "outcome", "outcome_by", "outcome_because", "outcome_at", "stale", "verdict", "policy",
    "entry", "override_entry", "outcome_entry",
)  # fmt: skip
"""Of the CSV; JSON has the same names, and under ``outcomes`` every telling of one."""

# What a spreadsheet may take for a formula: at the start of a cell, or after a sign that some of them split cells at.
_FORMULA = re.compile(r"(^[\s\"']*|[;\t|][\s\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def log_json(found: Iterable[Standing]) -> list[dict[str, Any]]:
    """The log as plain data, with every text as it was typed; times are UTC."""
    return [_plain(one) for one in found]


def log_csv(found: Iterable[Standing]) -> str:
    """The log for spreadsheets: one line per decision, and no cell that a spreadsheet would compute.

    Where a text could be read as a formula it gets an apostrophe; line breaks and hidden characters are replaced. The
    exact texts are in ``log_json``.
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found:
        row = _plain(one)
        row["stale"] = "" if row["stale"] is None else " ".join(row["stale"]) or "no"
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _FORMULA.sub(r"\1'", clean(value))


def _plain(one: Standing) -> dict[str, Any]:
    made, beside, turned = one.decision, one.override, one.outcome

    def when(moment: datetime | None) -> str | None:
        return utc(moment) if moment else None

    return {
        "number": made.number,
        "release": made.release,
        "call": made.call,
        "recommended": made.recommended,
        "override": made.override,
        "by": made.by,
        "second": made.second,
        "because": made.because,
        "at": when(made.at),
        "until": when(beside.until) if beside else None,
        "follow_up": when(beside.follow_up) if beside else None,
        "status": one.status,
        "superseded_by": one.superseded_by,
        "outcome": turned.outcome if turned else None,
        "outcome_by": turned.by if turned else None,
        "outcome_because": turned.because if turned else None,
        "outcome_at": when(turned.at) if turned else None,
        "outcomes": [
            {"outcome": told.outcome, "by": told.by, "because": told.because, "at": utc(told.at), "entry": told.entry}
            for told in one.outcomes
        ],
        "stale": (list(one.stale.words) if one.stale else []) if one.looked else None,
        "verdict": made.verdict_hash,
        "policy": made.policy_hash,
        "entry": made.entry,
        "override_entry": beside.entry if beside else None,
        "outcome_entry": turned.entry if turned else None,
    }
