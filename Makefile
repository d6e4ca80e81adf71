# Every target does its own set-up in .venv; nothing has to be installed by hand but Python >= 3.11 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
GROUNDUP := $(BIN)/groundup
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo chat studio test test-all check bench docs clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/.core: pyproject.toml constraints/cpu.txt scripts/setup.sh
	@sh scripts/setup.sh $(PYTHON) $(VENV) ""
	@touch $@

$(VENV)/.test: $(VENV)/.core
	@sh scripts/setup.sh $(PYTHON) $(VENV) "test,check,browser,sweep,gguf"
	@touch $@

demo: $(VENV)/.core            ## documents in, a model you can talk to out (about 6 minutes, offline)
	@$(GROUNDUP) run demo

chat: $(VENV)/.core            ## talk to the demo model in the terminal (makes it first if needed)
	@test -f runs/demo/8_release/config.json || $(GROUNDUP) run demo
	@$(GROUNDUP) chat demo

studio: $(VENV)/.core          ## everything in the browser
	@$(GROUNDUP) studio

test: $(VENV)/.test            ## the tests (under 15 minutes on 2 cores, no network)
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile -m "not slow"

test-all: $(VENV)/.test            ## every proof, the slow ones too
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile

check: $(VENV)/.test            ## lint, types, import direction
	@$(BIN)/ruff check groundup tests benchmarks scripts
	@$(BIN)/ruff format --check --line-length 120 groundup tests benchmarks scripts
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/.test            ## speed side by side with the peers
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.test            ## generated pages, then the site in site/ (offline; open site/index.html)
	@$(BIN)/python scripts/reference.py
	@$(BIN)/python scripts/scale.py --write
	@$(BIN)/zensical build --strict

clean:            ## remove the environment and caches (never runs/)
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache dist build
