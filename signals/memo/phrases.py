"""The words of memo and page: roles, reasons, how a check's number stands against its threshold, and clean text.

Nothing here escapes: HTML, SVG and Markdown each escape where they are written.
"""

from __future__ import annotations

import re

from signals import words
from signals.checks import BY_NAME
from signals.model import Call, Check, Reading, Reason, Role, Status, Verdict
from signals.words import CALL_WORDS, count, quantity

clean = words.clean
"""Text from outside made fit for one line; memo and page take it from here with their other phrases."""

ROLE_TAGS: dict[Role, str] = {
    "decides": "Decides",
    "agrees": "Agrees",
    "overruled": "Overruled",
    "silent": "Says nothing",
    "silenced": "May not speak",
}

REASON_WORDS: dict[Reason, str] = {
    "decided": "the hierarchy answered",
    "guardrail": "a guardrail outranks the hierarchy",
    "needs-data": "the evidence does not settle it yet",
    "untrusted": "evidence that could decide cannot be trusted",
    "missing-signal": "a signal that the decision needs has no evidence",
    "conflict": "signals contradict each other",
    "cannot-evaluate": "a rule needs a fact that does not exist",
    "ship-requires": "a requirement for shipping is not met",
    "otherwise": "no row of the hierarchy answered",
}

STATUS_MARKS: dict[Status, str] = {"fail": "✕", "unknown": "?", "warn": "!", "pass": "✓"}
NEUTRAL_MARK = "·"  # nothing was held against the number, so it neither passes nor fails
STATUS_WORDS: dict[Status, str] = {
    "fail": "fails",
    "unknown": "is not known",
    "warn": "warns",
    "pass": "passes",
}
STATUS_ORDER: tuple[Status, ...] = ("fail", "unknown", "warn", "pass")

PLOT_LEGEND = (
    "Bar: interval of the benefit divided by the signal's margin; right is better, left of −1 is harm beyond the "
    "limit. Thick decides, plain agrees, hollow is overruled, thin has no call, dashed is untrusted. "
    "An arrowhead: the interval goes on."
)

TEXT_PLOT_LEGEND = (
    "Benefit in units of each signal's margin; right is better, left of −1 is harm beyond the limit (░). "
    "━●━ decides, ─●─ agrees, ═○═ is overruled, ─·─ has no call, ╌○╌ is untrusted. ◀ or ▶: the interval goes on."
)
WATERFALL_LEGEND = (
    "From the number to be explained to the one it is held against; each step takes its part of the gap away, and one "
    "with a minus widens it. Filled: explained. Hollow: a correction that widens the gap. Striped: chance. Dashed: no "
    "correction explains it, or its causes cannot be told apart. The line under a bar is the interval of its end; an "
    "arrowhead: it goes on."
)
PARTS_LEGEND = (
    "Rows that are not indented add up to the gap; indented ones are inside the sum above them. Plus: a part of the "
    "gap. Minus: putting it right would widen the gap. Intervals are each part's alone. The adjusted p takes all parts "
    "of the pair and their sum together, so a part can be called chance though its own interval misses 0."
)
NO_STEADINESS = "How often the call would be made on evidence drawn anew is not known."
NO_FLIP = "No single fact, whatever its value, would make another call."
ONLY_FAR = "Only what is far-fetched would make another call."

NO_VERDICT = "NO VERDICT YET"
SYNTHETIC = "Synthetic data: this example was generated, no real users are behind its numbers."
CALL_SPOKEN: dict[Call, str] = {"ship": "ship", "hold": "hold", "rollback": "roll back"}

_SHORT_CHECKS = {
    "full_weeks": "whole weeks",
    "both_arms": "in both arms",
    "same_judge": "one judge",
    "independent_judge": "independent judge",
    "agreement": "rater agreement",
    "agreement_low": "rater agreement, low end",
    "ac2": "rater agreement, AC2",
    "max_straight_lining": "straight-lining",
    "sample_ratio_sequential_p": "sample ratio, daily looks",
    "sample_ratio_day_p": "sample ratio by day",
    "sample_ratio_segment_p": "sample ratio by segment",
    "max_leaked": "leaked items",
    "max_duplicates": "duplicate items",
    "max_reversals": "Simpson reversals",
    "label_balance_p": "labels at random",
    "novelty_p": "novelty trend",
    "max_user_share": "loudest user",
    "min_effective_share": "independent responses",
    "min_effective_items": "effective items",
    "outcome_complete": "outcomes complete",
    "outcome_known": "outcomes known",
    "max_overconfidence": "overconfidence",
    "max_mix_shift": "mix shift",
}


