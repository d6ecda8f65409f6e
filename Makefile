# make demo: set up everything and open the running platform.  make test: set up and test everything.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

ifneq ($(CURDIR),$(ROOT))
# Called as `make -f elsewhere/Makefile …`: do the work where the project is.
%:
	@$(MAKE) --no-print-directory -C "$(ROOT)" $@
help demo test test-slow test-all check audit format bench bench-quick screenshots clean setup lock catalogs:
	@$(MAKE) --no-print-directory -C "$(ROOT)" $@
else

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
CATALOGS := $(wildcard src/survey/locale/*/LC_MESSAGES/*.po)
COMPILED := $(CATALOGS:.po=.mo)
TESTS ?= tests
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else each worker, server and command of the tests would compile all that it imports, each time.
test test-slow: export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-slow test-all check check-code check-types check-javascript check-vulnerabilities audit format bench bench-quick screenshots clean setup lock catalogs programs spark ddi-schema xlsform-examples

help:
	@echo 'make demo         set up, make demo data if there are none, serve http://localhost:8501'
	@echo 'make test         set up, then lint, types, imports, unit, page, database and browser tests'
	@echo 'make test-slow    the tests that take long: whole demonstrations, freezes, journeys, a cluster'
	@echo 'make test-all     both on each of Python 3.11, 3.12 and 3.13 that is installed'
	@echo 'make check        lint, types (Python, JavaScript), import rules, known vulnerabilities'
	@echo 'make audit        ask for known vulnerabilities of the locked packages now'
	@echo 'make format       format the code'
	@echo 'make bench        measure what docs/performance.md reports'
	@echo 'make bench-quick  run each of these once, at its smallest size'
	@echo 'make screenshots  every page x size x theme x language into screenshots/'
	@echo 'make catalogs     collect new screen texts into the .po files'
	@echo 'make lock         lock the dependencies anew'
	@echo 'make clean        remove everything that make made, but not the data in var/'

demo: $(VENV)/.runtime $(COMPILED)
	@$(BIN)/survey demo --serve

test: setup programs ddi-schema xlsform-examples
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n 3 --dist worksteal -m 'not slow' $(TESTS)

test-slow: setup programs spark
	@$(BIN)/pytest -n 2 --dist worksteal -m slow $(TESTS)

# One interpreter after the other, each with an environment of its own; what is missing is said.
test-all:
	@for version in 3.11 3.12 3.13; do \
		python=python$$version; venv=.venv-$$version; \
		$$python -c 'import venv, ensurepip' >/dev/null 2>&1 || { echo "== Python $$version: NOT INSTALLED, SKIPPED =="; continue; }; \
		.venv/bin/python -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$$version')" 2>/dev/null && venv=.venv; \
		echo "== Python $$version ($$venv) =="; \
		$(MAKE) --no-print-directory test test-slow PYTHON=$$python VENV=$$venv; \
	done

check: $(VENV)/.dev $(COMPILED)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check-vulnerabilities check-types check-code check-javascript

check-code check-types check-javascript check-vulnerabilities: $(VENV)/.dev $(COMPILED)

check-code:
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-cache --no-logo 2>&1 | tail -n 8

check-types:
	@$(BIN)/mypy

check-javascript:
	@$(BIN)/python tools/check_javascript.py

# It hardly computes: most of its time it waits for answers.
check-vulnerabilities:
	@$(BIN)/python tools/check_vulnerabilities.py

audit: $(VENV)/.dev
	@$(BIN)/python tools/check_vulnerabilities.py --now

format: $(VENV)/.dev
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

bench: setup
	@$(BIN)/python -m benchmarks

bench-quick: setup
	@$(BIN)/python -m benchmarks --quick

screenshots: setup programs
	@$(BIN)/python -m tools.screenshots

setup: $(VENV)/.dev $(COMPILED)
	@tools/ensure-typescript.sh

programs:
	@tools/ensure-programs.sh

spark: $(VENV)/.dev
	@tools/ensure-spark.sh $(VENV)

ddi-schema:
	@tools/ensure-ddi-schema.sh

xlsform-examples:
	@tools/ensure-xlsform-examples.sh

$(VENV)/.runtime: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'No Python 3.11, 3.12 or 3.13 with venv was found (Debian: apt install python3-venv).' >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (once, about a minute) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
# Where Python may not write bytecode, every command would compile all that it imports.
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

%.mo: %.po $(VENV)/.runtime
	@$(BIN)/pybabel --quiet compile -i $< -o $@

catalogs: $(VENV)/.runtime
	@$(BIN)/python tools/update_catalogs.py

lock: $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet uv
	@tools/lock.sh

clean:
	@rm -rf .venv .venv-3.1? build screenshots .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	@find src -name '*.mo' -delete
	@find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

endif
