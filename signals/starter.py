"""Where the bundled example and the dashboard's front door are, and how a new project starts.

In a checkout they stand at its top; in an installed package they stand beside this file.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from signals.model import SignalsError

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent

SOURCES = """\
# Where evidence comes from. `signals pull` reads it into the store; secrets come only through ${ENV}.
store: ${SIGNALS_STORE:-sqlite:///data/signals.db}

releases: []
  # - {id: prompt-v7, kind: prompt, control: prompt-v6, candidate: prompt-v7, started: 2026-11-10, owner: you}

sources: {}
  # golden-set:
  #   signal: judge                    # a signal of hierarchy.yaml
  #   connector: promptfoo
  #   path: exports/promptfoo/*.json
  #   map: {item: vars.ticket_id, variant: provider.label}
"""


def example() -> Path:
    """The bundled example: in place in a checkout, else copied into ``signals-demo`` under the working directory."""
    if (CHECKOUT / "data" / "sources.yaml").is_file():
        return CHECKOUT
    target = Path.cwd() / "signals-demo"
    if not (target / "hierarchy.yaml").exists():
        shutil.copytree(PACKAGE / "_example", target, dirs_exist_ok=True)
    return target


def app() -> Path:
    """The script that Streamlit runs."""
    packaged = PACKAGE / "_app.py"
    return packaged if packaged.is_file() else CHECKOUT / "app.py"


def start(folder: Path) -> tuple[Path, ...]:
    """Write ``hierarchy.yaml`` and ``data/sources.yaml``; never over what is there.

    Raises:
        SignalsError: When one of them exists already, or the folder cannot be written.
    """
    packaged = PACKAGE / "_example" / "hierarchy.yaml"
    policy = packaged if packaged.is_file() else CHECKOUT / "hierarchy.yaml"
    schema = PACKAGE / "policy" / "hierarchy.schema.json"
    # Beside the policy, so that an editor completes and checks it.
    text = policy.read_text(encoding="utf-8").replace("./signals/policy/hierarchy.schema.json", f"./{schema.name}", 1)
    files = {
        folder / "hierarchy.yaml": text,
        folder / schema.name: schema.read_text(encoding="utf-8"),
        folder / "data" / "sources.yaml": SOURCES,
    }
    for path in files:
        if path.exists():
            raise SignalsError(f"{path} exists already", "Choose an empty folder")
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SignalsError(f"{folder}: cannot be written: {error.strerror}", "Choose another folder") from None
    return tuple(files)
