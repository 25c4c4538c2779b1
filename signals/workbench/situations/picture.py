"""The atlas as a picture: situations from left to right, split from the top by one question after the other.

An icicle: every question of the policy is a row, in the order in which rules come to it; a cell is as wide as its share
of all situations, and as soon as all of a cell comes to one call it is filled down to the ground. Calls differ in
colour, in hatching and in words, so that none of them carries the meaning alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from signals.model import CALLS, Call
from signals.policy.engine import Answer
from signals.policy.syntax import render
from signals.workbench.situations.atlas import Atlas
from signals.workbench.situations.diagram import Node
from signals.workbench.situations.phrases import phrase

WIDTH, EDGE, GUTTER, STEP, TOP, GROUND = 960.0, 10.0, 190.0, 50.0, 34.0, 46.0
ROWS = 8
"""Questions that are drawn; what is not decided by then is shown by its calls alone."""
THIN = 14.0
"""Pixels below which a cell is not split further: its calls stand side by side."""
WIDE = 6.4
"""Pixels of a letter, about."""
_TONES = {"ship": "#117a45", "hold": "#8a5a00", "rollback": "#c3302b"}
_DARK = {"ship": "#4cc38a", "hold": "#f0b54a", "rollback": "#ff7a70"}
_STYLE = (
    "<style>.atlas{--ink:#1a1f2b;--soft:#5a6475;--line:#dfe3ea;--paper:#ffffff;background:var(--paper);"
    + "".join(f"--{call}:{tone};" for call, tone in _TONES.items())
    + "}@media (prefers-color-scheme:dark){.atlas{--ink:#e8ebf1;--soft:#a3adbd;--line:#2e3542;--paper:#0f131a;"
    + "".join(f"--{call}:{tone};" for call, tone in _DARK.items())
    + "}}</style>"
)


def picture(atlas: Atlas, *, standalone: bool = False, prefix: str = "atlas") -> str:
    """One SVG of all situations and their calls; the same text for the same policy.

    Args:
        atlas: What is decided.
        standalone: Whether it is a file of its own, which brings its colours for light and dark; else it follows the
            page's variables (``--ink``, ``--ship`` ...).
        prefix: Start of the ids inside; give another when two pictures share a page.
    """
    return _Icicle(atlas, prefix).svg(standalone=standalone)


@dataclass
class _Icicle:
    atlas: Atlas
    prefix: str
    parts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.space, self.diagrams = self.atlas.space, self.atlas.space.diagrams
        self.root = self.diagrams.apply(_call, self.atlas.node)
        self.weights: dict[Node, int] = {}
        self.calls: dict[Node, frozenset[Call]] = {}
        asked = sorted({self.diagrams.level(node) for node in self.diagrams.nodes(self.root)} - {self.depth})
        self.rows = {level: place for place, level in enumerate(asked[:ROWS])}
        self.height = TOP + STEP * len(self.rows) + GROUND

    @property
    def depth(self) -> int:
        return len(self.diagrams.sizes)

    def svg(self, *, standalone: bool) -> str:
        ids, totals = escape(self.prefix), self.atlas.calls
        spoken = ", ".join(f"{self.share(totals[call])} {call}" for call in CALLS)
        height = self.height + 34
        box = f'viewBox="0 0 {WIDTH:g} {height:g}" width="100%"'
        font = 'font-family="Segoe UI,Helvetica,Arial,sans-serif"'
        label = f'aria-labelledby="{ids}-title {ids}-desc"'
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="atlas" role="img" {box} {font} {label}>',
            f'<title id="{ids}-title">What the policy decides in all {self.atlas.total:,} situations</title>',
            f'<desc id="{ids}-desc">{escape(spoken)}.</desc>',
            _STYLE if standalone else "",
            self.patterns(),
            _text(GUTTER, 20, "each cell is as wide as its share of all situations", "soft", 12),
        ]
        for level, place in self.rows.items():
            y = TOP + STEP * place
            self.parts.append(f"<g><title>{escape(self.question(level))}</title>")
            self.parts.append(_text(EDGE, y + STEP / 2 + 4, _short(self.question(level), 25), "ink", 12.5))
            self.parts.append("</g>")
        self.parts.append(_text(EDGE, self.height - GROUND / 2 + 4, "call", "ink", 12.5, bold=True))
        self.cell(self.root, GUTTER, WIDTH - GUTTER - EDGE, 0, "")
        self.legend(totals)
        return "\n".join(part for part in [*self.parts, "</svg>"] if part) + "\n"

    def patterns(self) -> str:
        """Hatching: solid ships, dots hold, stripes roll back."""
        ids = escape(self.prefix)
        inside = {
            "ship": "",
            "hold": f'<circle cx="4" cy="4" r="1.3" style="fill:{_tone("hold")}"/>',
            "rollback": f'<path d="M-2 2L2 -2M0 8L8 0M6 10L10 6" style="stroke:{_tone("rollback")};stroke-width:1.6"/>',
        }
        back = {"ship": ".34", "hold": ".14", "rollback": ".2"}
        return "<defs>" + "".join(
            f'<pattern id="{ids}-{call}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" style="fill:{_tone(call)};fill-opacity:{back[call]}"/>{inside[call]}</pattern>'
            for call in CALLS
        ) + "</defs>"  # fmt: skip

    # --- cells ------------------------------------------------------------------------------------------------------

    def cell(self, node: Node, x: float, width: float, place: int, said: str) -> None:
        """What is below one place of the diagram, drawn from row ``place`` down."""
        reached = self.reached(node)
        if len(reached) == 1:
            self.filled(next(iter(reached)), x, width, TOP + STEP * place, said)
            return
        level = self.diagrams.level(node)
        if level not in self.rows or width < THIN:
            self.mixed(node, x, width, TOP + STEP * min(place, len(self.rows)), said)
            return
        row = self.rows[level]
        groups: dict[Node, list[int]] = {}
        for value, child in enumerate(self.diagrams.below(node)):
            if self.reached(child):
                groups.setdefault(child, []).append(value)
        whole = sum(self.weight(child, level + 1) * len(values) for child, values in groups.items())
        at = x
        for child, values in groups.items():
            part = width * self.weight(child, level + 1) * len(values) / whole
            words = self.values(level, values)
            here = f"{said}, {self.told(level, values)}" if said else self.told(level, values)
            y = TOP + STEP * row
            self.parts.append(
                f'<g><title>{escape(here)}</title><rect x="{at:.2f}" y="{y:g}" width="{part:.2f}" height="{STEP:g}" '
                f'style="fill:{_var("paper")};stroke:{_var("line")}"/>'
            )
            self.parts.append(_fitted(at, y, part, STEP, words))
            self.parts.append("</g>")
            self.cell(child, at, part, row + 1, here)
            at += part

    def filled(self, call: Call, x: float, width: float, y: float, said: str) -> None:
        title = f"{said}: {call}" if said else call
        bottom = self.height
        self.parts.append(
            f'<g><title>{escape(title)}</title><rect x="{x:.2f}" y="{y:g}" width="{width:.2f}" '
            f'height="{bottom - y:g}" style="fill:url(#{escape(self.prefix)}-{call});stroke:{_var("paper")}"/>'
        )
        if width > WIDE * len(call) + 14:
            self.parts.append(_label(x + width / 2, bottom - GROUND / 2 + 4, call))
        elif width > 26 and bottom - y > WIDE * len(call) + 20:
            self.parts.append(_label(x + width / 2, bottom - WIDE * len(call) / 2 - 12, call, upright=True))
        self.parts.append("</g>")

    def mixed(self, node: Node, x: float, width: float, y: float, said: str) -> None:
        """Calls side by side, where the picture asks no further."""
        counts = {call: number for call, number in self.diagrams.counts(node).items() if call is not None}
        total = sum(counts.values())
        at = x
        for call in CALLS:
            if counts.get(call):
                part = width * counts[call] / total
                self.filled(call, at, part, y, said)
                at += part

    def legend(self, totals: dict[Call, int]) -> None:
        x = GUTTER
        for call in CALLS:
            text = f"{call} {self.share(totals[call])}"
            y = self.height + 12
            self.parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="22" height="14" style="fill:url(#{escape(self.prefix)}-{call});'
                f'stroke:{_tone(call)}"/>'
            )
            self.parts.append(_text(x + 28, y + 11.5, text, "ink", 12.5))
            x += 28 + WIDE * len(text) + 30

    # --- numbers and words ------------------------------------------------------------------------------------------

    def reached(self, node: Node) -> frozenset[Call]:
        """The calls below a place; none where no release can be."""
        found = self.calls.get(node)
        if found is None:
            found = self.calls[node] = frozenset(self.diagrams.leaves(node) - {None})
        return found

    def weight(self, node: Node, level: int) -> int:
        """Possible situations below a place, over the variables from ``level`` on."""
        found = self.weights.get(node)
        here = self.diagrams.level(node)
        if found is None:
            if here == self.depth:
                found = 0 if self.diagrams.value(node) is None else 1
            else:
                found = sum(self.weight(child, here + 1) for child in self.diagrams.below(node))
            self.weights[node] = found
        for size in self.diagrams.sizes[level:here]:
            found *= size
        return found

    def share(self, number: int) -> str:
        percent = 100 * number / self.atlas.total if self.atlas.total else 0.0
        return f"{number:,} ({percent:.1f} %)" if percent >= 0.1 or not number else f"{number:,} (under 0.1 %)"

    def question(self, level: int) -> str:
        variable = self.space.variables[level]
        return variable.name if not variable.atoms else "; ".join(render(atom) for atom in variable.atoms)

    def values(self, level: int, values: list[int]) -> str:
        """Short words for some values, under the question at the left."""
        variable = self.space.variables[level]
        if not variable.atoms:
            return " or ".join(variable.values[value] for value in values)
        if len(variable.atoms) == 1:
            words = {True: "yes", False: "no", None: "unknown"}
            held = [variable.values[value][0] for value in values]
            return " or ".join(words[truth] for truth in (True, False, None) if truth in held)
        return phrase(self.space, {level: tuple(values)})

    def told(self, level: int, values: list[int]) -> str:
        """The same as a sentence by itself."""
        if self.space.variables[level].atoms and len(values) == len(self.space.variables[level].values):
            return "anything"
        return phrase(self.space, {level: tuple(values)}) or "in any state"


def _call(answer: Answer | None) -> Call | None:
    return None if answer is None else answer.call


def _var(name: str) -> str:
    fallback = {"ink": "#1a1f2b", "soft": "#5a6475", "line": "#dfe3ea", "paper": "#ffffff"}
    return f"var(--{name},{fallback[name]})"


def _tone(call: str) -> str:
    return f"var(--{call},{_TONES[call]})"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(1, most - 1)].rstrip(" ,(") + "…"


def _text(x: float, y: float, text: str, colour: str, size: float, *, middle: bool = False, bold: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"{anchor}{weight} style="fill:{_var(colour)}">'
        f"{escape(text)}</text>"
    )


def _fitted(x: float, y: float, width: float, height: float, words: str) -> str:
    """Words in a cell: across, cut short, or upright where it is narrow; none where nothing fits."""
    most = int((width - 8) / WIDE)
    if most >= min(len(words), 9):
        return _text(x + width / 2, y + height / 2 + 4, _short(words, most), "ink", 12, middle=True)
    if width < 14 or len(words) * 5.1 > height - 4:
        return ""
    centre = f"{x + width / 2 + 3.5:.1f} {y + height / 2:.1f}"
    text = _text(0, 0, words, "soft", 9.5, middle=True)
    return f'<g transform="translate({centre}) rotate(-90)">{text}</g>'


def _label(x: float, y: float, call: Call, *, upright: bool = False) -> str:
    """The call in words, on a ground of paper so that hatching does not run through it."""
    wide = WIDE * len(call) + 10
    turn = " rotate(-90)" if upright else ""
    return (
        f'<g transform="translate({x:.1f} {y - 4 if not upright else y:.1f}){turn}">'
        f'<rect x="{-wide / 2:.1f}" y="-9" width="{wide:.1f}" height="18" rx="4" style="fill:{_var("paper")}"/>'
        f'<text y="4" font-size="12" font-weight="700" text-anchor="middle" style="fill:{_tone(call)}">{call}</text>'
        "</g>"
    )
