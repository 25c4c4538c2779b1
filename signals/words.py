"""How numbers and states are written: one spelling for sentence, table, page, memo and command line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime

from signals.model import CALLS, Call, CauseName, Flip, Interval, State

CALL_WORDS: dict[Call, str] = {"ship": "SHIP", "hold": "HOLD", "rollback": "ROLLBACK"}

STATE_WORDS: dict[State, str] = {
    "win": "win",
    "loss": "loss",
    "flat": "flat",
    "unclear": "unclear",
    "untrusted": "untrusted",
    "missing": "missing",
}

CAUSE_WORDS: dict[CauseName, str] = {
    "population": "population",
    "value": "value weighting",
    "judge_bias": "judge bias",
    "response": "response",
    "timing": "timing",
    "construct": "construct",
    "noise": "chance",
    "unexplained": "unexplained",
}

LONGEST = 4000
"""Characters of one text from outside that memo, page and terminal show; the rest is counted, not shown."""

LONGEST_WORD = 300
"""The same of one run without a space: no name, path or hash of ours comes near it, and nothing can break it."""

MOST_MARKS = 6
"""Marks that may stand over one letter: no language stacks more, and a tower of them covers the lines around it."""

# Marks of format that show, or that belong to a script: joiners, and signs over Arabic and Syriac numbers.
_FORMAT_KEPT = frozenset("\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
_ROOM = 40  # for the count itself: what was shortened once is not shortened again
_SHORTENED = re.compile(r"… \(([\d,]{1,20}) more characters\)$")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + _ROOM + 1},}}")


def clean(text: object, *, lines: bool = False) -> str:
    """Text from outside made fit for one line: no control, direction or hidden characters, single spaces, not endless.

    Args:
        text: Anything; ``str`` of it is used.
        lines: Keep line breaks, indentation and length (for the policy text).

    Returns:
        Text in which each forbidden character, and each mark too many over a letter, is replaced by U+FFFD, and what is
        too long by a count of what is not shown, so that nothing vanishes in silence.
    """
    raw = str(text).replace("\r\n", "\n")
    # Each sign is looked at once, however often it comes: a name may be a hundred thousand characters long.
    signs = set(raw)
    kept = raw.translate({ord(sign): "\ufffd" for sign in signs if not _visible(sign)})
    if any(map(_is_mark, signs)):
        kept = _without_towers(kept)
    if lines:
        return kept
    flat = " ".join(kept.split())
    return shorten(_LONG_WORD.sub(lambda found: shorten(found[0], LONGEST_WORD), flat), LONGEST)


def shorten(text: str, size: int) -> str:
    """The first ``size`` characters and a word about how many more there are: ``aaa… (700 more characters)``.

    Text that is longer by less than that word takes stays whole, so shortening twice is shortening once.
    """
    if len(text) <= size + _ROOM:
        return text
    before = _SHORTENED.search(text)
    whole = text[: before.start()] if before else text
    more = max(len(whole) - size, 0) + (int(before[1].replace(",", "")) if before else 0)
    return f"{whole[:size].rstrip()}… ({count(more)} more characters)"


def _visible(sign: str) -> bool:
    if sign in "\n\t" or sign in _FORMAT_KEPT:
        return True
    # Control characters, lone surrogates and non-characters are not allowed in XML, so not in an SVG either. Marks of
    # format turn text around, break lines where nobody looks or carry what nobody sees.
    return unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") and (ord(sign) & 0xFFFE) != 0xFFFE


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) in ("Mn", "Me")


def _without_towers(text: str) -> str:
    found, height = [], 0
    for sign in text:
        height = height + 1 if _is_mark(sign) else 0
        found.append(sign if height <= MOST_MARKS else "\ufffd")
    return "".join(found)


def estimate_title(which: str) -> str:
    """What an estimate is called: ``per impression``; of a member of a jury ``judge 06a77d5b``, a short hash."""
    judge = re.fullmatch(r"judge:(?:sha256:)?(.+)", which, re.DOTALL)
    if which.startswith("versus "):
        return which  # what follows is the name of a version, as people wrote it
    if judge is None:
        return which.replace("_", " ")
    return f"judge {judge[1][:8] if which.startswith('judge:sha256:') else judge[1]}"


def number(value: float | None, unit: str = "", *, signed: bool = False, bare: bool = False) -> str:
    """A number in its unit: ``−1.31 pp``, ``+0.40 points``; ``bare`` leaves the unit off, None is an en dash."""
    if value is None:
        return "–"
    scaled = 100 * value if unit == "pp" else value
    size = abs(scaled)
    if unit == "margins":  # a margin is what is worth acting on: a tenth of it is as fine as anybody can use
        places = 1 if size >= 1 else 2
    else:
        places = 2 if unit in ("pp", "points", "net preference") or size >= 1 else 3 if size >= 0.01 or size == 0 else 5
    text = f"{scaled:{'+' if signed else ''},.{places}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    text = text.replace("-", "−")
    return text if bare or not unit else f"{text} {unit}"


def true_minus(text: str) -> str:
    """The text with a true minus before every negative number; ``1e-05`` and ``2026-11-03`` stay."""
    return re.sub(r"(?<![\w.:-])-(?=\.?\d)", "−", text)


def bounds(low: float | None, high: float | None, unit: str = "") -> str:
    """Interval bounds without the unit: ``−2.02 to −0.60``."""
    if low is None or high is None:
        return "no interval"
    return f"{number(low, unit, signed=True, bare=True)} to {number(high, unit, signed=True, bare=True)}"


def lift(relative: Interval | None) -> str:
    """``−2.0 % of control (−4.9 % to +1.0 %)``; empty without a relative effect."""
    if relative is None or relative.value is None:
        return ""
    parts = (relative.value, relative.low, relative.high)
    value, low, high = ("–" if part is None else f"{100 * part:+.1f} %".replace("-", "−") for part in parts)
    return f"{value} of control ({low} to {high})"


def level(confidence: float) -> str:
    """``95 % CI``."""
    return f"{100 * confidence:g} % CI"


def count(value: float | None) -> str:
    """A whole number with thousands marks."""
    return "–" if value is None else f"{round(value):,}"


def share(value: float | None, places: int = 1) -> str:
    """``12.5 %``."""
    if value is None:
        return "–"
    text = f"{100 * value:.{places}f}"
    return f"{text.lstrip('-') if float(text) == 0.0 else text} %".replace("-", "−")


def p_value(value: float | None) -> str:
    """``0.41``, ``0.0086``, ``< 0.0001``."""
    if value is None:
        return "–"
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def flip_place(flip: Flip) -> str:
    """Where the boundary of a flip lies: ``at the end of its interval``; empty of a fact that has no interval."""
    if flip.inside is None:
        return ""
    return f"{'at the end of' if flip.at_end else 'in' if flip.inside else 'beyond'} its interval"


def duration(seconds: float | None) -> str:
    """``40 min``, ``6 h``, ``3.1 days``: the largest unit that leaves at least two of it, else one smaller."""
    if seconds is None:
        return "–"
    if seconds < 7200:
        return f"{max(seconds, 0) / 60:.0f} min"
    if seconds < 2 * 86_400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.1f}".removesuffix(".0") + " days"


def quantity(value: float | None, unit: str) -> str:
    """A check's number in its unit (``signals.checks.Unit``)."""
    if value is None:
        return "–"
    if unit == "p":
        return p_value(value)
    if unit == "count":
        return count(value)
    if unit == "seconds":
        return duration(value)
    if unit == "share":
        return share(value)
    if unit == "yes":
        return "yes" if value else "no"
    return f"{value:.2f}".replace("-", "−")


