"""A thousand hostile texts through what is printed, exported and sent: the terminal, JSON, CSV, comments, messages."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from memo.hostile import THOUSAND
from memo.many_hostile import Case, dealt, decks
from memo.verdicts import decision

from signals.dashboard.marks import plain, with_code
from signals.decisions import COLUMNS, log_csv, log_json
from signals.memo import Memo
from signals.policy import verdict_json
from signals.sharing import comment, message, notify, report
from signals.sharing.fit import size
from signals.sharing.github import LIMIT
from signals.sharing.github import shown as on_github
from signals.sharing.slack import MOST_ALL, MOST_BLOCKS, MOST_HEADER, MOST_TEXT
from signals.sharing.slack import shown as on_slack
from signals.standing import Standing, standings
from signals.terminal import one_line, table, verdict_text, wrap
from signals.terminal_decisions import decided_text, expired_text, log_text
from signals.words import clean

FEW = 30
"""Texts in one verdict: so few that comment and message, which are cut where they get long, tell all of them."""

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@lru_cache(maxsize=1)
def cases() -> list[tuple[list[str], Case, Memo]]:
    found = [(deck, dealt(deck)) for deck in decks(each=FEW)]
    return [(deck, case, case.memo) for deck, case in found]


def hidden(text: str) -> set[str]:
    """Characters that move the cursor, colour what follows, turn it around or are not seen."""
    joiners = "\u200c\u200d"  # letters of some scripts need them
    return {sign for sign in set(text) - set(f"\n{joiners}") if unicodedata.category(sign) in HIDDEN}


# --- the terminal ---------------------------------------------------------------------------------------------------


def recorded(case: Case) -> tuple[Standing, ...]:
    return standings(case.decisions, case.overrides, case.outcomes, datetime(2027, 1, 1, tzinfo=UTC))


def test_no_control_character_reaches_the_terminal() -> None:
    for _, case, _ in cases():
        found = recorded(case)
        texts = (
            verdict_text(case.verdict, case.explanation), one_line(case.verdict, case.explanation),
            decided_text(found), log_text(found, filtered=False), expired_text(found),
        )  # fmt: skip
        for text in texts:
            assert not hidden(text)
        assert max(map(len, texts[3].splitlines())) < 700  # a name of 100 kB is no line of 100 kB


@pytest.mark.parametrize("text", THOUSAND[:40:3])
def test_a_cell_and_a_paragraph_of_the_terminal_are_clean(text: str) -> None:
    assert not hidden(table(("a", "b"), [(text, "x")]))
    assert not hidden(wrap(text))


def test_a_tower_of_marks_is_cut_and_backticks_around_nothing_stay() -> None:
    cut = "a" + "\u0301" * 6 + "\ufffd" * 44
    assert clean("a" + "\u0301" * 50) == clean(cut) == cut
    assert with_code("`` and `x`") == "`` and <code>x</code>"
    assert plain("www.a :red[x] a@b").count("\u2060") == 3


# --- JSON and CSV ---------------------------------------------------------------------------------------------------


def test_json_holds_every_text_as_it_came() -> None:
    for _, case, _ in cases():
        found = json.loads(json.dumps(verdict_json(case.verdict, case.explanation), allow_nan=False))
        assert found["release"] == case.verdict.release.id
        assert [row["why"] for row in found["trace"]] == [row.why for row in case.verdict.trace]


def every_decision() -> tuple[Standing, ...]:
    """One decision per text, as its release, its people and its reason."""
    made = tuple(
        replace(decision("ship"), release=text, by=text, second=text, because=text, number=place, entry=f"e{place}")
        for place, text in enumerate(THOUSAND)
    )
    return standings(made, (), (), datetime(2027, 1, 1, tzinfo=UTC))


def test_no_cell_of_the_log_is_a_formula_or_a_line_more() -> None:
    text = log_csv(every_decision())
    assert not hidden(text.replace("\r\n", ""))
    rows = list(csv.reader(io.StringIO(text), strict=True))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == len(THOUSAND) + 1
    for row in rows[1:]:
        assert len(row) == len(COLUMNS)
        for cell in row:
            for part in re.split(r"[;\t|]", cell):  # some spreadsheets split cells at these
                assert not re.match(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]", part), cell
    # Without the apostrophes it is what was typed, on one line.
    bare = {row[COLUMNS.index("because")].replace("'", "") for row in rows[1:]}
    assert bare == {clean(text).replace("'", "") for text in THOUSAND}


def test_the_log_as_json_is_what_was_typed() -> None:
    found = json.loads(json.dumps(log_json(every_decision()), allow_nan=False))
    assert [one["because"] for one in found] == list(THOUSAND)


# --- what is sent ---------------------------------------------------------------------------------------------------


def test_a_comment_is_text() -> None:
    for _, case, memo in cases():
        text = comment(case.verdict, memo)
        assert size(text) <= LIMIT
        assert not hidden(text)
        assert text.splitlines()[0].count("-->") == 1
        tokens = READER.parse(text)
        inline = [child for token in tokens for child in token.children or ()]
        assert {one.type for one in inline} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
        blocks = [token.content.strip()[:8] for token in tokens if token.type == "html_block"]
        assert blocks == ["<!-- sig", "<details", "</detail"]
        assert [token.tag for token in tokens if token.type == "heading_open"] == ["h2"]
        kinds = [token.type for token in tokens]
        rows, cells = kinds.count("tr_open"), kinds.count("td_open") + kinds.count("th_open")
        assert cells == 6 * rows == 6 * (1 + len(case.verdict.readings))
        nobody("\n".join(one.content for one in inline if one.type == "text"))


def nobody(left: str) -> None:
    """GitHub looks for people, issues, commits and addresses in what is left as text once the Markdown is read."""
    assert not re.search(
        r"@\w|#\d|\bGH-\d|://|\bwww\.|:[a-z_]\w*:|\b(?=\d*[a-f])[0-9a-f]{7,40}\b", left, re.IGNORECASE
    ), left


def test_every_text_is_shown_to_github_and_slack_as_text() -> None:
    for text in THOUSAND:
        tokens = READER.parseInline(on_github(text))
        inline = [child for token in tokens for child in token.children or ()]
        assert {one.type for one in inline} <= {"text", "code_inline", "text_special", "softbreak"}, text
        nobody("\n".join(one.content for one in inline if one.type == "text"))
        slack = on_slack(text)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", slack)
        assert not re.search(r"[*_~@`]|://|\bwww\.", re.sub(r"`[^`]*`", "", slack))


def test_a_message_reaches_nobody() -> None:
    for _, case, memo in cases():
        talk(message(case.verdict, memo))


def talk(text: str) -> None:
    found = json.loads(text)
    assert not hidden(text)
    assert len(found["blocks"]) <= MOST_BLOCKS
    texts = []
    for block in found["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < size(block["text"]["text"]) <= MOST_HEADER
            continue
        parts = block["elements"] if block["type"] == "context" else [block["text"]]
        assert all(part["type"] == "mrkdwn" and part["verbatim"] for part in parts)
        texts += [part["text"] for part in parts]
    assert sum(map(size, texts)) <= MOST_ALL
    for one in (found["text"], *texts):
        assert 0 < size(one) <= MOST_TEXT
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", one)
    for line in "\n".join(texts).splitlines():
        assert line.count("`") % 2 == 0
        bare = re.sub(r"`[^`]*`", "", line)
        assert not re.search(r"@|://|\bwww\.|[_~]", bare)
        assert bare.count("*") % 2 == 0


def test_a_report_is_xml_of_the_same_cases() -> None:
    shapes = set()
    for _, case, memo in cases():
        text = report(case.verdict, memo)
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]", text)
        root = ET.fromstring(text)
        shapes.add(tuple(element.tag for element in root.iter()))
    assert len(shapes) == 1


def test_a_webhook_carries_texts_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for deck, case, memo in cases():
        found: Any = SimpleNamespace(verdict=case.verdict, memo=lambda memo=memo, **_: memo)
        monkeypatch.setattr(notify, "failed_sources", lambda _, deck=deck: tuple(deck))
        plain: Any = SimpleNamespace(format="json")
        body = notify.body_of(found, plain, None)
        assert body.isascii()
        assert json.loads(body)["data"]["failed_sources"] == deck
        assert json.loads(body)["data"]["owner"] == case.verdict.release.owner
        slack: Any = SimpleNamespace(format="slack")
        talk(notify.body_of(found, slack, None))
