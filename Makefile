# Set-up and the project's jobs. Needs Python 3.11 or newer with pip and venv, and make.
# All packages come from the lock files in requirements/, checked by their hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

BENCH := .venv-bench
ARCTICDB := .venv-arcticdb
CLIENTS := .venv-clients
CLUSTER := .venv-cluster
DOCS := .venv-docs
READERS := .venv-readers
SERVERS := .venv-servers
RELEASE := .venv-release
SERVE_AT ?= 2026-02-25T18:00Z
FUZZ_SECONDS ?= 600
READS ?= 10000
SLOTS ?= 100000
KILLS ?= 1000
BENCH_ROWS ?= 13147200
BENCH_WORK ?= benchmarks/.work
BENCH_RESULTS ?= benchmarks/results

.DEFAULT_GOAL := help
.PHONY: help images release-check demo serve run test test-all test-clients test-cluster servers node page torture recorders readers soak real-history notebooks docs share lint types lock dist smoke audit clean bench fuzz

# A target is listed by what follows `##` in its line.
help:
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/run.stamp  ## the whole job offline: record a loopback site, draw charts into fxticker-demo/
	$(BIN)/fxticker demo

# Serve what `make demo` wrote, as if it were the evening of the last recorded page: its history ends there.
serve: $(VENV)/web.stamp  ## answer from what `make demo` wrote, over HTTP on loopback
	@test -d fxticker-demo/history || { echo "make demo first: it writes what is served" >&2; exit 1; }
	$(BIN)/fxticker publish fxticker-demo/site --store fxticker-demo/history --at $(SERVE_AT)
	$(BIN)/fxticker serve --store fxticker-demo/history --at $(SERVE_AT) --page fxticker-demo/site

run: $(VENV)/run.stamp  ## the daemon on the live site, configured by config.toml
	$(BIN)/fxticker run --config config.toml

test: $(VENV)/dev.stamp  ## the tests that decide whether a change is good
	$(BIN)/python -m pytest -n 3 --dist worksteal

test-all: $(VENV)/dev.stamp $(SERVERS)/servers.stamp $(READERS)/readers.stamp  ## these, the slow ones, and more examples of each property
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow or not slow" --hypothesis-profile thorough

# Run programs that others wrote, unmodified, against `fxticker serve`, and requests made from OpenAPI documents; some
# minutes. It takes the programs with pip and npm, and as root makes a network of its own for them, with `unshare` and
# `ip`. Perl's is Debian's libfinance-quote-perl: `apt-get install` it first. What is absent is skipped and named.
test-clients: $(VENV)/dev.stamp $(CLIENTS)/clients.stamp  ## programs of others against the HTTP API
	if command -v npm >/dev/null; then npm ci --prefix tests/clients/node --ignore-scripts --no-audit --no-fund; fi
	$(BIN)/python -m pytest -m slow tests/clients

# Install the object storages that slow tests start: SeaweedFS and moto; some 200 MB.
servers: $(SERVERS)/servers.stamp  ## install the object storages that slow tests start

# As root, with Debian's mmdebstrap and buildah: build/image/recorder and build/image/full, a layout of OCI and an archive each.
images: $(VENV)/run.stamp  ## container images, from Debian's packages and the lock files
	$(BIN)/python contrib/image/build.py recorder full

# What a release is checked by beside the tests, as root, some ten minutes each: every script of tests/release whose name begins
# with check_ can be run alone, and prints its figures at its end. One whose programs are absent says so.
release-check: $(RELEASE)/release.stamp  ## packages, images and a booted systemd, as users meet them
	for check in tests/release/check_*.py; do $(RELEASE)/bin/python $$check || exit 1; done

# Imports of archives on a Dask cluster of two workers, one of which is killed.
test-cluster: $(CLUSTER)/cluster.stamp  ## imports on a Dask cluster, with a worker killed
	$(CLUSTER)/bin/python -m pytest -m slow tests/test_cluster_pool.py

# Install what reads the store with JavaScript, builds and tests the page, and axe, which judges the page and the monthly
# report; needs Node and npm. Without it those tests are skipped.
node:  ## install what tests and builds the page with Node
	npm ci --prefix tests/node --ignore-scripts --no-audit --no-fund
	npm ci --prefix page --ignore-scripts --no-audit --no-fund

# Build the script of the page from page/src into the package.
page: page/node_modules  ## build the script of the page from page/src into the package
	cd page && node build.mjs

page/node_modules: page/package-lock.json
	npm ci --prefix page --ignore-scripts --no-audit --no-fund

# Kill a writer 1,000 times while readers look on; some minutes. SEED=… repeats a run's snapshots and lives.
torture: $(VENV)/dev.stamp  ## kill a writer 1,000 times while readers look on
	$(BIN)/python tests/torture.py --kills 1000 $(if $(SEED),--seed $(SEED))

# Kill two recorders of one store on a SeaweedFS while they record; 100,000 slots take an hour. SEED=… repeats its kills.
recorders: $(VENV)/dev.stamp $(SERVERS)/servers.stamp  ## kill recorders that share a store on object storage
	$(BIN)/python tests/recorders.py --slots $(SLOTS) --kills $(KILLS) --speed 190 --sources 16 $(if $(SEED),--seed $(SEED))

# Read a store on a SeaweedFS with pandas, Polars, DuckDB and Dask while it is written; a quarter of an hour. Spark reads a folder,
# and needs Java 17 or later.
readers: $(VENV)/dev.stamp $(SERVERS)/servers.stamp $(READERS)/readers.stamp  ## read a store with other programs while it is written
	$(BIN)/python tests/foreign_readers.py --reads $(READS)

# Poll the loopback site 100,000 times at speed and watch memory, descriptors and outcomes.
soak: $(VENV)/dev.stamp  ## poll a loopback site 100,000 times at speed
	$(BIN)/python tests/soak.py --polls 100000

# Days of a real aggregator, from its packages to the comparison with the ticker; takes 20 packages with npm, once.
real-history: $(VENV)/dev.stamp  ## days of a real aggregator, through to the comparison with the ticker
	$(BIN)/python tests/real_history.py

# Execute the notebooks and write docs/notebooks, their pages with outputs and pictures; a test compares both.
notebooks: $(VENV)/dev.stamp  ## execute the notebooks, write docs/notebooks
	$(BIN)/python tests/notebook_pages.py

# The committed files of HEAD, and the same bytes each time: the wheel with its bill of materials inside, the source
# distribution, the bill of materials, and checksums.
dist: $(RELEASE)/release.stamp  ## build the release of HEAD into dist/: wheel, source distribution, SBOM, checksums
	$(RELEASE)/bin/python release/build.py

smoke: $(RELEASE)/release.stamp  ## build the wheel, and do with each extra alone what it is for
	$(RELEASE)/bin/python tests/release/check_wheel.py
	$(RELEASE)/bin/python tests/release/check_extras.py

# Ask the advisory database of Python's packages about what the lock files name; needs the network.
audit: $(RELEASE)/release.stamp  ## look known vulnerabilities of locked packages up
	for lock in run web recorder; do \
		$(RELEASE)/bin/pip-audit --disable-pip --require-hashes --requirement requirements/$$lock.txt || exit 1; done

# Pages, references made from the code, and the Markdown of each page. Warnings, links that lead nowhere and anything that would
# be loaded from another host are errors.
docs: $(DOCS)/docs.stamp  ## build the site of the documentation into build/site
	$(DOCS)/bin/python docs/site/compose.py build/docs-source
	rm -rf build/site
	$(DOCS)/bin/python -m sphinx -W --keep-going -q -b html -d build/docs-cache -c docs/site build/docs-source build/site
	$(DOCS)/bin/python docs/site/check.py build/site

# They are committed, as a wheel is built without this step; a test compares them with the commands.
share: $(VENV)/dev.stamp  ## write the manual pages and shell completions that the package installs
	$(BIN)/python docs/site/share.py

# Mutate the input of each reader for ten minutes; what fails is kept in tests/fuzz/found. Atheris must have a wheel.
fuzz: $(VENV)/fuzz.stamp  ## mutate the input of each reader for ten minutes
	for target in parse warc cdx banks parquet; do \
		$(BIN)/python tests/fuzz/fuzz_$$target.py --seconds $(FUZZ_SECONDS) || exit 1; done

lint: $(VENV)/dev.stamp  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp  ## mypy, strict
	$(BIN)/mypy

