"""A verdict as a comment on a pull request: GitHub's Markdown, the call first, the evidence folded away.

Text from outside can mention nobody, close or link no issue, start no tag, heading, list or table cell. A backslash
does not stop GitHub from reading ``@name`` or ``#12``: it looks for them after the Markdown. It leaves code alone, so
that is how such words are shown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import quote

from signals.memo import Memo
from signals.memo.phrases import STATUS_WORDS, SYNTHETIC, TEXT_PLOT_LEGEND
from signals.memo.picture import forest_text
from signals.memo.render import code_block, code_span, escape_markdown
from signals.memo.rows import DecisionLine
from signals.model import Verdict
from signals.sharing import told
from signals.sharing.fit import name, sentences, short, size, within
from signals.words import CALL_WORDS, clean, count

LIMIT = 65_536
"""Characters that GitHub takes in one comment."""

FIRST = "<!-- signals-verdict release={} -->"
"""The first line: not shown, the same for each comment about a release, so that a workflow finds the one to renew."""

LEFT = "… {} more lines do not fit into a comment; the memo has them."

# What GitHub makes links, people, issues, commits or pictures of, wherever it stands in a word.
_ACTIVE = re.compile(
    r"@|#\d|\bGH-\d|://|\bwww\.|\b(?:mailto|xmpp):|:[a-z_+-][\w+-]*(?::|$)|\b(?=\d*[a-f])[0-9a-f]{7,40}\b",
    re.IGNORECASE,
)


def comment(verdict: Verdict, memo: Memo) -> str:
    """The comment, at most ``LIMIT`` characters, its marker on the first line. Same memo, same bytes."""
    first = FIRST.format(_marked(verdict.release.id))
    folded = _details(memo)
    head = [first, *_call(memo), *_signals(memo), *_listed(memo)]
    top = within(head, LIMIT * 3 // 4, LEFT)
    room = LIMIT - sum(size(line) + 1 for line in [*top, *_FOLD, _END])
    return "\n".join([*top, *_FOLD, *within(folded, room, LEFT), _END]) + "\n"


_FOLD = ("", "<details><summary>Why they disagree, checks, evidence and hashes</summary>", "")
_END = "\n</details>"


def _marked(release: str) -> str:
    """A release's id for the marker: nothing in it can end the line that is not shown."""
    text = clean(release)
    return quote(text, safe="") if len(text) <= 200 else hashlib.sha256(text.encode()).hexdigest()


def shown(text: object) -> str:
    """Text that GitHub shows as it is: what would become a link, a mention or a reference is shown as code."""
    parts: list[str] = []
    plain: list[str] = []
    for word in [*clean(text).split(" "), None]:
        if word is not None and not _ACTIVE.search(word):
            plain.append(word)
            continue
        if plain:
            parts.append(escape_markdown(" ".join(plain)))
            plain = []
        if word is not None:
            inner = word.rstrip(".,;!?")  # what ends a sentence is no part of the code
            parts.append(code_span(inner) + escape_markdown(word[len(inner) :]))
    return " ".join(parts)


def _code(text: object) -> str:
    return code_span(name(text))


def _text(text: object) -> str:
    return shown(short(text))


def _call(memo: Memo) -> list[str]:
    lines = [
        f"## {told.title(memo)}: {_code(memo.release)}",
        "",
        f"**{_text(memo.sentence)}**",
        "",
        " ".join(part for part in (_text(memo.decided_by), _text(told.steadiness(memo))) if part),
        "",
        f"Candidate {_code(memo.candidate)} against control {_code(memo.control)}"
        + (f", owner {_text(name(memo.owner))}" if memo.owner else "")
        + f". Evidence as of {memo.as_of}.",
    ]
    if memo.synthetic:
        lines += ["", f"> {SYNTHETIC}"]
    for line in memo.unheard:
        lines += ["", f"**Not heard:** {_text(line)}"]
    for one in memo.decisions:
        lines += ["", _decision(one)]
    return [*lines, ""]


def _decision(one: DecisionLine) -> str:
    call, rest = told.decided(one)
    return f"**{call}** {_text(rest)}"


