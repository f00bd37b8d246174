# make leaderboard [PROFILE=default] [CORES=2] [ONLY=family/task]   train, explain, score, publish
# make smoke | test | lint | speed
PYTHON ?= python3
PROFILE ?= default
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || echo 2)
ONLY ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.PHONY: leaderboard smoke test lint format speed clean

leaderboard: $(READY)
	$(BIN)/snakemake --cores $(CORES) --config profile=$(PROFILE) $(if $(ONLY),only=$(ONLY))

smoke: $(READY)
	$(MAKE) leaderboard PROFILE=smoke

test: $(READY)
	$(BIN)/pytest -n $$(($(CORES) + 1)) --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

speed: $(READY)
	$(BIN)/touchstone speed --profile $(PROFILE)

clean:
	rm -rf results .snakemake

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Touchstone needs Python >= 3.11, this is {sys.version.split()[0]}; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
