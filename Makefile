# Set-up and the project's jobs. Needs Python 3.11 or newer with pip and venv, and make.
# All packages come from the lock files in requirements/, checked by their hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo run test test-all lint types lock clean

demo: $(VENV)/run.stamp
	$(BIN)/fxticker demo

run: $(VENV)/run.stamp
	$(BIN)/fxticker run --config config.toml

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

test-all: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m "slow or not slow"

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

# Resolve the lock files anew; needs uv. They name packages, versions and hashes, no registry.
lock:
	uv pip compile pyproject.toml --group build --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/run.txt
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/run.txt --output-file requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis fxticker-demo

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fxticker needs Python 3.11 or newer; say which with PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --requirement requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	touch $@
