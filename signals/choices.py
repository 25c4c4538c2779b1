"""What a decision has to say before it is recorded: who, what, why; against a verdict also with whom and until when.

Pure checks of what somebody typed, field by field, so that a page can show each fault beside its field and the command
line names the option.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Literal, get_args

from signals.model import CALLS, TURNED, Call, Problem, SignalsError

Field = Literal["call", "by", "because", "second", "date", "outcome"]
FIELDS: tuple[Field, ...] = get_args(Field)

MAX_NAME = 200  # characters
MAX_TEXT = 10_000
MAX_DAYS = 366  # an override ends, or is looked at again, at most so many days from now

# What no screen shows though its category is that of a letter, a mark or a sign (Unicode: default-ignorable, and the
# blank of braille), as ranges of code points.
_BLANK = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x2800, 0x2800),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF),
)  # fmt: skip

_MAIL = re.compile(r"(.*)<([^<>]*)>\s*\Z", re.DOTALL)


def decision_faults(
    recommended: Call,
    call: str,
    by: str,
    because: str,
    second: str,
    until: datetime | None,
    follow_up: datetime | None,
    now: datetime,
) -> dict[Field, str]:
    """What keeps a decision from being recorded, by field, in one clause each; empty when nothing does.

    Args:
        recommended: What the verdict says; deciding otherwise is an override.
        call: What people decided.
        by: Who.
        because: Why.
        second: Who else agrees; an override needs one with another name.
        until: When an override ends.
        follow_up: When somebody looks at it again; an override has one of both dates.
        now: The moment that a date has to be after (UTC).
    """
    found = _who_and_why(by, because, "a decision", "who decides", "a reason")
    if call not in CALLS:
        found["call"] = f"a decision is one of {', '.join(CALLS)}"
        return found
    override = call != recommended
    if not _sound(second):
        found["second"] = "this name holds a character that cannot be kept: type it again"
    elif visible(second) and same_person(by, second):
        found["second"] = f"the second person has to be somebody else than {by.strip()}"
    elif override and not _named(second):
        found["second"] = f"the verdict is {recommended}: deciding {call} needs a second person"
    elif len(second) > MAX_NAME:
        found["second"] = f"a name has at most {MAX_NAME} characters"
    fault = _date_fault(override, until, follow_up, now)
    if fault:
        found["date"] = fault
    return found


def outcome_faults(outcome: str, by: str, because: str) -> dict[Field, str]:
    """What keeps the outcome of a decision from being recorded, as ``decision_faults``."""
    found = _who_and_why(by, because, "an outcome", "who says so", "evidence: what was seen")
    if outcome not in TURNED:
        found["outcome"] = f"an outcome is {' or '.join(TURNED)}"
    return found


def refuse(faults: Mapping[Field, str]) -> None:
    """Raise when there is a fault.

    Raises:
        SignalsError: One problem per field, in the order of the fields.
    """
    remedies: dict[Field, str] = {
        "by": "Give --by WHO", "because": "Give --because TEXT", "second": "Name another one with --second",
        "date": "Give --until YYYY-MM-DD or --follow-up YYYY-MM-DD",
    }  # fmt: skip
    if "date" in faults and "only an override" in faults["date"]:
        remedies["date"] = "Leave --until and --follow-up out"
    if faults:
        raise SignalsError(tuple(Problem(faults[one], remedies.get(one, "")) for one in FIELDS if one in faults))


def same_person(one: str, other: str) -> bool:
    """Whether two names are those of one person, as far as spelling tells.

    Case, spaces, invisible characters and Unicode forms do not count; ``Ada <ada@example.com>`` is also Ada, and also
    ada@example.com.
    """
    return bool(_names(one) & _names(other))


def visible(text: str) -> str:
    """The text without what nobody sees; empty when nothing is left."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return " ".join("".join(sign for sign in plain if not _unseen(sign)).split())


def day_end(text: str) -> datetime:
    """The moment that a date names: ``2026-12-01`` is the end of that day (UTC), a time with a zone is itself.

    Raises:
        SignalsError: When it is neither.
    """
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
            return end_of(date.fromisoformat(text.strip()))
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SignalsError(f"{text!r} is no date", "Write it like 2026-12-01") from None
    if moment.tzinfo is None:
        raise SignalsError(f"{text!r} has no zone", "Write a day like 2026-12-01, or 2026-12-01T09:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise SignalsError(f"{text!r} is no date", "Write it like 2026-12-01") from None


def end_of(day: date) -> datetime:
    """The last second of a day (UTC)."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def _unseen(sign: str) -> bool:
    code = ord(sign)
    return unicodedata.category(sign) in ("Cf", "Cc", "Cs") or any(low <= code <= high for low, high in _BLANK)


def _named(text: str) -> bool:
    """Whether a name names somebody: it has a letter or a digit that is seen."""
    return any(sign.isalnum() for sign in visible(text))


def _who_and_why(by: str, because: str, noun: str, who: str, why: str) -> dict[Field, str]:
    found: dict[Field, str] = {}
    typed: tuple[tuple[Field, str, str, str, int], ...] = (
        ("by", by, who, "name", MAX_NAME), ("because", because, why, "text", MAX_TEXT)
    )  # fmt: skip
    for field, text, needed, kind, most in typed:
        if not _sound(text):
            found[field] = f"this {kind} holds a character that cannot be kept: type it again"
        elif not (_named(text) if kind == "name" else visible(text)):
            found[field] = f"{noun} needs {needed}"
        elif len(text) > most:
            found[field] = f"a {kind} has at most {most:,} characters"
    return found


def _date_fault(override: bool, until: datetime | None, follow_up: datetime | None, now: datetime) -> str:
    given = until or follow_up
    if not override:
        return "only an override has a date: this is what the verdict says" if given else ""
    if until is not None and follow_up is not None:
        return "an override has one date: when it ends, or when somebody looks at it again"
    if given is None:
        return "an override needs a date: when it ends, or when somebody looks at it again"
    if given.tzinfo is None:
        return f"{given:%Y-%m-%d} has no zone: give a moment in UTC"
    if given <= now:
        return f"{given:%Y-%m-%d} is not in the future"
    if (given - now).days > MAX_DAYS:
        return f"{given:%Y-%m-%d} is more than {MAX_DAYS} days away: an override is looked at again within a year"
    return ""


def _sound(text: str) -> bool:
    """Whether a database keeps the text as it is: no NUL character, no half of a character that takes two."""
    return "\0" not in text and not any(unicodedata.category(sign) == "Cs" for sign in text)


def _names(text: str) -> set[str]:
    split = _MAIL.match(text)
    parts = [text, *(split.groups() if split else ())]
    folded = (unicodedata.normalize("NFKC", visible(part).casefold()) for part in parts)
    return {name for name in folded if name}
