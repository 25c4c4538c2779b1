"""What every format keeps: the order, one first page, words for pictures, the same bytes."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
import reconciled
from docx import Document
from memo.verdicts import AS_OF, POLICY, conversion, decision, hold, reading, ship, untrusted, verdict

from signals.memo import WRITERS, Memo, available, docx, html, markdown, memo_of, pdf
from signals.memo.typeset import CODED
from signals.model import DecisionOutcome, Override, SignalsError, TraceRow

PARTS = (
    "Decision memo: tuesday-large", "Signals, in units of the decision margin", "Decision and signatures", "Why",
    "Who was heard, who was overruled", "Why they disagree", "How sure the call is", "Evidence", "Readings",
    "All checks", "Set aside", "Sources", "The parts of each gap", "Policy, hashes and limits",
    "Policy", "Hashes", "Not assessed",
)  # fmt: skip


def memo(one=None, **more) -> Memo:
    return memo_of(one or verdict(), POLICY, explanation=reconciled.explanation(verdict().readings), **more)


def overridden() -> Memo:
    made = replace(decision("ship"), entry="sha256:d1", second="jon", number=7)
    against = Override(
        made.entry, made.release, "ship", "rollback", "sha256:v", "mara", "jon", "fair", AS_OF, follow_up=AS_OF,
        entry="sha256:o1",
    )  # fmt: skip
    told = DecisionOutcome(made.entry, "bad", "ana", "complaints rose", AS_OF.replace(day=20), "sha256:t1")
    first = replace(decision(), entry="sha256:d0")
    return memo(
        decisions=(made, first), overrides=(against,), outcomes=(told,),
        stale={"sha256:d1": ["The policy has changed."]}, verdict_hash="sha256:77", audit_head="sha256:99aa",
    )  # fmt: skip


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def headings(ending: str, found: Memo) -> list[str]:
    content = WRITERS[ending](found)
    if ending == ".md":
        body = re.sub(r"^```.*?^```", "", content.decode(), flags=re.DOTALL | re.MULTILINE)
        return [line.lstrip("# ") for line in body.splitlines() if line.startswith("#")]
    if ending == ".html":
        return re.findall(r"<h\d>(.*?)</h\d>", content.decode())
    if ending == ".docx":
        return [one.text for one in Document(BytesIO(content)).paragraphs if one.style.name.startswith("Heading")]
    outline = pypdf.PdfReader(BytesIO(content)).outline

    def titles(items: list) -> list[str]:
        return [title for item in items for title in (titles(item) if isinstance(item, list) else [item.title])]

    return titles(outline)


def test_every_format_has_the_same_headings_in_the_same_order() -> None:
    found = {ending: headings(ending, memo()) for ending in WRITERS}
    assert [title for title in found[".md"] if title in PARTS] == list(PARTS)
    assert found[".html"] == found[".md"]
    assert found[".docx"] == found[".md"]
    assert found[".pdf"] == found[".md"]


@pytest.mark.parametrize("one", [verdict(), hold(), untrusted(), ship()], ids=lambda one: one.release.id)
def test_page_one_of_the_pdf_is_the_decision_and_nothing_else(one) -> None:
    first, second, *_ = pages(pdf(memo(one)))
    assert "Decision and signatures" in first
    assert flat(one.sentence)[:40] in flat(first)
    assert "Who was heard" not in first
    assert second.startswith("Why")


def test_page_one_is_one_page_however_much_there_is_to_say() -> None:
    long = "a long explanation of what happened that week " * 200
    many = {
        name: replace(conversion("untrusted", why=f"reason of {name}"), signal=name, checks={}, segments=(), sources=())
        for name in (f"signal-{place}" for place in range(30))
    }
    trace = tuple(
        TraceRow(f"hierarchy[{place}]", name, "untrusted", None, "silent", "says nothing")
        for place, name in enumerate(many)
    )
    one = verdict(
        readings=many, trace=trace, sentence=long, because=long, decided_by=long, call="hold", reason="untrusted"
    )
    made = replace(decision("ship"), because=long, by=long, second=long, entry="sha256:" + "d" * 64)
    first, second, *rest = pages(pdf(memo(one, decisions=(made, made), stale={made.entry: [long]})))
    assert "Audit entry" in first
    assert "22 more signals are drawn under Readings" in flat(first)
    assert "28 more, named under Not assessed" in flat(first)
    assert "more characters" in first  # what was shortened says so
    assert second.startswith("Why")
    assert "signal-29" in "".join(rest)


def test_without_a_decision_there_are_lines_to_sign_on() -> None:
    found = memo()
    assert "- **Decided by**: ......" in markdown(found)
    assert '<dt>Second person</dt><dd class="blank">' in html(found)
    for words in ("☐ SHIP ☐ HOLD ☐ ROLLBACK", "Decided by", "Second person", "Because", "Date"):
        assert words in flat(pages(pdf(found))[0])
        assert words in flat("\n".join(one.text for one in Document(BytesIO(docx(found))).paragraphs))


def test_an_override_is_marked_with_second_person_date_outcome_and_what_has_changed() -> None:
    found = overridden()
    word = Document(BytesIO(docx(found)))
    texts = {
        "md": markdown(found),
        "html": re.sub(r"<[^>]+>", "", html(found)),
        "pdf": pages(pdf(found))[0],
        "docx": "\n".join(one.text for one in word.paragraphs),
    }
    for name, text in texts.items():
        for words in (
            "Override of ROLLBACK", "no. 7", "mara", "jon", "to be followed up on 17 Nov 2026", "bad", "said ana",
            "complaints rose", "The policy has changed.", "One earlier decision stands under Decisions",
        ):  # fmt: skip
            assert words in flat(text), (name, words)
    record = flat(markdown(found).split("## Policy, hashes and limits")[1])
    for words in (
        "sha256:d1",
        "sha256:o1",
        "sha256:t1",
        "sha256:d0",
        "sha256:77",
        "sha256:99aa",
        "**ROLLBACK** as the verdict",
    ):
        assert words in record


def test_the_pdf_is_dated_by_its_newest_moment_and_says_what_it_is() -> None:
    reader = pypdf.PdfReader(BytesIO(pdf(overridden())))
    assert reader.metadata
    assert reader.metadata.title == "Decision memo: tuesday-large: ROLLBACK"
    assert reader.metadata.creation_date == AS_OF.replace(day=20)  # the outcome
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()


def structure(reader: pypdf.PdfReader) -> list:
    """Every element of the structure tree."""
    found, todo = [], [reader.trailer["/Root"]["/StructTreeRoot"]]
    while todo:
        one = todo.pop().get_object()
        if isinstance(one, pypdf.generic.ArrayObject):
            todo += list(one)
        elif isinstance(one, pypdf.generic.DictionaryObject):
            found.append(one)
            todo += [one["/K"]] if "/K" in one else []
    return found


def test_pictures_have_words_and_tables_have_heads() -> None:
    found = memo()
    tree = structure(pypdf.PdfReader(BytesIO(pdf(found))))
    figures = [one for one in tree if one.get("/S") == "/Figure"]
    assert len(figures) == 2
    assert all("conversion" in one["/Alt"] for one in figures)
    tables = [one for one in tree if one.get("/S") == "/Table"]
    heads = [one for one in tree if one.get("/S") == "/TH"]
    assert len(tables) >= 7
    assert len(heads) >= 4 * len(tables)
    word = Document(BytesIO(docx(found)))
    assert len(word.inline_shapes) == 2
    assert all("conversion" in one._inline.docPr.get("descr") for one in word.inline_shapes)
    assert all("w:tblHeader" in one.rows[0]._tr.xml for one in word.tables)
    assert not [one for one in word.paragraphs if not one.text.strip() and "w:drawing" not in one._p.xml]


def test_two_processes_write_the_same_bytes(root: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import hashlib\n"
        "from memo.test_memo_formats import overridden\n"
        "from signals.memo import WRITERS\n"
        "print([hashlib.sha256(write(overridden())).hexdigest() for write in WRITERS.values()])"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "4242")
    ]
    here = [hashlib.sha256(write(overridden())).hexdigest() for write in WRITERS.values()]
    assert told == [f"{here}\n"] * 2


def named(person: str) -> Memo:
    return memo(decisions=(replace(decision(), by=person),))


@pytest.mark.parametrize("person", ["Мария Лебедева", "Ελένη Παπαδοπούλου", "שרה", "Łukasz Żółć", "−–\u202f→✓✕↳"])
def test_letters_that_the_fonts_have_are_drawn(person: str) -> None:
    first = pages(pdf(named(person)))[0]
    assert set(person) - {" ", "\u202f"} <= set(first)
    assert CODED[:20] not in first


@pytest.mark.parametrize("person", ["田中", "김", "\u0378", "ไทย"])
def test_a_letter_that_no_font_has_stands_as_its_number_with_a_note(person: str) -> None:
    first = flat(pages(pdf(named(person)))[0])
    if f"⟨U+{ord(person[0]):04X}⟩" in first:
        assert "stands for a letter that no font at hand can draw" in first
    else:  # this machine has a font for it
        assert person[0] in first
        assert "drawn with fonts of the machine that wrote this file" in first
    assert person in Document(BytesIO(docx(named(person)))).paragraphs[-1].text or person in markdown(named(person))


def test_a_picture_never_drops_a_letter_without_a_word() -> None:
    one = reading("判定 judge", "win", 0.1, 0.05)
    found = memo(verdict(readings={one.signal: one}, trace=()))
    first = pages(pdf(found))[0]
    assert ("U+5224" in first and "no font at hand" in first) or "判定" in first
    last = Document(BytesIO(docx(found))).paragraphs[-1].text
    assert "In the pictures" in last or "U+5224" not in first


def test_without_its_package_a_format_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available() == (".md", ".html", ".pdf", ".docx")
    monkeypatch.setitem(sys.modules, "docx", None)
    assert available() == (".md", ".html", ".pdf")
    with pytest.raises(SignalsError, match=r"pip install 'signals-verdict\[memo\]'"):
        docx(memo())
    monkeypatch.setitem(sys.modules, "typst", None)
    assert available() == (".md", ".html")
    with pytest.raises(SignalsError, match=r"pip install 'signals-verdict\[memo\]'"):
        pdf(memo())


def test_signals_that_may_count_the_same_users_are_said_to_be_taken_as_independent() -> None:
    words = "conversion and thumbs may count the same users; how sure the call is takes their errors as independent."
    assert words in memo().not_assessed
    drawn = replace(reconciled.stability(), correlated=(("conversion", "thumbs", 0.2),))
    found = memo_of(verdict(), POLICY, explanation=reconciled.explanation(stability=drawn))
    assert words not in found.not_assessed
