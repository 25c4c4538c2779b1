"""Past releases decided again by another policy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signals.cli.base import json_option, json_text, project_of, project_option
from signals.cli.policy import policy
from signals.model import Call, Project, Verdict, plain, utc

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.replay import Replayed

SUMMED = (
    ("SHIP", "ships"), ("HOLD", "holds"), ("ROLLBACK", "rollbacks"), ("not replayed", "failed"),
    ("harms missed", "missed_harms"), ("harms caught", "caught_harms"), ("wins blocked", "blocked_wins"),
    ("wins shipped", "shipped_wins"), ("outcome unknown", "unknown"), ("other than then", "flips"),
    ("days to verdict", "median_days"), ("never decided", "never"),
)  # fmt: skip


@policy.command("replay")
@click.argument("ref", required=False, metavar="[FILE|VERSION]")
@click.option("--days", is_flag=True, help="Also ask at the end of every day: how long until a verdict.")
@project_option
@json_option
def policy_replay(ref: str | None, days: bool, folder: Path | None, as_json: bool) -> None:
    """Run a policy over every past release, as of when it was decided.

    FILE or VERSION is compared with hierarchy.yaml; without one, hierarchy.yaml with the newest saved version.
    """
    from signals.replay import replay

    project = project_of(folder)
    policies = _policies(project, ref)
    rows = replay(project, list(policies.values()), days=days, progress=_progress if sys.stderr.isatty() else None)
    if as_json:
        click.echo(json_text(_plain(policies, rows)))
    elif not rows:
        click.echo("No release is declared yet: add one under `releases:` in data/sources.yaml.")
    else:
        click.echo(_text(list(policies), rows, days=days))


def _policies(project: Project, ref: str | None) -> dict[str, Policy]:
    """By the name of its column: the policy that is asked about first, then what it is compared with, if anything."""
    from signals.review import parsed, policy_of
    from signals.versions import history, resolve

    current = policy_of(project)
    if ref is not None:
        asked = resolve(project, ref)
        return {"this policy": asked} | ({"current policy": current} if asked.hash != current.hash else {})
    newest = next(iter(history(project)), None)
    if newest is None or newest.hash == current.hash:
        return {"current policy": current}
    return {"hierarchy.yaml": current, f"v{newest.number}": parsed(newest.text, f"v{newest.number}")}


def _progress(done: int, of: int) -> None:
    end = "\r\033[K" if done == of else ""
    click.echo(f"\r\033[Kreplayed {done} of {of} releases{end}", err=True, nl=False)


def _text(names: Sequence[str], rows: Sequence[Replayed], *, days: bool) -> str:
    from signals.replay import sentence, summary
    from signals.terminal import table, wrap

    against = 1 if len(names) > 1 else None
    order = list(range(len(names)))[::-1]
    head = ["release", "as of", "people", "policy of then", *(names[which] for which in order), "outcome", ""]
    cells = []
    for row in rows:
        when = "now" if row.open else f"{row.as_of:%Y-%m-%d}"
        calls = [_word(row.call(which)) for which in order]
        then = _word(row.call_then) + (" *" if row.changed else "")
        cells.append((row.release.id, when, _word(row.decided), then, *calls, row.outcome, _note(row, against)))
    parts = [table(head, cells)]
    if any(row.changed for row in rows):
        parts.append("* the evidence of then is not any more what people saw")
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for error in dict.fromkeys(map(str, _errors(row))):
            reasons.setdefault(error, []).append(row.release.id)
    parts += [wrap(f"{', '.join(ids)}: {error}") for error, ids in reasons.items()]
    sums = [summary(rows, which) for which in order]
    timed = SUMMED if days else SUMMED[:-2]
    counted = [(title, *(_count(getattr(one, field)) for one in sums)) for title, field in timed]
    parts += ["", table(("", *(names[which] for which in order)), counted, right=range(1, len(names) + 1))]
    parts += ["", wrap(sentence(rows, 0, against, _called(names)))]
    return "\n".join(parts)


def _called(names: Sequence[str]) -> str:
    """How a sentence calls the policy that is compared with."""
    return "" if len(names) < 2 else f"the {names[1]}" if " " in names[1] else names[1]


def _errors(row: Replayed) -> list[Exception]:
    return [found for found in (*row.verdicts, row.then) if isinstance(found, Exception)]


def _note(row: Replayed, against: int | None) -> str:
    """The flip in words, against the other policy or, without one, the policy of then."""
    other = row.call_then if against is None else row.call(against)
    call = row.call(0)
    if call is None:
        return "not replayed"
    return f"flips {_word(other)} to {_word(call)}" if other not in (None, call) else ""


def _word(call: Call | None) -> str:
    from signals.words import CALL_WORDS

    return CALL_WORDS[call] if call else "–"


def _count(value: int | None) -> str:
    return "–" if value is None else str(value)


def _plain(policies: dict[str, Policy], rows: Sequence[Replayed]) -> dict[str, Any]:
    from signals.replay import sentence, summary

    def said(found: Any, day: int | None = None) -> dict[str, Any] | None:
        if isinstance(found, Verdict):
            return {"call": found.call, "reason": found.reason, "decided_by": found.decided_by,
                    "sentence": found.sentence, "day": day}  # fmt: skip
        return None if found is None else {"error": str(found)}

    releases = [
        {
            "release": row.release.id, "as_of": utc(row.as_of), "open": row.open, "outcome": row.outcome,
            "decided": row.decided, "recommended": row.recommended, "evidence_changed": row.changed,
            "then": said(row.then),
            "policies": [
                said(found, row.days[which] if row.days else None) for which, found in enumerate(row.verdicts)
            ],
        }
        for row in rows
    ]  # fmt: skip
    return {
        "policies": [{"as": name, "name": one.name, "hash": one.hash} for name, one in policies.items()],
        "releases": releases,
        "summaries": [plain(summary(rows, which)) for which in range(len(policies))],
        "sentence": sentence(rows, 0, 1 if len(policies) > 1 else None, _called(list(policies))),
    }
