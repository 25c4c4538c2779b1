"""What the command line prints for people: plain text, aligned, readable without colour."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

from signals.checks import BY_NAME
from signals.model import (
    OTHER_RELEASES,
    Check,
    Collection,
    Explanation,
    Flip,
    Reading,
    SetAside,
    Verdict,
)
from signals.told import not_known, silent_decider, uncontradicted
from signals.words import (
    CALL_WORDS,
    LONGEST_WORD,
    SETTLED_MEANS,
    bounds,
    chance,
    clean,
    count,
    duration,
    estimate_title,
    flip_place,
    level,
    lift,
    moment,
    number,
    plural,
    quantity,
    steadiness,
    worth,
)

STORIES = 2
"""Pairs whose disagreement is told beside a verdict: the first ones."""

FLIPS = 4
"""Flips in the open; ``signals reconcile``, the memo and ``--json`` have all."""

ROLE_WORDS = {
    "decides": "decides",
    "agrees": "agrees",
    "overruled": "overruled",
    "silent": "says nothing",
    "silenced": "may not speak",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Columns padded to their widest cell; those in ``right`` are aligned right. No cell reaches the terminal raw."""
    told = [[_cell(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [head, *told]) for column in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *told]:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text if text.isprintable() and len(text) <= LONGEST_WORD else clean(text)


def wrap(text: str, indent: str = "") -> str:
    """Fold a paragraph to the terminal's width (at most 100); no control character of it gets there.

    The first two spaces in a row stay: they set a leading word apart from what it is said of.
    """
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    told = "  ".join(clean(part) for part in text.split("  ", 1))
    return textwrap.fill(told, width, initial_indent=indent, subsequent_indent=indent)


def headline(verdict: Verdict) -> str:
    """``NO VERDICT YET (HOLD)`` when the deciding evidence is untrusted, else the call."""
    word = CALL_WORDS[verdict.call]
    return f"NO VERDICT YET ({word})" if verdict.reason == "untrusted" else word


def verdict_text(verdict: Verdict, explanation: Explanation | None = None) -> str:
    """The verdict as the standup reads it; with its explanation also how sure it is and why the signals disagree."""
    release = verdict.release
    mark = "  [synthetic data]" if release.synthetic else ""
    parts = [
        f"{headline(verdict)}  {clean(release.id)}: {clean(release.candidate)} against {clean(release.against)}{mark}",
        wrap(verdict.sentence),
        wrap(_decided(verdict)),
        *_sure(verdict, explanation),
        "",
        _readings(verdict),
    ]
    for title, lines in (
        ("Overruled", _overruled(verdict)),
        ("Why they disagree", _stories(verdict, explanation)),
        ("What would flip it", _flips(explanation)),
        ("How each was computed", _methods(verdict)),
        ("Heard from", _sources(verdict)),
        ("Beside what votes", _beside(verdict)),
        ("Rules that spoke", _rules(verdict)),
        ("Failed checks and warnings", _checks(verdict)),
        ("Way out", _needs(verdict)),
        ("What would settle it", _collections(explanation)),
        ("Set aside", _set_aside(verdict)),
    ):
        if lines:
            parts += ["", f"{title}:", *(wrap(line, "  ") for line in lines)]
    parts += [
        "",
        (
            f"policy {clean(verdict.policy_name)} {clean(verdict.policy_hash[:15])}  "
            f"evidence {clean(verdict.evidence_hash[:15])}  "
            f"as of {moment(verdict.as_of)}"
        ),
    ]
    return "\n".join(parts)


def _decided(verdict: Verdict) -> str:
    by = f"Decided by {verdict.decided_by} ({verdict.rule})" if verdict.decided_by else f"Decided by {verdict.rule}"
    return f"{by}. {verdict.because}".strip()


def _readings(verdict: Verdict) -> str:
    order = [row.signal for row in verdict.trace]
    order += [name for name in verdict.readings if name not in order]
    roles = {row.signal: row for row in verdict.trace}
    rows = []
    for rank, name in enumerate(order, 1):
        reading, row = verdict.readings[name], roles.get(name)
        says = CALL_WORDS[row.says].lower() if row and row.says else "–"
        role = ROLE_WORDS[row.role] if row else "not in this hierarchy"
        rows.append((str(rank), name, reading.state, _effect(reading), _margin(reading), _n(reading), says, role))
    return table(("#", "signal", "state", "effect", "margin", "n", "says", "role"), rows, right=(0, 4, 5))


def _effect(reading: Reading) -> str:
    if reading.effect is None:
        return "–"
    if reading.low is None or reading.high is None:
        return f"{number(reading.effect, reading.unit, signed=True)} (no interval)"
    interval = bounds(reading.low, reading.high, reading.unit)
    return f"{number(reading.effect, reading.unit, signed=True)} ({level(reading.confidence)} {interval})"


def _margin(reading: Reading) -> str:
    return "–" if reading.margin is None else number(reading.margin, reading.unit)


def _n(reading: Reading) -> str:
    return f"{count(reading.n)} {reading.counted}" if reading.n else "–"


def _overruled(verdict: Verdict) -> list[str]:
    why = {row.signal: row.why for row in verdict.trace}
    return [f"{name}: {why[name]}" if why.get(name) else name for name in verdict.overruled]


def _methods(verdict: Verdict) -> list[str]:
    return [f"{name}: {reading.method}" for name, reading in verdict.readings.items() if reading.method]


def _sources(verdict: Verdict) -> list[str]:
    readings = verdict.readings.items()
    return [
        f"{name}: {', '.join(clean(one.name) for one in reading.sources)}"
        for name, reading in readings
        if reading.sources
    ]


def _beside(verdict: Verdict) -> list[str]:
    """Effects as a share of control, and the estimates that do not vote."""
    lines = []
    for name, reading in verdict.readings.items():
        if reading.state == "missing":
            continue
        voting = reading.estimates.get(reading.voting)
        if voting is not None and voting.relative is not None:
            lines.append(f"{name}: {lift(voting.relative)}")
        for which, one in reading.estimates.items():
            if which == reading.voting:
                continue
            title = one.method.partition(";")[0] if which == "worst_segment" else estimate_title(which)
            if one.low is None or one.high is None:
                lines.append(f"{name}, {title}: refused, {one.refused}")
                continue
            unit = one.unit or reading.unit
            within = f"{level(one.confidence)} {bounds(one.low, one.high, unit)}"
            value = number(one.effect, unit, signed=True)
            shown = f"{within} {unit}" if one.effect is None else f"{value} ({within})"
            lines.append(f"{name}, {title}: {shown}")
    return lines


def _rules(verdict: Verdict) -> list[str]:
    """Guardrails and overrides that held or could not be evaluated; requirements only when a ship failed on them."""
    spoke = [rule for rule in (*verdict.guardrails, *verdict.overrides) if rule.holds or rule.unknown]
    if verdict.rule.startswith("ship_requires"):
        spoke += [rule for rule in verdict.ship_requires if not rule.holds]
    return [f"{rule.id}: {rule.why}. {rule.because}".strip() for rule in spoke]


def _checks(verdict: Verdict) -> list[str]:
    bad = [
        (name, check)
        for name, reading in verdict.readings.items()
        for check in reading.checks.values()
        if reading.state != "missing"  # its state says it all
        and (check.status in ("fail", "warn") or (check.status == "unknown" and check.required))
    ]
    lines = [
        f"{check.status}  {name}.{check.name}: {check_numbers(check)}; {check.detail or check.why}"
        for name, check in bad
    ]
    for name, reading in verdict.readings.items():
        refused = reading.estimates[reading.voting].refused if reading.voting in reading.estimates else None
        lines += [f"refused  {name}: no interval, {refused}"] if refused else []
        lines += [f"warning  {name}: {warning}" for warning in reading.warnings]
    return lines


def check_numbers(check: Check) -> str:
    """``0.0003 (asks ≥ 0.001)``."""
    spec = BY_NAME.get(check.name)
    unit = spec.unit if spec else "number"
    sign = "≥" if spec is None or spec.passes == ">=" else "≤"
    asked = "" if check.threshold is None else f" (asks {sign} {quantity(check.threshold, unit)})"
    return f"{quantity(check.value, unit)}{asked}"


def _needs(verdict: Verdict) -> list[str]:
    lines = []
    for need in verdict.needs:
        tail = "".join((f", by {moment(need.by)}" if need.by else "", f", {need.owner}" if need.owner else ""))
        what = f"{need.signal}: {need.what}" if need.signal else need.what[:1].upper() + need.what[1:]
        lines.append(f"{what}{tail}. {need.why[:1].upper() + need.why[1:]}")
    return lines


def _sure(verdict: Verdict, explanation: Explanation | None) -> list[str]:
    if verdict.reason == "untrusted":  # the same HOLD every time, because nobody may believe what would decide
        return []
    found = explanation.stability if explanation else None
    return [] if found is None else [wrap(steadiness(found.calls, found.draws, verdict.call))]


def _stories(verdict: Verdict, explanation: Explanation | None) -> list[str]:
    if explanation is None:
        return []
    pairs = explanation.reconciliation
    if not pairs and verdict.overruled:
        return [uncontradicted(verdict), *(clean(note) for note in explanation.notes)]
    more = (
        [f"and {plural(len(pairs) - STORIES, 'more pairs')} (`signals reconcile` has them)"] if pairs[STORIES:] else []
    )
    stories = [*(clean(found.story) for found in pairs[:STORIES]), *more]
    told = [silent_decider(verdict) if pairs else "", *stories, not_known(pairs)]
    return [*(line for line in told if line), *(clean(note) for note in explanation.notes)]


def _flips(explanation: Explanation | None) -> list[str]:
    flips = explanation.flips if explanation else ()
    lines = [_flip(flip) for flip in flips if not flip.far][:FLIPS]
    left = len(flips) - len(lines)
    more = f"and {left} more" if lines else f"only what is far-fetched, in {left} ways"
    return [*lines, f"{more} (`signals reconcile` prints all, --json has them)"] if left else lines


def _flip(flip: Flip) -> str:
    place = flip_place(flip)
    words = clean(flip.words).removesuffix(f": {flip.to}") or clean(flip.fact)
    return f"{words}: {CALL_WORDS[flip.to]}{f', {place}' if place else ''}"


def _collections(explanation: Explanation | None) -> list[str]:
    """The next best evidence, the best first, or why nothing is worth collecting."""
    if explanation is None:
        return []
    lines = [_collection(one) for one in explanation.collections]
    return [
        *([clean(explanation.unsettled)] if explanation.unsettled else []),
        *([SETTLED_MEANS] if lines else []),
        *lines,
    ]


def _collection(one: Collection) -> str:
    days = "" if one.days is None or "days" in one.what else f"about {duration(one.days * 86_400)}"
    cost = "" if one.cost is None else f"{count(one.cost)} {clean(one.currency)}".strip()
    price = ", ".join(part for part in (days, cost) if part)
    what = f"{clean(one.signal)}: {clean(one.what)}{f' ({price})' if price else ''}"
    why = clean(one.why).rstrip(".")
    return f"{what}: {worth(one.before, one.after, settles=one.settles)}." + (
        f" {why[:1].upper()}{why[1:]}." if why else ""
    )


def _set_aside(verdict: Verdict) -> list[str]:
    """What is about other releases is left to the JSON: at a standup it is no news."""
    return [
        f"{name}: {_aside(entry)}"
        for name, reading in verdict.readings.items()
        for entry in reading.set_aside
        if entry.rows and entry.why != OTHER_RELEASES
    ]


def _aside(entry: SetAside) -> str:
    arm = f" ({entry.variant})" if entry.variant and entry.variant not in entry.why else ""
    of = "" if entry.units is None else f" of {plural(entry.units, 'units')}"
    return f"{plural(entry.rows, 'rows')}{of}: {entry.why}{arm}"


def one_line(verdict: Verdict, explanation: Explanation | None = None) -> str:
    """Release, call and sentence, and how sure the call is, for a list of several."""
    sure = explanation.stability if explanation and verdict.reason != "untrusted" else None
    again = f" The same call in {chance(sure.calls.get(verdict.call, 0.0))} of redraws." if sure else ""
    return f"{headline(verdict):<22} {clean(verdict.release.id):<16} {clean(verdict.sentence)}{again}"
