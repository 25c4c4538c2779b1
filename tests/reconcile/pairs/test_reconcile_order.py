"""Which pair is argued about first."""

from __future__ import annotations

from dataclasses import replace

from memo.verdicts import reading, verdict

from signals.model import TraceRow, Verdict
from signals.reconcile.pairs.contradictions import contradictions


def made(decider: str, overruled: tuple[str, ...], **states: str) -> Verdict:
    """A verdict over signals in the order of the hierarchy."""
    trace = tuple(TraceRow(f"hierarchy[{k}]", name, state, None, "silent", "") for k, (name, state) in
                  enumerate(states.items()))  # type: ignore[arg-type]  # plain words  # fmt: skip
    readings = {name: reading(name, state, 0.1, 0.05) for name, state in states.items()}
    return replace(verdict(readings=readings, trace=trace), decided_by=decider, overruled=overruled)


def test_pairs_of_the_deciding_signal_come_first_and_of_those_the_overruled() -> None:
    one = made("conversion", ("judge",), conversion="loss", panel="flat", judge="win", thumbs="flat")
    assert contradictions(one) == (
        ("judge", "conversion"), ("panel", "conversion"), ("thumbs", "conversion"),
        ("judge", "panel"), ("thumbs", "judge"),
    )  # fmt: skip


def test_a_signal_that_decides_from_below_is_what_the_others_are_held_against() -> None:
    one = made("judge", (), conversion="flat", panel="loss", judge="win")
    assert contradictions(one) == (("conversion", "judge"), ("panel", "judge"), ("panel", "conversion"))


def test_where_nobody_decides_the_hierarchy_orders_and_who_claims_nothing_is_in_no_pair() -> None:
    one = made("", ("thumbs",), conversion="unclear", panel="flat", judge="win", thumbs="loss")
    assert contradictions(one) == (("thumbs", "panel"), ("thumbs", "judge"), ("judge", "panel"))
