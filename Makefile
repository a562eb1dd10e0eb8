# Every target sets up what it needs by itself. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LESSONS ?= $(wildcard notebooks/*.ipynb)
LAB_FLAGS ?=

FOLDER ?= notebooks

# Lessons that run unattended keep their features under build/, not in your own cache.
UNATTENDED := LESSONS_CACHE="$${LESSONS_CACHE:-$(CURDIR)/build/cache}"

# JupyterLab asks the network for news and updates unless told not to.
OFFLINE_LAB := --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.news_url=None \
	--LabApp.extension_manager=readonly

.DEFAULT_GOAL := help
.PHONY: help setup course test lint unit-tests quick-tests lesson-tests findings lab wheel clean worksheets

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with everything in it (nothing to do the second time)

$(STAMP): pyproject.toml constraints.txt data_scripts/course/make_venv.py
	@$(PYTHON) data_scripts/course/make_venv.py $(VENV)
	@touch $@

course: $(STAMP)  ## run every lesson as a learner would; executed copies and HTML pages in build/course
	@$(UNATTENDED) $(BIN)/python data_scripts/course/run_course.py $(LESSONS)

test: lint unit-tests lesson-tests  ## lint, unit tests, and every lesson against its recorded outputs

lint: $(STAMP)  ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

unit-tests: $(STAMP)  ## pytest on two processes
	$(BIN)/python -m pytest tests -n 2

quick-tests: $(STAMP)  ## the unit tests that take half a second at most
	$(BIN)/python -m pytest tests -n 2 --quick

lesson-tests: $(STAMP)  ## nbval: run every lesson, two at a time, compare the cells tagged nbval-check-output
	@if [ -z "$(LESSONS)" ]; then echo "no lessons in notebooks/ to check"; else \
		$(UNATTENDED) OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval-lax --nbval-current-env \
			--nbval-cell-timeout=600 -n 2 --dist loadfile -p no:cacheprovider $(LESSONS); fi

findings: $(STAMP)  ## the papers' findings F1 to F16 from the recorded runs: seen or not, with effects
	@$(BIN)/python data_scripts/studies/findings.py

lab: $(STAMP)  ## open JupyterLab on the lessons, or on FOLDER=worksheets
	@[ -d $(FOLDER) ] || $(MAKE) worksheets
	$(BIN)/jupyter lab --ServerApp.root_dir=$(FOLDER) $(OFFLINE_LAB) $(LAB_FLAGS)

worksheets: $(STAMP)  ## the lessons to fill in, without outputs and solutions, in worksheets/ (what is there is kept)
	@$(BIN)/python data_scripts/course/make_worksheets.py $(LESSONS)

wheel: $(STAMP)  ## build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

clean:  ## remove what was built (not .venv, nor runs and checkpoints, which took hours)
	rm -rf dist .pytest_cache .ruff_cache .hypothesis
	if [ -d build ]; then find build -type f -not -name "*.sqlite*" -not -name "*.pt" -delete; find build -type d -empty -delete; fi
	@if [ -d build ]; then echo "left in build/: runs (*.sqlite) and checkpoints (*.pt)"; fi
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +
