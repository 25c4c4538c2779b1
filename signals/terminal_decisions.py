"""What the command line prints of decisions: the log, one of them in full, and those that have run out."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent

from signals.standing import Standing
from signals.terminal import wrap
from signals.words import CALL_WORDS, clean, moment, plural


def entry(one: Standing, *, release: bool = True) -> str:
    """One decision: number, what and when on the first line, then why, its outcome, and what has changed since."""
    made = one.decision
    mark = "  OVERRIDE" if made.override else ""
    mark += "  EXPIRED" if one.status == "expired" else ""
    about = f"  {clean(made.release)}" if release else ""
    number = f"#{made.number}"
    lines = [
        f"{number:<5}{CALL_WORDS[made.call]:<9}{about}{mark}",
        wrap(f"{moment(made.at)}, {clean(made.by)}: {clean(one.words)}", "     "),
        wrap(f"“{clean(made.because)}”", "     "),
    ]
    for told in one.outcomes:
        said = f"Turned out {told.outcome}, says {clean(told.by)}, {moment(told.at)}: “{clean(told.because)}”"
        lines.append(wrap(said, "     "))
    if one.stale is not None:
        lines.append(wrap(f"STALE: {clean(' '.join(one.stale.words))}", "     "))
    elif not one.looked and one.superseded_by is None and release:
        lines.append("     Not compared with today: no verdict can be made of this release now.")
    return "\n".join(lines)


def decided_text(found: Sequence[Standing]) -> str:
    """What stands under a verdict of what people decided about the release: the decision that counts."""
    if not found:
        return ""
    earlier = f" ({plural(len(found) - 1, 'earlier decisions')})" if found[1:] else ""
    return f"\n\nDecided{earlier}:\n{indent(entry(found[0], release=False), '  ')}"


def log_text(found: Sequence[Standing], *, filtered: bool) -> str:
    """The log, the newest first, with a line that counts."""
    if not found:
        if filtered:
            return "No decision matches."
        return 'No decision is recorded yet: `signals decide RELEASE ship --by WHO --because "…"` records one.'
    counts = [plural(len(found), "decisions")]
    for many, what in (
        (sum(one.decision.override for one in found), "overrides"),
        (sum(one.status == "expired" for one in found), "expired"),
        (sum(one.stale is not None for one in found), "stale"),
    ):
        if many:
            counts.append(plural(many, what) if what == "overrides" else f"{many} {what}")
    return "\n\n".join([", ".join(counts) + ".", *(entry(one) for one in found)])


def expired_text(found: Sequence[Standing]) -> str:
    """A line per override that has run out, with what to do; empty when there is none."""
    late = [one for one in found if one.status == "expired"]
    if not late:
        return ""
    lines = [
        wrap(
            f"#{one.decision.number} {clean(one.decision.release)}: {CALL_WORDS[one.decision.call]} by "
            f"{clean(one.decision.by)}, {clean(one.words)}",
            "  ",
        )
        for one in late
    ]
    remedy = "Decide anew (`signals decide`), or say how it turned out (`signals outcome NUMBER good|bad`)."
    return "\n".join([f"{plural(len(late), 'overrides')} expired:", *lines, wrap(remedy, "  ")])
