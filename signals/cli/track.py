"""The track record: how each signal, and the policy, did over past releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option
from signals.model import OUTCOMES, STATES, SignalsError, plain

if TYPE_CHECKING:
    from signals.standing import OverrideRecord
    from signals.track import Pair, SignalRecord, TrackRecord


@cli.command()
@click.option("--signal", metavar="S", help="Only this signal, in full.")
@project_option
@json_option
def track(signal: str | None, folder: Path | None, as_json: bool) -> None:
    """Hold each signal, and the policy, against past releases.

    How often a signal was heard, agreed with the one that decided, and was right about the outcome; how the true
    effects of two signals go together; whether a proxy drifts away from the signal that the hierarchy asks first.
    Shares and intervals take ten releases.
    """
    from signals.decisions import log
    from signals.standing import override_record
    from signals.track import track_json, track_record

    project = project_of(folder)
    found = track_record(project)
    overrides = override_record(log(project, look=False))
    if signal is not None and signal not in [one.signal for one in found.signals]:
        from signals.strictyaml import suggest

        raise SignalsError(f"no signal is called {signal!r}", suggest(signal, [one.signal for one in found.signals]))
    if as_json:
        body = {**track_json(found, signal), "overrides": {**plain(overrides), "words": overrides.words}}
        click.echo(json_text(body))
    else:
        click.echo(_one(found, signal) if signal else _all(found, overrides))


def _all(found: TrackRecord, overrides: OverrideRecord) -> str:
    from signals.terminal import table, wrap
    from signals.track import gap_lines, pair_notes, pair_refusals, rate_refusals
    from signals.words import level

    mark = "  [synthetic data]" if found.synthetic else ""
    parts = [f"Track record of {found.policy}{mark}", *(wrap(line) for line in found.words)]
    if found.releases:
        parts += ["", "What each signal said:", _states(found.signals)]
        parts += ["", "Against the signal that decided, where another one did, and against the outcome:"]
        parts.append(table(("signal", "same as decider", "wins good", "losses bad"), _rates(found.signals)))
        parts.append(wrap(f"In brackets the {level(found.confidence)} of the share.", "  "))
        parts += [wrap(line, "  ") for line in rate_refusals(found)]
    if found.releases and found.pairs:
        parts += ["", "True benefits of two signals, in margins:", _pairs(found.pairs, found.confidence)]
        parts += [wrap(line, "  ") for line in (*pair_notes(found), *pair_refusals(found))]
    if found.releases and any(one.gap for one in found.signals):
        parts += ["", "Does a signal promise more and more than the one that the hierarchy asks first delivers?"]
        parts += [wrap(line, "  ") for line in gap_lines(found)]
    if found.known:
        parts += ["", "The policy's calls, and people's:", _calls(found)]
        parts += [wrap(line, "  ") for line in found.record.words]
    if overrides.decisions:
        parts += ["", "Overrides, by the outcome that people told:", wrap(overrides.words, "  ")]
    if found.left_out:
        parts += ["", "Left out:", *(wrap(f"{one.release}: {one.why}", "  ") for one in found.left_out)]
    return "\n".join(parts)


def _states(records: Sequence[SignalRecord]) -> str:
    from signals.terminal import table

    rows = [
        (one.signal, str(one.heard), str(one.decided), *(str(one.states.get(state, 0)) for state in STATES))
        for one in records
    ]
    return table(("signal", "heard", "decided", *STATES), rows, right=range(1, 3 + len(STATES)))


def _rates(records: Sequence[SignalRecord]) -> list[tuple[str, ...]]:
    from signals.track import rate

    return [
        (one.signal, rate(one.agreed), rate(one.win_good), rate(one.loss_bad)) for one in records
    ]  # fmt: skip


def _pairs(pairs: Sequence[Pair], confidence: float) -> str:
    from signals.terminal import table
    from signals.track import decimals
    from signals.words import level

    rows: list[tuple[str, ...]] = []
    for one in pairs:
        value, low, high, seen = map(decimals, (*one.correlation.__dict__.values(), one.measured))
        star = " *" if one.shared and not one.refused else ""
        interval = "refused" if one.refused else f"{low} to {high}{star}"
        clamped = " †" if one.clamped else ""
        rows.append((f"{one.signal} and {one.other}", str(one.releases), value + clamped, interval, seen))
    head = ("signals", "releases", "correlation", level(confidence), "as measured")
    return table(head, rows, right=(1, 2, 4))


def _calls(found: TrackRecord) -> str:
    from signals.terminal import table
    from signals.words import CALL_WORDS

    rows = []
    for title, counts in (("policy", found.record.calls), ("people", found.record.decided)):
        for call, word in CALL_WORDS.items():
            row = [counts.get((call, outcome), 0) for outcome in OUTCOMES]
            if any(row):
                rows.append((title, word, *map(str, row)))
    return table(("who", "call", *(f"turned out {outcome}" for outcome in OUTCOMES)), rows, right=range(2, 5))


def _one(found: TrackRecord, name: str) -> str:
    from signals.terminal import table, wrap
    from signals.track import beside_left, pair_notes, pair_refusals

    one = next(record for record in found.signals if record.signal == name)
    parts = [f"{name} in the track record of {found.policy}", *(wrap(line) for line in one.words)]
    left = beside_left(found, one)
    for title, cells, note in (("the signal that decided said", one.beside, left), ("it turned out", one.turned, "")):
        if cells:
            rows = [(cell.state, cell.other, str(cell.releases)) for cell in cells]
            parts += ["", table((f"{name} said", title, "releases"), rows, right=(2,))]
            parts += [wrap(note, "  ")] if note else []
    if one.gap is not None:
        parts += ["", wrap(one.gap.words)]
        if one.gap.gaps:
            parts += ["", _path(one)]
    pairs = [pair for pair in found.pairs if name in (pair.signal, pair.other)]
    if pairs:
        parts += ["", "True benefits, in margins:", _pairs(pairs, found.confidence)]
        only = replace(found, pairs=tuple(pairs))
        parts += [wrap(line, "  ") for line in (*pair_notes(only), *pair_refusals(only))]
    return "\n".join(parts)


def _path(one: SignalRecord) -> str:
    from signals.terminal import table
    from signals.track import decimals

    gap = one.gap
    if gap is None:
        return ""
    head: tuple[str, ...] = ("release", "started", "gap, margins")
    rows: list[tuple[str, ...]] = [
        (release, f"{when}", decimals(value))
        for release, when, value in zip(gap.releases, gap.started, gap.gaps, strict=True)
    ]
    if gap.alarm is not None:  # no sum is watched before there are releases enough
        limit = gap.alarm.limit
        head = (*head, f"sum (limit {decimals(limit, signed=False)})", "")
        rows = [
            (*row, decimals(total, signed=False), "alarm" if total >= limit else "")
            for row, total in zip(rows, gap.alarm.path, strict=True)
        ]
    return table(head, rows, right=range(2, len(head)))
