# Needs Python 3.11 or newer, and make. Everything else is fetched into .venv by the first command.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready
UV      = 0.13.9
JOBS   ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 4))')
THREADS ?= $(shell $(PYTHON) -c 'import os; print(max((os.cpu_count() or 1) // $(JOBS), 1))')
NOTEBOOKS = $(sort $(shell find book -name '*.ipynb' -not -path '*/.*'))

export DEBLUR_SCALE ?= pocket
export UV_SYSTEM_CERTS = 1
export UV_LINK_MODE ?= hardlink
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYDEVD_DISABLE_FILE_VALIDATION = 1
# Compiled modules are kept: without them every kernel would compile torch again.
unexport PYTHONDONTWRITEBYTECODE
# Processes share the cores: a thread that waits must not spin on the core that another process needs.
export OMP_WAIT_POLICY = passive

.DEFAULT_GOAL := help
.PHONY: help setup book test unit notebooks lab bench axe lint format lock publish-to clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

setup: $(READY) ## the environment in .venv (every other command calls it)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV)
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

book: $(READY) ## execute the chapters and build the book into _build/html
	$(BIN)/jupyter-book build . -W -n --keep-going
	@echo
	@echo "The book is built. Open $(CURDIR)/_build/html/index.html"

test: $(READY) ## every test: pytest on the library and the book, then every notebook alone
	@failed=0; \
	$(MAKE) --no-print-directory unit || failed=1; \
	$(MAKE) --no-print-directory notebooks || failed=1; \
	exit $$failed

unit: $(READY) ## the tests and the docstrings' examples
	OMP_NUM_THREADS=$(THREADS) $(BIN)/pytest -n $(JOBS) --dist loadgroup --benchmark-disable

notebooks: $(READY) ## every notebook, alone, from a fresh kernel
	OMP_NUM_THREADS=$(THREADS) $(BIN)/pytest -n $(JOBS) --dist loadfile --timeout 0 --nbval-lax --nbval-current-env --nbval-cell-timeout 600 $(NOTEBOOKS)

lab: $(READY) ## JupyterLab, in the book
	$(BIN)/jupyter lab --LabApp.news_url=None book/intro.ipynb

bench: $(READY) ## how fast the library is on this machine
	$(BIN)/pytest tests/benchmarks --benchmark-only

axe: $(READY) ## the built pages in a browser, with axe-core, light and dark (needs npm and Chromium)
	cd tests/browser && npm ci --silent --no-audit --no-fund --ignore-scripts
	$(BIN)/pytest tests/browser

lint: $(READY) ## ruff, mypy, and no outputs in the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nbstripout --verify --keep-id $(NOTEBOOKS)

format: $(READY) ## put code and notebooks into the form that lint asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout --keep-id $(NOTEBOOKS)

lock: $(READY) ## resolve the dependencies afresh into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock

publish-to: $(READY) ## make publish-to URL=https://… writes the repository's address wherever it is needed
	$(BIN)/python tools/publish_to.py "$(URL)"

clean: ## remove what was built (not the environment)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
