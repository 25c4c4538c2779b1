"""What the command line prints of pulls: one table, why rows were set aside, what a dry run saw."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, Protocol

from signals.model import Moments, SetAside, Source
from signals.terminal import table
from signals.words import clean, count, duration, moment, plural

NO_SOURCES = "No source is declared yet: add one under `sources:` in data/sources.yaml."

REASONS = 3
"""Reasons that a source's rows were set aside for, in the open: those with the most rows."""

SHORTEST = 10
"""Characters that a cell keeps when a table is made to fit."""

WIDEST = 120


class PullLike(Protocol):
    """What the tables below need to know of a pull."""

    @property
    def source(self) -> str: ...
    @property
    def signal(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def checked(self) -> datetime: ...
    @property
    def seconds(self) -> float: ...
    @property
    def rows_read(self) -> int: ...
    @property
    def rows_kept(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def set_aside(self) -> tuple[SetAside, ...]: ...
    @property
    def new(self) -> int: ...
    @property
    def changed(self) -> int: ...
    @property
    def removed(self) -> int: ...
    @property
    def unchanged(self) -> int: ...
    @property
    def last_at(self) -> datetime | None: ...


def width() -> int:
    """Columns of the terminal; 100 when nobody knows."""
    return max(40, min(WIDEST, shutil.get_terminal_size((100, 24)).columns))


def fold(text: str, indent: str = "") -> str:
    """Fold a paragraph to the terminal's width, never inside a name or a path."""
    return textwrap.fill(
        text, min(100, width()), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def pull_table(
    reports: Sequence[PullLike], *, own: Mapping[str, int] | None = None, release: str = "", dry: bool = False
) -> str:
    """One row per source, how many did what, then why rows were set aside.

    Args:
        reports: One per source.
        own: Per source, the rows about one release.
        release: That release.
        dry: Whether nothing was stored.
    """
    head = ("source", "signal", "read", "kept", "set aside", "new", "changed", "removed", "time")
    rows = [_row(report) for report in reports]
    lines = [
        fitted(head, rows, right=range(2, len(head)), spare=("signal", "time")),
        "",
        fold(_totals(reports, dry=dry)),
    ]
    if own is not None:
        lines.append(fold(_about(release, {report.source: own.get(report.source, 0) for report in reports})))
    return "\n".join([*lines, *_reasons(reports)])


def _about(release: str, own: Mapping[str, int]) -> str:
    some = [f"{clean(name)} {count(rows)}" for name, rows in own.items() if rows]
    none = [clean(name) for name, rows in own.items() if not rows]
    told = f"Rows about {clean(release)}: {', '.join(some) or 'none'}"
    return f"{told}; nothing in {', '.join(none)}." if some and none else f"{told}."


def _row(report: PullLike) -> list[str]:
    time = f"{report.seconds:,.1f} s"
    if report.status == "failed":
        return [clean(report.source), clean(report.signal), "failed", *["–"] * 5, time]
    numbers = (report.rows_read, report.rows_kept, sum(entry.rows for entry in report.set_aside))
    changes = (report.new, report.changed, report.removed)
    return [
        clean(report.source), clean(report.signal), *(count(number) for number in numbers),
        *(count(number) if number else "–" for number in changes), time,
    ]  # fmt: skip


def _totals(reports: Sequence[PullLike], *, dry: bool) -> str:
    said = {"changed": "changed", "unchanged": "the same as last time", "failed": "failed"}
    counts = [(sum(report.status == status for report in reports), words) for status, words in said.items()]
    told = f"{plural(len(reports), 'sources')}: " + ", ".join(f"{number} {words}" for number, words in counts if number)
    if dry:
        return f"Dry run, nothing was stored. {told.replace(' changed', ' would change')}."
    return f"{told}. A source that failed keeps its last good evidence." if counts[2][0] else f"{told}."


def _reasons(reports: Sequence[PullLike]) -> list[str]:
    lines: list[str] = []
    for report in reports:
        entries = sorted((entry for entry in report.set_aside if entry.rows), key=lambda entry: -entry.rows)
        lines += [fold(f"{clean(report.source)}: {aside(entry)}", "  ") for entry in entries[:REASONS]]
        rest = entries[REASONS:]
        if rest:
            rows = plural(sum(entry.rows for entry in rest), "rows")
            lines.append(fold(f"{clean(report.source)}: {rows} for {plural(len(rest), 'more reasons')}", "  "))
    return ["", "Set aside:", *lines] if lines else []


def aside(entry: SetAside) -> str:
    """``12 rows: item is empty (prompt-v7)``."""
    arm = f" ({clean(entry.variant)})" if entry.variant and entry.variant not in entry.why else ""
    of = "" if entry.units is None else f" of {plural(entry.units, 'units')}"
    return f"{plural(entry.rows, 'rows')}{of}: {clean(entry.why)}{arm}"


def status_table(pulls: Sequence[tuple[Source, PullLike | None]], now: datetime) -> str:
    """What the store holds of each source."""
    if not pulls:
        return NO_SOURCES
    rows = []
    for source, last in pulls:
        if last is None:
            rows.append((source.name, source.signal, source.connector, "never", "–", "–", "–"))
            continue
        ago = duration((now - last.checked).total_seconds())
        rows_aside = count(sum(entry.rows for entry in last.set_aside))
        at = last.last_at
        newest = moment(at.date() if at and at.hour == at.minute == at.second == 0 else at)  # cells know the day only
        kept = count(last.rows_kept)
        rows.append((source.name, source.signal, source.connector, f"{ago} ago", kept, rows_aside, newest))
    head = ("source", "signal", "connector", "checked", "kept", "set aside", "newest evidence")
    return table(head, rows, right=(4, 5))


def fitted(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), spare: Sequence[str] = ()
) -> str:
    """A table no wider than the terminal: ``spare`` columns go first, in their order, then the widest cells are cut."""
    columns = list(range(len(head)))
    whole = [head, *rows]

    def widths() -> list[int]:
        return [max(len(row[column]) for row in whole) for column in columns]

    for name in spare:
        if sum(widths()) + 2 * (len(columns) - 1) > width() and name in head:
            columns.remove(list(head).index(name))
    limits = widths()
    while sum(limits) + 2 * (len(columns) - 1) > width() and max(limits) > SHORTEST:
        limits[limits.index(max(limits))] -= 1
    kept = [[cut(row[column], limit) for column, limit in zip(columns, limits, strict=True)] for row in whole]
    return table(kept[0], kept[1:], right=[place for place, column in enumerate(columns) if column in right])


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


# --- dry runs -------------------------------------------------------------------------------------------------------

SHAPE_WORDS = {
    "ItemScore": "scores", "Rating": "ratings", "Preference": "preferences", "OutcomeCell": "cells of outcomes",
    "QuantileCell": "quantiles", "FeedbackCell": "cells of thumbs", "MixShare": "shares of traffic",
    "EmbeddingSample": "vectors", "RoutedCell": "cells of routes",
}  # fmt: skip
HIDDEN = ("record", "status", "lows", "highs", "least", "most", "counted", "content", "users_known", "top_user_share",
          "spread", "chance", "score", "score_spread")  # fmt: skip
CELL_WORDS = {
    "fingerprint": "judge", "moments.n": "units", "moments.mean": "mean", "moments.x_mean": "covariate",
    "moments.d_mean": "denominator",
}  # fmt: skip
THUMB_WORDS = {
    "moments.n": "users", "moments.mean": "positives each", "moments.x_mean": "shown each",
    "moments.d_mean": "responses each",
}  # fmt: skip
SPARE = ("length", "made", "leaked", "cluster", "dimension", "judge", "scorer", "metric", "at", "segment", "day")


def would_change(report: PullLike) -> str:
    """What a pull would do to the store, in a line."""
    counts = ((report.new, "new"), (report.changed, "changed"), (report.removed, "removed"),
              (report.unchanged, "unchanged"))  # fmt: skip
    return ", ".join(f"{count(number)} {word}" for number, word in counts)


def first_records(first: Mapping[str, Sequence[Any]]) -> str:
    """The first records of each shape, as small tables; columns that are empty in all of them are left out."""
    parts = []
    for name, records in first.items():
        flat = [_flat(record) for record in records]
        names = [key for key in flat[0] if any(row[key] not in ("", "–") for row in flat)]
        thumbs = THUMB_WORDS
        if not getattr(records[0], "users_known", True):  # each response is its own unit
            thumbs = {"moments.n": "responses", "moments.mean": "positive"}
            names = [key for key in names if key not in ("moments.x_mean", "moments.d_mean")]
        words = {**CELL_WORDS, **(thumbs if name == "FeedbackCell" else {})}
        head = [words.get(key, key) for key in names]
        numeric = [place for place, key in enumerate(names) if all(_numeric(row[key]) for row in flat)]
        rows = [[row[key] for key in names] for row in flat]
        parts += [f"first {SHAPE_WORDS.get(name, name)}:", fitted(head, rows, right=numeric, spare=SPARE)]
    return "\n".join(parts)


def _flat(record: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, Moments):
            found |= {f"moments.{key}": _cell(getattr(value, key)) for key in ("n", "mean", "x_mean", "d_mean")}
        elif one.name not in HIDDEN or (one.name == "status" and value != "submitted"):
            found[one.name] = _cell(value) if one.name != "fingerprint" else cut(_cell(value), 15)
    if found.get("repeat") == "0" or found.get("attempt") == "1":
        found["repeat" if "repeat" in found else "attempt"] = ""
    return found


def _cell(value: Any) -> str:
    if value is None or value in ("", ()):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", "−")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        pairs = all(isinstance(part, tuple) for part in value)
        return " ".join(f"{clean(name)}={clean(text)}" for name, text in value) if pairs else f"{len(value)} numbers"
    return clean(value) if not is_dataclass(value) else "…"


def _numeric(text: str) -> bool:
    return text == "–" or re.fullmatch(r"−?[0-9.]+(e[+−-]?[0-9]+)?", text) is not None
