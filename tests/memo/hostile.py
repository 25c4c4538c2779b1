"""Texts that want to be more than text, and a memo in which every word from outside is one of them."""

from __future__ import annotations

from dataclasses import replace

import reconciled
from memo.verdicts import conversion, decision, hold, verdict

from signals.memo import Memo, memo_of
from signals.model import Check, Explanation, RuleOutcome, SetAside, SourceNote, TraceRow

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[click](javascript:alert(1))",
    "![x](https://example.org/track.png)",
    "https://example.org/track www.example.org a@example.org",
    "<https://example.org>",
    "a | b || c",
    "line\n\n# Heading\n\n- item\n> quote\n```\nfence",
    "```html\n<b>x</b>\n```",
    "`code` ``more`` ``` end",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; &#x3c;b&#x3e;",
    "\x00\x1b[31m\u202egnp.exe\u2028\ufeff",
    "</title></style></pre></main>",
    "--- === *** ___ ~~~ 1. + x",
    "\ud800 lone surrogate",
]


def poisoned(evil: str) -> Memo:
    """A verdict in which every text that can come from outside is the hostile one."""
    bad = replace(
        conversion("loss", -0.004),
        question=evil, why=evil, method=evil, unit=evil, counted=evil, owner=evil, warnings=(evil,),
        voting=evil, signal=evil,
        checks={evil: Check(evil, "fail", 0.1, 0.2, evil)},
        set_aside=(SetAside(3, evil, evil),),
        sources=(SourceNote(evil, evil, verdict().as_of, evil),),
        segments=tuple(replace(one, name=evil, refused=evil) for one in conversion().segments),
    )  # fmt: skip
    rule = RuleOutcome(evil, evil, evil, None, "hold", evil, evil, (evil,))
    one = verdict(
        release=replace(verdict().release, id=evil, control=evil, candidate=evil, owner=evil),
        decided_by=evil, rule=evil, because=evil, sentence=evil, readings={evil: bad}, overruled=(evil,),
        trace=(TraceRow(evil, evil, "loss", "rollback", "overruled", evil, evil),),
        guardrails=(rule,), ship_requires=(rule,), overrides=(rule,),
        needs=(replace(hold().needs[0], signal=evil, what=evil, why=evil, owner=evil),),
        policy_name=evil, policy_hash=evil, evidence_hash=evil,
    )  # fmt: skip
    said = replace(decision(), release=evil, by=evil, second=evil, because=evil, entry=evil)
    return memo_of(one, evil, (said,), evil, explained(evil))


def explained(evil: str) -> Explanation:
    """An explanation in which every name and clause is the hostile one."""
    found = reconciled.judge_against_conversion()
    bad = replace(
        found, signal=evil, against=evil, unit=evil, refused="", story=evil, said=(evil, evil),
        causes=tuple(
            replace(cause, signal=evil, unit=evil, evidence=evil, refused=evil if cause.refused else "", remedy=evil)
            for cause in found.causes
        ),
        carriers=tuple(replace(item, item=evil) for item in found.carriers),
    )  # fmt: skip
    return Explanation(
        (bad, replace(bad, refused=evil)),
        replace(reconciled.stability(), fixed=(evil, f"{evil}.max_age"), correlated=((evil, evil, 0.5),)),
        tuple(replace(flip, fact=evil, at=evil, words=evil if flip.words else "") for flip in reconciled.FLIPS),
        tuple(replace(one, signal=evil, what=evil, currency=evil, why=evil) for one in reconciled.COLLECTIONS),
        evil,
        (evil,),
    )
