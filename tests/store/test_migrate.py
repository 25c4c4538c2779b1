"""A store that an earlier version filled opens, keeps every row, and says honestly what was not known then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import MetaData, insert, select, text
from store_kit import RELEASE, put, scores

from signals.model import ItemScore, Moments, OutcomeCell, Preference, Rating
from signals.store import open_store
from signals.store.engine import Database
from signals.store.migrate import MIGRATIONS, version
from signals.store.tables import REVISIONS

AT = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
SUMS = {"n": 10, "mean": 0.1, "m2": 0.9, "x_mean": None, "x_m2": None, "xy": None, "d_mean": None, "d_m2": None,
        "yd": None, "xd": None}  # fmt: skip
OLD: dict[str, dict[str, Any]] = {
    "item_score": {
        "source": "s", "record": "r", "item": "i", "variant": "prompt-v6", "scorer": "j", "value": 1 / 3, "error": None,
        "fingerprint": "f", "repeat": 2, "cluster": "", "segment": '[["plan","pro"]]', "at": AT, "digest": b"1",
    },
    "rating": {
        "source": "s", "record": "r", "item": "i", "rater": "ann", "variant": "prompt-v7", "value": None,
        "dimension": "", "status": "skipped", "attempt": 1, "segment": "", "at": None, "digest": b"2",
    },
    "preference": {
        "source": "s", "record": "r", "item": "i", "rater": "ann", "left": "prompt-v6", "right": "prompt-v7",
        "choice": "tie", "dimension": "", "status": "submitted", "attempt": 1, "segment": "", "at": AT, "digest": b"3",
    },
    "outcome_moments": {
        "source": "s", "metric": "m", "variant": "prompt-v6", "segment": "", "day": "2026-11-12", **SUMS, "digest": b"4"
    },
    "feedback_moments": {
        "source": "s", "variant": "prompt-v6", "segment": "", "day": "", "impressions": None, "users_known": True,
        "top_user_share": 0.5, **SUMS, "d_mean": 1.0, "d_m2": 0.0, "yd": 0.0, "digest": b"5",
    },
    "release": {
        "id": "prompt-v7", "kind": "prompt", "control": "prompt-v6", "candidate": "prompt-v7",
        "started": date(2026, 11, 10), "owner": "", "as_of": None, "synthetic": False, "listed": True,
    },
    "pull": {
        "source": "s", "signal": "judge", "connector": "table", "status": "changed", "fingerprint": "f",
        "definition": "d", "content": "sha256:0", "rows_read": 1, "rows_kept": 1, "records": 1, "set_aside": "[]",
        "parts": '[{"key": ["prompt-v6"], "content": "0", "rows": 1, "last": ""}]', "new": 1, "changed": 0,
        "removed": 0, "unchanged": 0, "first_at": None, "last_at": None, "started": AT, "seconds": 0.5, "checked": AT,
        "error": None,
    },
}  # fmt: skip


def first_version(url: str) -> dict[str, list[Any]]:
    """Make a store with the tables of version 0001 and fill it; every row of every table, by name."""
    from alembic import command
    from alembic.config import Config

    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.engine.connect() as connection, database.writing(connection, "migrate"):
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        known = MetaData()
        known.reflect(connection)
        for name, row in OLD.items():
            if connection.dialect.name == "sqlite":
                row = {key: plain_time(value) for key, value in row.items()}  # noqa: PLW2901 - one name for one thing
            connection.execute(insert(known.tables[name]), row)
        rows = {name: [dict(row) for row in connection.execute(select(known.tables[name])).mappings()] for name in OLD}
    database.engine.dispose()
    return rows


def plain_time(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def test_a_store_of_the_first_version_keeps_everything(url: str) -> None:
    before = first_version(url)
    with open_store(url) as store:
        with store.database.read() as connection:
            assert version(connection) == REVISIONS[-1]
            known = MetaData()
            known.reflect(connection)
            for name, rows in before.items():
                table = known.tables[name]
                old = [table.c[column] for column in rows[0]]
                assert [dict(row) for row in connection.execute(select(*old)).mappings()] == rows, name
        assert store.releases() == (RELEASE,)
        found = store.evidence(RELEASE, ["s"])
        assert found.scores == (
            ItemScore("r", "i", "prompt-v6", "j", 1 / 3, fingerprint="f", repeat=2, segment=(("plan", "pro"),), at=AT),
        )
        assert found.ratings == (Rating("r", "i", "ann", "prompt-v7", None, status="skipped"),)
        assert found.preferences == (Preference("r", "i", "ann", "prompt-v6", "prompt-v7", "tie", at=AT),)
        assert found.outcomes == (OutcomeCell("m", "prompt-v6", (), date(2026, 11, 12), Moments(10, 0.1, 0.9)),)
        assert found.feedback[0].moments == Moments(10, 0.1, 0.9, d_mean=1.0, d_m2=0.0, yd=0.0)
        assert found.quantiles == ()
        report = put(store, scores(3))
        assert (report.new, report.status) == (3, "changed")
    open_store(url).close()


def test_a_migration_that_is_cut_off_leaves_the_earlier_version(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    before = first_version(url)
    real = op.create_table

    def refuse(*arguments: Any, **options: Any) -> Any:
        real(*arguments, **options)
        raise RuntimeError("no more")

    monkeypatch.setattr(op, "create_table", refuse)
    with pytest.raises(RuntimeError):
        open_store(url)
    monkeypatch.undo()
    database = Database(url)
    with database.read() as connection:
        assert version(connection) == "0001"
        known = MetaData()
        known.reflect(connection)
        assert "outcome_quantile" not in known.tables
        assert "length" not in known.tables["item_score"].c
        assert [dict(row) for row in connection.execute(select(known.tables["pull"])).mappings()] == before["pull"]
    database.engine.dispose()
    with open_store(url) as store:
        assert len(store.evidence(RELEASE, ["s"]).scores) == 1


def test_decisions_of_the_version_before_keep_their_rows_and_their_chain(url: str) -> None:
    """From before overrides were records: two decisions with their entries, one of them against its verdict."""
    from alembic import command
    from alembic.config import Config

    from signals.model import Decision, canonical
    from signals.store import audit

    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    rows = []
    with database.engine.connect() as connection, database.writing(connection, "migrate"):
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        old = MetaData()
        old.reflect(connection, only=["decision"])
        for call, second in (("hold", ""), ("ship", "bob")):
            body = {
                "release": "prompt-v7", "call": call, "recommended": "hold", "by": "ann", "because": "−2 % is noise",
                "at": AT, "verdict_hash": "sha256:v", "policy_hash": "sha256:p", "second": second,
            }  # fmt: skip
            entry = audit.append(connection, "decision", body, AT)
            row = {**body, "entry": entry}
            rows.append(row)
            connection.execute(
                insert(old.tables["decision"]),
                {key: plain_time(value) for key, value in row.items()} if connection.dialect.name == "sqlite" else row,
            )
    database.engine.dispose()
    with open_store(url) as store:
        made, overrides, outcomes = store.recorded()
        assert (overrides, outcomes) == ((), ())
        assert [canonical(one) for one in made] == [
            canonical(Decision(**row, number=number)) for number, row in zip((2, 1), reversed(rows), strict=True)
        ]
        assert store.verify_audit() == []
        new = store.decide(replace(made[0], call="hold", because="again", entry="", number=0))
        assert (new.number, new.token) == (3, "")
        assert store.verify_audit() == []
        with store.database.write("test") as connection:
            trigger = "decision_no_update" if store.database.sqlite else "decision_no_change ON decision"
            connection.execute(text(f"DROP TRIGGER {trigger}"))
            connection.execute(text("UPDATE decision SET second = 'rob' WHERE id = 2"))
        assert store.verify_audit() == ["decision 2 on prompt-v7: differs from its audit entry (second)"]
    open_store(url).close()
