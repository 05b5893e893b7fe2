# The commands of a day. Every one makes the environment it needs; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first Python that is new enough; choose another with `make run PYTHON=/path/to/python`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
ifeq ($(strip $(PYTHON)),)
$(error Python 3.11 or newer is needed and was not found)
endif

BIN := .venv/bin
CHECKED := src tests tools

# Options of `make run`, for example `make run HTTP_PORT=8080 MQTT_PORT=11883 DATA=/srv/quantrac ARGS=--no-stations`.
HTTP_PORT ?=
MQTT_PORT ?=
DATA ?=
ARGS ?=
OPTIONS = $(if $(HTTP_PORT),--http-port $(HTTP_PORT)) $(if $(MQTT_PORT),--mqtt-port $(MQTT_PORT)) \
	$(if $(DATA),--data-dir $(DATA)) $(ARGS)

# Processes that share the tests of `make test`, a file at a time; 0 runs all in one.
WORKERS ?= 2

.PHONY: help run test check lint bench lock audit sbom openapi access-matrix freeze-migrations clean environment environment-dev

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1  \2/p' $(MAKEFILE_LIST)

run: environment ## Start everything on this machine (HTTP_PORT=, MQTT_PORT=, DATA=, ARGS=).
	@exec $(BIN)/quantrac run $(OPTIONS)

# The tests start many processes: none is to compile the project anew, whatever the shell asks for.
test: export PYTHONDONTWRITEBYTECODE =
test: lint ## Run every check and every test (PYTEST_ARGS=; WORKERS=; QUANTRAC_TEST_DSN= for a server of your own).
	@echo '== mypy and tests side by side'
	@$(BIN)/mypy --no-error-summary > .venv/mypy.log 2>&1 & types=$$!; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS); code=$$?; \
	wait $$types || { echo '== mypy'; cat .venv/mypy.log; exit 1; }; exit $$code

check: lint ## Run the linter, the formatter, the import rules and the type checker.
	@echo '== mypy' && $(BIN)/mypy --no-error-summary

lint: environment-dev
	@echo '== ruff' && $(BIN)/ruff check --quiet $(CHECKED)
	@echo '== format' && $(BIN)/ruff format --quiet --check $(CHECKED)
	@echo '== imports' && { $(BIN)/lint-imports > .venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }; }

bench: environment-dev ## Measure throughput against raw COPY on this machine.
	@$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

lock: environment-dev ## Write locks/*.txt anew from pyproject.toml.
	@$(BIN)/python tools/lock.py

audit: environment-dev ## Ask what is known against the locked packages (AUDIT_ARGS= of pip-audit); 3: nobody to ask.
	@$(BIN)/python tools/audit.py $(AUDIT_ARGS)

sbom: environment-dev ## Write dist/sbom.cdx.json, the bill of materials of what is run (CycloneDX).
	@$(BIN)/python tools/sbom.py

openapi: environment-dev ## Write src/gateway/openapi.json anew; read the difference before you commit it.
	@$(BIN)/quantrac openapi > .venv/openapi.json && mv .venv/openapi.json src/gateway/openapi.json

access-matrix: environment-dev ## Write deploy/access-matrix.md anew: which role may ask which route.
	@$(BIN)/quantrac access-matrix > .venv/access-matrix.md && mv .venv/access-matrix.md deploy/access-matrix.md

freeze-migrations: ## Write migrations/checksums anew; only while the migrations that changed are in no release.
	@cd migrations && sha256sum *.sql > checksums

clean: ## Remove the environment and caches; the data in var/ stay.
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@$(PYTHON) tools/environment.py run

environment-dev:
	@$(PYTHON) tools/environment.py dev
