# Everything is installed into .venv/ and kept under var/; nothing else on the machine is touched,
# but for a browser where there is none.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
PY := .venv/bin/python
# Compiled once here, or each of a dozen processes compiles at each start where Python may not write (2.4 s measured).
INSTALL = $(PY) -m uv pip install --quiet --compile-bytecode --python $(PY) --require-hashes -r
# Settings as in production, for the checks that are about production.
PRODUCTION = env -u REDIS_URL DATABASE_URL=postgresql://souk@db.invalid/souk REDIS_URL=redis://redis.invalid/0 \
	ALLOWED_HOSTS=souk.example SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')"
TESTS ?= tests
PEERS ?= bullmq celery
# All tests run in as many processes as there are cores, 4 at most; some of them in one.
PROCESSES = $(if $(filter tests,$(TESTS)),$(if $(ARGS),,-n $(shell nproc | awk "{print (\$$1>4)?4:\$$1}") --dist loadscope --no-loadscope-reorder))
COVERAGE = $(if $(filter tests,$(TESTS)),$(if $(ARGS),,--cov --cov-report=term:skip-covered))

.DEFAULT_GOAL := help
.PHONY: help setup demo stack test check bench bench-engine bench-load bench-scrape bench-embed bench-search bench-qc bench-photos chaos fmt lock clean

help: ## Show what can be made
	@echo "make demo      see it work: a sample catalog goes live (EXIT=1: end when done, FRESH=1: begin anew)"
	@echo "make stack     run everything until Ctrl-C: services, web, dispatcher, workers"
	@echo "make setup     install what developers need into .venv/, and a browser"
	@echo "make test      run all tests on real services (TESTS=tests/jobs, ARGS='-k retry' for some)"
	@echo "make check     format, lint, types, import contract, migrations, deployment check, API schema"
	@echo "make fmt       format, and mend what the linter can"
	@echo "make bench     measure (bench-engine: the job engine beside BullMQ and Celery, ARGS=--quick)"
	@echo "               (bench-scrape: the crawl beside Scrapy; bench-load: a deep queue and many workers)"
	@echo "               (bench-embed: SigLIP beside plain open_clip, ARGS='--device cuda')"
	@echo "               (bench-qc: quality control, and products a minute with a reviewer, ARGS=--quick)"
	@echo "               (bench-photos: what turning, cropping and grouping a photo costs, and its memory)"
	@echo "               (bench-search: search at 1,184 to 50,000 products beside PostgreSQL's, ARGS=--quick)"
	@echo "make chaos     kill and stop everything at random, then count (SECONDS=600 SEED=1, ARGS='--help' for more)"
	@echo "make lock      pin the dependencies of pyproject.toml anew"
	@echo "make clean     remove .venv/ and var/"

# --- what the others need -------------------------------------------------------------------------
.venv/uv-$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Souk needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/installed: .venv/uv-$(UV_VERSION) requirements.lock
	$(INSTALL) requirements.lock
	@touch $@

.venv/installed-dev: .venv/uv-$(UV_VERSION) requirements-dev.lock
	$(INSTALL) requirements-dev.lock
	@touch $@

.venv/browser: .venv/uv-$(UV_VERSION)
	$(PY) -m marketplace.stack.browser
	@touch $@

# The browser needs Playwright, which either lock installs: after them, not because of them.
.venv/browser: | .venv/installed

# --- what people ask for --------------------------------------------------------------------------
setup: .venv/installed-dev .venv/browser ## Install everything

demo: .venv/installed .venv/browser
	@$(PY) manage.py demo $(if $(EXIT),--exit) $(if $(FRESH),--fresh)

stack: .venv/installed .venv/browser
	@$(PY) manage.py stack $(ARGS)

test: .venv/installed-dev .venv/browser
	@folder="$$(mktemp -d "$${TMPDIR:-/tmp}/souk-test.XXXXXX")"; trap 'rm -rf "$$folder"' EXIT; \
	VAR_DIR="$$folder" DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py stack \
		--only redis,postgres,milvus --quiet --run "pytest $(PROCESSES) $(COVERAGE) $(ARGS) $(TESTS)"