def moment(when: datetime | date | None) -> str:
    """``17 Nov 2026, 09:00 UTC``."""
    if when is None:
        return "–"
    if isinstance(when, datetime):
        return f"{when.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    return f"{when:%-d %b %Y}"


def plural(amount: float, noun: str) -> str:
    """``1 user``, ``2,000 users``."""
    return f"{count(amount)} {noun.removesuffix('s') if round(amount) == 1 else noun}"


def chance(value: float) -> str:
    """A probability for reading aloud, never rounded to certain or impossible: ``97 %``, ``over 99 %``."""
    if 0.0 < value < 0.01:
        return "under 1 %"
    if 0.99 < value < 1.0:
        return "over 99 %"
    return share(value, 0)


def steadiness(calls: Mapping[Call, float], draws: int, call: Call) -> str:
    """How sure a call is, in one sentence: how often the same policy makes it when the evidence is drawn anew.

    It says so where another call comes out more often, by more than the words round away.

    Args:
        calls: Share of draws by call.
        draws: How many.
        call: The call that was made.
    """
    others = sorted((one for one in CALLS if one != call and calls.get(one, 0.0) > 0.0), key=lambda one: -calls[one])
    drawn = f"Drawn anew {count(draws)} times, the evidence gives"
    if not others:
        return f"{drawn} {CALL_WORDS[call]} every time."
    shares = [f"{CALL_WORDS[one]} in {chance(calls.get(one, 0.0))}" for one in (call, *others)]
    rival, made = calls[others[0]], calls.get(call, 0.0)
    but = ": another call is likelier than this one" if rival > made and chance(rival) != chance(made) else ""
    return f"{drawn} {', '.join(shares[:-1])} and {shares[-1]}{but}."


SETTLED_MEANS = (
    "A settled call is SHIP, ROLLBACK or a HOLD that does not wait for evidence; one that waits does not count, "
    "however often it is drawn."
)
"""What stands once above what could be collected."""


def worth(before: float, after: float, *, settles: bool) -> str:
    """What a collection is worth, in one clause.

    Args:
        before: Share of draws that make the likeliest settled call now.
        after: The same once it was collected, as it is to be expected.
        settles: Whether that is enough.
    """
    ends = "enough to be sure of the call" if settles else "not enough alone"
    return f"redraws then agree on a settled call in {chance(after)} of cases, now in {chance(before)}: {ends}"
