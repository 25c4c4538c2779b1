"""From files to a verdict, against the bare DuckDB query for the same moments: ``python -m benchmarks.warehouse``.

Makes files of 10 million units (``--rows``), reads them in every way, holds numbers and times against plain DuckDB and,
with ``--tea PYTHON``, against tea-tasting in the environment of that interpreter, and writes ``docs/scale.md``
(``--page``). The files are kept in ``--folder`` for the next run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale import agree
from benchmarks.scale.files import CONTROL, DAYS, EVENTS, EXPOSURES, IDS, ORDERS, SEGMENTS, UNITS, make
from benchmarks.scale.measured import ROOT, ask
from benchmarks.scale.page import Line, busy, machine, page, table, tea, write

METRICS = (("revenue",), ("converted", "revenue"))
FORMS = {"units": (UNITS,), "events": (EVENTS,), "joined": (EXPOSURES, ORDERS)}
WAYS = ("table, units", "warehouse, units", "table, events", "warehouse, events", "warehouse, joined")
LARGE = 20_000_000
PER_ROW = 150
"""Bytes of free disk per unit: files, and what is spilled."""


def measure(
    files: Path, rows: int, ways: Sequence[str], repeats: int, memory: str, threads: int, loads: list[float]
) -> list[Line]:
    """All ways, one repeat after the other so that a slow minute meets them all.

    Raises:
        AssertionError: When a moment is off by more than 1e-9 of its scale.
    """
    bare: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
    ours: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
    for repeat in range(1, repeats + 1):
        for form in dict.fromkeys(form_of(way) for way in ways):
            warm(files, form)
            for metrics in METRICS if form == "units" else METRICS[:1]:
                said = f"{rows:,} rows, repeat {repeat} of {repeats}"
                query = ["-m", "benchmarks.scale.bare", files, form, "--memory", memory, "--threads", threads]
                bare.setdefault((form, metrics), []).append(ask([*query, "--metrics", *metrics], files))
                _say(said, f"bare, {form}", metrics, bare[form, metrics][-1])
                for way in (one for one in ways if form_of(one) == form):
                    found = ask(["-m", "benchmarks.scale.ours", files, way, "--metrics", *metrics], files)
                    ours.setdefault((way, metrics), []).append(found)
                    _say(said, way, metrics, found)
                    loads.append(os.getloadavg()[0])
    lines = []
    for (way, metrics), runs in ours.items():
        theirs = bare[form_of(way), metrics]
        apart = max(agree.apart(run["cells"], theirs[0]["cells"]) for run in runs)
        assert apart < 1e-9, f"{way}: moments differ by {apart:.1e} of their scale"
        lines.append(Line(rows, way, form_of(way), metrics, theirs, runs, apart))
    return lines


def beside(
    python: str, files: Path, rows: int, line: Line, repeats: int, memory: str, threads: int
) -> dict[str, dict[str, Any]]:
    """tea-tasting on the units, grouped and filtered per segment; nothing when that interpreter does not have it."""
    if subprocess.run([python, "-c", "import tea_tasting, ibis"], capture_output=True, check=False).returncode:
        sys.stderr.write(f"tea-tasting is skipped: {python} has it not, or not with Ibis\n")
        return {}
    raw, adjusted = agree.raw_effects(line.ours[0]["cells"]), agree.adjusted_effects(line.ours[0]["effects"])
    found: dict[str, dict[str, Any]] = {}
    for how in ("grouped", "filtered"):
        command = [Path(python).absolute(), "benchmarks/scale/tea.py", files / UNITS, how, memory, threads, CONTROL]
        runs = [ask(command, files) for _ in range(repeats)]
        found[how] = {
            "rows": rows, "runs": runs, "raw": agree.difference(raw, runs[0]["effects"], "raw"),
            "cuped": agree.difference(adjusted, runs[0]["effects"], "cuped"),
        }  # fmt: skip
        _say(f"{rows:,} rows", f"tea-tasting, {how}", (), runs[-1])
    return found


def form_of(way: str) -> str:
    """The form of the files that a way reads."""
    return way.partition(", ")[2]


def warm(files: Path, form: str) -> None:
    """Read the files once, so that they come from memory for everybody."""
    for name in FORMS[form]:
        with (files / name).open("rb") as stream:
            while stream.read(1 << 24):
                pass


def _say(when: str, what: str, metrics: Sequence[str], run: dict[str, Any]) -> None:
    peak = run.get("most", run["peak"]) / 1e6
    about = f" ({', '.join(metrics)})" if metrics else ""
    sys.stderr.write(
        f"{when}: {what}{about}: {run['seconds']:.2f} s, processor {run['processor']:.2f} s, {peak:.0f} MB\n"
    )


def whole(text: str) -> int:
    """A number of rows: 20000, 500k or 100M."""
    scale = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    return round(float(text[:-1] if scale > 1 else text) * scale)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, measure, print, write; exit code 1 when something is over its bound."""
    import duckdb

    from signals.connectors.duck import MEMORY

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rows", type=whole, nargs="+", default=[10_000_000], help="units, such as 10M; several in turn"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of everything, up to 20M rows; larger ones run once")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--large", choices=("units", "all"), default="units", help="what to read of more than 20M rows")
    parser.add_argument("--ids", choices=IDS, default="number")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "signals-scale")
    parser.add_argument("--tea", default="", metavar="PYTHON", help="an interpreter that has tea-tasting and Ibis")
    parser.add_argument(
        "--page", type=Path, default=ROOT / "docs" / "scale.md", help="where the page goes; - for nowhere"
    )
    given = parser.parse_args(arguments)
    threads = min(8, os.cpu_count() or 1)
    lines: list[Line] = []
    teas: dict[str, dict[str, Any]] = {}
    loads = [os.getloadavg()[0]]
    for rows in given.rows:
        files = given.folder / f"{rows}-{given.ids}"
        files.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(files).free < rows * PER_ROW:
            sys.stderr.write(f"{rows:,} rows need {rows * PER_ROW / 1e9:.0f} GB of free disk: use another --folder\n")
            return 2
        large = rows > LARGE
        ways = [way for way in given.ways if not large or given.large == "all" or form_of(way) == "units"]
        wanted = [name for way in ways for name in FORMS[form_of(way)]]
        make(files, rows, given.ids, list(dict.fromkeys(wanted)))
        repeats = 1 if large else given.repeats
        made = measure(files, rows, ways, repeats, MEMORY, threads, loads)
        lines += made
        both = [line for line in made if line.form == "units" and line.metrics == METRICS[1]]
        if given.tea and both and not teas:
            teas = beside(given.tea, files, rows, both[0], repeats, MEMORY, threads)
    facts = " ".join(filter(None, [machine(duckdb.__version__, threads, MEMORY), busy(loads)]))
    sys.stdout.write(f"{facts}\n\n{table(lines)}\n\n{tea(teas)}\n")
    if str(given.page) != "-":
        write(given.page, page(lines, teas, facts, SEGMENTS, DAYS))
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
