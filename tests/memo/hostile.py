"""A thousand texts that want to be more than text, and a memo in which every word from outside is one of them.

The thousand are made by rule: every shape holds every payload and stands alone, inside a sentence and inside a word.
"""

from __future__ import annotations

from dataclasses import replace

import reconciled
from memo.verdicts import conversion, decision, hold, verdict

from signals.memo import Memo, memo_of
from signals.model import Check, Explanation, RuleOutcome, SetAside, SourceNote, TraceRow

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[click](javascript:alert(1))",
    "![x](https://example.org/track.png)",
    "https://example.org/track www.example.org a@example.org",
    "<https://example.org>",
    "a | b || c",
    "line\n\n# Heading\n\n- item\n> quote\n```\nfence",
    "```html\n<b>x</b>\n```",
    "`code` ``more`` ``` end",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; &#x3c;b&#x3e;",
    "\x00\x1b[31m\u202egnp.exe\u2028\ufeff",
    "</title></style></pre></main>",
    "--- === *** ___ ~~~ 1. + x",
    "\ud800 lone surrogate",
]
"""The few that stand for all where one text is in every place at once."""

PAYLOADS = ("https://example.org/track.png", "alert(1)")
PLACES = ("¤", "so ¤ it is", "a¤z")

SHAPES = {
    "html": (
        "<script>¤</script>", "<script src='¤'></script>", "<img src=x onerror=¤>", "<svg/onload=¤>",
        "<a href='¤'>x</a>",
        '"><a href="¤">', "' onmouseover='¤", '" autofocus onfocus="¤', "<iframe src=¤>", "<iframe srcdoc='¤'>",
        "<link rel=stylesheet href='¤'>", "<meta http-equiv=refresh content='0;url=¤'>", "<form action='¤'><input>",
        "<object data='¤'>", "<style>@import url(¤)</style>", "<svg><use href='¤'/></svg>", "<base href='¤'>",
        "<p style='background:url(¤)'>", "<details open ontoggle=¤>", "<video><source onerror=¤>", "<math href='¤'>",
        "--><b>¤</b><!--", "</textarea><b>¤", "<![CDATA[¤]]>", "<!DOCTYPE ¤>", "</div></div></div>¤", "<template>¤",
        "<marquee>¤</marquee>", "javascript:¤", "data:text/html,¤", "JaVaScRiPt&colon;¤",
    ),
    "entity": (
        "&lt;¤&gt;", "&#60;b&#62;¤", "&#x3c;b&#x3e;¤", "&amp;lt;¤", "&x;¤", "&nbsp;¤&shy;", "%3Cb%3E¤", "\\u003cb¤",
    ),
    "markdown": (
        "[x](¤)", "![x](¤)", "<¤>", "[x][1]\n\n[1]: ¤", "[x]: ¤", "# ¤", "> ¤", "- ¤", "1. ¤", "```\n¤\n```",
        "| a | ¤ |\n|---|---|", "***¤***", "~~¤~~", "`¤`", "    ¤", "* * *\n¤", "¤\n===", "¤\n---", "\\[x](¤)",
        "[![x](¤)](¤)", "- [ ] ¤", "¤ #", "[^1]: ¤", ":smile: ¤", "<!-- ¤", "$¤$", "$$¤$$", "¤\\", "+ ¤", "~~~\n¤",
    ),
    "address": (
        "www.¤", "ftp://¤", "mailto:a@example.org?¤", "//example.org/¤", "file:///etc/¤", "\\\\example.org\\¤", "a@¤",
    ),
    "typst": (
        '#link("¤")[x]', '#read("¤")', '#include "¤"', '#image("¤")', "$ ¤ $", "= ¤", "// ¤", "/* ¤ */", "@¤",
        "#panic()¤",
        '#eval("¤")', "]¤[", '"¤"', "\\u{41}¤", "#set page(width: 1pt)¤", "#{ ¤ }", "*¤*", '#import "@preview/¤": *',
        "<label>¤", "#show: ¤",
    ),
    "sheet": (
        '=HYPERLINK("¤")', "=cmd|' /C ¤'!A0", "+¤", "-¤", "@SUM(1;¤)", "\t=¤", "\r=¤", '=WEBSERVICE("¤")', "DDE ¤",
        "|DDE=¤", '=IMPORTXML("¤")', "'=¤", '"=¤"', "a,=¤", "a;=¤", "\n=¤", '""¤""', "a\r\n=¤",
    ),
    "word": (
        '{ HYPERLINK "¤" }', "{MERGEFIELD ¤}", "\\fldinst ¤", "<w:hyperlink r:id='¤'/>", "</w:t></w:r>¤",
        '<w:fldSimple w:instr="DDE ¤"/>', "INCLUDEPICTURE ¤",
    ),
    "xml": (
        "]]>¤", "<?xml ¤?>", "<!DOCTYPE x SYSTEM '¤'>", "<!ENTITY x '¤'>", "</testcase></testsuite>¤", "\ufffe¤",
        "\uffff¤",
    ),
    "chat": (
        "<!channel> ¤", "<!here|x> ¤", "<@U123> ¤", "<¤|click>", "*¤*", "_¤_", ":shipit: ¤", "<!date^1^{date}^¤|x>",
    ),
    "forge": (
        "@org/team ¤", "closes #12 ¤", "owner/repo#3 ¤", "GH-12 ¤", "deadbeef1234567 ¤", "</details>¤",
        "::set-output name=x::¤",
    ),
    "stream": (
        ":material/delete: ¤", ":red[¤]", ":streamlit: ¤", ":red-badge[¤]", ":blue-background[¤]", "<- -> ¤ --",
        ":small[¤]",
    ),
    "template": ("{{ ¤ }}", "{% ¤ %}", "${¤}", "#{¤}", "<%= ¤ %>", "%(¤)s", "{0.__class__} ¤"),
    "latex": ("\\href{¤}{x}", "$\\input{¤}$", "\\(¤\\)"),
    "turned": ("\u202e¤", "\u202d¤\u202c", "\u200f¤", "\u061c¤", "\u2066¤\u2069", "\u2067¤", "\u2068¤"),
    "hidden": (
        "\x00¤", "\x1b[31m¤", "\x1b]0;¤\x07", "\x9b31m¤", "\x08\x08¤", "\ufeff¤", "¤\u2028x", "¤\u2029x", "\u00ad¤",
        "\ud800¤",
        "¤\udfff", "a\r\n¤", "a\r¤", "a\u0085¤", "\u200b¤", "\u2060¤", "\U000e0041¤", "\x7f¤", "\x0c¤",
        "\u0301" * 50 + "¤",
    ),
    "script": (
        "Ω→✓≤−–\u202f¤", "Мария ¤", "שרה ¤", "محمد ¤", "田中 ¤", "👩\u200d💻 ¤", "ไทย ¤", "\uff1d¤", "\ue000¤",
        "\U0010ffff¤", "\u0378¤",
    ),
}  # fmt: skip

