"""A thousand hostile texts, and any text at all, through the four writers: text stays text."""

from __future__ import annotations

import re
import zipfile
from functools import lru_cache
from html.parser import HTMLParser
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from memo.hostile import HOSTILE, THOUSAND, poisoned
from memo.many_hostile import crowded, decks, tame

from signals.memo import Memo, docx, html, markdown, pdf, typeset, word
from signals.memo.phrases import clean

if TYPE_CHECKING:
    from markdown_it.token import Token

LARGE, LARGEST = 150, 300
"""Texts in one document of the writers that set type: seconds instead of minutes. All of ``LARGE`` are in a place that
a memo shows."""

FEW = 8


def few(signs: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Some texts, no two of which are shown alike, among others that want nothing."""
    some = st.text(signs, min_size=1, max_size=60).filter(lambda text: clean(text) != "")
    found = st.lists(some, min_size=1, max_size=4, unique_by=clean)
    return found.map(lambda given_texts: [*given_texts, *tame(FEW)][:FEW])


texts = few(st.characters())
drawn = few(st.characters(max_codepoint=0x24F))  # letters that pictures can draw: others add a note to a Word file
anything = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=15)


@lru_cache(maxsize=1)
def memos() -> list[tuple[list[str], Memo]]:
    return [(deck, crowded(deck)) for deck in decks()]


@lru_cache(maxsize=1)
def tame_word() -> list[str]:
    """The elements of a Word file whose texts want nothing."""
    return tags(parts(docx(crowded(tame(FEW))))["word/document.xml"])


def squeezed(text: str) -> str:
    """Without any white space: line breaks of a page are not in the text."""
    return re.sub(r"\s", "", text)


def test_there_are_a_thousand_texts_and_every_one_is_in_a_document() -> None:
    assert len(set(THOUSAND)) >= 1000
    for each in (110, LARGE, LARGEST):
        assert {text for deck in decks(each=each) for text in deck} == set(THOUSAND)


# --- HTML -----------------------------------------------------------------------------------------------------------


class Skeleton(HTMLParser):
    """Elements with the names of their attributes in order, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}",))

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment",))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def skeleton(memo: Memo) -> Skeleton:
    found = Skeleton()
    found.feed(html(memo))
    found.close()
    return found


def test_html_has_no_element_or_attribute_that_the_template_did_not_write() -> None:
    wanted = skeleton(crowded(tame(110))).elements
    for deck, memo in memos():
        found = skeleton(memo)
        assert found.elements == wanted
        words = "".join(found.words)
        assert not [text for text in deck if clean(text) not in words]


@anything
@given(texts)
def test_any_text_stays_text_in_html(given_texts: list[str]) -> None:
    found = skeleton(crowded(given_texts))
    assert found.elements == skeleton(crowded(tame(FEW))).elements


@pytest.mark.parametrize("evil", HOSTILE)
def test_html_of_one_text_everywhere_asks_nobody(evil: str) -> None:
    text = html(poisoned(evil))
    assert not re.search(r"\b(?:href|src|action|data|srcset|style)=\"?\s*(?:https?:|//|javascript:)", text)
    assert not any(sign in text for sign in "\x00\x1b\u202e\u2028\ufeff")


# --- Markdown -------------------------------------------------------------------------------------------------------

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXT = {"text", "code_inline", "strong_open", "strong_close"}


def blocks(memo: Memo) -> list[Token]:
    return READER.parse(markdown(memo))


def shape(tokens: list[Token]) -> list[tuple[str, int]]:
    return [(token.type, token.level) for token in tokens]


def inlines(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in token.children or ()]


def shown(tokens: list[Token]) -> str:
    return "".join(one.content for one in (*inlines(tokens), *tokens) if one.type in (*TEXT, "fence"))


def test_markdown_shows_no_link_heading_cell_or_tag_made_from_outside() -> None:
    wanted = shape(blocks(crowded(tame(110))))
    for deck, memo in memos():
        tokens = blocks(memo)
        assert shape(tokens) == wanted
        assert {one.type for one in inlines(tokens)} <= TEXT
        bare = "\n".join(one.content for one in inlines(tokens) if one.type == "text")
        assert not re.search(r"://|\bwww\.|\w@\w", bare, re.IGNORECASE)  # sites make links of bare addresses too
        words = squeezed(shown(tokens))
        assert not [text for text in deck if squeezed(clean(text)) not in words]


@anything
@given(texts)
def test_any_text_stays_text_in_markdown(given_texts: list[str]) -> None:
    tokens = blocks(crowded(given_texts))
    assert shape(tokens) == shape(blocks(crowded(tame(FEW))))
    assert {one.type for one in inlines(tokens)} <= TEXT


@pytest.mark.parametrize("evil", HOSTILE)
def test_markdown_of_one_text_everywhere_is_text(evil: str) -> None:
    tokens = blocks(poisoned(evil))
    assert shape(tokens) == shape(blocks(poisoned("word")))
    assert {one.type for one in inlines(tokens)} <= TEXT


