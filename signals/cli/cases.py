"""The casebook: twelve ways in which evaluation fools a release week, as projects that anybody can run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signals.cli.base import cli, json_option, json_text
from signals.model import SignalsError, plain

if TYPE_CHECKING:
    from signals.cases.bench import Outcome, Row, Share
    from signals.cases.run import Run

INTERRUPTED = 130
"""Exit code of what was stopped by Ctrl-C, as shells count it."""


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What may be varied between two runs of a case."""
    for option in (
        click.option("--size", type=click.FloatRange(0.01, 100), default=1.0, help="Multiplies the evidence."),
        click.option(
            "--strength", type=click.FloatRange(0, 1), default=1.0, help="Of the fault: 1 the story, 0 its clean twin."
        ),
        click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same files."),
    ):
        command = option(command)
    return command


@cli.group()
def cases() -> None:
    """Twelve ways in which evaluation fools a release week, caught: docs/casebook.md."""


@cases.command("list")
@json_option
def list_cases(as_json: bool) -> None:
    """List the cases."""
    from signals.cases.suite import cases as every
    from signals.terminal import table, wrap

    found = every()
    if as_json:
        rows = [
            {key: getattr(case, key) for key in ("number", "slug", "title", "fault", "policy", "release", "story")}
            for case in found
        ]
        click.echo(json_text(rows))
        return
    for case in found:
        click.echo(f"{case.number:>2}  {case.slug}: {case.title}")
        click.echo(wrap(case.fault, "      "))
    click.echo()
    head = ("", "right of it", "right of its twin", "policy")
    click.echo(table(head, [(c.slug, " or ".join(c.wrong.calls), " or ".join(c.clean.calls), c.policy) for c in found]))


@cases.command()
@click.argument("name", metavar="CASE")
@setting_options
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the project in this folder.")
@click.option(
    "--memo", type=click.Path(path_type=Path, dir_okay=False), help="Write the decision memo: .md, .html, .pdf, .docx."
)
@json_option
def run(
    name: str, seed: int, strength: float, size: float, keep: Path | None, memo: Path | None, as_json: bool
) -> None:
    """Run CASE, a number or a name: evidence, pull, verdict, reconciliation, and what naive readers would say."""
    from signals.cases.case import Setting
    from signals.cases.run import run as run_case
    from signals.cases.suite import find
    from signals.cli.files import announced, write_bytes
    from signals.memo import WRITERS

    case = find(name)
    write = WRITERS.get(memo.suffix.lower()) if memo is not None else None
    if memo is not None and write is None:
        what = f"{memo}: cannot write {memo.suffix or 'a file without ending'}"
        raise SignalsError(what, f"Choose {', '.join(WRITERS)}")
    with _folder(keep) as folder:
        with announced(f"Running {case.slug}"):
            made = run_case(case, Setting(seed, strength, size), folder)
            text = json_text(_plain(made)) if as_json else run_text(made)
            page = write(made.review.memo()) if write is not None else b""
        click.echo(text)
        if memo is not None:
            write_bytes(memo, page)
            click.echo(f"{memo}: {len(page):,} bytes", err=as_json)
        if keep is not None:
            click.echo(f"Kept in {keep}: signals verdict {case.release} --project {keep}", err=as_json)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="signals-case-") as scratch:
        yield Path(scratch) / "project"


def run_text(made: Run) -> str:
    """One run as people read it."""
    from signals.cases.naive import calls
    from signals.cli.reconcile import reconcile_text
    from signals.memo.explained import explained_of
    from signals.terminal import table, verdict_text, wrap
    from signals.terminal_pulls import pull_table

    case, setting = made.case, made.setting
    what = "its clean twin" if setting.strength <= 0 else f"the fault at {setting.strength:.0%}"
    explanation = made.review.explanation
    naive = [(name, call or "nothing to read") for name, call in calls(made.verdict).items()]
    parts = [
        f"{case.number}. {case.title}  ({what}, seed {setting.seed}, size {setting.size:g})",
        wrap(case.fault),
        "",
        pull_table(made.pulled),
        "",
        verdict_text(made.verdict, explanation),
        "",
        reconcile_text(explained_of(explanation, made.verdict)),
        "",
        table(("reader", "would"), [*naive, ("signals", made.call)]),
        "",
        wrap(_judged(made)),
    ]
    return "\n".join(parts)


def _judged(made: Run) -> str:
    right = " or ".join(call.upper() for call in made.right.calls)
    said = "that is right" if made.right_call else f"right is {right}"
    wanted = [" or ".join(group) for group in made.right.reasons]
    lacks = [
        name
        for name, group in zip(wanted, made.right.reasons, strict=True)
        if not any(one in made.seen for one in group)
    ]
    reasons = f" Its reasons: {'; '.join(wanted)}." if wanted else ""
    missing = f" Not among those of the verdict: {'; '.join(lacks)}." if lacks else ""
    between = 0.0 < made.setting.strength < 1.0
    note = " (What is right is said of the whole fault; this one is faded.)" if between else ""
    return f"Signals says {made.call.upper()}: {said}.{reasons}{missing}{note}"


