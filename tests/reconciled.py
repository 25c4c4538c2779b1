"""Explanations as they stand beside a verdict, for tests that only put them into words and pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from signals.model import (
    Carrier,
    Cause,
    Collection,
    Explanation,
    Flip,
    Interval,
    Reconciliation,
    Stability,
)

NONE = Interval(None, None, None)


def around(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half)


def cause(name: str, signal: str, size: float, half: float, *, gap: float = 4.84, **more: Any) -> Cause:
    """One that is told from chance and counts, on the scale of margins, judge margins being 2 pp."""
    own = 1.0 if more.get("unit") == "margins" else 0.02
    fields: dict[str, Any] = {
        "quantity": around(size * own, half * own),
        "unit": "pp",
        "part": around(size, half),
        "share": size / gap,
        "p_value": 0.0004,
        "p_adjusted": 0.0016,
        "blamed": True,
        "counts": True,
        "evidence": "made from 180 items",
    }
    return Cause(name, signal, **(fields | more))  # type: ignore[arg-type]  # plain words


def judge_against_conversion() -> Reconciliation:
    """The Tuesday standup: +8.00 pp of a 2 pp margin is 4.0, −0.42 pp of a 0.5 pp margin is −0.84."""
    return Reconciliation(
        signal="judge",
        against="conversion",
        said=("win", "loss"),
        unit="margins",
        start=around(4.0, 1.55),
        end=around(-0.84, 0.24),
        gap=around(4.84, 1.57),
        causes=(
            cause("population", "judge", 1.5, 0.9, evidence="reweighted to conversion's users over plan and locale"),
            cause(
                "value", "judge", 0.0, 0.0, quantity=None, part=None, share=None, p_value=None, blamed=False,
                counts=False, evidence="", refused="no source says what a segment is worth",
                remedy="declare value_share in a source of shape traffic_mix",
            ),
            cause("judge_bias", "judge", 2.0, 0.8, evidence="held against people on 180 of 400 items"),
            cause("timing", "conversion", 0.2, 0.5, p_value=0.43, p_adjusted=0.86, blamed=False, counts=False,
                  share=None),
            cause("noise", "", 0.2, 0.5, quantity=around(4.84, 1.57), unit="margins", p_value=0.43, p_adjusted=0.86,
                  blamed=False, evidence="the gap is 6.0 standard errors wide"),
            cause("unexplained", "", 1.14, 1.0, unit="margins", evidence=""),
        ),
        carriers=(
            Carrier("ticket-17", 1.0, -0.5, 0.31),
            Carrier("ticket-4", 0.0, -1.0, 0.22),
            Carrier("ticket-230", 1.0, 0.25, -0.08),
        ),
    )  # fmt: skip


def judge_against_panel() -> Reconciliation:
    """Every cause refused: nobody knows."""
    refused = {
        "quantity": None, "part": None, "share": None, "p_value": None, "blamed": False, "counts": False, "unit": "",
        "evidence": "",
    }  # fmt: skip
    return Reconciliation(
        signal="judge",
        against="panel",
        said=("win", "flat"),
        unit="margins",
        start=around(4.0, 1.55),
        end=around(0.12, 0.6),
        gap=around(3.88, 1.7),
        causes=(
            cause("population", "judge", 0, 0, **refused, refused="judge does not say whom it speaks for",
                  remedy="map the same `segment.*` columns in its source"),
            cause("value", "judge", 0, 0, **refused, refused="no source says what a segment is worth", remedy=""),
            cause("judge_bias", "judge", 0, 0, **refused, refused="people graded only 12 of the items",
                  remedy="20 are needed"),
            cause("timing", "judge", 0, 0, **refused, refused="a golden set has no days", remedy=""),
            cause("construct", "", 0, 0, **refused, refused="only 3 past releases have both", remedy="10 are needed"),
            cause("noise", "", 0.0, 0.0, quantity=around(3.88, 1.7), unit="margins", p_value=1e-5, blamed=False),
            cause("unexplained", "", 3.88, 1.7, gap=3.88, unit="margins", evidence=""),
        ),
    )  # fmt: skip


def chance_only() -> Reconciliation:
    """A gap that may be nothing, seen from below: the overruled signal is the lower one."""
    return Reconciliation(
        signal="thumbs",
        against="conversion",
        said=("loss", "win"),
        unit="margins",
        start=around(-1.1, 1.0),
        end=around(1.1, 1.0),
        gap=around(-2.2, 2.4),
        causes=(
            cause("response", "thumbs", -1.0, 1.2, gap=-2.2, p_value=0.2, blamed=False, counts=False, share=None),
            cause("noise", "", -2.2, 2.4, gap=-2.2, quantity=around(-2.2, 2.4), unit="margins", p_value=0.08),
            cause("unexplained", "", -1.2, 2.0, gap=-2.2, p_value=0.3, blamed=False, counts=False, share=None,
                  unit="margins"),
        ),
    )  # fmt: skip


def widened() -> Reconciliation:
    """A correction that hides a part of the gap, response at most, and more taken away than there is."""
    return Reconciliation(
        signal="thumbs",
        against="conversion",
        said=("win", "loss"),
        unit="margins",
        start=around(2.0, 0.5),
        end=around(-1.0, 0.4),
        gap=around(3.0, 0.6),
        causes=(
            cause("population", "thumbs", -0.8, 0.3, gap=3.0),
            cause("response", "thumbs", 4.5, 0.9, gap=3.0),
            cause("noise", "", 0.0, 0.0, gap=3.0, quantity=around(3.0, 0.6), unit="margins", blamed=False),
            cause("unexplained", "", -0.7, 0.5, gap=3.0, unit="margins", evidence=""),
        ),
    )


def no_scale() -> Reconciliation:
    """A signal without a margin: nothing can be apportioned."""
    return Reconciliation(
        signal="judge",
        against="cost",
        said=("win", "loss"),
        unit="",
        start=NONE,
        end=NONE,
        gap=NONE,
        causes=(
            cause("judge_bias", "judge", 2.0, 0.8, part=None, share=None, blamed=False, counts=False),
            cause("population", "cost", 0.0, 0.0, quantity=None, part=None, share=None, p_value=None, blamed=False,
                  counts=False, unit="", evidence="", refused="cost has no segments", remedy="map `segment.*`"),
        ),
        refused="cost has no margin, so the two numbers have no common scale: declare one",
    )  # fmt: skip


def told(found: Reconciliation, readings: Any = None) -> Reconciliation:
    """With its story, as the diagnosis brings it."""
    from signals.reconcile.pairs.words import story

    return replace(found, story=story(found, readings))


def stability(**calls: float) -> Stability:
    return Stability(
        calls or {"rollback": 0.97, "hold": 0.03},  # type: ignore[arg-type]  # plain words
        10_000,
        ("checks of all signals", "cost (no interval)"),
        (("judge", "panel", 0.41),),
    )


FLIPS = (
    Flip("conversion.benefit", -0.0042, -0.0012, "hold", "above", -0.0011, inside=False,
         words="if conversion's loss were no worse than −0.11 pp (now −0.42): hold"),
    Flip("conversion.sample_ratio_p", 0.41, 0.001, "hold", "below", 0.0009,
         words="if conversion's sample-ratio check failed (p-value below 0.001, now 0.41): hold"),
    Flip("judge.human_agreement", 0.52, 0.6, "ship", "above", 0.61, inside=True,
         words="if people agreed with judge at 0.60 instead of 0.52: ship"),
    Flip("panel", "flat", "loss", "rollback", "is", "loss", words="if panel were a loss: rollback"),
    Flip("thumbs", "flat", "loss", "hold", "is", "loss"),
)  # fmt: skip

COLLECTIONS = (
    Collection("conversion", "120,000 more users", 120_000, "users", 8.0, 0.0, "EUR", 0.62, 0.97, settles=True,
               why="its interval would be half as wide"),
    Collection("judge", "80 more items", 80, "items", None, 240.0, "EUR", 0.62, 0.66, settles=False,
               why="the judge cannot decide alone"),
)  # fmt: skip


def explanation(readings: Any = None, **changes: Any) -> Explanation:
    """Judge against conversion, with all that can be said."""
    base = Explanation(
        reconciliation=(told(judge_against_conversion(), readings),),
        stability=stability(),
        flips=FLIPS,
        notes=("panel and thumbs were not compared: neither contradicts the call",),
    )
    return replace(base, **changes)
