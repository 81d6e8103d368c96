# Two commands matter: `make run` (reconcile sample_statements, leaves report.xlsx) and `make test`.
# They need Python 3.11+, make and git; everything else is installed into .venv from the package index.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CLEAN := build/clean

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Compiled code is kept: the tests start recon dozens of times, and each would compile it anew.
export PYTHONDONTWRITEBYTECODE =

# 3 and 4 are answers of recon, not failures: say what they mean and go on; 1 and 2 are failures.
define explain_exit
case $$code in \
  0) echo "exit 0: nothing is open / 没有待处理的差异";; \
  3) echo "exit 3: open gaps need a person; see the first sheet / 有待处理的差异，见第一张表";; \
  4) echo "exit 4: a file or a row could not be used; see the sheet of data problems / 有文件或行不能用，见资料问题表";; \
  *) echo "exit $$code: recon failed / 运行失败"; exit $$code;; \
esac
endef

.PHONY: help install run test lint fmt type docs check golden bench build clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

install: $(STAMP) ## make .venv with recon (editable) and the developer tools, at the versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV) / 准备环境 ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: install ## reconcile sample_statements/ into report.xlsx
	@code=0; $(BIN)/recon run sample_statements -o report.xlsx || code=$$?; $(explain_exit)

test: install ## run all tests
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: install ## ruff
	$(BIN)/ruff check .

fmt: install ## what ruff can mend by itself
	$(BIN)/ruff check --fix .

type: install ## mypy --strict on src
	$(BIN)/mypy

docs: install ## the generated parts of README.md and docs/ must be up to date (a test says so, too)
	$(BIN)/python tools/docs_pages.py --check

check: lint type test ## what must pass before a change lands

golden: install ## rewrite what is generated: documentation, expected rows of the samples, golden tables; then read the diff
	$(BIN)/python tools/make_samples.py --golden
	$(BIN)/python tools/make_format_samples.py --golden
	$(BIN)/python tools/policy_page.py
	$(BIN)/python tools/docs_pages.py
	RECON_GOLDEN=1 $(BIN)/python -m pytest -q -k golden

.PHONY: mutate
mutate: install ## damage every sample with a running balance, one place at a time: each must be found, or the row reported as not proved
	$(BIN)/python tools/mutate.py

bench: install ## whole-process timings on 300 made-up people, then matching at scale (BENCH_FULL=1: up to a million)
	$(BIN)/python bench/run.py
	$(BIN)/python bench/reading.py
	$(BIN)/python bench/matching.py

.PHONY: fuzz
FUZZ_INPUTS ?= 20000
FUZZ_SEED ?= 1

fuzz: install ## damaged inputs by the thousand: no crash, no hang, no lost row; FUZZ_INPUTS=2000 for a quick one
	$(BIN)/python tools/fuzz.py --inputs $(FUZZ_INPUTS) --seed $(FUZZ_SEED)

.PHONY: accuracy
ACCURACY_PEOPLE ?= 300
ACCURACY_MONTHS ?= 24
ACCURACY_SEED ?= 1
ACCURACY_NOISE ?= 16
ACCURACY_PAGE ?= # docs/accuracy.md to publish

.PHONY: properties
PROPERTIES ?= 200

properties: install ## the property tests on thousands of random years: a firm of 1,500 people, then PROPERTIES examples each
	RECON_YEARS_PEOPLE=1500 $(BIN)/python -m pytest tests/test_years.py
	HYPOTHESIS_PROFILE=thorough HYPOTHESIS_EXAMPLES=$(PROPERTIES) $(BIN)/python -m pytest -n auto tests/test_properties.py

accuracy: install ## make up an employer with planted events, run recon on it and compare; sizes: ACCURACY_PEOPLE=20000 ...
	$(BIN)/python tools/accuracy.py --people $(ACCURACY_PEOPLE) --months $(ACCURACY_MONTHS) --seed $(ACCURACY_SEED) \
	  --noise $(ACCURACY_NOISE) --folder build/accuracy --examples 2 $(if $(strip $(ACCURACY_PAGE)),--markdown $(ACCURACY_PAGE))

build: install ## make the wheel, install it alone in a clean place and run it on sample_statements/
	rm -rf dist $(CLEAN)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv $(CLEAN)
	$(CLEAN)/bin/python -m pip install --quiet --constraint constraints.txt dist/*.whl
	@mkdir -p $(CLEAN)/empty; cd $(CLEAN)/empty && ../bin/recon check
	@code=0; cd $(CLEAN)/empty && ../bin/recon run ../../../sample_statements -o report.xlsx || code=$$?; $(explain_exit)
	@ls -l dist $(CLEAN)/empty/report.xlsx

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist report.xlsx .pytest_cache .mypy_cache .ruff_cache .hypothesis
