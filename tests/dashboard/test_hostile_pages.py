"""A thousand hostile texts on the pages, in a real Chromium on a phone: nothing runs, asks, breaks out or overflows."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from dashboard.conftest import Server, serve, settled
from memo.hostile import THOUSAND
from memo.many_hostile import dealt, decks

from signals.dashboard import cards, decided, decision_rows, present, sources, style, why
from signals.debt import Debt, SourceHealth
from signals.memo.phrases import clean
from signals.model import SetAside, SignalsError
from signals.pull import pull
from signals.review import load, record, review, store_of
from signals.standing import Stale, standings

pytestmark = pytest.mark.browser

MADE = """() => {
  const made = [...document.querySelectorAll('*')];
  const base = location.origin === 'null' ? 'http://127.0.0.1' : location.origin;
  const ours = (href) => new URL(href, base).origin === base;
  const runs = made.filter(e => [...e.attributes].some(a => /^on|^srcdoc$|^autofocus$/.test(a.name)));
  const tags = made.filter(e => e.matches(
    'iframe, object, embed, base, form, marquee, math, video, audio, link[href*=example], meta[http-equiv=refresh], '
    + 'img[src*=example], img[src=x], script[src*=example], style[x], use[href], .katex'));
  const links = made.filter(e => e.tagName === 'A' && e.hasAttribute('href') && !ours(e.getAttribute('href')));
  const scripts = made.filter(e => e.tagName === 'SCRIPT' && /alert\\(1\\)/.test(e.textContent));
  return [...runs, ...tags, ...links, ...scripts].map(e => e.outerHTML.slice(0, 200));
}"""
WIDE = """() => {
  const main = document.querySelector('[data-testid=stMain]') || document.documentElement;
  const over = [...document.querySelectorAll('.sg, .sg *')].filter(e => e.checkVisibility()
    && e.getBoundingClientRect().right > innerWidth + 1).map(
      e => `${e.className} in ${e.parentElement.className}: ${e.outerHTML.slice(0, 80)}`);
  return [main.scrollWidth - main.clientWidth, over.slice(0, 9)];
}"""
WORDS = "[...document.querySelectorAll('.sg')].map(e => e.textContent).join('\\n')"


@dataclass
class Tab:
    """A page with what it did that it should not."""

    page: Any
    wrong: list[str] = field(default_factory=list)


@pytest.fixture
def tab(browser: Any) -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    found = Tab(context.new_page())
    found.page.on("dialog", lambda one: (found.wrong.append(f"dialog {one.message}"), one.dismiss()))
    found.page.on("request", lambda one: _asked(one.url, found.wrong))
    found.page.on("pageerror", lambda one: found.wrong.append(str(one)))
    found.page.on("console", lambda one: _heard(one, found.wrong))
    yield found
    context.close()


def _asked(url: str, wrong: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
        wrong.append(url)


def _heard(message: Any, wrong: list[str]) -> None:
    # A deep link makes Streamlit look for its own address below the page's path first: two harmless 404s.
    probe = "404" in message.text and "/_stcore/" in message.location.get("url", "")
    if message.type == "error" and not probe:
        wrong.append(f"{message.text} {message.location}")


def nothing_happened(tab: Tab) -> str:
    """Nothing of what the texts want came about; the words of the page."""
    assert tab.page.evaluate(MADE) == []
    sideways, wide = tab.page.evaluate(WIDE)
    assert wide == []
    assert sideways <= 0
    assert tab.wrong == []
    words: str = tab.page.evaluate(WORDS)
    hidden = {sign for sign in set(words) if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= set("\n\t\u200c\u200d")
    return words


# --- all of them, in the cards --------------------------------------------------------------------------------------


def drawn(deck: Sequence[str]) -> str:
    """What the pages draw of a verdict, its decisions and its sources, where every text is hostile."""
    case = dealt(deck)
    memo = case.memo
    found = standings(case.decisions, case.overrides, case.outcomes, case.verdict.as_of,
                      {one.entry: Stale("rollback", "hold") for one in case.decisions})  # fmt: skip
    health = [
        SourceHealth(
            text, text, text, "failing", text, read=9, kept=8, set_aside=(SetAside(3, text, text), SetAside(4, text))
        )
        for text in deck
    ]
    debts = [Debt("judge-changed", "high", text, text, text, text, owner=text) for text in deck]
    return cards.wrap(
        cards.banner(memo), cards.meta(memo), cards.body(memo), why.body(memo.explained) if memo.explained else "",
        decided.strip(found), *map(decision_rows.row, found), *map(decision_rows.full, found),
        cards.problem(deck[0], SignalsError(deck[1])), cards.notice(deck[2], deck[3]),
        sources.sources_card(health), sources.debts_card(debts),
    ) + cards.wrap(present.banner(memo)) + present.body(memo)  # fmt: skip


def test_no_card_is_more_than_its_words_whatever_they_are(tab: Tab) -> None:
    page = f"<!doctype html><html><head><meta charset=utf-8>{style.CSS}</head><body>"
    shown = ""
    for deck in decks():
        tab.page.set_content(page + drawn(deck))
        tab.page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        shown += nothing_happened(tab)
    squeezed = "".join(shown.split())
    assert not [text for text in THOUSAND if "".join(clean(text).split()) not in squeezed]


# --- a project that holds them, in the app --------------------------------------------------------------------------

POLICY = """\
schema: 1
name: {name}
owner: {owner}
signals:
  done:
    kind: experiment
    owner: {owner}
    question: {question}
    metric: {{name: done, type: proportion}}
    better: higher
    margin: 2pp
    segments: [plan]
  stars: {{kind: panel, owner: {owner}, question: {question}, better: higher, margin: 0.2, trust: {{min_items: 3}}}}
  score: {{kind: judge, owner: {owner}, question: {question}, better: higher, margin: 2pp, human_scale: [1, 5]}}
hierarchy:
  - {{signal: done, win: ship, loss: rollback}}
  - {{signal: stars, loss: rollback}}
  - {{signal: score, win: ship}}
otherwise: hold
guardrails:
{guardrails}
tests:
{tests}
"""
SOURCES = """\
store: sqlite:///signals.db
releases:
{releases}
sources:
{sources}
"""
COUNTS = "{variant: variant, units: users, successes: good, day: day, segment.plan: plan}"
RATINGS = "{item: item, rater: rater, variant: variant, value: stars, at: at}"
SCORES = "{item: item, variant: variant, value: value, scorer: scorer, scorer_version: version, at: at}"
START = date(2026, 9, 1)


def admitted(text: str, most: int) -> bool:
    """Whether the loader takes it for a name; what it refuses it refuses with one clear error (test_bad_input)."""
    return (
        bool(text.strip()) and len(text) <= most and all(ord(sign) >= 32 for sign in text)
        and not any(unicodedata.category(sign) == "Cs" or (ord(sign) & 0xFFFE) == 0xFFFE for sign in text)
    )  # fmt: skip


def quoted(text: str) -> str:
    """A text as YAML: whatever is not plain ASCII by its code point."""
    return '"' + "".join(
        sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else f"\\U{ord(sign):08x}" for sign in text
    ) + '"'  # fmt: skip


def rows(path: Path, head: str, lines: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head.split(","), *lines])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pulled project whose every name, word and label is one of the texts."""
    made = tmp_path_factory.mktemp("hostile") / "project"
    data = made / "data"
    data.mkdir(parents=True)
    names = [text for text in THOUSAND if admitted(text, 200)]
    labels = [text for text in THOUSAND if text.strip() and text.isprintable()]
    assert len(names) >= 850
    ids = ["![x](https://example.org/id.png) `<b>` :red[x] :material/delete: $x$", "\u202e<img src=x onerror=alert(1)>"]
    releases = "".join(
        f"  - {{id: {quoted(one)}, kind: prompt, control: {quoted(names[k] + ' old')}, candidate: "
        f"{quoted(names[k] + ' new')}, started: {START}, owner: {quoted(names[20 + k])}, as_of: "
        f"{START + timedelta(days=14)}T12:00:00Z}}\n"
        for k, one in enumerate(ids)
    )
    arms = [[f"{names[k]} {age}" for age in ("old", "new")] for k in range(2)]
    tests = "".join(
        f"  - {{name: {quoted(text)}, given: {{done: win}}, expect: {{call: ship}}}}\n" for text in names[::4]
    )
    guardrails = "".join(
        f"  - {{id: g{k}, when: 'any(done.segments, adjusted.high < -margin)', call: rollback, "
        f"because: {quoted(text)}}}\n"
        for k, text in enumerate(names[100:900:60])
    )
    (made / "hierarchy.yaml").write_text(POLICY.format(
        name=quoted(names[30]), owner=quoted(names[31]), question=quoted(names[32]), guardrails=guardrails, tests=tests,
    ), encoding="utf-8")  # fmt: skip
    tables = [(f"{names[40 + k]}", f"orders{k}.csv", "done", "outcome_counts", COUNTS) for k in range(20)]
    tables += [(names[70], "golden.csv", "score", "item_score", SCORES)]
    tables += [(names[71], "ratings.csv", "stars", "rating", RATINGS)]
    listed = "".join(
        f"  {quoted(name)}:\n    signal: {signal}\n    connector: table\n    path: {file}\n    shape: {shape}\n"
        f"{'    scale: [1, 5]' if shape == 'rating' else '    where: {}'}\n    map: {shown}\n"
        for name, file, signal, shape, shown in tables
    )
    (data / "sources.yaml").write_text(SOURCES.format(releases=releases, sources=listed), encoding="utf-8")
    days = [START + timedelta(days=day) for day in range(3)]
    plans = [*labels[200:1000:40], "x" * 100_000]
    rows(data / "orders0.csv", "day,variant,users,good,plan", [
        *([day, arm, 400, 120 + 9 * place, plan] for day in days for pair in arms for place, arm in enumerate(pair)
          for plan in plans),
        *([days[0], text, 9, 3, "p"] for text in labels),  # neither arm: set aside
    ])  # fmt: skip
    for k in range(1, 20):
        rows(
            data / f"orders{k}.csv",
            "day,variant,users,good,plan",
            [[days[0], text, 9, 3, "p"] for text in labels[k::20]],
        )
    at = f"{days[2]}T08:00:00Z"
    rows(data / "golden.csv", "item,variant,value,scorer,version,at", [
        [text, arm, 0.4 + (k * 37 % 40) / 100 + place * 0.1, labels[3], labels[4], at]
        for k, text in enumerate(labels[::12]) for pair in arms for place, arm in enumerate(pair)
    ])  # fmt: skip
    rows(data / "ratings.csv", "item,rater,variant,stars,at", [
        [text, rater, arm, 1 + (k + n + place) % 5, at]
        for k, text in enumerate(labels[:240:12]) for n, rater in enumerate(labels[k::20])
        for pair in arms for place, arm in enumerate(pair)
    ])  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        decide(made, [text for text in THOUSAND if admitted(text, 150) and text.isprintable()][::90])
    return made


