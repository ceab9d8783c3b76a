# `make` lists what there is to do. Needs Python 3.11+; the tests want Docker, or Java 17 and Maven, too.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The newest Python that is new enough; PYTHON=… chooses another.
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v "$$p"; break; }; done)

RUN_STAMP := $(VENV)/.beckon-run
DEV_STAMP := $(VENV)/.beckon-dev
WHEEL_VENV := .venv-wheel
TIDY := tests/test_tidy.py tests/test_packaging.py tests/test_deploy.py
CORE := $(patsubst %,tests/unit/%,schemas definitions state decisions)
UNIT := tests/unit $(patsubst %,--ignore=%,$(CORE))
MODEL := tests/oracle tests/simulation tests/examples
STARBUCKS := tests/integration/test_starbucks.py
CONTRACT := tests/contract tests/e2e
REST := $(patsubst %,--ignore=%,tests/unit $(MODEL) $(STARBUCKS) $(CONTRACT) $(TIDY))
# Where brokers run beside each other, one may answer too late: who failed is tried once more alone.
KEEP = -o cache_dir=.pytest_cache/$@
AGAIN := --last-failed --last-failed-no-failures=none
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes \
	--strip-extras --allow-unsafe --no-emit-options --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/' | expand -t 12

# Installing

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Beckon needs Python 3.11 or later; none was found" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what Beckon needs into $(VENV), once: a minute or two"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo "installing what its checks and tests need, once: a minute or two"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: venv
venv: $(DEV_STAMP)  ## a virtual environment with everything to work on Beckon

.PHONY: lock
lock: $(DEV_STAMP)  ## renew the pinned versions; UPGRADE=1 takes the newest of all
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra dev --extra registry \
		--constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

# Using

.PHONY: demo
demo: $(RUN_STAMP)  ## the whole flow on this machine, in about a minute (ARGS="--plain" for logs)
	$(BIN)/beckon demo $(ARGS)

.PHONY: up
up:  ## Kafka, a worker, a sender and Prometheus in containers
	docker compose up --build

.PHONY: bench
bench: $(DEV_STAMP)  ## speed on a real local Kafka (ARGS="--peer floor")
	$(BIN)/beckon bench stream $(ARGS)

# Checking

.PHONY: check
check: $(DEV_STAMP)  ## format, lint, types, layers, tidiness, packaging
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/pytest -q $(TIDY)

.PHONY: core
core: $(DEV_STAMP)  ## the unit tests of the core, with the coverage that it must have
	$(BIN)/pytest -q $(CORE) --cov --cov-report=term-missing

.PHONY: unit
unit: $(DEV_STAMP)  ## all other unit tests
	$(BIN)/pytest -q --durations=5 $(KEEP) $(UNIT) || $(BIN)/pytest -q $(KEEP) $(UNIT) $(AGAIN)

.PHONY: model
model: $(DEV_STAMP)  ## the engine against an oracle that shares no code with it
	$(BIN)/pytest -q --durations=5 $(MODEL)

.PHONY: starbucks
starbucks: $(DEV_STAMP)  ## real input through a real Kafka: a worker killed, a replay, the oracle
	$(BIN)/pytest -q --durations=3 $(STARBUCKS)

SEEDS := 10000
.PHONY: simulate
simulate: $(DEV_STAMP)  ## lives of the pipeline in memory with all that can befall it (SEEDS=100000 FROM=0)
	$(BIN)/python -m tests.simulation.seeds $(SEEDS) $(FROM)
	$(BIN)/python -m tests.simulation.withdrawals $(SEEDS) $(FROM)

.PHONY: contract
contract: $(DEV_STAMP)  ## one suite for all that fill the same place, and all of it together
	$(BIN)/pytest -q --durations=5 $(KEEP) $(CONTRACT) || $(BIN)/pytest -q $(KEEP) $(CONTRACT) $(AGAIN)

.PHONY: whole
whole: $(DEV_STAMP)  ## all other tests, on a real Kafka
	$(BIN)/pytest --durations=12 -m "not peers" $(KEEP) $(REST) \
		|| $(BIN)/pytest -m "not peers" $(KEEP) $(REST) $(AGAIN)

.PHONY: deliveries
deliveries: $(DEV_STAMP)  ## 10,000 commands through a sender that is killed every second; database and provider away
	BECKON_TEST_FULL=1 $(BIN)/pytest -q -s tests/integration/test_deliveries.py

.PHONY: peers
peers: $(DEV_STAMP)  ## that the frameworks we are measured against do the same job
	$(BIN)/pytest -m peers tests/integration

.PHONY: test
test: $(DEV_STAMP)  ## everything, on a real Kafka: half of it waiting, so two parts at once
	@echo "two parts at once; each is shown when it has ended, the last one after about half an hour"
	$(MAKE) --jobs=2 --output-sync=target whole check unit core contract starbucks model

.PHONY: wheel
wheel: $(DEV_STAMP)  ## build the wheel and test it as installed, away from this folder
	rm -rf dist build $(WHEEL_VENV)
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python -m venv $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(WHEEL_VENV)/bin/python -m pip install --quiet --no-deps dist/*.whl
	away=$$(mktemp -d) && trap 'rm -rf "$$away"' EXIT \
		&& tar -cf - $(addprefix --exclude=./,.?* build dist demo-out processors schemas connectors) . \
		| tar -xf - -C "$$away" \
		&& wheel_python="$$PWD/$(WHEEL_VENV)/bin/python" && cd "$$away" \
		&& "$$wheel_python" -P -m pytest -q -p no:cacheprovider tests/unit
	rm -rf $(WHEEL_VENV)

# Housekeeping

.PHONY: format
format: $(DEV_STAMP)  ## bring every file into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

.PHONY: changelog
changelog:  ## print what the next release changes, from changelog.d/
	@for f in changelog.d/*.md; do case "$$f" in */README.md) ;; *) sed 's/^/- /' "$$f" ;; esac; done

.PHONY: clean
clean:  ## remove what was built and cached; the environment and local data stay
	rm -rf build dist demo-out .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache $(WHEEL_VENV)
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