def _signals(memo: Memo) -> list[str]:
    rows = ["| Role | Signal | State | Effect | Interval | Margin |", "|:--|:--|:--|--:|:--|--:|"]
    for line in told.signal_lines(memo):
        one = line.reading
        cells = (line.role or "Not ranked", _code(one.signal), f"**{one.state}**", _text(one.effect),
                 _text(one.interval), _text(one.margin))  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return [*rows, ""]


def _listed(memo: Memo) -> list[str]:
    overruled = [
        f"{_code(line.signal)}, {line.state}{f', said **{CALL_WORDS[line.says]}**' if line.says else ''}: "
        f"{_text(line.why)}"
        for line in memo.overruled
    ]
    flips = [
        f"{_text(line.words)}: **{CALL_WORDS[line.to]}**{f' ({line.inside})' if line.inside else ''}"
        for line in told.near_flips(memo)
    ]
    needs = [
        f"**{_text(f'{line.signal}: {line.what}' if line.signal else line.what)}**"
        + (f", by {line.by}" if line.by else "")
        + (f", owner {_text(name(line.owner))}" if line.owner else "")
        + f". {_text(sentences(line.why))}"
        for line in memo.needs
    ]
    failing = [line for line in told.troubled(memo) if line.status in ("fail", "unknown") and line.required]
    checks = [
        f"{line.mark} {_text(f'{line.signal}: {line.title} {STATUS_WORDS[line.status]}')}: {_text(line.told)}"
        for line in failing
    ]
    nobody = [] if overruled else ["Nobody was overruled.", ""]
    return [
        *_list("Checks that did not pass", checks, told.CHECKS),
        *_list("Overruled", overruled, len(overruled)),
        *nobody,
        *_list("What would flip it, everything else staying as it is", flips, told.FLIPS),
        *([told.only_far(memo), ""] if told.only_far(memo) else []),
        *_list("The way out", needs, len(needs)),
    ]


def _list(heading: str, rows: Iterable[str], most: int) -> list[str]:
    found = list(rows)
    if not found:
        return []
    more = [f"- and {count(len(found) - most)} more"] if len(found) > most else []
    return [f"**{heading}**", "", *(f"- {row}" for row in found[:most]), *more, ""]


def _details(memo: Memo) -> list[str]:
    spoke = [
        f"{line.sort} {_code(line.id)} {_text(told.outcome(line))}. {_text(sentences(line.why, line.because))}".rstrip()
        for line in memo.rules
        if line.spoke
    ]
    checks = [
        f"{line.mark} {_text(f'{line.signal}: {line.title} {STATUS_WORDS[line.status]}')}: {_text(line.told)}"
        f"{f' *{line.remedy}*' if line.remedy else ''}"
        for line in told.troubled(memo)
    ]
    sources = [
        f"{_code(line.signal)} from {_code(line.name)}, pulled {line.pulled}, {line.rows} rows kept, content "
        f"{_code(line.content)}"
        for line in memo.sources
    ]
    steps = [
        f"**{line.tag}**: {_code(line.signal)} is {line.state}"
        f"{f', says **{CALL_WORDS[line.says]}**' if line.says else ''}. {_text(sentences(line.why))}"
        for line in memo.heard
    ]
    hashes = [
        f"policy {_code(memo.policy_name)}, file {_code(memo.policy_file)}, {_code(memo.policy_hash)}",
        f"evidence {_code(memo.evidence_hash)}",
        f"as of {_code(memo.as_of_exact)}",
    ]
    return [
        *(line for story in told.stories(memo) for line in (_text(story), "")),
        *_list("Who was heard", steps, len(steps)),
        *_list("Rules that spoke", spoke, len(spoke)),
        *_list("All checks that did not pass", checks, len(checks)),
        *_list("Evidence", sources, len(sources)),
        *_list("Hashes", hashes, len(hashes)),
        code_block(forest_text(memo.plot), "text"),  # as one: what is cut off must not leave it open
        "",
        TEXT_PLOT_LEGEND,
    ]