# --- PDF ------------------------------------------------------------------------------------------------------------


def opened(memo: Memo) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(pdf(memo)))


def actions(reader: pypdf.PdfReader) -> list[str]:
    """Whatever could do something: annotations, actions, scripts, forms, files."""
    root = reader.trailer["/Root"]
    found = [key for key in ("/OpenAction", "/AA", "/AcroForm", "/AF") if key in root]
    found += [key for key in root.get("/Names", {}) if key != "/Dests"]
    return found + [key for page in reader.pages for key in ("/Annots", "/AA") if key in page]


def test_a_pdf_of_hundreds_of_texts_has_no_link_or_action() -> None:
    for deck in decks(each=LARGEST):
        assert not actions(opened(crowded(deck)))


def test_a_pdf_holds_every_text() -> None:
    deck = decks(THOUSAND[27:200:6], 29)[0]
    words = squeezed("".join(page.extract_text() for page in opened(crowded(deck)).pages))
    assert not [text for text in deck if squeezed(clean(text)) not in words]


def test_marks_in_towers_and_joined_letters_still_make_a_pdf() -> None:
    """Drawn with fonts of the machine, these lose the letters that they are drawn from: no PDF/UA may be made so."""
    evil = ["a" + "\u0301" * 6, "Ω→✓≤−–\u202f", "שרה", "محمد", "👩\u200d💻", "ไทย"]
    assert not actions(opened(crowded(evil)))


def test_what_a_font_joins_wrongly_stands_as_code_points(monkeypatch: pytest.MonkeyPatch) -> None:
    typst = pytest.importorskip("typst")
    made: list[str] = []

    class Fault(Exception):
        diagnostic = "error: PDF/UA-1 error: the PDF contains text with missing codepoints"

    def compiled(*_: object, sys_inputs: dict[str, str], **__: object) -> bytes:
        made.append(sys_inputs["memo"])
        if "שרה" in made[-1]:
            raise Fault
        return b"%PDF"

    monkeypatch.setattr(typst, "TypstError", Fault)
    monkeypatch.setattr(typst, "compile", compiled)
    assert typeset.pdf(poisoned("שרה Мария")) == b"%PDF"
    assert "⟨U+05E9⟩⟨U+05E8⟩⟨U+05D4⟩ Мария" in made[-1]  # what no font joins stays


@settings(anything, max_examples=3)
@given(texts)
def test_any_text_makes_a_pdf_without_a_link(given_texts: list[str]) -> None:
    assert not actions(opened(crowded(given_texts)))


@pytest.mark.parametrize("evil", HOSTILE[::3])
def test_a_pdf_of_one_text_everywhere_has_one_first_page(evil: str) -> None:
    reader = opened(poisoned(evil))
    assert not actions(reader)
    assert "Decision and signatures" in reader.pages[0].extract_text()
    assert reader.pages[1].extract_text().startswith("Why")


# --- Word -----------------------------------------------------------------------------------------------------------

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DOES = {f"{W}hyperlink", f"{W}instrText", f"{W}object", f"{W}altChunk", f"{W}subDoc"}


def parts(saved: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(saved)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tags(content: bytes) -> list[str]:
    """All elements but text, line breaks and tabs: a policy has as many of these as it has lines."""
    return [one.tag for one in ET.fromstring(content).iter() if one.tag not in (f"{W}t", f"{W}br", f"{W}tab")]


def paragraphs(content: bytes) -> str:
    """The text of the paragraphs, one per line."""
    return "\n".join(
        "".join(one.text or "" for one in paragraph.iter(f"{W}t")) for paragraph in ET.fromstring(content).iter(f"{W}p")
    )


def test_a_word_file_has_no_link_or_field_and_holds_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: set[str] = set()
    picture = typeset.png(crowded(tame(FEW)).plot, "forest")  # the PDFs draw those of the texts
    for deck in (tame(LARGE), *decks(each=LARGE)):
        found = parts(docx(crowded(deck)))
        monkeypatch.setattr(word, "png", lambda *_: picture)
        body = set(tags(found["word/document.xml"]))
        allowed = allowed or body
        assert body == allowed
        assert not (DOES | {f"{W}fldSimple"}) & body
        counted = [one.get(f"{W}instr") for one in ET.fromstring(found["word/footer1.xml"]).iter(f"{W}fldSimple")]
        assert counted == [" PAGE ", " NUMPAGES "]
        assert not any(b"External" in content for name, content in found.items() if name.endswith(".rels"))
        words = paragraphs(found["word/document.xml"])
        assert not [text for text in deck if clean(text) not in words]


@settings(anything, max_examples=2)
@given(drawn)
def test_any_text_stays_text_in_word(given_texts: list[str]) -> None:
    found = tags(parts(docx(crowded(given_texts)))["word/document.xml"])
    assert found == tame_word()