# Everything against everything, some 15 minutes; `make bench BENCH_ROWS=200000 BENCH_RESULTS=/tmp/results` is a quick try.
bench: $(BENCH)/bench.stamp $(ARCTICDB)/bench.stamp  ## speed and size beside other stores, some 15 minutes
	$(BENCH)/bin/python -m benchmarks --rows $(BENCH_ROWS) --work $(BENCH_WORK) --results $(BENCH_RESULTS) \
		--arcticdb-python $(ARCTICDB)/bin/python
	$(BENCH)/bin/python -m benchmarks.object_requests > $(BENCH_RESULTS)/object-requests.txt

# Resolve the lock files anew; needs uv. They name packages, versions and hashes, no registry.
lock:  ## resolve the lock files anew; needs uv
	uv pip compile pyproject.toml --group build --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/run.txt
	uv pip compile --group recorder --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/run.txt --output-file requirements/recorder.txt
	uv pip compile pyproject.toml --group build --extra web --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/run.txt --output-file requirements/web.txt
	uv pip compile pyproject.toml --group build --extra s3 --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/run.txt --output-file requirements/s3.txt
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/run.txt --output-file requirements/dev.txt
	uv pip compile --group servers --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/servers.txt
	uv pip compile pyproject.toml --group cluster --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/dev.txt --output-file requirements/cluster.txt
	uv pip compile pyproject.toml --group bench --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/dev.txt --output-file requirements/bench.txt
	uv pip compile pyproject.toml --group docs --extra web --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --constraint requirements/dev.txt --output-file requirements/docs.txt
	uv pip compile --group clients --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/clients.txt
	uv pip compile --group foreign-readers --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/foreign-readers.txt
	uv pip compile --group fuzz --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/fuzz.txt
	uv pip compile --group release --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/release.txt
	uv pip compile --group bench-arcticdb --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-header --annotation-style line --quiet --output-file requirements/bench-arcticdb.txt

clean:  ## remove environments, caches and the demonstration
	rm -rf $(VENV) $(BENCH) $(ARCTICDB) $(CLIENTS) $(CLUSTER) $(SERVERS) $(READERS) $(DOCS) $(RELEASE) tests/clients/node/node_modules tests/node/node_modules page/node_modules benchmarks/.work build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis fxticker-demo

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fxticker needs Python 3.11 or newer; say which with PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --requirement requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/web.stamp: $(VENV)/run.stamp requirements/web.txt
	$(PIP) install --require-hashes --requirement requirements/web.txt
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	touch $@

# Servers that slow tests start need versions of their own, and the project none of them.
$(SERVERS)/servers.stamp: requirements/servers.txt
	test -x $(SERVERS)/bin/python || $(PYTHON) -m venv $(SERVERS)
	$(SERVERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	touch $@

# Programs that read a store need versions of their own, and the project few of them.
$(READERS)/readers.stamp: requirements/foreign-readers.txt
	test -x $(READERS)/bin/python || $(PYTHON) -m venv $(READERS)
	$(READERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	touch $@

# What builds and tries a release stands beside the project, which it installs into environments of its own.
$(RELEASE)/release.stamp: requirements/release.txt
	test -x $(RELEASE)/bin/python || $(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	touch $@

$(VENV)/fuzz.stamp: $(VENV)/dev.stamp requirements/fuzz.txt
	$(PIP) install --require-hashes --requirement requirements/fuzz.txt
	touch $@

# The project with its locked dependencies again, beside what it is compared with: .venv stays as it is.
$(BENCH)/bench.stamp: requirements/bench.txt pyproject.toml
	test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	touch $@

# What builds the site, with the project, whose docstrings it reads.
$(DOCS)/docs.stamp: requirements/docs.txt pyproject.toml
	test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	$(DOCS)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	touch $@

# What the tests need, and Dask.
$(CLUSTER)/cluster.stamp: requirements/cluster.txt pyproject.toml
	test -x $(CLUSTER)/bin/python || $(PYTHON) -m venv $(CLUSTER)
	$(CLUSTER)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	$(CLUSTER)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	touch $@

# Programs of others need versions of their own, and the project none of them.
$(CLIENTS)/clients.stamp: requirements/clients.txt
	test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	touch $@

# ArcticDB needs a pandas before 3 and so an environment of its own, without the project.
$(ARCTICDB)/bench.stamp: requirements/bench-arcticdb.txt
	test -x $(ARCTICDB)/bin/python || $(PYTHON) -m venv $(ARCTICDB)
	$(ARCTICDB)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	touch $@
