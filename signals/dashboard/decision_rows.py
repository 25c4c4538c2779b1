"""The log of decisions as HTML. Every text goes through ``escape``; nothing here decides or computes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard import links
from signals.standing import OverrideRecord, Standing
from signals.words import CALL_WORDS, clean, moment, plural


def counts(matching: Sequence[Standing], everything: int, shown: Sequence[Standing]) -> str:
    """What the list holds, in one line; only what is ``shown`` was held against the verdicts of today."""
    many = len(matching)
    told = [plural(many, "decisions") if many == everything else f"{many} of {everything} decisions"]
    stale = "stale" if len(shown) == many else f"stale among the {len(shown)} shown"
    for many, what in (
        (sum(one.decision.override for one in matching), "overrides"),
        (sum(one.status == "expired" for one in matching), "expired"),
        (sum(one.stale is not None for one in shown), stale),
    ):
        if many:
            told.append(plural(many, what) if what == "overrides" else f"{many} {what}")
    return f'<div class="meta" role="status">{escape(" · ".join(told))}</div>'


def row(one: Standing) -> str:
    """One decision: what, on which release, who and why, how it stands, how it turned out, what has changed since."""
    made = one.decision
    tags = "".join(_tag(text, tone, filled) for text, tone, filled in _tags(one))
    link = escape(links.release_on("./", made.release), quote=True)
    head = (
        f'<p class="what"><span class="small">#{made.number}</span> <b class="word {made.call}">'
        f'{CALL_WORDS[made.call]}</b> <a href="{link}"><b>{escape(clean(made.release))}</b></a> {tags}</p>'
    )
    parts = [
        head,
        f'<p class="small">{escape(moment(made.at))} · {escape(clean(made.by))} · {escape(clean(one.words))}</p>',
        f'<p class="why">“{escape(clean(made.because))}”</p>',
    ]
    if one.outcome is not None:
        told = one.outcome
        more = f", told {len(one.outcomes)} times, this last" if one.outcomes[1:] else ""
        parts.append(
            f'<p class="turned"><b>Turned out {told.outcome}</b> <span class="small">says {escape(clean(told.by))}, '
            f"{escape(moment(told.at))}{more}</span><br>“{escape(clean(told.because))}”</p>"
        )
    if one.stale is not None:
        parts.append(f'<p class="changed"><b>Since then:</b> {escape(clean(" ".join(one.stale.words)))}</p>')
    elif not one.looked and one.superseded_by is None:
        parts.append('<p class="small">Not compared with today: no verdict can be made of this release now.</p>')
    return f'<article class="decided {made.call}" aria-label="Decision {made.number}">{"".join(parts)}</article>'


def _tags(one: Standing) -> list[tuple[str, str, bool]]:
    found = []
    if one.decision.override:
        found.append((f"Override of {CALL_WORDS[one.decision.recommended]}", "hold", True))
    if one.status == "expired":
        found.append(("Expired", "rollback", True))
    if one.stale is not None:
        found.append(("Stale", "hold", False))
    if one.outcome is not None:
        found.append(
            (f"Turned out {one.outcome.outcome}", "ship" if one.outcome.outcome == "good" else "rollback", False)
        )
    if one.status == "superseded":
        found.append(("Superseded", "none", False))
    return found


def _tag(text: str, tone: str, filled: bool) -> str:
    return f'<span class="tag {tone}{" filled" if filled else ""}">{escape(text)}</span> '


def full(one: Standing) -> str:
    """The three records of a decision with their entries in the audit chain."""
    made, beside = one.decision, one.override
    rows = [
        ("Recommendation", CALL_WORDS[made.recommended], made.verdict_hash),
        ("Policy", "", made.policy_hash),
        ("Decision", f"{CALL_WORDS[made.call]}, {moment(made.at)}, {clean(made.by)}", made.entry),
    ]
    if beside is not None:
        rows.append(("Override", f"with {clean(beside.second)}, {one.until}", beside.entry))
    rows += [(f"Outcome: {told.outcome}", f"{moment(told.at)}, {clean(told.by)}", told.entry) for told in one.outcomes]
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(what)}<code>{escape(clean(hash_))}</code></td></tr>'
        for name, what, hash_ in rows
    )
    return f'<table class="entries" aria-label="Records">{lines}</table>'


def overrides(found: OverrideRecord) -> str:
    """How overrides turned out, as one line above the track record."""
    return f'<div class="meta record"><span><b>Overrides.</b> {escape(found.words)}</span></div>'
