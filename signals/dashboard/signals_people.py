"""The cards of the Signals page about people: a judge held against them, and the raters of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard.signals_tables import Cell, card, folded, sentence, table, within
from signals.memo.phrases import clean
from signals.model import Reading
from signals.model.inside import Confusion, ItemGap, PeopleView, RaterView
from signals.words import count, number, plural, quantity

MOST_RATERS = 40
"""Raters that stand in the open; more go behind one line."""


def people_card(people: PeopleView) -> str:
    """How well the judge follows people, and how often which word of his met which of theirs."""
    check = people.agreement
    if check is None or check.value is None:
        head = f"<p>{sentence(check.why if check else 'agreement was not measured')}</p>"
    else:
        interval = f" (95 % CI {within(check.low, check.high)})" if check.low is not None else " (no interval)"
        limit = "" if check.threshold is None else f"; the policy asks for {quantity(check.threshold, 'number')}"
        head = (
            f'<p class="figure"><b>{quantity(check.value, "number")}</b>{escape(interval)}</p><p class="small">rank '
            f"correlation of judge and people, {escape(clean(check.detail))}{escape(limit)}</p>"
        )
    why = f'<p class="small">Items cannot be compared: {escape(clean(people.why_not))}.</p>' if people.why_not else ""
    return card("Agreement with people", head + why + "".join(map(_confusion, people.confusion)), anchor="people")


def _confusion(one: Confusion) -> str:
    same = "" if one.same is None else f" Both say the same of {count(one.same)}."
    head = "".join(f'<th scope="col" class="r">{escape(clean(word))}</th>' for word in one.people)
    rows = "".join(
        f'<tr><th scope="row">{escape(clean(word))}</th>'
        + "".join(
            f'<td class="r{" on" if one.alike and word == other else ""}">{count(many)}</td>'
            for other, many in zip(one.people, counts, strict=True)
        )
        + "</tr>"
        for word, counts in zip(one.judge, one.counts, strict=True)
    )
    what = escape(f"{count(one.total)} {clean(one.what)}")
    return (
        f'<table class="confusion"><caption>{what}.{same}</caption><thead><tr>'
        f'<th scope="col">judge ↓ people →</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def items_card(people: PeopleView, reading: Reading) -> str:
    """The items where judge and people differ most, in two halves side by side; empty without any."""
    if not people.items:
        return ""

    def cells(one: ItemGap) -> tuple[Cell, ...]:
        parts = ", ".join(f"{clean(name)}={clean(value)}" for name, value in one.segment)
        where = f'<span class="small">{escape(parts)}</span>' if parts else ""
        return (
            ("Item", f"<b>{escape(clean(one.item))}</b>{where}"),
            ("Judge", escape(number(one.judge, clean(reading.unit), signed=True))),
            ("People", escape(number(one.people, clean(reading.unit), signed=True))),
            ("Gap", escape(number(one.gap, clean(reading.unit), signed=True))),
            ("Raters", count(one.raters)),
        )

    rows = [cells(one) for one in people.items]
    half = (len(rows) + 1) // 2
    title = "Items where judge and people differ most"
    halves = "".join(
        f"<div>{table(f'{title}, {part}', some, right=range(1, 5), kind='items-table')}</div>"
        for part, some in (("first half", rows[:half]), ("second half", rows[half:]))
        if some
    )
    title = f"Where judge and people differ most: {len(rows)} of {plural(people.compared, 'items')} that both have"
    scale = (
        "Candidate minus control of each item, people's mean grades on the judge's scale; gap: judge minus people; "
        f"{plural(people.raters, 'raters')} in all."
    )
    return card(title, f'<p class="caption">{scale}</p><div class="split items">{halves}</div>', anchor="items")


def raters_card(raters: Sequence[RaterView], reading: Reading) -> str:
    """Every rater with what speaks for or against believing them."""
    if not raters:
        return card("Raters", '<p class="small">Nobody answered about this release.</p>', anchor="raters")
    gold, again = any(one.gold for one in raters), any(one.repeats for one in raters)

    def cells(one: RaterView) -> tuple[Cell, ...]:
        agreed = quantity(one.agreement, "number")
        lining = {True: '<b class="bad">✕ one grade for nearly everything</b>', False: "✓ no", None: "too few answers"}
        found: list[Cell] = [
            ("Rater", f"<b>{escape(clean(one.rater))}</b>"),
            ("Items", count(one.items)),
            ("Mean difference", escape(number(one.difference, clean(reading.unit), signed=True))),
            ("Agreement with the others", f'{agreed}<span class="small">{plural(one.shared, "outputs")}</span>'),
            ("Straight-lining", lining[one.straight]),
        ]
        if again:
            found.append(
                ("Repeats answered alike", f"{count(one.same)} of {count(one.repeats)}" if one.repeats else "–")
            )
        if gold:
            found.append(("Gold answers right", f"{count(one.right)} of {count(one.gold)}" if one.gold else "–"))
        return tuple(found)

    rows = [cells(one) for one in raters]
    said = (
        "Mean difference: candidate minus control over the rater's items, each counted once. Agreement: rank "
        "correlation of the rater's grades with the mean of the others' on the same outputs, from ten outputs on."
    )
    open_, rest = rows[:MOST_RATERS], rows[MOST_RATERS:]
    more = folded(f"{len(rest)} more raters", table("More raters", rest, right=(1, 2, 3))) if rest else ""
    body = f'{table("Raters", open_, right=(1, 2, 3))}{more}<p class="caption">{said}</p>'
    return card(f"Raters ({count(len(raters))})", body, anchor="raters")
