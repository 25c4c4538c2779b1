# Only Python 3.11+ and make are assumed: every target sets up .venv from the pinned, hashed lists first.
PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

# The library that our numbers are held against needs Python 3.12; or: make oracle ORACLE_PYTHON=/path/to/python
ORACLE_PYTHON ?= $(shell for python in python3.12 python3.13 python3.14 python3 $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python; \
  do $$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$python && break; done)

EDITOR := signals/dashboard/editor

.PHONY: demo test live lint coverage shots editor oracle oracle-python lock clean

demo: .venv/run.stamp editor     ## pull the bundled example, print its verdicts, serve the dashboard
	$(BIN)/signals demo

test: .venv/dev.stamp lint editor  ## lint, types, every test
	$(BIN)/python -m pytest -n auto --dist worksteal

SERVERS := mlflow phoenix label_studio

live: .venv/dev.stamp $(SERVERS:%=.venv-live/%/run.stamp)  ## connectors against the real servers (2 GB of them), filled by their own clients
	SIGNALS_LIVE_MLFLOW=$(CURDIR)/.venv-live/mlflow/bin/python SIGNALS_LIVE_PHOENIX=$(CURDIR)/.venv-live/phoenix/bin/python \
	SIGNALS_LIVE_LABEL_STUDIO=$(CURDIR)/.venv-live/label_studio/bin/python $(BIN)/python -m pytest tests/live

.venv-live/%/run.stamp: requirements/live/%.txt
	@echo "Setting up $* (some minutes, once) …"
	@rm -rf .venv-live/$* && $(PYTHON) -m venv .venv-live/$*
	@.venv-live/$*/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

editor: $(EDITOR)/dist/LICENSES.txt  ## bundle the policy editor; without Node the Policy page uses a text field

$(EDITOR)/dist/LICENSES.txt: $(wildcard $(EDITOR)/*.js) $(EDITOR)/package-lock.json
	@if command -v npm >/dev/null; then echo "Bundling the policy editor …"; \
	cd $(EDITOR) && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent build; \
	else false; fi || echo "The policy editor is not bundled: the Policy page uses a plain text field."

oracle: .venv/run.stamp .venv-oracle/run.stamp  ## hold our numbers against an independent library
	@$(BIN)/python -m benchmarks.oracle.cases | .venv-oracle/bin/python benchmarks/oracle/compare.py

oracle-python:                   ## the Python that it would use; empty without one
	@echo $(ORACLE_PYTHON)

coverage: .venv/run.stamp        ## how often every interval holds the truth, in ten minutes, into docs/coverage.md
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.coverage

shots: .venv/dev.stamp editor    ## the pictures of the documentation, into docs/; needs Chromium
	$(BIN)/python -m tests.dashboard.shots docs

lock: .venv/dev.stamp            ## renew the pinned lists from pyproject.toml
	$(PIP) install uv
	$(LOCK) pyproject.toml requirements/build.in --extra auth --extra memo --extra postgres --extra warehouse -o requirements/run.txt
	$(LOCK) pyproject.toml requirements/build.in --extra auth --extra memo --extra postgres --extra warehouse --group dev -c requirements/run.txt -o requirements/dev.txt
	$(LOCK:3.11=3.12) requirements/oracle.in -o requirements/oracle.txt
	for server in $(SERVERS); do $(LOCK) requirements/live/$$server.in -o requirements/live/$$server.txt; done

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

.venv-oracle/run.stamp: requirements/oracle.txt
	@test -n "$(ORACLE_PYTHON)" || { echo "No Python 3.12 or newer was found: make oracle ORACLE_PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up .venv-oracle (half a minute, once) …"
	@rm -rf .venv-oracle && "$(ORACLE_PYTHON)" -m venv .venv-oracle
	@.venv-oracle/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/oracle.txt
	@touch $@

clean:
	rm -rf .venv .venv-oracle .venv-live build dist *.egg-info data/signals.db* $(EDITOR)/dist $(EDITOR)/node_modules
