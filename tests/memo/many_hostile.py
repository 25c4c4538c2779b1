"""Verdicts that hold many texts at once, each in another place: what a thousand of them do takes a dozen documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import reconciled
from memo.hostile import THOUSAND
from memo.verdicts import AS_OF, conversion, decision, hold, reading, verdict

from signals.memo import Memo, memo_of
from signals.model import (
    Check,
    Decision,
    DecisionOutcome,
    Estimate,
    Explanation,
    Override,
    Reading,
    Reconciliation,
    RuleOutcome,
    SetAside,
    SourceNote,
    TraceRow,
    Verdict,
)

EACH = 110
"""Texts in one document."""


@dataclass(frozen=True)
class Case:
    """A verdict with all that is told beside it."""

    verdict: Verdict
    policy_text: str
    decisions: tuple[Decision, ...]
    overrides: tuple[Override, ...]
    outcomes: tuple[DecisionOutcome, ...]
    explanation: Explanation
    stale: str
    file: str

    @property
    def memo(self) -> Memo:
        """It in words."""
        return memo_of(
            self.verdict, self.policy_text, self.decisions, self.file, self.explanation,
            overrides=self.overrides, outcomes=self.outcomes, stale={self.decisions[0].entry: [self.stale]},
            verdict_hash=self.stale, audit_head=f"head {self.stale}",
        )  # fmt: skip


def dealt(texts: Sequence[str]) -> Case:
    """The texts dealt out, in turn, to every place that a text from outside can have; each is in two or more."""
    deck = cycle(texts)

    def take() -> str:
        return next(deck)

    names = [take() for _ in range(4)]
    readings = {name: _reading(name, deck, crowd=place == 0) for place, name in enumerate(names)}
    rules = tuple(
        RuleOutcome(take(), take(), take(), holds, "hold", take(), take(), (take(),)) for holds in (True, None, False)
    )
    roles = (("decides", "rollback"), ("silent", None), ("overruled", "ship"), ("silenced", "ship"))
    one = verdict(
        release=replace(verdict().release, id=take(), control=take(), candidate=take(), owner=take()),
        decided_by=names[0], rule=take(), because=take(), sentence=take(), readings=readings, overruled=(names[2],),
        trace=tuple(
            TraceRow(take(), name, readings[name].state, says, role, take(), take())  # type: ignore[arg-type]
            for name, (role, says) in zip(names, roles, strict=True)
        ),
        guardrails=rules, ship_requires=rules[1:], overrides=rules[:2],
        needs=tuple(
            replace(hold().needs[0], signal=take(), what=take(), why=take(), owner=take()) for _ in range(4)
        ),
        policy_name=take(), policy_hash=take(), evidence_hash=take(),
    )  # fmt: skip
    made = tuple(
        replace(decision("ship"), release=one.release.id, by=take(), second=take(), because=take(), number=place + 1,
                entry=f"sha256:{place}", policy_hash=one.policy_hash)
        for place in range(5)
    )  # fmt: skip
    overrides = tuple(
        Override(said.entry, said.release, "ship", "rollback", said.verdict_hash, said.by, said.second, said.because,
                 AS_OF, AS_OF, entry=take())
        for said in made
    )  # fmt: skip
    outcomes = tuple(DecisionOutcome(said.entry, "bad", take(), take(), AS_OF, take()) for said in made)
    return Case(one, "\n".join(take() for _ in range(12)), made, overrides, outcomes, _explained(deck), take(), take())


def _reading(name: str, deck: Iterator[str], *, crowd: bool) -> Reading:
    many = 8 if crowd else 2

    def take() -> str:
        return next(deck)

    base = conversion("loss", -0.004) if crowd else reading(name, "win", 0.01, 0.005)
    estimates = {
        "raw": base.estimates["raw"],
        take(): Estimate(0.1, -0.1, 0.3, take(), 0.95, warnings=(take(),)),
        f"judge:{take()}": Estimate(None, None, None, take(), 0.95, refused=take()),
    }
    checks = {f"{name} {place}": Check(take(), "fail", 0.1, 0.2, take(), required=True, detail=take())
              for place in range(many)}  # fmt: skip
    return replace(
        base, signal=name, question=take(), why=take(), method=take(), counted=take(), owner=take(), unit=take(),
        estimates=estimates, checks=checks, warnings=tuple(take() for _ in range(many)),
        set_aside=tuple(SetAside(3, take(), take()) for _ in range(many)),
        sources=tuple(SourceNote(take(), take(), AS_OF, take(), 9, 8) for _ in range(many)),
        segments=tuple(
            replace(conversion().segments[0], name=take(), refused=take() if place % 2 else "") for place in range(many)
        ),
    )  # fmt: skip


def _explained(deck: Iterator[str]) -> Explanation:
    def take() -> str:
        return next(deck)

    def pair(found: Reconciliation) -> Reconciliation:
        signal, against = take(), take()
        return replace(
            found, signal=signal, against=against, unit=take(), story=take(), said=(take(), take()), refused="",
            causes=tuple(
                replace(cause, signal=signal, unit=take(), evidence=take(), remedy=take(),
                        refused=take() if cause.refused else "")
                for cause in found.causes
            ),
            carriers=tuple(replace(item, item=take()) for item in found.carriers),
        )  # fmt: skip

    pairs = pair(reconciled.judge_against_conversion()), pair(reconciled.judge_against_conversion())
    return Explanation(
        (pairs[0], replace(pairs[1], refused=take())),
        replace(reconciled.stability(), fixed=(take(), f"{take()}.max_age"), correlated=((take(), take(), 0.5),)),
        tuple(replace(flip, fact=take(), at=take(), words=take() if flip.words else "") for flip in reconciled.FLIPS),
        tuple(replace(one, signal=take(), what=take(), currency=take(), why=take()) for one in reconciled.COLLECTIONS),
        take(),
        (take(), take()),
    )


def crowded(texts: Sequence[str]) -> Memo:
    """The memo of ``dealt``."""
    return dealt(texts).memo


def tame(size: int) -> list[str]:
    """As many texts that want nothing, none of which holds another."""
    return [f"word{place:04}" for place in range(size)]


def decks(texts: Sequence[str] = THOUSAND, each: int = EACH) -> list[list[str]]:
    """The texts in the decks that one document each is made of, all of the same size: the last begins anew."""
    left = iter(texts)
    found = [list(islice(left, each)) for _ in range(-(-len(texts) // each))]
    return [*found[:-1], [*found[-1], *texts][:each]]
