"""The same exposures on real engines: the same moments, whatever zone their sessions would be in."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from signals.model import OutcomeCell, SignalsError

from .test_warehouse_files import FORTNIGHT, WEEK, parquet
from .warehouse_kit import ENTRY, EXPOSURES, ORDERS, Shop, assert_same, by_key, moments, project, read, shop, units_of

FIELDS = ("mean", "m2", "x_mean", "x_m2", "xy", "m3")


def on_files(folder: Path, rows: Shop, entry: str = ENTRY) -> list[OutcomeCell]:
    parquet(folder / "data", rows)
    return read(project(folder, entry.format(exposures="exposures.parquet", orders="orders.parquet")))[0]


def assert_equal(theirs: list[OutcomeCell], ours: list[OutcomeCell]) -> None:
    left, right = by_key(theirs), by_key(ours)
    assert set(left) == set(right)
    for key, cell in left.items():
        other = right[key]
        assert (cell.moments.n, cell.counted, cell.members) == (other.moments.n, other.counted, other.members)
        spread = math.sqrt(other.moments.m2 / other.moments.n) or 1.0
        for name in FIELDS:
            assert math.isclose(
                getattr(cell.moments, name), getattr(other.moments, name), rel_tol=1e-9, abs_tol=1e-9 * spread
            ), (key, name)


CLUSTERED = ENTRY.replace("map: {{", "map: {{cluster: team, ")


@pytest.mark.postgres
@pytest.mark.parametrize("entry", [ENTRY, CLUSTERED], ids=["units", "clusters"])
def test_postgres_gives_the_same(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    import psycopg

    rows = shop()
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS shop")
        connection.execute("CREATE DATABASE shop")
        connection.execute("ALTER DATABASE shop SET timezone = 'America/Los_Angeles'")
    with psycopg.connect(f"{postgres_server}/shop", autocommit=True) as connection:
        connection.execute("CREATE SCHEMA facts")
        connection.execute(
            "CREATE TABLE facts.exposures "
            "(user_id bigint, variation text, ts timestamptz, plan text, team text, experiment text)"
        )
        connection.execute(
            "CREATE TABLE facts.orders (user_id bigint, ts timestamptz, amount float8, qty int, event text)"
        )
        with connection.cursor() as cursor:
            for name, columns, values in (("exposures", EXPOSURES, rows.exposures), ("orders", ORDERS, rows.orders)):
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO facts.{name} VALUES ({marks})", values)
    monkeypatch.setenv("SHOP", f"{postgres_server}/shop")
    text = entry.format(exposures="facts.exposures", orders="facts.orders").replace(
        "connector: warehouse", "connector: warehouse\n    url: ${SHOP}"
    )
    cells, tally = read(project(tmp_path, text))
    assert_equal(cells, on_files(tmp_path / "files", rows, entry))
    assert tally.rows_kept
    if entry is ENTRY:
        assert_same(cells, moments(units_of(rows, window=WEEK, before=FORTNIGHT)))
        queried = text.replace(
            "{table: facts.exposures,", "{query: SELECT * FROM facts.exposures WHERE experiment = 'x',"
        )
        assert read(project(tmp_path, queried))[0] == cells


@pytest.mark.postgres
def test_postgres_cannot_be_written_and_keeps_its_password(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ENTRY.format(exposures="nowhere", orders="orders").replace(
        "connector: warehouse", "connector: warehouse\n    url: ${SHOP}"
    )
    host = postgres_server.removeprefix("postgresql://signals@")
    monkeypatch.setenv("SHOP", f"postgresql+psycopg://signals:sesame-open@{host}/postgres")
    with pytest.raises(SignalsError, match="there is no table 'nowhere'") as caught:
        read(project(tmp_path, entry))
    assert "sesame" not in str(caught.value)
    monkeypatch.setenv("SHOP", f"postgresql://signals:sesame-open@{host}/nodatabase")
    with pytest.raises(SignalsError, match="nodatabase") as caught:
        read(project(tmp_path, entry))
    assert "sesame" not in str(caught.value)
    monkeypatch.setenv("SHOP", f"postgresql://signals@{host}/postgres")
    with pytest.raises(SignalsError, match="`query:` must be a SELECT"):
        read(project(tmp_path, entry.replace("table: nowhere,", "query: DROP TABLE x,")))


SPARK = """
import json, os, sys
from pathlib import Path
sys.path[:0] = [sys.argv[3]]
from pyspark.sql import SparkSession
import ibis
folder, master = Path(sys.argv[1]), sys.argv[2]
spark = (
    SparkSession.builder.master(master).appName("shop")
    .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
    .config("spark.sql.session.timeZone", "America/Los_Angeles")
    .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
for name in ("exposures", "orders"):
    spark.read.parquet(str(folder / "data" / f"{name}.parquet")).createOrReplaceTempView(name)
from tests.connectors.warehouse.warehouse_kit import project, read
made = {}
for which in ("units", "clusters"):
    cells, tally = read(project(folder, (folder / f"{which}.yaml").read_text()))
    from signals.model import plain
    made[which] = [plain(cell) for cell in cells]
made["nodes"] = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()
made["zone"] = spark.conf.get("spark.sql.session.timeZone")
(folder / "made.json").write_text(json.dumps(made))
spark.stop()
"""


@pytest.fixture
def java() -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not on the path")


@pytest.mark.slow
def test_a_spark_cluster_of_two_workers_gives_the_same(java: None, tmp_path: Path) -> None:
    import json
    from datetime import date

    rows = shop()
    ours = {"units": on_files(tmp_path, rows), "clusters": on_files(tmp_path / "files", rows, CLUSTERED)}
    for which, entry in (("units", ENTRY), ("clusters", CLUSTERED)):
        text = entry.format(exposures="exposures", orders="orders")
        (tmp_path / f"{which}.yaml").write_text(
            text.replace("connector: warehouse", "connector: warehouse\n    url: pyspark://")
        )
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        [sys.executable, "-c", SPARK, str(tmp_path), "local-cluster[2,1,1024]", root],
        capture_output=True, text=True, timeout=540, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    made = json.loads((tmp_path / "made.json").read_text())
    assert made["nodes"] == 3  # the driver and two workers
    for which, cells in ours.items():
        theirs = {
            (
                cell["variant"],
                tuple(label for _, label in cell["segment"]),
                cell["day"] and date.fromisoformat(cell["day"]),
            ): cell
            for cell in made[which]
        }
        mine = by_key(cells)
        assert set(theirs) == set(mine)
        for key, cell in theirs.items():
            m = mine[key].moments
            assert cell["moments"]["n"] == m.n
            spread = math.sqrt(m.m2 / m.n) or 1.0
            for name in FIELDS:
                assert math.isclose(cell["moments"][name], getattr(m, name), rel_tol=1e-9, abs_tol=1e-9 * spread), (
                    key,
                    name,
                )
