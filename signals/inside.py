"""One signal of one release in depth: the verdict's own reading, and what stands behind it.

``inside`` puts a view together from the review and from ``depth``, which looks at the evidence itself and takes tens of
milliseconds: whoever asks often keeps it under ``depth_key``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from signals.checks import BY_NAME
from signals.model import Check, Numbers, Reading, SegmentReading, SignalsError, Status
from signals.model.inside import (
    CheckView,
    Course,
    Depth,
    NamedEstimate,
    Pull,
    SegmentView,
    SignalView,
    SourceView,
    Step,
    check_anchor,
    segment_anchor,
)
from signals.words import moment

if TYPE_CHECKING:
    from signals.lookup import EstimateKey, Wanted
    from signals.model import Release
    from signals.review import Review

__all__ = ["SignalView", "check_anchor", "depth", "depth_key", "inside", "segment_anchor"]

ORDER = (
    "raw", "cuped", "reweighted", "value_weighted", "corrected", "human", "judge_bias", "superiority", "per_response",
    "per_impression",
)  # fmt: skip
"""How estimates stand side by side after the one that votes; those of other names follow."""

SEVERAL = "the release has several controls, and a course, items and raters are looked at against one"

WORST: tuple[Status, ...] = ("fail", "unknown", "warn", "pass")


def inside(found: Review, signal: str, behind: Depth | None = None) -> SignalView:
    """One signal of a review in depth.

    Args:
        found: The review of a release; its numbers are shown as they are.
        signal: One that the policy declares.
        behind: What ``depth`` gave for it, where somebody kept it; else it is computed.

    Raises:
        SignalsError: For a signal that the policy does not declare, or as ``depth``.
    """
    _check_declared(found, signal)
    reading = found.verdict.readings[signal]
    behind = depth(found, signal) if behind is None else behind
    numbers = found.subject.numbers.get(signal)
    sources = _sources(found, reading)
    needs = tuple(need for need in found.verdict.needs if need.signal == signal)
    people = behind.people
    if people is not None:
        people = replace(people, agreement=reading.checks.get("human_agreement"))
    return SignalView(
        release=found.verdict.release.id,
        signal=signal,
        reading=reading,
        ranks=tuple(row for row in found.verdict.trace if row.signal == signal),
        estimates=_estimates(reading, behind),
        segments=_segments(reading, numbers),
        checks=_checks(reading),
        sources=sources,
        needs=needs,
        steps=tuple(_steps(found, reading, sources)),
        course=behind.course,
        people=people,
        raters=behind.raters,
    )


def depth_key(found: Review, signal: str) -> EstimateKey | None:
    """What ``depth`` follows from: release, signal, hashes of evidence and definition. None without a source.

    Raises:
        SignalsError: For a signal that the policy does not declare.
    """
    one = _wanted(found, signal)
    if one is None:
        return None
    subject = found.subject
    return subject.lookup.key(one, found.verdict.release, found.verdict.as_of, subject.family)


def depth(found: Review, signal: str) -> Depth:
    """What is computed from the evidence itself: by day, item by item, rater by rater.

    Raises:
        SignalsError: For a signal that the policy does not declare; when a source was pulled since the review was made.
    """
    one, key = _wanted(found, signal), depth_key(found, signal)
    if one is None or key is None:
        return Depth()
    if found.verdict.release.other_controls:
        return Depth(Course(why_not=SEVERAL))
    from signals.readings.course import course

    held, evidence = found.subject.lookup.snapshot(one, found.verdict.release, found.verdict.as_of)
    if held != key[2]:
        raise SignalsError(f"a source of {signal} was pulled while this was computed", "Ask again")
    evidence = replace(evidence, family=found.subject.family)
    reading = found.verdict.readings[signal]
    days = course(one.signal, evidence, reading.voting)
    if one.signal.kind == "judge":
        from signals.readings.judge_people import absent, people_of

        return Depth(days, absent(one.signal, evidence), people_of(one.signal, evidence))
    if one.signal.kind == "panel":
        from signals.readings.panel_raters import raters_of

        return Depth(days, raters=raters_of(one.signal, evidence))
    return Depth(days)


def _check_declared(found: Review, signal: str) -> None:
    if signal not in found.policy.signals:
        from signals.strictyaml import suggest

        raise SignalsError(f"no signal is called {signal!r}", suggest(signal, found.policy.signals))


def _wanted(found: Review, signal: str) -> Wanted | None:
    _check_declared(found, signal)
    # Of all signals, since a judge is held against the panels among them.
    every = found.subject.lookup.wanted(found.policy.signals)
    return next((one for one in every if one.signal.name == signal), None)


# --- numbers --------------------------------------------------------------------------------------------------------


def _estimates(reading: Reading, behind: Depth) -> tuple[NamedEstimate, ...]:
    def place(name: str) -> tuple[bool, int, str]:
        return name != reading.voting, ORDER.index(name) if name in ORDER else len(ORDER), name

    found = [NamedEstimate(name, name == reading.voting, one) for name, one in reading.estimates.items()]
    missing = [NamedEstimate(name, False, None, why) for name, why in behind.absent if name not in reading.estimates]
    balance = reading.checks.get("covariate_balance_p")
    if reading.kind == "experiment" and "cuped" not in reading.estimates and balance is not None and found:
        missing.append(NamedEstimate("cuped", False, None, balance.why.partition(" is not known: ")[2] or balance.why))
    return tuple(sorted([*found, *missing], key=lambda one: place(one.name)))


def _segments(reading: Reading, numbers: Numbers | None) -> tuple[SegmentView, ...]:
    sizes = {one.name: (one.n_control, one.n_candidate) for one in numbers.segments} if numbers else {}

    def view(one: SegmentReading) -> SegmentView:
        return SegmentView(
            one.name, segment_anchor(one.name), one.share, *sizes.get(one.name, (0, 0)), one.benefit, one.shrunk,
            one.adjusted, one.margin, one.refused,
        )  # fmt: skip

    return tuple(view(one) for one in reading.segments)


def _checks(reading: Reading) -> tuple[CheckView, ...]:
    def place(check: Check) -> tuple[bool, int]:
        # Where nobody set a limit there is nothing to fail: last, and of them those without a number.
        idle = not check.required and (
            check.status == "unknown" or (check.status == "pass" and check.threshold is None)
        )
        rank = WORST.index(check.status)
        return idle, -rank if idle else rank

    def view(check: Check) -> CheckView:
        spec = BY_NAME[check.name]
        return CheckView(check, check_anchor(check.name), spec.meaning, spec.todo(known=check.value is not None))

    return tuple(view(check) for check in sorted(reading.checks.values(), key=place))


# --- where from, and what next --------------------------------------------------------------------------------------


def _sources(found: Review, reading: Reading) -> tuple[SourceView, ...]:
    notes = {note.name: note for note in reading.sources}
    attempts = found.subject.lookup.attempts
    views = []
    for source in found.project.sources:
        if source.signal != reading.signal:
            continue
        status, error = attempts.get(source.name, ("", ""))
        note = notes.get(source.name)
        pull: Pull = "failed" if status == "failed" else "fine" if note else "never"
        views.append(
            SourceView(
                name=source.name,
                connector=source.connector,
                pull=pull,
                pulled_at=note.pulled_at if note else None,
                rows_read=note.rows_read if note else 0,
                rows_kept=note.rows_kept if note else 0,
                rows=note.own_rows if note else 0,
                content=note.content if note else "",
                error=error or "",
            )
        )
    return tuple(views)


def _steps(found: Review, reading: Reading, sources: tuple[SourceView, ...]) -> Iterator[Step]:
    """What to do next: bring the evidence, mend what keeps it from being believed, then what the verdict waits for."""
    yield from _to_pull(found, reading, sources)
    if reading.state != "missing":
        for check in reading.checks.values():
            if check.required and check.status != "pass" and check.name != "last_pull":
                yield Step(check.name, BY_NAME[check.name].todo(known=check.value is not None))
        voting = reading.estimates.get(reading.voting)
        if voting is not None and voting.refused:
            name = reading.voting.replace("_", " ")
            yield Step("", f"The {name} estimate votes and has no interval: {voting.refused.rstrip('.')}.")
    said = {BY_NAME[name].todo(known=True).rstrip(".") for name in reading.checks}
    for need in found.verdict.needs:
        if need.signal == reading.signal and need.what.rstrip(".") not in said:
            _, _, why = need.why.partition("; ")
            due = f", by {moment(need.by)}" if need.by else ""
            yield Step("", f"{need.what[:1].upper()}{need.what[1:]}{due}: {(why or need.why).rstrip('.')}.")


def _without(release: Release, reading: Reading) -> list[str]:
    """The variants of the release that the reading has no evidence of."""
    each = [(name, reading.estimates.get(f"versus {name}")) for name in release.controls]
    found = [name for name, one in each if one is not None and not one.n_control]
    if not release.other_controls and not reading.n_control:
        found = [release.control]
    return [*found, *(() if reading.n_candidate else (release.candidate,))]


def _to_pull(found: Review, reading: Reading, sources: tuple[SourceView, ...]) -> Iterator[Step]:
    """What would bring evidence of the release, where some is wanting."""
    for one in sources:
        if one.pull == "failed":
            first = (one.error or "no reason was given").splitlines()[0].rstrip(".")
            yield Step(one.name, f"The last pull failed: {first}. Mend it, then run `signals pull`.")
        elif one.pull == "never":
            yield Step(one.name, "It was never pulled: run `signals pull`.")
    release, place = found.verdict.release, found.project.sources_path.name
    if not sources:
        from signals.review import READ_BY

        shapes = " or ".join(READ_BY[reading.kind])
        what = f"add one with `signal: {reading.signal}` and shape {shapes} under `sources:` in `{place}`"
        yield Step("", f"No source feeds it: {what}, then run `signals pull`.")
    elif reading.state == "missing":
        arms = " or ".join(_without(release, reading))
        yield Step(
            "",
            f"Its sources have no rows about {arms}. Below is which variants were set aside: spell the arms of "
            f"{release.id} in `{place}` as the evidence does, or collect the evidence.",
        )
