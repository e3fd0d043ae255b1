# Front door. `make study` and `make test` are all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
STUDY  ?= shanghai
DRAWS  ?= 200
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# A value given on the command line reaches the recipe as an environment variable,
# so that spaces and quotes in a path stay what they are.
export STUDY
# Bytecode is written once, at install: without it every kernel compiles its imports again.
export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

.PHONY: help bounds env study test spark studies site diff audit browser reproduce package lab verify montecarlo attack returns faults mutate bench lint format fuzz params lock advisories clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(READY): requirements.lock bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not ((3,11) <= sys.version_info[:2] <= (3,13)))' 2>/dev/null \
	  || { echo "make: Python 3.11, 3.12 or 3.13 is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true). Name another with: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "make: this Python lacks venv (Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@command -v git >/dev/null || { echo "make: git is missing"; exit 1; }
	@echo "environment: creating $(VENV) from requirements.lock (once; about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r bootstrap.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes bootstrap.lock requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --offline --no-deps --no-build-isolation -e .
	@touch $@

env: $(READY) ## create the environment (EXTRAS=innovation: also data whose licence is another; EXTRAS=spark: Apache Spark; see extras/)
	@for name in $(EXTRAS); do \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --require-hashes -r extras/$$name.lock; done

study: $(READY) ## run a study and build the site (STUDY=name, or STUDY=path/to/file.yaml)
	@$(BIN)/fusion run "$$STUDY" --site

test: $(READY) ## run the tests, heavy ones in a short version
	@$(BIN)/python -m pytest

studies: $(READY) ## the tests of whole chains on the bundled studies as they are, nothing cut short (a quarter of an hour)
	@FUSION_FULL=1 $(BIN)/python -m pytest tests/chain

spark: $(READY) ## install Spark (an extra, 430 MB; Java 17 is needed) and run a study on it, a worker killed on the way (ten minutes)
	@$(MAKE) env EXTRAS=spark
	@FUSION_SPARK=1 $(BIN)/python -m pytest -n 0 tests/cluster

verify: $(READY) ## recompute published results (build/verification.csv)
	@$(BIN)/fusion verify
	@$(BIN)/fusion site

attack: $(READY) ## attack what secrecy rules would publish of random panels (PANELS=300; half an hour)
	@OMP_NUM_THREADS=1 $(BIN)/python -m evidence.secrecy --panels $(or $(PANELS),300) --workers 2

returns: $(READY) ## plant slips in made-up returns and count what is found and what calls mend (ten minutes)
	@$(BIN)/python -m evidence.returns

mutate: $(READY) ## plant faults one by one where numbers are computed, and name those that no test finds (build/mutants.csv; COUNT=200)
	@OMP_NUM_THREADS=1 $(BIN)/python -m evidence.mutants --count $(or $(COUNT),200) --seed $(or $(SEED),1)

faults: $(READY) ## disturb every stage as machines do: signals, full disks, lost files, flipped bytes (build/faults.csv; TRIES=500)
	@$(BIN)/python -m evidence.faults --tries $(or $(TRIES),500) $(if $(LIGHT),--light)

bench: $(READY) ## time the heavy works beside the obvious way (build/bench.csv; WORK=name ROWS=n), or WORK=chain FIRMS="3000 30000" each notebook
	@$(BIN)/python -m evidence.bench $(WORK) $(if $(ROWS),--rows $(ROWS)) $(if $(FIRMS),--firms $(FIRMS))

montecarlo: $(READY) ## bias, coverage, power and alarms on synthetic panels (build/montecarlo.csv and a page, about an hour; DRAWS=200)
	@$(BIN)/python -m evidence.montecarlo.production --draws $(or $(PRODUCTION_DRAWS),50)
	@status=0; $(BIN)/python -m evidence.montecarlo --draws $(DRAWS) || status=$$?; $(BIN)/fusion site; exit $$status

site: $(READY) ## build the site from the studies that have been run
	@$(BIN)/fusion site

diff: $(READY) ## compare two runs, A=… B=…: study, study@previous, study@baseline (build/diff.html)
	@$(BIN)/fusion diff "$(A)" "$(B)" --page build/diff.html

audit: $(READY) ## say which points of the checklist hold; fails when a claim lacks its evidence (STUDY=name)
	@$(BIN)/fusion audit "$$STUDY"

browser: $(READY) ## open every page of the site in Chromium: links, images, formulas, accessibility, a phone
	@$(BIN)/fusion browse --shots build/.screenshots

reproduce: $(READY) ## run a study twice under other circumstances and name the first byte that differs (STUDY=name)
	@$(BIN)/fusion reproduce "$$STUDY"

package: $(READY) ## make a replication package of a study that has been run (build/packages)
	@$(BIN)/fusion package "$$STUDY"

lab: $(READY) ## open JupyterLab on a study's start page: what was found, how to change it (STUDY=name)
	@$(BIN)/fusion lab "$$STUDY"

fuzz: $(READY) ## read thousands of made-up files and command lines: an error in words, or rows that add up (build/fuzz.csv; N=900 of each kind, FIRST=seed, MORE=1 adds to the table)
	@nice -n 10 $(BIN)/python tests/fuzz/run.py --tries $(or $(N),900) --first $(or $(FIRST),0) $(if $(MORE),--more)
	@FUSION_FUZZ=$(or $(N),900) nice -n 10 $(BIN)/python -m pytest -q -n 1 tests/adapters/test_reading.py tests/expressions/test_functions.py -k "any_ or as_pandas"

params: $(READY) ## write params/base.yaml, JSON schemas, docs/exhibits.md and the notebooks' parameters cells from the models
	@$(BIN)/fusion params --write

lint: $(READY) ## ruff (notebooks too), mypy, stripped notebooks, how notebooks read
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/nbstripout --verify notebooks/*.ipynb
	@$(BIN)/python -m workbook.review.notebooks

format: $(READY) ## format code and strip notebooks
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout notebooks/*.ipynb

lock: $(READY) ## renew requirements.lock from requirements.in
	@for name in requirements bootstrap; do \
	  $(BIN)/uv pip compile $$name.in -o $$name.lock --upgrade --universal --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-annotate --no-header --python-version 3.11 --quiet; done
	@rm -f $(READY) && $(MAKE) env && $(BIN)/python tests/project/supply.py licences

bounds: $(READY) ## try the newest of each package that is held back, and say whether it still must be
	@$(BIN)/python tests/project/supply.py bounds

advisories: $(READY) ## look every locked package up where weaknesses are made known (2: not all could be looked up)
	@$(BIN)/python tests/project/supply.py advisories

clean: ## remove what was built (the environment stays)
	@rm -rf build site .mypy_cache .ruff_cache .pytest_cache .hypothesis
