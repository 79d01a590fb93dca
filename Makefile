# The commands of the project; each sets up what it needs on a fresh machine with Python 3.13 and Node 20.
PYTHON ?= $(shell command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: chromium screenshots help setup demo start test test-postgres explore soak check docs package lock format clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    upload photographs and made variants, wait for the verdicts, print them"
	@echo "make start   run the app and Azurite here until Ctrl-C"
	@echo "make screenshots  take those of the review page and the tutorial anew"
	@echo "make test    all tests"
	@echo "make test-postgres  the end-to-end tests with the index in PostgreSQL"
	@echo "make explore random schedules of handlers, faults and people, until one ends badly (SCHEDULES=200000)"
	@echo "make soak    uploads, overwrites and deletions with faults and kills, and a look at all that is left (SCALE=0.1)"
	@echo "make check   ruff, mypy, import-linter, links and figures in the docs"
	@echo "make docs    write the tables and figures of the docs anew, from infra/ and benchmarks/results/"
	@echo "make package the zip that is deployed and its list of materials (CycloneDX), in dist/"
	@echo "make lock    pin requirements.txt and requirements-dev.txt anew"

$(VENV)/.ready: requirements-dev.txt pyproject.toml .python-version
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 13) else "Python 3.13 is needed (found %s): install it, or set PYTHON=" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/.ready: package-lock.json
	@command -v npm >/dev/null || { echo "npm (Node 20) is needed to run Azurite: install Node 20" >&2; exit 1; }
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

local.settings.json:
	cp local.settings.sample.json $@

setup: $(VENV)/.ready node_modules/.ready

demo: setup
	$(BIN)/python -m demo

start: setup local.settings.json
	$(BIN)/python -m local_host start

# The tests of the review page drive a Chromium of the system.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } || \
	  { echo "Chromium is missing: install it, for example with apt-get install chromium" >&2; exit 1; }

screenshots: setup chromium
	SCREENSHOTS=docs/img $(BIN)/python -m pytest -q tests/web/test_page.py tests/cli/test_measure_report.py tests/test_tutorial.py -k "accessible or tutorial"

test: setup chromium
	$(BIN)/python -m pytest -n logical --dist worksteal

test-postgres: setup
	$(BIN)/python -m pytest -n logical --dist worksteal --engine postgres tests/e2e

explore: setup
	$(BIN)/python -m tests.app.explorer --schedules $(or $(SCHEDULES),200000)

soak: setup
	$(BIN)/python -m tests.soak --scale $(or $(SCALE),1)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/check_links.py
	$(BIN)/python -m infra.tools.tables --check
	$(BIN)/python docs/figures.py --check
	$(BIN)/python docs/write_decoders.py --check
	$(BIN)/python docs/write_references.py --check

docs: setup
	$(BIN)/python -m infra.tools.tables
	$(BIN)/python docs/figures.py
	$(BIN)/python docs/write_decoders.py
	$(BIN)/python docs/write_references.py

package: setup
	$(BIN)/python -m infra.tools.package dist/near-duplicate-images.zip

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url --python-version 3.13 requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url --python-version 3.13 requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) node_modules .azurite .local_host .pytest_cache .mypy_cache .ruff_cache dist
