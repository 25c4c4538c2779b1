"""Table rows as item scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast, get_args

from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.known import Known
from signals.connectors.lines import Line, content_hash, missing, number_fault, record_id, shown, stream, whole
from signals.model import ItemScore, ScoreError

ERRORS: tuple[str, ...] = get_args(ScoreError)
NO_ERROR = ("none", "null", "nan", "false", "0")


def item_scores(cells: Cells, tally: Tally) -> Iterator[ItemScore]:
    """One ``ItemScore`` per row.

    A filled ``error`` (one of our words, else ``system_error``) beats the value beside it: tools write a score for
    work that failed. An empty value without an error is ``judge_unparsed``: the judge ran and gave nothing. NaN,
    infinity and text are set aside, and so is a second row for the same item, variant, scorer, judge version and
    repeat.
    """
    options = cells.source.options
    named = str(options.get("scorer") or cells.source.map.get("value") or "")
    seen = Known()
    for line in stream(cells, tally, ("value", "repeat", "length", "leaked")):
        text = line.text
        variant = text["variant"]
        repeat = whole(line, "repeat", 0) if "repeat" in line.number else 0
        error = _error(text.get("error"), text["value"])
        why, field = missing(line, ("item", "variant")), "item"
        if not why and repeat is None:
            why, field = "repeat is not a whole number", "repeat"
        if not why and error is None:
            why, field = number_fault(line, "value", options.get("scale")), "value"
        if not why:
            why, field = _about_item(line) or (None, field)
        scorer = text.get("scorer") or named
        version = text.get("scorer_version") or str(options.get("scorer_version") or "")
        record = record_id(text["item"], variant, scorer, version, repeat)
        if not why and seen.meet(bytes.fromhex(record)):
            why, field = f"duplicate of an item, variant, scorer, judge version and repeat ({_remedy(cells)})", "item"
        if why or text["item"] is None or variant is None or repeat is None:
            tally.set_aside(why or "item is empty", variant, example=shown(line, field))
            continue
        tally.rows_kept += 1
        yield ItemScore(
            record=record,
            item=text["item"],
            variant=variant,
            scorer=scorer,
            value=None if error else line.number["value"],
            error=error,
            fingerprint=version,
            repeat=repeat,
            cluster=text.get("cluster") or "",
            segment=line.segment,
            at=line.at,
            length=line.number.get("length"),
            content=content_hash(text.get("content")),
            made=line.made,
            leaked=_flag(line),
        )


def _remedy(cells: Cells) -> str:
    """How two rows that are no duplicates can be told apart."""
    unmapped = {
        "repeat": "map `repeat` if the item ran again",
        "scorer_version": "map `scorer_version` if another judge scored it",
    }
    said = [text for field, text in unmapped.items() if not cells.has(field)]
    return ", ".join(said) or "add to `repeat` what tells them apart"


def _about_item(line: Line) -> tuple[str, str] | None:
    """The reason to set the line aside, and the field, when what it says of its item cannot be read."""
    if line.text.get("length") is not None:
        why = number_fault(line, "length")
        if why or (line.number["length"] or 0.0) < 0:
            return why or "length is negative", "length"
    if line.text.get("leaked") is not None and line.number["leaked"] not in (0.0, 1.0):
        return "leaked is neither true nor false (recode it in `values:`)", "leaked"
    return None


def _flag(line: Line) -> bool | None:
    found = line.number.get("leaked")
    return None if found is None else found == 1.0


def _error(error: str | None, value: str | None) -> ScoreError | None:
    if error is not None and error.lower() not in NO_ERROR:
        word = error.lower()
        return cast("ScoreError", word if word in ERRORS else "system_error")
    return "judge_unparsed" if value is None else None
