"""A verdict as a Slack message: Block Kit, with a plain text for notifications and screen readers.

Text from outside reaches nobody: ``&``, ``<`` and ``>`` are written as entities, so no ``<!channel>``, ``<@U1>`` or
link can begin; every text is ``verbatim``, so bare addresses and names stay text; and words that hold a sign of
formatting are shown as code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from signals.memo import Memo
from signals.memo.phrases import STATUS_WORDS, SYNTHETIC, short_hash
from signals.model import Verdict
from signals.sharing import told
from signals.sharing.fit import name, sentences, short, size, within
from signals.words import CALL_WORDS, clean, count

MOST_BLOCKS = 50
MOST_TEXT = 3_000
MOST_HEADER = 150
MOST_ALL = 12_000
"""Characters of all blocks. Slack does not document it; larger messages are refused as ``msg_blocks_too_long``
(slackapi/bolt-js issue 2509 measured some 13,200)."""

LEFT = "… {} more lines do not fit into a message."

_FORMAT = re.compile(r"[*_~`@]|://|\bwww\.|:[\w+-]+:", re.IGNORECASE)


def message(verdict: Verdict, memo: Memo, before: str = "") -> str:
    """The message as JSON, for an incoming webhook or ``chat.postMessage``. Same memo, same bytes.

    Args:
        verdict: The verdict.
        memo: The same in words.
        before: What is said of the last verdict that was told; empty where none was.
    """
    title = f"{told.title(memo)}: {clean(verdict.release.id)}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": short(title, MOST_HEADER), "emoji": False}}
    ]
    room = MOST_ALL - MOST_HEADER
    context = _context(memo)
    room -= size(context)
    for text in _sections(memo, before):
        fitted = "\n".join(within(text.split("\n"), min(MOST_TEXT, room), LEFT)) if room > 200 else ""
        if fitted and len(blocks) < MOST_BLOCKS - 1:
            blocks.append({"type": "section", "text": _mrkdwn(fitted)})
            room -= size(fitted)
    blocks.append({"type": "context", "elements": [_mrkdwn(context)]})
    plain = " ".join(part for part in (f"{short(title, MOST_HEADER)}.", short(memo.sentence), before) if part)
    return json.dumps({"text": escaped(plain), "blocks": blocks}, ensure_ascii=False, indent=1) + "\n"


def escaped(text: object) -> str:
    """Text in which Slack sees no markup of its own: no mention, channel, link or date."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shown(text: object) -> str:
    """Text from outside as a section shows it: words that hold a sign of formatting become code."""
    words = escaped(text).split(" ")
    return " ".join("`" + word.replace("`", "'") + "`" if _FORMAT.search(word) else word for word in words)


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _name(text: object) -> str:
    """A name from outside, as code: what it holds is shown as it is."""
    return "`" + escaped(name(text)).replace("`", "'") + "`"


def _text(text: object) -> str:
    return shown(short(text))


def _sections(memo: Memo, before: str) -> Iterable[str]:
    yield "\n".join(
        line
        for line in (
            _text(memo.sentence),
            _text(memo.decided_by),
            _text(told.steadiness(memo)),
            _text(before),
            SYNTHETIC if memo.synthetic else "",
            *(f"*Not heard:* {_text(line)}" for line in memo.unheard),
            *(_decision(memo)),
        )
        if line
    )
    yield _list("Signals", (_signal(line) for line in told.signal_lines(memo)), 20)
    failing = [line for line in told.troubled(memo) if line.status in ("fail", "unknown") and line.required]
    checks = (
        f"{line.mark} {_text(f'{line.signal}: {line.title} {STATUS_WORDS[line.status]}: {line.told}')}"
        for line in failing
    )
    yield _list("Checks that did not pass", checks, told.CHECKS)
    yield _list(
        "Overruled",
        (
            f"{_name(line.signal)}, {line.state}{f', said {CALL_WORDS[line.says]}' if line.says else ''}: "
            f"{_text(line.why)}"
            for line in memo.overruled
        ),
        10,
    )
    flips = (
        f"{_text(line.words)}: *{CALL_WORDS[line.to]}*{f' ({line.inside})' if line.inside else ''}"
        for line in told.near_flips(memo)
    )
    yield _list("What would flip it, everything else staying as it is", flips, told.FLIPS)
    yield told.only_far(memo)
    yield _list(
        "The way out",
        (
            f"{_name(line.signal) + ': ' if line.signal else ''}{_text(line.what)}"
            f"{f', by {line.by}' if line.by else ''}{f', owner {_text(name(line.owner))}' if line.owner else ''}. "
            f"{_text(sentences(line.why))}"
            for line in memo.needs
        ),
        10,
    )


def _decision(memo: Memo) -> Iterable[str]:
    for one in memo.decisions[:1]:  # the newest; the memo has all
        call, rest = told.decided(one)
        yield f"*{call}* {_text(rest)}"


def _signal(line: told.SignalLine) -> str:
    one = line.reading
    role = f"*{line.role}* " if line.role else ""
    number = f"{_text(one.effect)} ({_text(one.interval)}), margin {_text(one.margin)}"
    return f"{role}{_name(one.signal)}: {one.state}, {number}"


def _list(heading: str, rows: Iterable[str], most: int) -> str:
    found = list(rows)
    if not found:
        return ""
    more = [f"• and {count(len(found) - most)} more"] if len(found) > most else []
    return "\n".join([f"*{heading}*", *(f"• {row}" for row in found[:most]), *more])


def _context(memo: Memo) -> str:
    policy, evidence = _name(short_hash(memo.policy_hash)), _name(short_hash(memo.evidence_hash))
    return (
        f"{_name(memo.candidate)} against {_name(memo.control)}, evidence as of {memo.as_of}, policy "
        f"{_name(memo.policy_name)} {policy}, evidence {evidence}"
    )
