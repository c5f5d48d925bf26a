# What a person and CI both run. `make help` lists it. Needs Python 3.11 or later and make; all else
# is set up in .venv, from requirements.lock, with hashes.

VENV    ?= .venv
PY      := $(VENV)/bin/python
# Every locked version comes as a wheel on Linux and macOS, so no compiler is needed. On a machine
# that has no wheels: make PIP_FLAGS=
PIP_FLAGS ?= --only-binary=:all:
PIP_INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check
# Test files run side by side in so many processes: make test WORKERS=0 for one after another
WORKERS ?= 2
# Added to the command that the target runs: make demo ARGS="--recording DIR", make test ARGS="-k gatt"
ARGS    ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format bench compose-test influxd chaos lock clean venv venv-dev \
	screenshots system-packages test-influxd

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv ## set up, then show Plumbline at work on a simulated client
	@$(VENV)/bin/plumbline demo $(ARGS)

test: venv-dev system-packages test-influxd ## set up, then run every check and every test
	@$(PY) -m pytest -q -rs -n $(WORKERS) --dist loadfile $(ARGS)

check: venv-dev ## lint, format, types and import rules
	@PYTHON=$(PY) scripts/check

format: venv-dev ## bring the code into its format
	@$(PY) -m ruff check --quiet --fix . ; $(PY) -m ruff format .

bench: venv ## measure: a backlog, the delay live, each part against what bounds it (some 6 minutes)
	@$(VENV)/bin/plumbline bench $(ARGS)

screenshots: venv-dev system-packages ## pictures of every page of a simulated clinic, in screenshots/ with an index.html; ARGS="DIR --only review"
	@$(PY) -m tests.dashboard.screenshots $(ARGS)

compose-test: venv-dev system-packages ## run docker-compose.yml for real, a recorded person through it
	@PYTHON=$(PY) scripts/compose-test $(ARGS)

influxd: ## build the InfluxDB server that tests of its store run against (make test does it by itself)
	@scripts/influxd

chaos: venv-dev system-packages test-influxd ## break the whole way 200 times on each store, compare every row; ARGS="--store sqlite --seed 7"
	@$(PY) -m tests.chaos.runner $(ARGS)

lock: venv-dev ## lock dependencies anew; make lock ARGS=--upgrade for newer versions
	@$(PIP_INSTALL) uv && UV=$(VENV)/bin/uv scripts/lock $(ARGS)

clean: ## remove the environment, caches and what builds leave
	rm -rf $(VENV) build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

system-packages:
	@scripts/system-packages

test-influxd: system-packages
	@scripts/influxd --for-tests

venv: $(VENV)/.installed
venv-dev: $(VENV)/.installed-dev

$(VENV)/.made:
	@PYTHON="$(PYTHON)" scripts/make-venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing what Plumbline needs, once: about 900 MB on disk, a minute or a few"
	@$(PIP_INSTALL) --require-hashes $(PIP_FLAGS) -r requirements.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what the tests need, once: under a minute"
	@$(PIP_INSTALL) --require-hashes $(PIP_FLAGS) -r requirements-dev.lock
	@touch $@
