"""Table rows as traffic shares and embedding vectors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.lines import Line, missing, number_fault, record_id, shown, stream
from signals.model import EmbeddingSample, MixShare, Segment, SignalsError

MAX_CELLS = 100_000


def traffic_mix(cells: Cells, tally: Tally) -> Iterator[MixShare]:
    """Shares of traffic by segment, as fractions of one; where windows are mapped, of each window by itself.

    Fractions that add up to one are taken as they are; percentages and counts are divided by their total. A list that
    adds up to less is a list with a hole, and no total can tell which segments are missing.

    Raises:
        SignalsError: When the shares add up to neither.
    """
    found: dict[str, dict[Segment, tuple[float, float | None]]] = {}
    for line in stream(cells, tally, ("share", "value_share")):
        why, field = missing(line, ("share",)), "share"
        why = why or number_fault(line, "share") or (_negative(line, "share"))
        if not why and line.text.get("value_share") is not None:
            why, field = number_fault(line, "value_share") or _negative(line, "value_share"), "value_share"
        window = line.text.get("window") or ""
        if not why and cells.has("window") and not window:
            why, field = "window is empty", "window"
        if not why and line.segment in found.get(window, {}):
            why = "duplicate of a segment"
        if why:
            tally.set_aside(why, example=shown(line, field))
            continue
        if sum(map(len, found.values())) >= MAX_CELLS:
            raise SignalsError(f"more than {MAX_CELLS:,} segments", "Map fewer segment columns", file=cells.label)
        found.setdefault(window, {})[line.segment] = (line.number["share"] or 0.0, line.number.get("value_share"))
        tally.rows_kept += 1
    for window, mix in found.items():
        total = _total([share for share, _ in mix.values()], "share", cells)
        values = [value for _, value in mix.values() if value is not None]
        value_total = _total(values, "value_share", cells) if values else 1.0
        for segment, (share, value) in mix.items():
            name = record_id(window, segment) if window else record_id(segment)
            yield MixShare(name, segment, share / total, None if value is None else value / value_total, window)


def _negative(line: Line, field: str) -> str | None:
    return f"{field} is negative" if (line.number[field] or 0.0) < 0 else None


def _total(shares: list[float], field: str, cells: Cells) -> float:
    total = sum(shares)
    if abs(total - 1) <= 0.02:
        return 1.0
    if 98 <= total < math.inf:
        return total
    raise SignalsError(
        f"column {cells.source.map[field]!r} adds up to {total:g}, not to 1",
        "Give every segment's share (fractions, per cent or counts)",
        file=cells.label,
    )


def embeddings(cells: Cells, tally: Tally) -> Iterator[EmbeddingSample]:
    """Vectors by variant or window. Rows of one output are told apart by their order when no item is mapped."""
    lengths: dict[str, int] = {}  # by model: two models may make vectors of different lengths
    counts: dict[str, int] = {}
    for line in stream(cells, tally, ()):
        text = line.text
        needed = tuple(field for field in ("vector", "variant", "window", "item") if cells.has(field))
        why, field = missing(line, needed), "item"
        vector = None if why else _vector(text["vector"])
        if not why and vector is None:
            why, field = "vector is not a list of finite numbers", "vector"
        if vector is not None:
            model = text.get("model") or ""
            length = lengths.setdefault(model, len(vector))
            if len(vector) != length:
                why = f"vector has {len(vector)} numbers where the first {f'of {model} ' if model else ''}has {length}"
        key = record_id(text.get("variant"), text.get("window"), text.get("item"), line.at)
        if text.get("model"):
            key = record_id(key, text.get("model"))
        if not why and key in counts and cells.has("item"):
            why = "duplicate of an item (map `at` if it was embedded again)"
        if why or vector is None:
            tally.set_aside(
                why or "", text.get("variant"), example=line.place if field == "vector" else shown(line, field)
            )
            continue
        counts[key] = counts.get(key, 0) + 1
        tally.rows_kept += 1
        yield EmbeddingSample(
            record_id(key, counts[key]), text.get("variant") or "", vector,
            window=text.get("window") or "", item=text.get("item") or "", at=line.at, model=text.get("model") or "",
        )  # fmt: skip


def _vector(text: str | None) -> tuple[float, ...] | None:
    try:
        parsed = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, list) or not parsed:
        return None
    if not all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in parsed):
        return None
    try:
        vector = tuple(float(part) for part in parsed)
    except OverflowError:
        return None
    return vector if all(math.isfinite(part) for part in vector) else None
