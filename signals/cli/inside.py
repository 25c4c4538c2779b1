"""One signal of one release in depth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option, time_option
from signals.model import plain

if TYPE_CHECKING:
    from signals.model.inside import PeopleView, SignalView

LAST_DAYS = 7
FEW_ITEMS = 8


@cli.command()
@click.argument("release")
@click.argument("signal")
@project_option
@time_option
@json_option
def inside(release: str, signal: str, folder: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """Show what stands behind SIGNAL of RELEASE: by day, by segment, every estimate, check and source."""
    from signals.inside import inside as look
    from signals.review import review

    view = look(review(release, project_of(folder), as_of=as_of), signal)
    if as_json:
        click.echo(json_text(plain(view)))
    else:
        click.echo("\n".join(_text(view)))


def _text(view: SignalView) -> Iterator[str]:
    from signals.terminal import wrap
    from signals.words import STATE_WORDS, bounds, clean, level, number

    reading, unit = view.reading, clean(view.reading.unit)
    yield f"{STATE_WORDS[reading.state].upper()}  {clean(view.signal)} of {clean(view.release)}"
    if reading.state != "missing":
        interval = f"{level(reading.confidence)} {bounds(reading.low, reading.high, unit)}"
        shown = interval if reading.low is not None else "no interval"
        margin = number(reading.margin, unit)
        yield wrap(
            f"{number(reading.effect, unit, signed=True)} ({shown}), margin {margin}; {reading.better} is better"
        )
    yield wrap(clean(reading.why))
    for title, lines in (
        ("What to do next", _steps(view)),
        ("Effect so far, day by day", _course(view)),
        ("Estimates side by side", _estimates(view)),
        ("Benefit by segment, positive is good", _segments(view)),
        ("Agreement with people", _people(view.people, unit) if view.people else iter(())),
        ("Raters", _raters(view)),
        ("Checks", _checks(view)),
        ("Set aside", _set_aside(view)),
        ("Sources", _sources(view)),
    ):
        found = list(lines)
        if found:
            yield from ("", f"{title}:", *found)


def _steps(view: SignalView) -> Iterator[str]:
    from signals.memo.phrases import check_title
    from signals.terminal import wrap
    from signals.words import clean

    sources = {one.name for one in view.sources}
    for step in view.steps:
        about = step.about if step.about in sources else check_title(step.about) if step.about else ""
        yield wrap(clean(f"{about}: {step.text}" if about else step.text), "  ")


def _course(view: SignalView) -> Iterator[str]:
    from signals.terminal import wrap
    from signals.terminal_pulls import fitted
    from signals.words import bounds, clean, count, moment, number

    if not view.course.points:
        if view.reading.state != "missing":
            yield wrap(clean(view.course.why_not), "  ")
        return
    unit = clean(view.reading.unit)
    shown = view.course.points[-LAST_DAYS:]
    rows = [
        (
            moment(point.day),
            number(point.estimate.effect, unit, signed=True),
            clean(point.estimate.refused or bounds(point.estimate.low, point.estimate.high, unit)),
            count(point.estimate.n_control + point.estimate.n_candidate),
        )
        for point in shown
    ]
    yield fitted(("until", "effect", "interval", view.reading.counted), rows, right=(1, 3))
    before = len(view.course.points) - len(shown)
    more = f"{before} days before these: --json has them. " if before else ""
    valid = {
        "any-time": "The intervals hold at every day at once.",
        "one look": "Each interval is that of one look chosen beforehand; only the last is the reading's.",
        "planned looks": "The intervals hold at the planned looks together.",
    }
    yield wrap(more + valid[view.course.band], "  ")


def _estimates(view: SignalView) -> Iterator[str]:
    from signals.terminal_pulls import fitted
    from signals.words import bounds, clean, count, estimate_title, number

    rows = []
    for row in view.estimates:
        one, name = row.estimate, estimate_title(clean(row.name)) + (" (votes)" if row.votes else "")
        if one is None:
            rows.append((name, "–", f"there is none: {clean(row.why_not)}", "–", "–"))
            continue
        unit = clean(one.unit) or clean(view.reading.unit)
        within = f"refused: {clean(one.refused)}" if one.refused else bounds(one.low, one.high, unit)
        n = max(one.n_control, one.n_candidate) if one.n_control == one.n_candidate else one.n_control + one.n_candidate
        rows.append((name, number(one.effect, unit, signed=True), within, count(n), count(one.n_effective)))
    if rows:
        yield fitted(("estimate", "effect", "interval", "n", "effective n"), rows, right=(1, 3, 4))


def _segments(view: SignalView) -> Iterator[str]:
    from signals.terminal_pulls import fitted
    from signals.words import bounds, clean, number, share

    unit = clean(view.reading.unit)

    def both(value: float | None, low: float | None, high: float | None) -> str:
        return "–" if value is None else f"{number(value, unit, signed=True, bare=True)} ({bounds(low, high, unit)})"

    rows = [
        (
            clean(row.name),
            share(row.share),
            clean(row.refused) if row.refused else both(row.raw.value, row.raw.low, row.raw.high),
            both(row.shrunk.value, row.shrunk.low, row.shrunk.high) if row.shrunk else "–",
            bounds(row.adjusted.low, row.adjusted.high, unit) if row.adjusted.low is not None else "–",
        )
        for row in view.segments
    ]
    if rows:
        yield fitted(("segment", "share", f"its own, {unit}", "shrunk", "adjusted"), rows, right=(1,))


def _people(people: PeopleView, unit: str) -> Iterator[str]:
    from signals.terminal import wrap
    from signals.terminal_pulls import fitted
    from signals.words import clean, count, number, quantity

    check = people.agreement
    if check is None or check.value is None:
        yield wrap(clean(check.why) if check else "nobody measured it", "  ")
    else:
        ends = [quantity(end, "number") for end in (check.low, check.high) if end is not None]
        interval = f" (95 % CI {' to '.join(ends)})" if ends else ""
        yield wrap(f"{quantity(check.value, 'number')}{interval}, {clean(check.detail)}", "  ")
    if people.why_not:
        yield wrap(f"Items cannot be compared: {clean(people.why_not)}", "  ")
    for one in people.confusion:
        yield wrap(f"{count(one.total)} {one.what} (judge in rows, people in columns):", "  ")
        rows = [(word, *map(count, counts)) for word, counts in zip(one.judge, one.counts, strict=True)]
        yield fitted(("", *one.people), rows, right=range(1, len(one.people) + 1))
    rows = [
        (clean(one.item), *(number(value, unit, signed=True) for value in (one.judge, one.people, one.gap)),
         count(one.raters))
        for one in people.items[:FEW_ITEMS]
    ]  # fmt: skip
    if rows:
        yield f"  Items where they differ most, of {count(people.compared)}:"
        yield fitted(("item", "judge", "people", "judge − people", "raters"), rows, right=range(1, 5))


def _raters(view: SignalView) -> Iterator[str]:
    from signals.terminal_pulls import fitted
    from signals.words import clean, count, number, quantity

    unit = clean(view.reading.unit)
    lining = {True: "YES", False: "no", None: "too few answers"}
    rows = [
        (
            clean(one.rater), count(one.items), number(one.difference, unit, signed=True),
            quantity(one.agreement, "number"), lining[one.straight],
            f"{one.same} of {one.repeats}" if one.repeats else "–", f"{one.right} of {one.gold}" if one.gold else "–",
        )
        for one in view.raters or ()
    ]  # fmt: skip
    if rows:
        head = (
            "rater",
            "items",
            "mean difference",
            "with the others",
            "straight-lining",
            "repeats alike",
            "gold right",
        )
        yield fitted(head, rows, right=(1, 2, 3))


def _checks(view: SignalView) -> Iterator[str]:
    from signals.memo.phrases import STATUS_MARKS, check_title, check_told
    from signals.terminal import wrap
    from signals.words import clean

    quiet = 0
    for one in view.checks:
        check = one.check
        idle = not check.required and (check.status == "unknown" or check.threshold is None)
        if idle or (check.status == "pass" and not check.required):
            quiet += 1
            continue
        yield wrap(f"{STATUS_MARKS[check.status]} {check_title(check.name)}: {clean(check_told(check))}", "  ")
        if check.status != "pass":
            yield wrap(f"It is the {one.meaning}. {one.remedy}", "      ")
    if quiet:
        yield f"  {quiet} more pass unasked, or have no limit: --json has them."


def _set_aside(view: SignalView) -> Iterator[str]:
    from signals.terminal import wrap
    from signals.words import clean, plural

    for entry in view.reading.set_aside:
        variant = clean(entry.variant or "")
        arm = f", {variant}" if variant and variant not in clean(entry.why) else ""
        yield wrap(f"{plural(entry.rows, 'rows')}: {clean(entry.why)}{arm}{'' if entry.fault else ' (no fault)'}", "  ")


def _sources(view: SignalView) -> Iterator[str]:
    from signals.terminal_pulls import fitted
    from signals.words import clean, count, moment

    words = {"fine": "pulled", "failed": "failed", "never": "never pulled"}
    rows = [
        (clean(one.name), clean(one.connector), f"{words[one.pull]} {moment(one.pulled_at)}".removesuffix(" –"),
         count(one.rows))
        for one in view.sources
    ]  # fmt: skip
    if rows:
        yield fitted(("source", "connector", "last pull", "rows of this release"), rows, right=(3,))