def headline(verdict: Verdict) -> str:
    """The one word of the banner: the call, or NO VERDICT YET when the deciding evidence is untrusted."""
    return NO_VERDICT if verdict.reason == "untrusted" else CALL_WORDS[verdict.call]


def decided_by(verdict: Verdict) -> str:
    """One line: who decided, by which rule, and the reason that the policy gives."""
    who = clean(verdict.decided_by) if verdict.decided_by else ""
    rule = rule_words(verdict.rule)
    row = rule.startswith("row ")
    reason = REASON_WORDS[verdict.reason]
    if verdict.rule == "otherwise":
        text = "No row of the hierarchy answered" + ("." if verdict.reason == "otherwise" else f": {reason}.")
    elif verdict.reason == "decided":
        text = f"Decided by {who or rule}{f', {rule}' if row and who else ''}."
    elif verdict.reason == "untrusted" and row and who:
        text = f"Held by {who}, {rule}: its evidence cannot be trusted."
    elif row and who:
        text = f"Decided by {who}, {rule}: {reason}."
    else:
        text = f"{reason[0].upper()}{reason[1:]}: {who or rule}."
    because = clean(verdict.because)
    return f"{text} Because: {because}" if because else text


def rule_words(rule: str) -> str:
    """``hierarchy[0]`` as ``row 1 of the hierarchy``; other rules as they are."""
    found = re.fullmatch(r"(?:kinds\.(\w+)\.)?hierarchy\[(\d+)\]", rule)
    if not found:
        return clean(rule)
    kind = f" for {found[1]} releases" if found[1] else ""
    return f"row {int(found[2]) + 1} of the hierarchy{kind}"


def check_title(name: str) -> str:
    """A check's name as people read it."""
    bare = clean(name).removeprefix("min_").removeprefix("max_").removesuffix("_p")
    return _SHORT_CHECKS.get(name) or bare.replace("_", " ")


def check_number(check: Check) -> str:
    """The number against its threshold: ``0.41 ≥ 0.001``, ``31 < 50``, ``6 h, no limit set``."""
    spec = BY_NAME.get(check.name)
    unit = spec.unit if spec else "number"
    if check.value is None:
        limit = quantity(check.threshold, unit)
        return "not known" if check.threshold is None else f"not known, asks {limit}"
    if unit == "number" and check.value == round(check.value) and (check.threshold or 0) == round(check.threshold or 0):
        unit = "count"
    seen = quantity(check.value, unit)
    if check.threshold is None:
        return f"{seen}, no limit set"
    if unit == "yes":
        return seen
    upward = spec is None or spec.passes == ">="
    holds = check.value >= check.threshold if upward else check.value <= check.threshold
    sign = ("≥" if holds else "<") if upward else ("≤" if holds else ">")
    limit = quantity(check.threshold, unit)
    if seen.startswith("<"):  # a p-value too small to print: two signs in a row would read as nonsense
        return f"{seen}, asks {'≥' if upward else '≤'} {limit}"
    return f"{seen} {sign} {limit}"


def check_told(check: Check) -> str:
    """What follows a check's title and status: the number and its making; of one that is not known only the reason."""
    if check.status != "unknown":
        return f"{check_number(check)}. {check_detail(check)}".removesuffix(". ")
    why = clean(check.why)
    asks = "" if check.threshold is None else f" ({check_number(check).removeprefix('not known, ')})"
    return f"{unknown_reason(why)}{asks}"


def check_detail(check: Check) -> str:
    """What its number was made from; what the number and its limit do not say already."""
    spec = BY_NAME.get(check.name)
    return clean(check.why if spec is None or spec.unit == "yes" else check.detail)


def unknown_reason(why: str) -> str:
    """``coverage is not known: no mix was pulled`` without its first half, which the title says already."""
    head, said, reason = why.partition(" is not known: ")
    return reason if said and ":" not in head else why


def short_hash(text: str, size: int = 8) -> str:
    """The first characters of a hash, without its ``sha256:``."""
    return clean(text).removeprefix("sha256:")[:size]


def sample(reading: Reading) -> str:
    """``50,184 v 49,921 users``; of paired evidence ``72 items in both arms``; empty without evidence."""
    if not (reading.n_control or reading.n_candidate):
        return ""
    if reading.kind in ("judge", "panel") and reading.n_control == reading.n_candidate:
        return f"{count(reading.n)} {clean(reading.counted)} in both arms"
    return f"{count(reading.n_control)} v {count(reading.n_candidate)} {clean(reading.counted)}"
