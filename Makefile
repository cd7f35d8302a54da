# `make run` sets everything up and serves it. `make help` lists the rest.
# Needed: make and Python 3.11 or newer. Everything else goes into .venv and var/.

PORT ?= 8000
HOST ?= 127.0.0.1
DEMO ?= 1
VAR_DIR ?= var
VENV ?= .venv

BIN = $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --require-hashes --disable-pip-version-check --no-input --progress-bar off

# Anything that production asks for, so that its own checks can be asked for their opinion.
PRODUCTION = DATABASE_URL=postgres://cutscore@localhost/cutscore CELERY_BROKER_URL=redis://localhost/0 \
	CACHE_URL=rediscache://localhost/1 ALLOWED_HOSTS=exams.example.org EMAIL_URL=smtp://localhost \
	SECRET_KEY=this-is-no-secret-it-only-has-the-length-and-the-variety-0123456789

.PHONY: help run test test-fast test-processes test-browser check fmt bench lock clean

help:
	@echo "make run     set up and serve on http://127.0.0.1:8000/ (PORT=8001, HOST=0.0.0.0, DEMO=0, VAR_DIR=…)"
	@echo "make test    run the whole suite, on SQLite or on DATABASE_URL, CELERY_BROKER_URL, CACHE_URL"
	@echo "make check   formatting, types, import contracts, migrations, deployment and bank checks"
	@echo "make bench   run the benchmarks"
	@echo "make fmt     format Python and templates"
	@echo "make lock    write requirements/*.txt anew (maintainers; needs uv)"

run: $(VENV)/run.lock
	@if [ -n "$$CELERY_BROKER_URL" ]; then \
	  echo "CELERY_BROKER_URL is set, so this is a production set-up: docs/deploy.md names its commands."; \
	  echo "Unset it to run everything in one process."; exit 1; fi
	@mkdir -p "$(VAR_DIR)" 2>/dev/null && [ -w "$(VAR_DIR)" ] || { \
	  echo "The folder $(VAR_DIR) can't be written."; \
	  echo "Make it writable, or name another: make run VAR_DIR=/some/folder"; exit 1; }
	@DEMO=$(DEMO) VAR_DIR="$(VAR_DIR)" exec $(BIN)/python manage.py run_embedded --port "$(PORT)" --host "$(HOST)"

# ── tests ──

test: test-fast test-processes test-browser

test-fast: $(VENV)/dev.lock
	$(BIN)/python -m pytest -n 2 -m "not processes" --ignore tests/browser $(ARGS)

# Real web, worker and beat processes: needs PostgreSQL and Redis, and says so where they are missing.
test-processes: $(VENV)/dev.lock
	$(BIN)/python -m pytest -m processes --ignore tests/browser $(ARGS)

test-browser: $(VENV)/dev.lock
	$(BIN)/python -m pytest tests/browser $(ARGS)

# ── checks ──

check: $(VENV)/dev.lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djade --target-version 5.2 --check $$(find templates -name '*.html')
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py check_bank fixtures/mla-c01
	@echo "No file names a package index or a path of somebody's machine:"
	@! git grep --untracked -nIE '(https?|file)://[^ ]*(py[p]i|python[h]osted|/simpl[e]/)|^--(extra-)?inde[x]-url|(^|[ "=(])/(wor[k]|hom[e]|roo[t])/' -- . ':!fixtures'

fmt: $(VENV)/dev.lock
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(find templates -name '*.html')

bench: $(VENV)/dev.lock
	$(BIN)/python -m benchmarks $(ARGS)

# ── what is installed ──

lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --upgrade pyproject.toml -o requirements/run.txt
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --constraint requirements/run.txt --group dev pyproject.toml -o requirements/dev.txt

# The stamp is a copy of the lock that is installed: pip runs again only when the lock has changed.
$(VENV)/run.lock: requirements/run.txt | $(BIN)/python
	@echo "Installing what Cutscore needs; the first time takes a minute or two …"
	@$(PIP_INSTALL) -r requirements/run.txt || { echo "pip could not install everything: is the network there?"; exit 1; }
	@cp requirements/run.txt $@

$(VENV)/dev.lock: requirements/dev.txt | $(BIN)/python
	@echo "Installing what the tests and checks need …"
	@$(PIP_INSTALL) -r requirements/dev.txt || { echo "pip could not install everything: is the network there?"; exit 1; }
	@cp requirements/dev.txt $@

$(BIN)/python:
	@for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  old=$$(python3 --version 2>/dev/null); \
	  echo "Cutscore needs Python 3.11 or newer; $${old:+here is only $$old.}$${old:-here is none.}" | sed 's/\.Python.*/./'; \
	  echo "Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python) and try again,"; \
	  echo "or name one: make run PYTHON=/path/to/python3.12"; \
	  exit 1; fi; \
	echo "Making $(VENV) with $$("$$found" --version) …"; \
	"$$found" -m venv --clear $(VENV) >/dev/null 2>&1 && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  rm -rf $(VENV); \
	  echo "$$found can't make a virtual environment in this folder ($(CURDIR))."; \
	  echo "Is the folder writable? On Debian and Ubuntu the package python3-venv is needed too: apt install python3-venv"; \
	  exit 1; }

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
