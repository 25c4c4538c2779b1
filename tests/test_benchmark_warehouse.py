"""The benchmark of big files, run small: its numbers agree, its page says what was measured. No time is asserted."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks import warehouse
from benchmarks.scale import agree
from benchmarks.scale.bare import moments, query
from benchmarks.scale.files import CANDIDATE, CONTROL, DAYS, EVENTS, EXPOSURES, SEGMENTS, UNITS, make, opened
from benchmarks.scale.ours import WAYS, adjusted_metrics, cells, effects, run, write

ROWS = 20_000
METRICS = ("converted", "revenue")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    make(folder, ROWS)
    return folder


@pytest.fixture(scope="module")
def bare(files):
    with opened(files, "1GB") as connection:
        return {
            form: moments(connection.execute(query(files, form, METRICS)).fetchall(), METRICS)
            for form in ("units", "events", "joined")
        }


def ask(sql):
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchone()


def test_the_files_are_what_they_are_said_to_be(files):
    units = ask(f"""
        SELECT count(*), count(DISTINCT user_id), count(DISTINCT plan), count(DISTINCT epoch_us(ts) // 86400000000),
            avg(converted), corr(before, revenue), skewness(revenue) FROM '{files / UNITS}'
    """)
    assert units[:4] == (ROWS, ROWS, SEGMENTS, DAYS)
    assert 0.08 < units[4] < 0.11
    assert units[5] > 0.1
    assert units[6] > 3
    rows, units, both = ask(f"""
        SELECT sum(rows), count(*), count(*) FILTER (arms = 2) FROM (
            SELECT count(*) AS rows, count(DISTINCT variation_id) AS arms FROM '{files / EXPOSURES}' GROUP BY user_id)
    """)
    assert (units, both) == (ROWS + ROWS // 2_000, ROWS // 2_000)
    assert rows > 1.15 * units


def test_all_forms_of_the_files_are_one_experiment(bare):
    for form in ("events", "joined"):
        assert agree.apart(bare[form], bare["units"]) < 1e-9
    assert {cell[0] for cell in bare["units"]["revenue"]} == {CONTROL, CANDIDATE}
    assert sum(cell[3] for cell in bare["units"]["revenue"]) == ROWS


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_reading_gives_the_moments_of_the_bare_query(files, bare, tmp_path, way):
    if way.startswith("warehouse"):
        pytest.importorskip("ibis")
    project, result = run(write(tmp_path / "project", files, way, METRICS))
    found = cells(project)
    assert agree.apart(found, bare[warehouse.form_of(way)]) < 1e-9
    raw = agree.raw_effects(found)
    assert len(raw) == 1 + SEGMENTS
    for metric in METRICS:
        assert effects(result)[metric]["raw"] == pytest.approx(raw["all"][metric], abs=1e-9)
    assert set(adjusted_metrics(result)) == set(METRICS)


def test_numbers_that_differ_are_found(bare):
    wrong = {name: [list(cell) for cell in some] for name, some in bare["units"].items()}
    wrong["revenue"][7][9] *= 1.001
    assert agree.apart(wrong, bare["units"]) > 1e-5
    wrong["revenue"][7][3] += 1
    with pytest.raises(AssertionError, match="cells of revenue differ"):
        agree.apart(wrong, bare["units"])


def test_a_run_writes_its_page_and_passes_over_what_is_not_there(files, tmp_path, capsys):
    folder, page = tmp_path / "files", tmp_path / "scale.md"
    folder.mkdir()
    (folder / f"{ROWS}-number").symlink_to(files)
    code = warehouse.main(
        ["--rows", "20k", "--repeats", "1", "--ways", "table, units", "--folder", str(folder), "--page", str(page),
         "--tea", sys.executable]
    )  # fmt: skip
    text = page.read_text()
    assert code in (0, 1)  # times are not asserted here
    assert "| 20,000 | table, units | converted, revenue |" in text
    assert f"DuckDB {duckdb.__version__}" in text
    assert "tea-tasting was not beside it" in text
    said = capsys.readouterr()
    assert "20,000 rows, repeat 1 of 1: table, units (revenue): " in said.err
    assert "tea-tasting is skipped: " in said.err
    assert str(Path(folder)) not in text


def test_rows_that_the_disk_cannot_hold_are_refused(tmp_path, capsys):
    assert warehouse.main(["--rows", "900000M", "--folder", str(tmp_path), "--page", "-"]) == 2
    assert "need 135000 GB of free disk" in capsys.readouterr().err
    assert EVENTS not in {path.name for path in tmp_path.rglob("*")}
