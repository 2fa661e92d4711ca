# `make` alone lists what there is to do. Every step leaves a stamp in .venv, so that it costs nothing the second time.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
HOST ?= 127.0.0.1
PORT ?= 7860
PYTHON ?= python3.11 python3.12 python3.13 python3 python
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

# The question reaches the program as it was typed: `value` keeps make from expanding a "$" in it, and the environment
# keeps its quotes away from the shell.
override Q := $(value Q)
export Q

# The samples live in a library of this checkout, unless the caller names another one.
OWN_LIBRARY := $(CURDIR)/.library
ifeq ($(strip $(ARTICLE_QA_LIBRARY)),)
ARTICLE_QA_LIBRARY := $(OWN_LIBRARY)
endif
export ARTICLE_QA_LIBRARY

.PHONY: help setup setup-dev samples ask serve test check clean chromium FORCE
.DELETE_ON_ERROR:

help:
	@echo 'make setup          install into .venv and fetch the models (about 1.2 GB, once)'
	@echo 'make ask Q="..."    answer a question from the sample articles'
	@echo 'make serve          the same as a web page (HOST, PORT; now http://$(HOST):$(PORT))'
	@echo 'make test           all tests, with the real model and a real browser (ARGS="-k name" for some)'
	@echo 'make check          linter, formatter, type checker'
	@echo 'make clean          remove .venv and what tools left behind; articles and models stay'

# ------------------------------------------------------------------------------------------------------------- set up

setup: $(VENV)/models.stamp
	@:

$(BIN)/python:
	@for python in $(PYTHON); do \
	    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
	        $$python -m venv $(VENV) && exit 0; \
	        rm -rf $(VENV); \
	        echo "$$python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo 'Article QA needs Python 3.11, 3.12 or 3.13. If it has another name here: make PYTHON=/path/to/python' >&2; \
	exit 1

# A checkout that was moved must be installed again: the environment remembers where it was.
MOVED := $(if $(filter $(CURDIR),$(shell cat $(VENV)/base.stamp 2>/dev/null)),,FORCE)

$(VENV)/base.stamp: pyproject.toml constraints.txt $(MOVED) | $(BIN)/python
	@$(PIP) install -c constraints.txt -e . >&2
	@printf '%s' '$(CURDIR)' > $@

# The models lie outside of the checkout. The stamp names the cache and their folders; if one has gone, all are asked for again.
MODELS_GONE := $(shell ( IFS= read -r cache && [ "$$cache" = "cache: $$ARTICLE_QA_CACHE" ] && \
    while IFS= read -r folder; do [ -d "$$folder" ] || exit 1; done ) 2>/dev/null < $(VENV)/models.stamp || echo FORCE)

$(VENV)/models.stamp: $(VENV)/base.stamp index/weights/models.toml $(MODELS_GONE)
	@$(BIN)/python -m qa.cli models fetch > $@.part
	@{ echo "cache: $$ARTICLE_QA_CACHE"; sed 's/^[^:]*: //' $@.part; } > $@
	@rm $@.part

# Only tests want torch. A build for the CPU is a twentieth of the one with CUDA; it is taken if any index of the user has it.
$(VENV)/dev.stamp: $(VENV)/base.stamp
	@$(PIP) install --quiet -c constraints.txt 'torch==2.13.0+cpu' 2>/dev/null || { \
	    echo 'No index offers torch for the CPU alone (2.13.0+cpu); taking 2.13.0, which may be gigabytes with CUDA.' >&2; \
	    echo 'To avoid that, give pip an index or a folder that has it: PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS.' >&2; \
	    $(PIP) install -c constraints.txt 'torch==2.13.0' >&2; }
	@$(PIP) install -c constraints.txt -e '.[dev]' >&2
	@touch $@

$(VENV)/all-models.stamp: $(VENV)/models.stamp
	@$(BIN)/python -c 'from index import weights; print("\n".join(weights.MODELS))' \
	    | xargs $(BIN)/python -m qa.cli models fetch >&2
	@touch $@

setup-dev: $(VENV)/dev.stamp $(VENV)/all-models.stamp
	@:

chromium: $(VENV)/dev.stamp
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	echo 'The browser tests need Chromium: installing it.' >&2; \
	if command -v apt-get >/dev/null && $$sudo true 2>/dev/null; then \
	    $$sudo apt-get update >&2 && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium >&2 && exit 0; \
	fi; \
	$(BIN)/python -m playwright install chromium >&2 && exit 0; \
	echo 'Chromium could not be installed: install chromium or google-chrome yourself, then run make test again.' >&2; \
	exit 1

# ---------------------------------------------------------------------------------------------------------------- use

# A library that is there already and that make did not make is the user's own: nothing is added to it.
samples: setup
	@stamp="$$ARTICLE_QA_LIBRARY/samples.stamp"; \
	if [ -e "$$stamp" ]; then [ -n "$$(find samples -newer "$$stamp")" ] || exit 0; \
	elif [ "$$ARTICLE_QA_LIBRARY" != '$(OWN_LIBRARY)' ] && [ -e "$$ARTICLE_QA_LIBRARY/catalogue.sqlite3" ]; then exit 0; fi; \
	$(BIN)/python -m qa.cli add samples >&2 && touch "$$stamp"

ask: samples
	@[ -n "$$Q" ] || { echo 'Ask something: make ask Q="who did Mittal meet?"' >&2; exit 2; }
	@$(BIN)/python -m qa.cli ask -- "$$Q"

serve: samples
	@$(BIN)/python -m qa.cli serve --host '$(HOST)' --port '$(PORT)'

# -------------------------------------------------------------------------------------------------------------- check

# Settings of the user's own are no part of what is tested; where the models lie is.
test: setup-dev chromium
	@unset ARTICLE_QA_LIBRARY ARTICLE_QA_CONFIG ARTICLE_QA_LLM ARTICLE_QA_LLM_URL ARTICLE_QA_LLM_MODEL ARTICLE_QA_LLM_KEY; \
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
