"""Evidence kept: tables, migrations, queries, and the audit chain. The only place that imports SQLAlchemy."""

from signals.store.contents import Content, Key, own_keys
from signals.store.look import Look
from signals.store.reading import cuts
from signals.store.report import PulledMeanwhileError, PullReport, StoreError, Tally, failed_report
from signals.store.store import Store, open_store
from signals.store.versions import Version, VersionLog

__all__ = [
    "Content", "Key", "Look", "PullReport", "PulledMeanwhileError", "Store", "StoreError", "Tally", "Version",
    "VersionLog", "cuts", "failed_report", "open_store", "own_keys",
]  # fmt: skip