check: .venv/installed-dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	$(PY) .venv/bin/lint-imports
	$(PY) -W "ignore:Got an error checking:RuntimeWarning" manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	$(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null

bench: bench-engine bench-scrape bench-embed bench-search bench-qc bench-photos ## Measure all there is to measure

# What we are measured against is installed apart from the product: its own lock files, under var/.
var/peers/bullmq: tests/benchmarks/peers/package.json tests/benchmarks/peers/package-lock.json tests/benchmarks/peers/bullmq.mjs
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' && command -v npm >/dev/null || \
		{ echo "BullMQ needs Node.js 20 or newer, with npm. Without it: make bench-engine PEERS=celery" >&2; exit 1; }
	mkdir -p var/peers
	cp $^ var/peers/
	npm ci --prefix var/peers --no-audit --no-fund --ignore-scripts --silent
	@touch $@

var/peers/celery: tests/benchmarks/peers/celery.lock .venv/uv-$(UV_VERSION)
	$(PY) -m uv venv --quiet --clear --python $(PY) $@
	$(PY) -m uv pip install --quiet --compile-bytecode --python $@/bin/python --require-hashes -r $<
	@touch $@

bench-engine: .venv/installed-dev $(addprefix var/peers/,$(PEERS))
	@folder="$$(mktemp -d "$${TMPDIR:-/tmp}/souk-bench.XXXXXX")"; trap 'rm -rf "$$folder"' EXIT; \
	VAR_DIR="$$folder" DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py stack --only redis,postgres --quiet \
		--run "python -m tests.benchmarks.engine $(if $(filter bullmq,$(PEERS)),,--only '$(PEERS)') $(ARGS)"

# Bash counts in a variable SECONDS of its own: only what the command line or the environment says counts here.
chaos: .venv/installed-dev
	@$(PY) -m tests.chaos $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

bench-load: .venv/installed-dev ## A deep queue, many handlers, many workers, bloat
	@folder="$$(mktemp -d "$${TMPDIR:-/tmp}/souk-bench.XXXXXX")"; trap 'rm -rf "$$folder"' EXIT; \
	VAR_DIR="$$folder" $(PY) manage.py stack --only redis,postgres --quiet \
		--run "python -m tests.benchmarks.load $(ARGS)"

bench-scrape: .venv/installed-dev ## Our crawl beside Scrapy's, our extraction beside extruct's
	@$(PY) -m tests.benchmarks.scrape $(ARGS)

bench-embed: .venv/installed-dev ## Our SigLIP beside open_clip's plain loop
	@$(PY) -m tests.benchmarks.embed $(ARGS)

bench-search: .venv/installed-dev ## Search, alone and while products are being indexed, beside PostgreSQL's own
	@folder="$$(mktemp -d "$${TMPDIR:-/tmp}/souk-bench.XXXXXX")"; trap 'rm -rf "$$folder"' EXIT; \
	VAR_DIR="$$folder" DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py stack \
		--only redis,postgres,milvus --quiet --run "python -m tests.benchmarks.search $(ARGS)"

bench-qc: .venv/installed-dev ## Quality control: listings a second, what pictures cost, products a minute with a reviewer
	@folder="$$(mktemp -d "$${TMPDIR:-/tmp}/souk-bench.XXXXXX")"; trap 'rm -rf "$$folder"' EXIT; \
	for part in "qc $(filter-out --quick,$(ARGS))" "qc_reviewer $(filter --quick,$(ARGS))"; do \
		VAR_DIR="$$folder/$${part%% *}" DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py stack \
			--only redis,postgres --quiet --run "python -m tests.benchmarks.$$part" || status=$$?; \
	done; exit $${status:-0}

bench-photos: .venv/installed-dev ## What a photo costs, step by step, and the memory of a large one
	@folder="$$(mktemp -d "$${TMPDIR:-/tmp}/souk-bench.XXXXXX")"; trap 'rm -rf "$$folder"' EXIT; \
	VAR_DIR="$$folder" DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py stack \
		--only redis,postgres --quiet --run "python -m tests.benchmarks.photos $(ARGS)"

fmt: .venv/installed-dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lock: .venv/uv-$(UV_VERSION)
	$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header pyproject.toml -o requirements.lock
	$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header pyproject.toml --extra siglip --group dev \
		-c requirements.lock -o requirements-dev.lock
	$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header tests/benchmarks/peers/celery.in -o tests/benchmarks/peers/celery.lock
	npm install --prefix tests/benchmarks/peers --package-lock-only --omit-lockfile-registry-resolved --silent

clean:
	rm -rf .venv var
