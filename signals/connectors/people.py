"""Table rows as ratings and preferences: what people said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast, get_args

from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.known import Known, key_of
from signals.connectors.lines import Line, missing, number_fault, record_id, shown, stream, whole
from signals.model import Preference, Rating

STATUS = {
    "submitted": "submitted", "approved": "submitted", "accepted": "submitted", "completed": "submitted",
    "skipped": "skipped", "cancelled": "skipped", "canceled": "skipped",
    "rejected": "rejected", "returned": "rejected", "timed-out": "rejected",
}  # fmt: skip
"""Words that panel tools use, and ours. Any other word is set aside: nobody can guess whether it counts."""

Side = Literal["left", "right", "tie"]
SIDES: tuple[Side, ...] = get_args(Side)

NOT_TOLD_APART = "duplicate: the same rater gave it twice (map `attempt`, or `at` to number attempts by time)"


class Attempts:
    """Numbers the second and later grades of one rater on one output, in the order they come."""

    def __init__(self) -> None:
        self._counts, self._seen = Known(), Known()

    def next(self, key: tuple[object, ...], line: Line, said: object) -> int | None:
        """The attempt's number; None for the same row again, or one whose time cannot order it."""
        name = record_id(*key)
        count = self._counts.times(bytes.fromhex(name))
        if count and line.at is None:
            return None
        # Without a time a second one is none in any case: what the first one said is not asked again.
        if line.at is not None and self._seen.meet(key_of(name, line.at, said)):
            return None
        return self._counts.meet(bytes.fromhex(name)) + 1


def ratings(cells: Cells, tally: Tally) -> Iterator[Rating]:
    """One ``Rating`` per row; an empty value, or a status that says so, is kept as skipped or rejected."""
    attempts = Attempts()
    seen = Known()
    numbered = cells.has("attempt")
    for line in stream(cells, tally, ("value", "attempt", "expected"), by_time=not numbered):
        text = line.text
        variant = text["variant"]
        status, why = _status(text)
        value = line.number["value"] if status == "submitted" and text["value"] is not None else None
        why = missing(line, ("item", "rater", "variant")) or why
        field = "status" if why and why.startswith("status") else "item"
        if not why and status == "submitted" and text["value"] is not None:
            why, field = number_fault(line, "value", cells.source.options.get("scale")), "value"
        if not why and text.get("expected") is not None:
            why, field = number_fault(line, "expected", cells.source.options.get("scale")), "expected"
        if text["value"] is None and status == "submitted":
            status = "skipped"
        key = (text["item"], text["rater"], variant, text.get("dimension") or "")
        attempt = None
        if not why and numbered:
            attempt = whole(line, "attempt", 1)
            why, field = (None, field) if attempt else ("attempt is not a whole number from 1", "attempt")
        elif not why:
            attempt = attempts.next(key, line, text["value"])
            why = None if attempt else NOT_TOLD_APART
        record = record_id(*key, attempt)
        if not why and numbered and seen.meet(bytes.fromhex(record)):
            why = NOT_TOLD_APART
        if why or attempt is None:
            tally.set_aside(why or NOT_TOLD_APART, variant, example=shown(line, field))
            continue
        tally.rows_kept += 1
        yield Rating(
            record, cast("str", key[0]), cast("str", key[1]), cast("str", variant), value,
            dimension=str(key[3]), status=status, attempt=attempt, segment=line.segment, at=line.at,
            expected=line.number.get("expected"),
        )  # fmt: skip


def preferences(cells: Cells, tally: Tally) -> Iterator[Preference]:
    """One ``Preference`` per row; an empty choice, or a status that says so, is kept as skipped or rejected."""
    attempts = Attempts()
    for line in stream(cells, tally, (), by_time=True):
        text = line.text
        status, why = _status(text)
        said = text["choice"].lower() if text["choice"] else None
        why = missing(line, ("item", "rater", "left", "right")) or why
        field = "status" if why and why.startswith("status") else "item"
        if not why and text["left"] == text["right"]:
            why, field = "left and right are the same variant", "left"
        if not why and status == "submitted" and said not in (*SIDES, None):
            why, field = "choice is none of left, right, tie (recode it in `values:`)", "choice"
        right_answer = (text.get("expected") or "").lower() or None
        if not why and right_answer not in (*SIDES, None):
            why, field = "expected is none of left, right, tie (recode it in `values:`)", "expected"
        key = (text["item"], text["rater"], text["left"], text["right"], text.get("dimension") or "")
        attempt = attempts.next(key, line, said) if not why else None
        if not why and attempt is None:
            why, field = "duplicate: the same rater compared it twice (map `at` to number attempts by time)", "item"
        if why or attempt is None:
            tally.set_aside(why or "item is empty", example=shown(line, field))
            continue
        if said is None and status == "submitted":
            status = "skipped"
        choice = said if status == "submitted" else None
        item, rater, left, right = (cast("str", part) for part in key[:4])
        tally.rows_kept += 1
        yield Preference(
            record_id(*key, attempt), item, rater, left, right, cast("Side | None", choice),
            dimension=str(key[4]), status=status, attempt=attempt, segment=line.segment, at=line.at,
            expected=cast("Side | None", right_answer),
        )  # fmt: skip


def _status(text: object) -> tuple[str, str | None]:
    """Our status, and the reason to set the line aside when the word is unknown or a draft."""
    word = cast("dict[str, str | None]", text).get("status")
    if word is None:
        return "submitted", None
    known = STATUS.get(word.lower().replace("_", "-"))
    return (known, None) if known else ("", "status is not known (recode it to submitted, skipped or rejected)")