def _plain(made: Run) -> dict[str, Any]:
    from signals.cases.naive import calls
    from signals.policy import verdict_json

    return {
        "case": made.case.slug,
        "setting": plain(made.setting),
        "call": made.call,
        "right": {"calls": list(made.right.calls), "reasons": [list(group) for group in made.right.reasons]},
        "right_call": made.right_call,
        "right_reason": made.right_reason,
        "reasons": sorted(made.seen),
        "wrong_accusations": sorted(made.accused),
        "naive": calls(made.verdict),
        "verdict": verdict_json(made.verdict, made.review.explanation),
    }


@cases.command()
@click.argument("name", metavar="CASE")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@setting_options
def show(name: str, folder: Path, seed: int, strength: float, size: float) -> None:
    """Write CASE into the empty folder DIR, with its story, for the ordinary commands to work on."""
    from signals.cases.case import Setting
    from signals.cases.run import written
    from signals.cases.suite import find, story_of

    case = find(name)
    written(case, Setting(seed, strength, size), folder)
    story = story_of(case)
    if story.is_file():
        (folder / "STORY.md").write_text(story.read_text(encoding="utf-8"), encoding="utf-8")
        picture = story.with_name(f"{case.number:02d}.svg")
        if picture.is_file():
            (folder / picture.name).write_bytes(picture.read_bytes())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        click.echo(f"wrote {path}")
    click.echo(f"Next: signals pull --project {folder}; signals verdict {case.release} --project {folder}")


@cases.command()
@click.option("--seeds", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Seeds 1 to N.")
@click.option("--case", "names", multiple=True, metavar="CASE", help="Only this one; may be given again.")
@click.option("--processes", type=click.IntRange(1), help="At a time (default: as many as there are processors).")
@json_option
def bench(seeds: int, names: Sequence[str], processes: int | None, as_json: bool) -> None:
    """Run every case and its twin with many seeds: how often call and reason are right.

    Ctrl-C stops, and what was done by then is shown.
    """
    from signals.cases.bench import in_order, jobs, outcomes, rows
    from signals.cases.suite import cases as every
    from signals.cases.suite import find

    chosen = list(dict.fromkeys(find(name).slug for name in names)) or [case.slug for case in every()]
    todo = jobs(chosen, range(1, seeds + 1))
    found: list[Outcome] = []
    stopped = False
    looked_at = sys.stderr.isatty()
    try:
        for one in outcomes(todo, processes):
            found.append(one)
            if looked_at:
                click.echo(f"\r{len(found):,} of {len(todo):,} runs\033[K", nl=False, err=True)
    except KeyboardInterrupt:
        stopped = True
    if looked_at:
        click.echo("\r\033[K", nl=False, err=True)
    made = rows(in_order(todo, found))
    if as_json:
        click.echo(json_text([row_plain(row) for row in made]))
    elif made:
        click.echo(bench_text(made))
    if stopped:
        click.echo(f"Stopped after {len(found):,} of {len(todo):,} runs.", err=True)
        sys.exit(INTERRUPTED)


def bench_text(made: Sequence[Row]) -> str:
    """The table, and how often which wrong accusation was made of a twin."""
    from signals.cases.naive import READERS
    from signals.terminal import table, wrap

    by = {(row.case, row.strength): row for row in made}
    lines = []
    for case in dict.fromkeys(row.case for row in made):
        faulty, twin = by.get((case, 1.0)), by.get((case, 0.0))
        ours = [
            *((faulty.right_call, faulty.right_reason) if faulty else (None, None)),
            *((twin.right_call, twin.accused) if twin else (None, None)),
        ]
        naive = [
            f"{_percent(faulty.naive[name] if faulty else None)} / {_percent(twin.naive[name] if twin else None)}"
            for name in READERS
        ]
        lines.append([case, *map(_percent, ours), *naive])
    head = ["case", "call", "reason", "twin: call", "accused", *READERS]
    parts = [
        table(head, lines, right=range(1, len(head))),
        wrap("Shares of runs in percent: right call and right reason of the faulty release; right call of its clean "
             "twin, and twins with a wrong accusation; of naive readers the right calls, faulty / twin."),
    ]  # fmt: skip
    parts += [
        wrap(f"{row.case}, twin: {name} in {count} of {row.accused.of}")
        for row in made
        if row.strength == 0.0
        for name, count in row.accusations.items()
    ]
    return "\n".join(parts)


def _percent(share: Share | None) -> str:
    return "–" if share is None or share.value is None else f"{100 * share.value:.0f}"


def row_plain(row: Row) -> dict[str, Any]:
    """A row as JSON: every share with its count and interval."""

    def told(share: Share) -> dict[str, Any]:
        low, high = share.interval
        return {"hits": share.hits, "of": share.of, "share": share.value, "low": round(low, 4), "high": round(high, 4)}

    return {
        "case": row.case,
        "strength": row.strength,
        "right_call": told(row.right_call),
        "right_reason": told(row.right_reason),
        "accused": told(row.accused),
        "calls": {call: told(share) for call, share in row.calls.items()},
        "naive": {name: told(share) for name, share in row.naive.items()},
        "accusations": dict(row.accusations),
    }