def decide(made: Path, said: Sequence[str]) -> None:
    """Pull, and record decisions by people with hostile names, for hostile reasons."""
    project = load(made)
    assert not [one.error for one in pull(project, store_of(project)) if one.error]
    found = [review(one.id, project) for one in project.releases]
    for k, text in enumerate(said):
        one = found[k % 2]
        against = one.verdict.call != "hold"
        looks = datetime.now(UTC) + timedelta(days=30) if against else None
        second = f"bo {k}" if against else ""
        record(one, "hold", f"ann {text}", text, second, follow_up=looks)


@pytest.fixture(scope="module")
def hostile(root: Path, folder: Path) -> Iterator[Server]:
    yield from serve(root, folder)


def test_no_page_is_more_than_its_words(tab: Tab, hostile: Server, folder: Path) -> None:
    first, second = (quote(one.id) for one in load(folder).releases)
    told = {}
    for name, path in {
        "verdict": f"?release={first}", "turned": f"?release={second}", "present": f"?release={first}&present=1",
        "missed": "?release=" + quote("<img src=x onerror=alert(1)> `![x](https://example.org/y)`"),
        "experiment": f"signals?release={first}&signal=done", "panel": f"signals?release={second}&signal=stars",
        "judge": f"signals?release={first}&signal=score", "reconcile": f"reconcile?release={first}",
        "decisions": "decisions", "sources": "sources", "policy": f"policy?release={first}",
    }.items():  # fmt: skip
        tab.page.goto(f"{hostile.address}/{path}")
        tab.page.wait_for_selector(".sg .card, .sg .problem, .sg.present", timeout=60_000)
        settled(tab.page)
        assert tab.page.locator("[data-testid=stException]").count() == 0, name
        if name == "policy":
            tab.page.get_by_role("tab", name="Tests").click()
            tab.page.wait_for_selector(".sg .tests, .sg table, .sg li", timeout=60_000)
            settled(tab.page)
        told[name] = "".join(nothing_happened(tab).split())
    held = {
        name: sum("".join(clean(text).split()) in words for text in THOUSAND if len(clean(text)) > 8)
        for name, words in told.items()
    }
    assert held["panel"] >= 800  # the names of its raters
    assert held["policy"] >= 300  # a policy has at most 40,000 characters
    assert held["sources"] >= 80
    assert min(held.values()) >= 3  # where the loader asks for plain names there are reasons, people and labels
