"""What a comment, a message and a report say, that they keep to their limits, and that nobody can write into them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import reconciled
from memo import hostile
from memo.verdicts import AS_OF, POLICY, decision, hold, ship, untrusted, verdict

from signals.memo import Memo, memo_of
from signals.model import DecisionOutcome, Explanation, Override, RuleOutcome, Verdict
from signals.sharing import comment, message, report
from signals.sharing.fit import short, size, within
from signals.sharing.github import LIMIT, shown
from signals.sharing.slack import MOST_ALL, MOST_BLOCKS, MOST_HEADER, MOST_TEXT

EXPLAINED = Explanation(
    (reconciled.judge_against_conversion(),), reconciled.stability(), reconciled.FLIPS, reconciled.COLLECTIONS, "", ()
)
REACHING = [
    "@org/team look at this", "see #12 and GH-12 and owner/repo#3", "closes #1", "<!channel> <!here|x> <@U123> <#C1>",
    "<https://example.org|click>", "http://example.org www.example.org mailto:a@example.org", "*bold* _it_ ~no~ `code`",
    ":shipit: :+1:", "deadbeef1234567 0123456789abcdef0123456789abcdef01234567", "--> <!-- </details> </summary>",
    "\x0b\x00\ufffe]]> &amp; <a/>", "@" * 50, "`" * 900, "x" * 20_000, "😀" * 4_000, "@a " * 8_000,
    "::set-output name=call::ship", "|" * 300,
]  # fmt: skip
EVIL = [*hostile.HOSTILE, *REACHING]


def told(one: Verdict, **more: Any) -> tuple[Verdict, Memo]:
    return one, memo_of(one, POLICY, **more)


@pytest.fixture(params=range(len(EVIL)), ids=lambda number: repr(EVIL[number][:25]), scope="module")
def poisoned(request: pytest.FixtureRequest) -> tuple[Verdict, Memo]:
    """A verdict in which every text that can come from outside is the hostile one, and its memo."""
    kept: list[Verdict] = []

    def asked(one: Verdict, *given: Any, **more: Any) -> Memo:
        """The policy asks for every check, so that each is told."""
        readings = {
            name: replace(reading, checks={key: replace(check, required=True) for key, check in reading.checks.items()})
            for name, reading in one.readings.items()
        }
        kept.append(replace(one, readings=readings))
        return memo_of(kept[0], *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hostile, "memo_of", asked)
        memo = hostile.poisoned(EVIL[request.param])
    return kept[0], memo


# --- what they say ----------------------------------------------------------------------------------------------------


def test_the_comment_has_the_call_first_and_the_hashes_folded() -> None:
    text = comment(*told(verdict(), explanation=EXPLAINED, decisions=(replace(decision(), call="ship"),)))
    lines = text.splitlines()
    assert lines[0] == "<!-- signals-verdict release=tuesday-large -->"
    assert lines[1] == "## ROLLBACK: `tuesday-large`"
    open_part, folded = text.split("<details>")
    for words in ("Conversion fell 0.42 pp", "95 % CI −0.54 to −0.30 pp", "**Overruled**", "**What would flip it",
                  "**Decided: SHIP (override of ROLLBACK)** by mara", "Synthetic data"):  # fmt: skip
        assert words in open_part, words
    assert verdict().policy_hash in folded
    assert verdict().evidence_hash in folded
    assert verdict().policy_hash not in open_part
    assert text.rstrip().endswith("</details>")


@pytest.mark.parametrize("form", [comment, message, report])
def test_an_untrusted_verdict_never_reads_as_a_call(form: Any) -> None:
    text = form(*told(untrusted()))
    assert "NO VERDICT YET (HOLD)" in text
    assert "sample ratio p 0.0000012 is below 0.001" in text.replace("`", "")


@pytest.mark.parametrize("form", [comment, message, report])
def test_a_hold_names_its_way_out_with_its_date(form: Any) -> None:
    assert re.search(r"The way out.*310,000 more users.*by 21 Dec 2026", form(*told(hold())), re.DOTALL)


@pytest.mark.parametrize("form", [comment, message, report])
@pytest.mark.parametrize("one", [verdict(), hold(), untrusted(), ship()])
def test_the_same_verdict_gives_the_same_bytes(form: Any, one: Verdict) -> None:
    assert form(*told(one)) == form(*told(one))


def test_a_message_says_what_was_said_before() -> None:
    text = message(*told(ship()), "Before: HOLD, the evidence does not settle it yet.")
    found = json.loads(text)
    assert found["text"].startswith("SHIP: all-agree.")
    assert found["text"].endswith("Before: HOLD, the evidence does not settle it yet.")
    assert "Before: HOLD" in found["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("form", [comment, message])
def test_an_override_is_told_with_its_date_its_outcome_and_what_has_changed(form: Callable[..., str]) -> None:
    one = verdict()
    made = replace(decision("ship"), because="see #12", by="@mara", second="jo")
    against = Override(
        made.entry, made.release, "ship", "rollback", made.verdict_hash, made.by, "jo", "see #12", AS_OF,
        until=AS_OF + timedelta(days=3),
    )  # fmt: skip
    bad = DecisionOutcome(made.entry, "bad", "@team", "closes #9", AS_OF)
    memo = memo_of(
        one, POLICY, (made,), overrides=(against,), outcomes=(bad,), stale={made.entry: ("The policy has changed.",)}
    )
    text = form(one, memo)
    for words in ("Decided: SHIP (override of ROLLBACK)", "with jo", "Holds until 20 Nov 2026.", "Turned out bad, said",
                  "Stale: The policy has changed."):  # fmt: skip
        assert words in text, words
    assert "`@mara`" in text
    assert not re.search(r"(?<!`)@(?:mara|team)", text)
    if form is comment:
        assert "`#12`. Holds" in text
        assert not re.search(r"(?<!`)#\d", text)


# --- the report -------------------------------------------------------------------------------------------------------

ATTRIBUTES = {  # what Jenkins' schema junit-10.xsd allows, as far as we use it
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(), "property": {"name", "value"}, "testcase": {"classname", "name", "time"},
    "failure": {"type", "message"}, "skipped": {"message"}, "system-out": set(),
}  # fmt: skip


def parsed(one: Verdict, memo: Memo) -> dict[str, ET.Element]:
    """The cases by name, after the report was held against what readers of it take."""
    root = ET.fromstring(report(one, memo))
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag
    (suite,) = root
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names)  # GitLab leaves out the later of two with one name
    return {case.get("name") or "": case for case in cases}


@pytest.mark.parametrize("one", [verdict(), hold(), untrusted()])
def test_a_call_that_is_no_ship_fails_with_its_name(one: Verdict) -> None:
    failure = parsed(*told(one))["call"].find("failure")
    assert failure is not None
    assert failure.get("type") == one.call
    assert one.sentence in (failure.get("message") or "")


def test_a_ship_passes_and_says_why() -> None:
    case = parsed(*told(ship()))["call"]
    assert case.find("failure") is None
    assert ship().sentence in (case.findtext("system-out") or "")


def test_a_rule_that_cannot_be_evaluated_is_skipped_and_not_passed() -> None:
    def rule(id_: str, holds: bool | None) -> RuleOutcome:
        return RuleOutcome(id_, id_, "panel.p_value > 0.1", holds, "hold", "because", "seen", ("panel.p_value",))

    both = tuple(rule(name, holds) for name, holds in (("yes", True), ("no", False), ("unknown", None)))
    cases = parsed(*told(replace(verdict(), guardrails=both, ship_requires=both)))
    outcomes = {name: [child.tag for child in case if child.tag != "system-out"] for name, case in cases.items()}
    assert outcomes["guardrail yes"] == ["failure"]
    assert outcomes["guardrail no"] == []
    assert outcomes["guardrail unknown"] == ["skipped"]
    assert outcomes["ship requirement yes"] == []
    assert outcomes["ship requirement no"] == ["failure"]
    assert outcomes["ship requirement unknown"] == ["skipped"]


def test_two_rules_of_one_name_are_two_cases() -> None:
    rule = RuleOutcome("same", "guardrails[0]", "x", False, "hold", "", "")
    names = [name for name in parsed(*told(replace(verdict(), guardrails=(rule, rule)))) if "same" in name]
    assert names == ["guardrail same", "guardrail same (2)"]


def test_only_required_checks_are_cases_and_a_failed_one_fails() -> None:
    one = untrusted()
    cases = parsed(*told(one))
    wanted = {
        (check.status == "fail", check.status == "unknown")
        for reading in one.readings.values()
        for check in reading.checks.values()
        if check.required
    }
    found = {
        (case.find("failure") is not None, case.find("skipped") is not None)
        for name, case in cases.items()
        if name.startswith("check ")
    }
    assert found == wanted
    assert (True, False) in found
    required = sum(check.required for reading in one.readings.values() for check in reading.checks.values())
    assert sum(name.startswith("check ") for name in cases) == required


# --- hostile text -----------------------------------------------------------------------------------------------------


def test_a_poisoned_comment_is_text(poisoned: tuple[Verdict, Memo]) -> None:
    text = comment(*poisoned)
    assert size(text) <= LIMIT
    assert text.startswith("<!-- signals-verdict release=")
    assert text.splitlines()[0].count("-->") == 1
    assert text.rstrip().endswith("</details>")
    markdown_it = pytest.importorskip("markdown_it")
    tokens = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert not [one for one in inline if one.type in ("link_open", "image", "html_inline")]
    assert {one.type for one in inline} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert [block[:8] for block in blocks] == ["<!-- sig", "<details", "</detail"]
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h2"]
    # GitHub looks for people, issues and addresses in what is left as text once the Markdown is read.
    left = "\n".join(one.content for one in inline if one.type == "text")
    assert not re.search(r"@\w|#\d|\bGH-\d|://|www\.|:[a-z_]\w*:|\b(?=\d*[a-f])[0-9a-f]{7,40}\b", left, re.IGNORECASE)
    kinds = [token.type for token in tokens]
    rows, cells = kinds.count("tr_open"), kinds.count("td_open") + kinds.count("th_open")
    assert cells == 6 * rows == 12


def test_a_poisoned_message_reaches_nobody(poisoned: tuple[Verdict, Memo]) -> None:
    found = json.loads(message(*poisoned))
    assert len(found["blocks"]) <= MOST_BLOCKS
    texts = [found["text"]]
    for block in found["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < size(block["text"]["text"]) <= MOST_HEADER
            continue
        parts = block["elements"] if block["type"] == "context" else [block["text"]]
        assert all(part["type"] == "mrkdwn" and part["verbatim"] for part in parts)
        texts += [part["text"] for part in parts]
    assert sum(size(text) for text in texts[1:]) <= MOST_ALL
    for text in texts:
        assert 0 < size(text) <= MOST_TEXT
        assert "<" not in text
        assert ">" not in text
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    for text in texts[1:]:
        for line in text.splitlines():
            assert line.count("`") % 2 == 0
            bare = re.sub(r"`[^`]*`", "", line)
            assert not re.search(r"@|://|www\.|[_~]", bare)
            assert bare.count("*") % 2 == 0


def test_a_poisoned_report_is_xml(poisoned: tuple[Verdict, Memo]) -> None:
    text = report(*poisoned)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]", text)
    parsed(*poisoned)


@pytest.mark.parametrize(
    "text, is_shown",
    [
        ("no change, 95 % CI −0.9 to +0.2 pp", "no change, 95 % CI −0.9 to +0.2 pp"),
        ("ask @org/team now", "ask `@org/team` now"),
        ("(see #12)", "(see `#12)`"),
        ("gh-7 a_b", "`gh-7` a\\_b"),
        ("owner/repo#3 at abcdef1", "`owner/repo#3` at `abcdef1`"),
        ("12,345 items of 2026-11-17", "12,345 items of 2026-11-17"),
        ("", ""),
    ],
)
def test_only_what_github_would_turn_into_something_becomes_code(text: str, is_shown: str) -> None:
    assert shown(text) == is_shown


# --- limits -----------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_counted() -> None:
    assert within(["a" * 9] * 3, 30, "{} left") == ["a" * 9] * 3
    assert within(["a" * 9] * 30, 60, "{} left") == ["a" * 9] * 4 + ["26 left"]
    assert short("one two three", 9) == "one two…"
    assert short("x" * 20, 9) == "x" * 8 + "…"


def many(count: int) -> tuple[Verdict, Memo]:
    one = verdict()
    first = one.readings["conversion"]
    more = {f"signal-{number}": replace(first, signal=f"signal-{number}", why="y " * 400) for number in range(count)}
    need = replace(hold().needs[0], why="z " * 400)
    return told(replace(one, readings={**one.readings, **more}, needs=(need,) * count))


def test_hundreds_of_signals_stay_within_the_limits_and_whole() -> None:
    text = comment(*many(200))
    assert LIMIT * 0.7 < size(text) <= LIMIT
    assert text.count("more lines do not fit into a comment") == 2
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.count("```") % 2 == 0
    found = json.loads(message(*many(200)))
    assert sum(size(block["text"]["text"]) for block in found["blocks"] if "text" in block) <= MOST_ALL
    assert "do not fit into a message" in json.dumps(found)
    assert found["blocks"][-1]["type"] == "context"