LONG = (
    "x" * 100_000, "<b>" * 33_000, "слово " * 16_000, "http://" + "a" * 100_000, "`" * 100_000, "\u202e" * 100_000,
    "=1+" * 33_000, "[x](" * 25_000, "W" * 2_000, "a@b." * 25_000,
)  # fmt: skip

THOUSAND: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *HOSTILE,
            *LONG,
            *(
                place.replace("¤", shape.replace("¤", payload))
                for family in SHAPES.values()
                for shape in family
                for place in PLACES
                for payload in PAYLOADS
            ),
        ]
    )
)


def poisoned(evil: str) -> Memo:
    """A verdict in which every text that can come from outside is the hostile one."""
    bad = replace(
        conversion("loss", -0.004),
        question=evil, why=evil, method=evil, unit=evil, counted=evil, owner=evil, warnings=(evil,),
        voting=evil, signal=evil,
        checks={evil: Check(evil, "fail", 0.1, 0.2, evil)},
        set_aside=(SetAside(3, evil, evil),),
        sources=(SourceNote(evil, evil, verdict().as_of, evil),),
        segments=tuple(replace(one, name=evil, refused=evil) for one in conversion().segments),
    )  # fmt: skip
    rule = RuleOutcome(evil, evil, evil, None, "hold", evil, evil, (evil,))
    one = verdict(
        release=replace(verdict().release, id=evil, control=evil, candidate=evil, owner=evil),
        decided_by=evil, rule=evil, because=evil, sentence=evil, readings={evil: bad}, overruled=(evil,),
        trace=(TraceRow(evil, evil, "loss", "rollback", "overruled", evil, evil),),
        guardrails=(rule,), ship_requires=(rule,), overrides=(rule,),
        needs=(replace(hold().needs[0], signal=evil, what=evil, why=evil, owner=evil),),
        policy_name=evil, policy_hash=evil, evidence_hash=evil,
    )  # fmt: skip
    said = replace(decision(), release=evil, by=evil, second=evil, because=evil, entry=evil)
    return memo_of(one, evil, (said,), evil, explained(evil))


def explained(evil: str) -> Explanation:
    """An explanation in which every name and clause is the hostile one."""
    found = reconciled.judge_against_conversion()
    bad = replace(
        found, signal=evil, against=evil, unit=evil, refused="", story=evil, said=(evil, evil),
        causes=tuple(
            replace(cause, signal=evil, unit=evil, evidence=evil, refused=evil if cause.refused else "", remedy=evil)
            for cause in found.causes
        ),
        carriers=tuple(replace(item, item=evil) for item in found.carriers),
    )  # fmt: skip
    return Explanation(
        (bad, replace(bad, refused=evil)),
        replace(reconciled.stability(), fixed=(evil, f"{evil}.max_age"), correlated=((evil, evil, 0.5),)),
        tuple(replace(flip, fact=evil, at=evil, words=evil if flip.words else "") for flip in reconciled.FLIPS),
        tuple(replace(one, signal=evil, what=evil, currency=evil, why=evil) for one in reconciled.COLLECTIONS),
        evil,
        (evil,),
    )
