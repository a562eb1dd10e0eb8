# Every target sets up what it needs by itself. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SITE := $(VENV)/.with-site
DEV := $(VENV)/.with-dev
LESSONS ?= $(wildcard notebooks/*.ipynb)
LAB_FLAGS ?=

FOLDER ?= worksheets

# Lessons that run unattended keep their features under build/, not in your own cache.
UNATTENDED := LESSONS_CACHE="$${LESSONS_CACHE:-$(CURDIR)/build/cache}"

# Lessons may import torch before lessons_lib, which would say so itself: threads wait without spinning.
export OMP_WAIT_POLICY ?= PASSIVE

# JupyterLab asks the network for news and updates unless told not to.
OFFLINE_LAB := --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.news_url=None \
	--LabApp.extension_manager=readonly

.DEFAULT_GOAL := help
.PHONY: help setup course site test lint unit-tests quick-tests lesson-tests test-browser findings lab wheel clean worksheets

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with what a learner needs (nothing to do the second time)

$(STAMP): pyproject.toml constraints.txt data_scripts/course/make_venv.py
	@$(PYTHON) data_scripts/course/make_venv.py $(VENV)
	@touch $@

$(VENV)/.with-%: $(STAMP)
	@$(PYTHON) data_scripts/course/make_venv.py $(VENV) $*
	@touch $@

course: $(SITE)  ## run every lesson as a learner would; executed copies and their pages in build/course
	@$(UNATTENDED) $(BIN)/python data_scripts/course/run_course.py $(LESSONS)

site: $(SITE)  ## the course's site, from the lessons as recorded, in build/site
	@$(BIN)/python data_scripts/course/make_site.py $(LESSONS)

test: lint unit-tests lesson-tests  ## lint, unit tests, and every lesson against its recorded outputs

lint: $(DEV)  ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

unit-tests: $(DEV)  ## pytest on two processes
	$(BIN)/python -m pytest tests -n 2

quick-tests: $(DEV)  ## the unit tests that take half a second at most
	$(BIN)/python -m pytest tests -n 2 --quick

lesson-tests: $(DEV)  ## nbval: run every lesson, two at a time, compare the cells tagged nbval-check-output
	@if [ -z "$(LESSONS)" ]; then echo "no lessons in notebooks/ to check"; else \
		$(UNATTENDED) OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval-lax --nbval-current-env \
			--nbval-cell-timeout=600 -n 2 --dist loadfile -p no:cacheprovider $(LESSONS); fi

test-browser: $(DEV) $(VENV)/.with-browser  ## JupyterLab and the site in a real Chromium, where there is one
	$(UNATTENDED) $(BIN)/python -m pytest tests/browser -m browser

findings: $(STAMP)  ## the papers' findings, F1 on, from the recorded runs: seen or not, with effects
	@$(BIN)/python data_scripts/studies/findings.py

lab: $(STAMP)  ## open JupyterLab on your worksheets, made where there are none; FOLDER="another folder" for others
	@[ "$(FOLDER)" = notebooks ] || $(BIN)/lessons start --to "$(FOLDER)"
	$(BIN)/jupyter lab --ServerApp.root_dir="$(FOLDER)" $(OFFLINE_LAB) $(LAB_FLAGS)

worksheets: $(STAMP)  ## the lessons to fill in, in worksheets/ or FOLDER (what is there is yours, and is kept)
	@$(BIN)/lessons start --to "$(FOLDER)"

wheel: $(DEV)  ## build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

clean:  ## remove what was built (not .venv, nor runs and checkpoints, which took hours)
	rm -rf dist .pytest_cache .ruff_cache .hypothesis
	if [ -d build ]; then find build -type f -not -name "*.sqlite*" -not -name "*.pt" -delete; find build -type d -empty -delete; fi
	@if [ -d build ]; then echo "left in build/: runs (*.sqlite) and checkpoints (*.pt)"; fi
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +
