# Needs make and Python 3.11 or newer. Everything is installed into .venv, from constraints.txt; for
# another Python: make quick VENV=.venv-3.13 PYTHON=python3.13
.POSIX:

VENV = .venv
CONSTRAINTS = constraints.txt
READY = $(VENV)/.ready
DOCS_READY = $(VENV)/.docs-ready
JS_READY = node_modules/.ready
BIN = $(VENV)/bin
# Of `make model`: the images, and where their audit is or goes.
DATA = data
AUDIT = audit
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c $(CONSTRAINTS)
CHECKED = src tests benchmarks tools notebooks

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile

demo: $(READY) ## Synthetic cells, audit, training, report, prediction, the app; no data needed
	$(BIN)/leukoscope demo --out demo
	@if [ -t 1 ]; then echo "Opening the app; Ctrl-C ends it."; $(BIN)/leukoscope serve --port 0; \
	else echo "Open the app: $(BIN)/leukoscope serve"; fi

model: $(READY) ## Train the shipped model anew from the images in DATA=data, or an audit in AUDIT=audit
	@test -f $(AUDIT)/cohort.csv || $(BIN)/leukoscope data audit $(DATA) --out $(AUDIT)
	$(BIN)/leukoscope release $(AUDIT)/cohort.csv --figures docs/images \
	  --out src/leukoscope/inference/default.onnx

# With bytecode, also where the environment says not to write any: without it every process compiles
# all of PyTorch and SciPy again.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q \
	-n auto --maxprocesses 4 --no-loadscope-reorder

test: $(READY) ## The whole suite; tests of real cells skip where the data is absent
	$(PYTEST) -m 'not docs'

quick: $(READY) ## In about a minute, the fast tests, without browser, servers and PostgreSQL
	$(PYTEST) --hypothesis-profile quick -m 'not (slow or real or server or browser or postgresql)'

torture: $(READY) ## Kills, fuzzing and faults for hours; the same command goes on. TORTURE="fuzz --minutes 1"
	$(BIN)/python -m tests.torture $(TORTURE)

# Not part of `make test`: on Python 3.11 it makes the tests take half as long again.
coverage: $(READY) ## The whole suite, and the fraction of lines that it runs
	COVERAGE_CORE=sysmon $(PYTEST) --cov --cov-report=term:skip-covered

lowest: $(READY) ## The quick tests on the lowest versions that pyproject.toml allows
	@$(BIN)/python tools/lowest_versions.py train dev > $(VENV)/lowest.new
	@cmp -s $(VENV)/lowest.new $(VENV)/lowest.txt || cp $(VENV)/lowest.new $(VENV)/lowest.txt
	@$(MAKE) quick VENV=.venv-lowest CONSTRAINTS=$(VENV)/lowest.txt

lint: $(READY) ## Style, formatting and layers of imports, changing nothing
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/lint-imports
	@if command -v npm > /dev/null; then $(MAKE) js; \
	else echo "npm not found: the scripts of the page are not checked"; fi

format: $(READY) ## Mend style and formatting
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)
	@if command -v npm > /dev/null; then $(MAKE) $(JS_READY) && npm run --silent format; fi

js: $(JS_READY) ## Format and types of the scripts of the page; needs Node.js with npm
	npm run --silent check

types: $(READY) ## Check types
	$(BIN)/mypy

docs: $(DOCS_READY) ## Run the examples and notebooks of the documentation, and build it into site/
	$(BIN)/python -m pytest -q -m docs tests/test_docs.py
	$(BIN)/mkdocs build --strict

cards: $(READY) ## Write the shipped model's card and checklists into docs/, after it was replaced
	$(BIN)/python tools/model_pages.py

# Not installed with the constraints: the other programs choose their own versions.
PEERS_READY = .venv-peers/.ready
$(PEERS_READY):
	python3 -m venv .venv-peers
	@echo "Installing Keras, PyTorch and others into .venv-peers (several GB)"
	.venv-peers/bin/pip install --quiet --disable-pip-version-check tensorflow-cpu keras pillow scipy flask \
	  imagehash torch torchvision timm ultralytics
	@touch $@

bench: $(READY) $(PEERS_READY) ## Every table of speeds, beside other programs; images from DATA=data, or synthetic cells
	$(BIN)/python benchmarks/bench.py $$(test -d $(DATA) && echo $(DATA)) --peers .venv-peers/bin/python

licenses: $(READY) ## Write docs/licenses.md from what is installed; fails at an unknown license
	$(PIP) -e '.[train,client,cluster,large,postgres,pandas,download,docs,mlflow,tensorboard]' packaging
	$(BIN)/python tools/licenses.py

audit-deps: $(READY) ## Look up known vulnerabilities of the installed packages; needs pip-audit and its data
	@$(BIN)/python -c 'import pip_audit' 2>/dev/null || $(PIP) pip-audit || true
	@$(BIN)/python tools/audit_deps.py

clean: ## Remove what make has made: .venv, demo, site and caches (runs/ stays)
	rm -rf .venv .venv-* node_modules demo site build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml $(CONSTRAINTS)
	@$(BIN)/python -c '' 2>/dev/null && exit 0; \
	for python in $$PYTHON python3 python3.11 python3.12 python3.13 python3.14; do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Leukoscope needs Python 3.11 or newer with its venv module, and found none." >&2; \
	  echo "Install it (Debian, Ubuntu: python3 and python3-venv; macOS: brew install python)," >&2; \
	  echo "or name one: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	rm -rf $(VENV) && $$found -m venv $(VENV)
	@echo "Installing into $(VENV); this takes a few minutes the first time"
	$(PIP) -e '.[train,cluster,large,dev]'
	@touch $@

# No lock file: it would hold the addresses of one registry. The versions in package.json are exact.
$(JS_READY): package.json
	@npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@

$(DOCS_READY): $(READY)
	$(PIP) -e '.[docs]'
	@touch $@

.PHONY: help demo model test quick torture coverage lowest lint format js types docs cards bench licenses audit-deps clean
