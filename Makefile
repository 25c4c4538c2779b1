# Only Python 3.11+ and make are assumed: every target sets up .venv from the pinned, hashed lists first.
PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: demo test lint lock clean

demo: .venv/run.stamp            ## pull the bundled example, print its four verdicts, serve the dashboard
	$(BIN)/signals demo

test: .venv/dev.stamp lint       ## lint, types, every test
	$(BIN)/python -m pytest -n auto

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: .venv/dev.stamp            ## renew the pinned lists from pyproject.toml
	$(PIP) install uv
	$(LOCK) pyproject.toml requirements/build.in --extra postgres -o requirements/run.txt
	$(LOCK) pyproject.toml requirements/build.in --extra postgres --group dev -c requirements/run.txt -o requirements/dev.txt

.venv/run.stamp: requirements/run.txt pyproject.toml
	@echo "Setting up .venv (about a minute, once) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@echo "Adding what the tests need …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info data/signals.db*
