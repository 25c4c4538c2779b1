"""The casebook measured: every case and its clean twin over many seeds, beside naive readers of the same evidence.

``python -m benchmarks.casebook`` prints the table (100 seeds); ``--write`` puts it into ``docs/casebook.md``. With
``--sweep`` the fault of each case fades, and how the calls change is drawn into ``docs/cases/NN.svg``. Everything is a
function of the seeds, 1 to N: the same version gives the same figures on any machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.casebook_picture import picture
from signals.cases.bench import Job, Outcome, Row, Share, in_order, jobs, outcomes, rows
from signals.cases.case import Case
from signals.cases.naive import READERS
from signals.cases.suite import cases, find

DOCS = Path(__file__).resolve().parents[1] / "docs"
FIGURES = "<!-- figures: made by benchmarks/casebook.py -->", "<!-- end of figures -->"
LISTED = "<!-- cases: made by benchmarks/casebook.py -->", "<!-- end of cases -->"
DRAWN = "<!-- pictures: made by benchmarks/casebook.py -->", "<!-- end of pictures -->"
CALL, REASON, TWIN, ACCUSED = 0.95, 0.90, 0.95, 0.05
"""What every case is to reach; of wrong accusations, what none is to exceed."""


def main(words: Sequence[str] | None = None) -> None:
    asked = _asked(words)
    chosen = [find(name) for name in asked.case] or list(cases())
    seeds = range(1, asked.seeds + 1)
    began = time.monotonic()
    if asked.sweep:
        for case in chosen:
            made = measure(jobs([case.slug], seeds, sorted(case.strengths)), asked.processes)
            target = DOCS / "cases" / f"{case.number:02d}.svg"
            target.write_text(picture(case, made, asked.seeds), encoding="utf-8")
            sys.stdout.write(f"{target.name}: {', '.join(_point(row) for row in made)}\n")
            sys.stdout.flush()
        write(DOCS / "casebook.md", DRAWN, pictures())
    else:
        made = measure(jobs([case.slug for case in chosen], seeds), asked.processes)
        text = page(chosen, made, asked.seeds)
        sys.stdout.write(text)
        if asked.write:
            write(DOCS / "casebook.md", FIGURES, text)
            write(DOCS / "casebook.md", LISTED, listing())
        spent = sum(row.seconds * row.right_call.of for row in made)
        sys.stderr.write(f"{spent / sum(row.right_call.of for row in made):.2f} s of a processor per run\n")
    sys.stderr.write(f"{(time.monotonic() - began) / 60:.1f} minutes\n")


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.casebook", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=0, help="1 to N (default: 100, and 20 of a sweep)")
    parser.add_argument("--case", action="append", default=[], metavar="CASE", help="only this one")
    parser.add_argument("--processes", type=int, help="at a time (default: as many as there are processors)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/casebook.md")
    parser.add_argument("--sweep", action="store_true", help="let the fault fade, and draw docs/cases/NN.svg")
    asked = parser.parse_args(words)
    asked.seeds = asked.seeds or (20 if asked.sweep else 100)
    return asked


def measure(todo: Sequence[Job], processes: int | None) -> tuple[Row, ...]:
    """The figures of all jobs, in their order."""
    return rows(in_order(todo, list(_told(outcomes(todo, processes), len(todo)))))


def _told(found: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    for number, one in enumerate(found, 1):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number:,} of {total:,} runs\033[K{'' if number < total else chr(10)}")
        yield one


def page(chosen: Sequence[Case], made: Sequence[Row], seeds: int) -> str:
    """The tables and the misses, as Markdown."""
    by = {(row.case, row.strength): row for row in made}
    pairs = [(case, by[case.slug, 1.0], by[case.slug, 0.0]) for case in chosen]
    low = Share(seeds, seeds).interval[0]
    head = ("case", "right call", "right reason", "twin: right call", "twin: wrongly accused", "best naive reader")
    ours = [
        (_link(case), _is(faulty.right_call, CALL), _is(faulty.right_reason, REASON), _is(twin.right_call, TWIN),
         _most(twin.accused, ACCUSED), _best(faulty, twin))
        for case, faulty, twin in pairs
    ]  # fmt: skip
    naive = [(_link(case), *(_two(faulty, twin, name) for name in READERS)) for case, faulty, twin in pairs]
    total = [
        ("**all, faulty**", _mean([f.right_call for _, f, _ in pairs]), *_means([f for _, f, _ in pairs])),
        ("**all, twins**", _mean([t.right_call for _, _, t in pairs]), *_means([t for _, _, t in pairs])),
    ]
    first = (
        f"{seeds} seeds of every case and of its twin, in percent. {seeds} of {seeds} stands for a true share of at "
        f"least {100 * low:.1f} % (Wilson, 95 %)."
    )
    parts = [
        first,
        "",
        *_table(head, ours, left=(0, 5)),
        "",
        "Right calls of the naive readers, faulty release / twin; – where such a reader finds nothing to read:",
        "",
        *_table(("case", *READERS), naive),
        "",
        "Over all cases in which a reader has something to read:",
        "",
        *_table(("", "Signals", *READERS), total),
        "",
        *misses(pairs),
    ]
    return "\n".join(parts) + "\n"


def misses(pairs: Sequence[tuple[Case, Row, Row]]) -> list[str]:
    """What fell short of the targets, and what twins were wrongly accused of."""
    short = []
    for case, faulty, twin in pairs:
        for what, share, least in (
            ("right call", faulty.right_call, CALL), ("right reason", faulty.right_reason, REASON),
            ("right call of the twin", twin.right_call, TWIN),
        ):  # fmt: skip
            if (share.value or 0.0) < least:
                short.append(f"- {case.title}: {what} in {share.hits} of {share.of}, {100 * least:.0f} % were wanted.")
        if (twin.accused.value or 0.0) > ACCUSED:
            short.append(f"- {case.title}: {twin.accused.hits} of {twin.accused.of} twins wrongly accused.")
    lines = (
        [*short, ""] if short else ["Every case reaches what is asked of it: call 95 %, reason 90 %, twin 95 %.", ""]
    )
    accused = [
        f"- {case.title}: {', '.join(f'`{name}` in {count}' for name, count in twin.accusations.items())}."
        for case, _, twin in pairs
        if twin.accusations
    ]
    return [*lines, "What twins were wrongly accused of:", "", *accused] if accused else lines[:-1]


def _link(case: Case) -> str:
    return f"{case.number} [{case.title}](cases/{case.story})"


def _percent(share: Share) -> str:
    return "–" if share.value is None else f"{100 * share.value:.0f}"


def _is(share: Share, least: float) -> str:
    return _percent(share) if (share.value or 0.0) >= least else f"**{_percent(share)}**"


def _most(share: Share, most: float) -> str:
    return _percent(share) if (share.value or 0.0) <= most else f"**{_percent(share)}**"


def _two(faulty: Row, twin: Row, name: str) -> str:
    return f"{_percent(faulty.naive[name])} / {_percent(twin.naive[name])}"


def _best(faulty: Row, twin: Row) -> str:
    """The reader with the most right calls over both."""
    heard = {name: (faulty.naive[name].value, twin.naive[name].value) for name in READERS}
    sums = {name: a + b for name, (a, b) in heard.items() if a is not None and b is not None}
    if not sums:
        return "–"
    name = max(sums, key=lambda one: sums[one])
    return f"{name}: {_two(faulty, twin, name)}"


def _mean(shares: Sequence[Share]) -> str:
    return _percent(Share(sum(share.hits for share in shares), sum(share.of for share in shares)))


def _means(made: Sequence[Row]) -> list[str]:
    return [_mean([row.naive[name] for row in made]) for name in READERS]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    rule = "|".join("---" if place in left else "---:" for place in range(len(head)))
    return [f"| {' | '.join(head)} |", f"|{rule}|", *(f"| {' | '.join(line)} |" for line in lines)]


def _point(row: Row) -> str:
    said = " ".join(f"{call} {_percent(share)}" for call, share in row.calls.items() if share.hits)
    return f"{row.strength:g}: {said}, reason {_percent(row.right_reason)}"


def listing() -> str:
    """All cases, with what is right of them."""
    lines = [
        (
            str(case.number), f"[{case.title}](cases/{case.story})", case.fault, " or ".join(case.wrong.calls),
            " or ".join(case.clean.calls), f"`{case.policy}`",
        )
        for case in cases()
    ]  # fmt: skip
    head = ("", "case", "what is wrong", "right of it", "right of its twin", "policy")
    return "\n".join(_table(head, lines, left=range(1, len(head)))) + "\n"


def pictures() -> str:
    """Those that are drawn."""
    drawn = [case for case in cases() if (DOCS / "cases" / f"{case.number:02d}.svg").is_file()]
    return (
        "\n\n".join(f"![{one.title}: the call as the fault fades](cases/{one.number:02d}.svg)" for one in drawn) + "\n"
    )


def write(target: Path, marks: tuple[str, str], text: str) -> None:
    """Put a part between its markers in a page."""
    begin, end = marks
    before, _, rest = target.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{target} has no {begin}")
    target.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
